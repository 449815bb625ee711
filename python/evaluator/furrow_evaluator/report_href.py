"""Links from one page of a report to another, as scripts write them into HTML."""

import os
from hashlib import sha256
from urllib.parse import quote

_ID_LENGTH = 16


class ReportHref:
    def __init__(self, path, parent=None, arguments=None, anchor=None):
        self._path = str(path)
        self._parent = parent
        self._id = parent._id if parent is not None else sha256(self._path.encode()).hexdigest()
        self._arguments = dict(arguments or {})
        self._anchor = anchor

    def child_path(self, path):
        """A link to a file in the folder that this link leads to."""
        return ReportHref(path, self)

    def url_args(self, **arguments):
        return ReportHref(self._path, self._parent, arguments)

    def anchor(self, name):
        return ReportHref(self._path, self._parent, self._arguments, name)

    def __str__(self):
        path = os.path.basename(self._path) if self._parent is None else self._path
        query = "&".join(f"{name}={quote(str(value))}" for name, value in self._arguments.items())
        end = "#" + quote(self._anchor) if self._anchor else ""
        return "../%s/%s%s%s" % (self._id[:_ID_LENGTH], path, "?" + query if query else "", end)
