"""Reads a Snakefile as text: its encoding, its line ends, and bytes that it cannot hold."""

from .errors import SnakefileSyntaxError, WorkflowError

_BOM = b"\xef\xbb\xbf"


def read_source(path):
    """The text of a file, with \\n at the ends of lines. Errors name the line."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise WorkflowError(f"{path} cannot be read: {error.strerror}") from None
    if data.startswith(_BOM):
        data = data[len(_BOM) :]
    if b"\0" in data:
        raise SnakefileSyntaxError(
            "the file holds a NUL byte", path, _line_of(data, data.index(b"\0")), hint="is this a Snakefile?"
        )
    return _decode(data, path).replace("\r\n", "\n").replace("\r", "\n")


def _decode(data, path):
    encoding = _declared_encoding(data, path)
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = _line_of(data, error.start)
        text = data.split(b"\n")[line - 1].decode("ascii", "replace")
        message = f"the byte 0x{data[error.start]:02x} is not {encoding.upper()}"
        raise SnakefileSyntaxError(
            message, path, line, text, "save the file as UTF-8, or declare its encoding in the first line"
        ) from None


def _declared_encoding(data, path):
    """UTF-8, unless one of the first two lines declares another encoding as in Python."""
    head = b"\n".join(data.split(b"\n", 2)[:2])
    if b"coding" not in head:
        return "utf-8"
    from io import BytesIO
    from tokenize import detect_encoding

    try:
        return detect_encoding(BytesIO(data).readline)[0]
    except SyntaxError as error:
        raise SnakefileSyntaxError(str(error.msg), path, 1) from None


def _line_of(data, offset):
    return data.count(b"\n", 0, offset) + 1
