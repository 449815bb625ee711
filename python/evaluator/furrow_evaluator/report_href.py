"""Links from one page of a report to another, as scripts write them into HTML."""

import os
from hashlib import sha256
from urllib.parse import quote

kIdLength = 16


class ReportHref:
    def __init__(self, path, parent=None, arguments=None, anchor=None):
        self.path_ = str(path)
        self.parent_ = parent
        self.id_ = parent.id_ if parent is not None else sha256(self.path_.encode()).hexdigest()
        self.arguments_ = dict(arguments or {})
        self.anchor_ = anchor

    def child_path(self, path):
        """A file in the folder that this link is to."""
        return ReportHref(path, self)

    def url_args(self, **arguments):
        return ReportHref(self.path_, self.parent_, arguments)

    def anchor(self, name):
        return ReportHref(self.path_, self.parent_, self.arguments_, name)

    def __str__(self):
        path = os.path.basename(self.path_) if self.parent_ is None else self.path_
        query = "&".join("%s=%s" % (name, quote(str(value))) for name, value in self.arguments_.items())
        end = "#" + quote(self.anchor_) if self.anchor_ else ""
        return "../%s/%s%s%s" % (self.id_[:kIdLength], path, "?" + query if query else "", end)
