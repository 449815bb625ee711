#!/usr/bin/python3
"""Checks the links of a built site: tools/docs/check_links.py FOLDER.

A link inside the site must lead to a file, and to a place in it if it names one. A link to elsewhere must be a whole
URL; the network is not asked. A page may load nothing from elsewhere.
"""
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    def __init__(self, path):
        super().__init__()
        self.links, self.loads, self.names = [], [], set()
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.names.update(given[name] for name in ("id", "name") if given.get(name))
        if tag == "a" and given.get("href") is not None:
            self.links.append(given["href"])
        elif tag == "link" and given.get("href") and given.get("rel") not in ("canonical", "prev", "next"):
            self.loads.append(given["href"])
        elif given.get("src"):
            self.loads.append(given["src"])


def broken(site):
    """One line for each broken link."""
    pages = {path: Page(path) for path in sorted(site.rglob("*.html"))}
    found = []
    for path, page in pages.items():
        here = path.relative_to(site)
        for link in dict.fromkeys(page.links):
            if is_external(link):
                if not re.fullmatch(r"https?://[\w-]+(\.[\w-]+)+(:\d+)?(/\S*)?|mailto:\S+@\S+", link):
                    found.append(f"{here}: {link} is no whole URL")
            else:
                found += (f"{here}: {link} {fault}" for fault in faults(site, path, link, pages))
        for link in dict.fromkeys(page.loads):
            if is_external(link):
                found.append(f"{here}: loads {link} from the network")
            else:
                found += (f"{here}: {link} {fault}" for fault in faults(site, path, link, pages))
    for path in sorted(site.rglob("*.css")):
        for link in re.findall(r"(?:url\(|@import )[\"']?([^\"')]+)", path.read_text()):
            if is_external(link) and not link.startswith("data:"):
                found.append(f"{path.relative_to(site)}: loads {link} from the network")
    return found


def is_external(link):
    return bool(urlsplit(link).scheme) or link.startswith("//")


def faults(site, path, link, pages):
    parts = urlsplit(link)
    folder = site if parts.path.startswith("/") else path.parent
    target = (folder / unquote(parts.path).lstrip("/")).resolve() if parts.path else path
    if target.is_dir():
        target = target / "index.html"
    if not target.exists():
        yield "leads nowhere"
    elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].names:
        yield "names a place that is not there"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    found = broken(Path(sys.argv[1]).resolve())
    print("\n".join(found) or "all links lead somewhere")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
