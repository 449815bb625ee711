"""Reads the page of a report as a browser would, without one."""

import base64
import json
from html.parser import HTMLParser


class Page(HTMLParser):
    """`data`: the JSON of the page by name; `files`: contents of results by id; `addresses`: what it refers to."""

    def __init__(self, path):
        super().__init__(convert_charrefs=True)
        self.data, self.files, self.addresses, self.elements, self.title = {}, {}, [], [], ""
        self._place, self._text = None, []
        self.size = path.stat().st_size
        self.feed(path.read_text(encoding="utf-8", errors="surrogateescape"))
        self.close()

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.elements.append(tag)
        self.addresses += [attributes[name] for name in ("src", "href", "data", "action") if attributes.get(name)]
        self._place, self._text = (tag, attributes.get("id") or ""), []

    def handle_data(self, text):
        self._text.append(text)

    def handle_endtag(self, tag):
        if self._place is None or tag != self._place[0]:
            return
        text, name = "".join(self._text), self._place[1]
        if tag == "title":
            self.title = text
        elif name.startswith("data-"):
            self.data[name[len("data-"):]] = json.loads(text)
        elif name.startswith("file-"):
            self.files[name[len("file-"):]] = base64.b64decode(text, validate=True)
        self._place = None


class ReportPage(Page):
    """The page of `furrow run --report`."""

    def __init__(self, path):
        super().__init__(path)
        self.about, self.workflow, self.jobs = (self.data[name] for name in ("about", "workflow", "jobs"))
        self.results = {result["path"]: result for result in self.workflow["results"]}
        self.rules = {rule["name"]: rule for rule in self.workflow["rules"]}

    def content(self, path):
        return self.files[self.results[path]["id"]]
