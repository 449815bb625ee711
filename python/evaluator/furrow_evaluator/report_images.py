"""Files as they lie in a page: their kind, and pictures as data URIs."""

import base64
import mimetypes
import os

_TEXT = "text/plain"
_MORE_TYPES = {".tsv": "text/tab-separated-values", ".csv": "text/csv", ".svg": "image/svg+xml", ".webp": "image/webp",
               ".avif": "image/avif", ".json": "application/json", ".pdf": "application/pdf", ".html": "text/html",
               ".htm": "text/html"}
_KINDS = {"text/csv": "table", "text/tab-separated-values": "table", "application/pdf": "pdf", "text/html": "html"}
_SHOWN_IMAGES = frozenset("png jpeg gif svg+xml webp avif bmp apng x-icon".split())
_SAMPLE = 8192


def type_of(path):
    """The media type by the name; "" if nothing is known."""
    end = os.path.splitext(path)[1].lower()
    if end in _MORE_TYPES:
        return _MORE_TYPES[end]
    found, encoding = mimetypes.guess_type(path)
    return "" if found is None or encoding else found


def kind_of(path):
    """How a page shows a file, and its media type: image, table, pdf, html, text, or file if only as a download."""
    found = type_of(path)
    if found in _KINDS:
        return _KINDS[found], found
    group, _, name = found.partition("/")
    if group == "image" and name in _SHOWN_IMAGES:
        return "image", found
    if _is_text(path):
        return "text", found if group == "text" or found == "application/json" else _TEXT
    return "file", found or "application/octet-stream"


def _is_text(path):
    with open(path, "rb") as file:
        sample = file.read(_SAMPLE)
    if b"\0" in sample:
        return False
    try:
        sample.decode("utf-8")
    except UnicodeDecodeError as error:
        # The sample may end within a character.
        return len(sample) == _SAMPLE and error.start > _SAMPLE - 4
    return True


def data_uri(uri, folder):
    """A picture that lies here or in the folder as a data URI; None if there is none."""
    if ":" in uri.partition("/")[0]:
        return None
    for path in (uri, os.path.join(folder, uri)):
        if os.path.isfile(path):
            with open(path, "rb") as file:
                content = base64.b64encode(file.read()).decode()
            return f"data:{type_of(path) or 'application/octet-stream'};base64,{content}"
    return None
