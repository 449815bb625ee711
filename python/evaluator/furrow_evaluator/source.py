"""Reads a Snakefile as text: its encoding, its line ends, and what cannot be in it."""

from .errors import SnakefileSyntaxError, WorkflowError

kBom = b"\xef\xbb\xbf"


def read_source(path):
    """The text of a file, with \\n at the ends of lines. Errors say which line is at fault."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise WorkflowError("%s cannot be read: %s" % (path, error.strerror)) from None
    if data.startswith(kBom):
        data = data[len(kBom) :]
    if b"\0" in data:
        raise SnakefileSyntaxError("the file holds a NUL byte", path, line_of(data, data.index(b"\0")), hint="is this a Snakefile?")
    return decode(data, path).replace("\r\n", "\n").replace("\r", "\n")


def decode(data, path):
    encoding = declared_encoding(data, path)
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = line_of(data, error.start)
        text = data.split(b"\n")[line - 1].decode("ascii", "replace")
        message = "the byte 0x%02x is not %s" % (data[error.start], encoding.upper())
        raise SnakefileSyntaxError(message, path, line, text, "save the file as UTF-8, or declare its encoding in the first line") from None


def declared_encoding(data, path):
    """UTF-8, unless one of the first two lines says otherwise in the way of Python."""
    head = b"\n".join(data.split(b"\n", 2)[:2])
    if b"coding" not in head:
        return "utf-8"
    from io import BytesIO
    from tokenize import detect_encoding

    try:
        return detect_encoding(BytesIO(data).readline)[0]
    except SyntaxError as error:
        raise SnakefileSyntaxError(str(error.msg), path, 1) from None


def line_of(data, offset):
    return data.count(b"\n", 0, offset) + 1
