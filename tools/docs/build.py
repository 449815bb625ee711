#!/usr/bin/python3
"""Builds the site of the documentation: tools/docs/build.py [FOLDER], build/docs by default. `./dev docs` calls it.

The pages link to each other, and to other files, by their places in the repository. This program gathers the pages in
FOLDER/pages as MkDocs wants them, adds the C++ API, the Python API and a page for each file that is linked, and has
MkDocs make FOLDER/site. Any warning is an error, and so is a link that leads nowhere.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import check_links
import cpp_api
import diagrams
import python_api

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
FENCED = re.compile(r"^(```+|~~~+).*?^\1 *$\n?", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"(\[(?:[^\[\]]|\[[^\]]*\])*\]\()([^)\s]+)(\))")
LANGUAGES = {
    ".cpp": "cpp",
    ".hpp": "cpp",
    ".py": "python",
    ".md": "markdown",
    ".yaml": "yaml",
    ".sh": "bash",
    ".txt": "cmake",
    ".gp": "gnuplot",
}
STYLE = """
.md-grid { max-width: 70rem; }
.diagram { overflow-x: auto; text-align: center; margin: 1em 0; }
[data-md-color-scheme="slate"] .diagram { background: #fff; }
.diagram svg { max-width: 100%; height: auto; }
.md-typeset table:not([class]) { font-size: .7rem; }
.md-typeset table:not([class]) th { min-width: 0; }
.md-typeset table:not([class]) code { word-break: normal; overflow-wrap: break-word; }
.md-typeset h3 > code, .md-typeset h4 > code { font-size: .95em; }
"""


class Site:
    def __init__(self, folder):
        self.pages = folder / "pages"
        self.waiting = []  # files of the repository that a page links to
        self.made = set()

    def gather(self):
        """The pages in the navigation."""
        for path in [ROOT / "README.md", *sorted(ROOT.glob("[A-Z]*.md")), *sorted(DOCS.rglob("*.md"))]:
            self.add(path)
        self.write(Path("api/cpp.md"), cpp_page())
        self.write(Path("api/python.md"), python_api.page())
        self.write(Path("style.css"), STYLE)
        while self.waiting:
            self.add(self.waiting.pop())
        return [str(place) for place in self.made if place.parts[0] != "files"]

    def place(self, path):
        """Where a file of the repository is on the site, relative to the folder of the pages."""
        if path == ROOT / "README.md":
            return Path("index.md")
        if path.suffix == ".md" and DOCS in path.parents:
            return path.relative_to(DOCS)
        if path.suffix == ".md" and path.parent == ROOT:
            return path.relative_to(ROOT)
        inside = path.relative_to(ROOT)
        if path.suffix in (".md", ".png"):
            return "files" / inside
        return "files" / inside.with_name(inside.name + ".md")

    def add(self, path):
        place = self.place(path)
        if place in self.made:
            return
        self.made.add(place)
        if path.suffix == ".png":
            (self.pages / place).parent.mkdir(parents=True, exist_ok=True)
            (self.pages / place).write_bytes(path.read_bytes())
            return
        if path.is_dir():
            text = self.listing(path)
        elif path.suffix == ".ipynb":
            text = self.text_of(path, notebook(path))
        elif path.suffix == ".md":
            text = self.text_of(path, path.read_text())
        else:
            text = f"# {path.name}\n\n`{path.relative_to(ROOT)}`\n\n" + fence(
                LANGUAGES.get(path.suffix, language_of(path)), path.read_text()
            )
        self.write(place, text)

    def write(self, place, text):
        path = self.pages / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def listing(self, folder):
        names = (str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
        links = [
            f"- [{name}]({self.reference(folder / name, folder)})"
            for name in sorted(names)
            if "__pycache__" not in name
        ]
        return f"# {folder.relative_to(ROOT)}\n\n" + "\n".join(links) + "\n"

    def reference(self, target, path):
        """The link from the page of PATH to that of TARGET."""
        self.waiting.append(target)
        return os.path.relpath(self.place(target), self.place(path).parent)

    def text_of(self, path, text):
        """A page in the form that MkDocs expects. Code stays unchanged."""
        out, last = [], 0
        for block in FENCED.finditer(text):
            out += [self.prose(path, text[last : block.start()]), fenced(block[0], path)]
            last = block.end()
        return "".join([*out, self.prose(path, text[last:])])

    def prose(self, path, text):
        text = re.sub(r"^<!--.*?-->\n?", "", text, flags=re.DOTALL | re.MULTILINE)
        # Other Markdown readers accept a list directly after a line of text.
        text = re.sub(r"^(?![-*|#>\s]|\d+\.)(.+)\n(?=(?:[-*]|\d+\.) )", r"\1\n\n", text, flags=re.MULTILINE)
        return LINK.sub(lambda link: link[1] + self.target(path, link[2]) + link[3], text)

    def target(self, path, link):
        if re.match(r"[a-z]+:", link) or link.startswith("#"):
            return link
        file, mark, anchor = link.partition("#")
        there = Path(os.path.normpath(path.parent / file))
        if ROOT not in there.parents or not there.exists():
            return link  # MkDocs reports it
        if there.is_dir() and (there / "README.md").exists():
            there = there / "README.md"
        return self.reference(there, path) + mark + anchor


def fenced(block, path):
    first, rest = block.split("\n", 1)
    language = first.strip("`~ ")
    if language == "mermaid":
        return "\n" + diagrams.markdown(rest.rsplit("\n", 2)[0], path.relative_to(ROOT)) + "\n"
    if language == "snakemake":
        first = first.replace("snakemake", "python")
    return f"{first}\n{rest}"


def fence(language, text):
    ticks = "```" + "`" * max((len(run) - 2 for run in re.findall("```+", text)), default=0)
    return f"{ticks}{language}\n{text.rstrip()}\n{ticks}\n"


def language_of(path):
    return {"Snakefile": "python", "CMakeLists.txt": "cmake"}.get(path.name, "text")


def notebook(path):
    """A notebook's cells as Markdown."""
    parts = []
    for cell in json.loads(path.read_text())["cells"]:
        source = "".join(cell["source"])
        parts.append(source + "\n" if cell["cell_type"] == "markdown" else fence("python", source))
    return "\n".join(parts)


def cpp_page():
    with tempfile.TemporaryDirectory() as folder:
        return cpp_api.page(folder)


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build" / "docs").resolve()
    for name in "pages", "site":
        shutil.rmtree(folder / name, ignore_errors=True)
    try:
        pages = Site(folder).gather()
    except diagrams.Unknown as error:
        sys.exit(str(error))
    # MkDocs resolves the folders in its configuration relative to the configuration file.
    left_out = set(pages) - set(re.findall(r": (\S+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE))
    if left_out:
        sys.exit(f"these pages stand nowhere in the nav of mkdocs.yml: {', '.join(sorted(left_out))}")
    settings = (ROOT / "mkdocs.yml").read_text() + f"\ndocs_dir: {folder / 'pages'}\nsite_dir: {folder / 'site'}\n"
    (folder / "mkdocs.yml").write_text(settings)
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", str(folder / "mkdocs.yml")],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(
            "".join(line for line in done.stderr.splitlines(True) if "INFO" not in line and not line.startswith("  - "))
        )
    broken = check_links.broken(folder / "site")
    if broken:
        sys.exit("\n".join(broken))
    print(f"the site: {folder / 'site' / 'index.html'}; with its search: python3 -m http.server -d {folder / 'site'}")


if __name__ == "__main__":
    main()
