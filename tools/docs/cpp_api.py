"""The page of the C++ API: doxygen says where things are declared, and the headers themselves describe them."""
import re
import subprocess
import xml.etree.ElementTree
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEADERS = ROOT / "include" / "furrow"
DOXYFILE = Path(__file__).with_name("Doxyfile")
COMPOUNDS = ("class", "struct")
TYPES = ("enum", "typedef")


class Declaration:
    """A class, a member, a function or a type, and the lines of its header that it spans."""

    def __init__(self, kind, name, line, end, lines):
        self.kind, self.name, self.lines = kind, name, lines
        self.first = first_line(lines, line)
        self.last = max(line, end)

    def comment(self):
        """The comment above it."""
        last = self.first - 1
        first = last
        while first >= 1 and self.lines[first - 1].lstrip().startswith("//"):
            first -= 1
        return uncommented(self.lines[first:last])

    def whole(self):
        return dedented(self.lines[self.first - 1 : self.last])

    def signature(self):
        """The part for callers: without the body, and without the initializers of a constructor."""
        text = self.whole()
        if self.kind not in ("function", "friend") and not re.search(r"\) *\{", text):
            return text
        depth = 0
        for place, char in enumerate(text):
            if char in "([":
                depth += 1
            elif char in ")]":
                depth -= 1
            # A brace at this depth opens the body: `= {}` of an argument is in parentheses.
            elif depth == 0 and (char in ";{" or text[place - 1 : place + 2] == " : "):
                return text[:place].rstrip() + ";"
        return text


def first_line(lines, line):
    """The line where the declaration of the name in LINE begins: it may have template<> and requires above it."""
    while line > 1:
        above = lines[line - 2].strip()
        if not above or above.startswith(("//", "#")) or above.endswith((";", "}", "{", "public:", "private:", "*/")):
            break
        if "// " in above and re.search(r"[;{}]\s*// ", above):
            break
        line -= 1
    return line


def uncommented(lines):
    return "\n".join(re.sub(r"^\s*// ?", "", line) for line in lines)


def dedented(lines):
    indent = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return "\n".join(line[indent:] for line in lines)


def markdown(comment):
    """A comment as Markdown: indented lines are code, the rest is text."""
    parts, code, text = [], [], []

    def flush():
        if code:
            parts.append("```cpp\n" + dedented(code).rstrip() + "\n```")
        if text:
            parts.append("\n".join(text))
        code.clear(), text.clear()

    for line in comment.split("\n"):
        if re.match(r" {2,}\S", line) and not text_goes_on(text, line):
            if text:
                flush()
            code.append(line)
        elif not line.strip() and code:
            code.append("")
        elif not line.strip():
            flush()
        else:
            if code:
                flush()
            text.append(escaped(line))
    flush()
    return "\n\n".join(parts)


def text_goes_on(text, line):
    """Whether an indented line continues an item of a list."""
    return bool(text) and bool(re.match(r"\s*([-*]|\d+\.) ", text[0])) and not re.match(r" {4,}", line)


def escaped(line):
    """Escapes names with template arguments, pointers and underscores, which are not markup."""
    pieces = re.split(r"(`[^`]*`)", line)
    return "".join(
        piece if piece.startswith("`") else re.sub(r"([*_\[\]#])", r"\\\1", piece).replace("<", "&lt;")
        for piece in pieces
    )


def parsed(folder):
    """What doxygen finds in the public headers: the declarations of each header, and the members of each class."""
    settings = DOXYFILE.read_text() + f"\nINPUT = {HEADERS}\nOUTPUT_DIRECTORY = {folder}\n"
    done = subprocess.run(["doxygen", "-"], input=settings, text=True, capture_output=True, cwd=ROOT)
    if done.returncode or done.stderr.strip():
        raise SystemExit(f"doxygen:\n{done.stderr}")
    sources = {}
    free, members = defaultdict(list), defaultdict(list)
    for path in sorted((Path(folder) / "xml").glob("*.xml")):
        compound = xml.etree.ElementTree.parse(path).find("compounddef")
        if (
            compound is None
            or compound.get("kind") not in (*COMPOUNDS, "namespace")
            or not belongs(compound.findtext("compoundname"))
        ):
            continue
        name = compound.findtext("compoundname")
        if compound.get("kind") in COMPOUNDS:
            header, declaration = declared(compound, compound.get("kind"), name.replace("furrow::", ""), sources)
            if header and "::" not in name.replace("furrow::", "", 1).split("<")[0]:
                free[header].append(declaration)
        for each in compound.iter("memberdef"):
            if each.get("prot") not in ("public", None):
                continue
            if each.get("kind") == "friend" and each.findtext("type").split()[-1:] in (["class"], ["struct"]):
                continue
            header, declaration = declared(each, each.get("kind"), each.findtext("name"), sources)
            if header is None:
                continue
            if compound.get("kind") == "namespace":
                free[header].append(declaration)
            else:
                members[name.replace("furrow::", "")].append(declaration)
    return free, members


def belongs(name):
    return name.startswith("furrow") and "::detail" not in name and not name.startswith("furrow::pool")


def declared(element, kind, name, sources):
    location = element.find("location")
    path = ROOT / location.get("file")  # doxygen leaves out the folder that it runs in
    if path.parent != HEADERS:
        return None, None
    lines = sources.setdefault(path, path.read_text().replace("FURROW_API ", "").splitlines())
    line = int(location.get("line"))
    end = int(location.get("bodyend") or -1)
    if location.get("bodyfile") not in (None, location.get("file")):
        end = -1
    if end < line:  # a mere declaration: it ends at its semicolon
        end = line
        while end < len(lines) and not re.search(r"[;{}]\s*(//.*)?$", lines[end - 1]):
            end += 1
    return path, Declaration(kind, name, line, end, lines)


def introduction(lines):
    """The comment at the top of a header."""
    end = next((number for number, line in enumerate(lines) if not line.startswith("//")), len(lines))
    return markdown(uncommented(lines[:end]))


def plain(declaration, members):
    """Whether the source of a struct or an enum says everything."""
    if declaration.kind in TYPES or declaration.kind == "variable":
        return True
    return declaration.kind == "struct" and not any(each.kind == "function" for each in members[declaration.name])


def groups(declarations):
    """Members in the order of the header; consecutive members without a comment share the one above them."""
    seen, made = set(), []
    for each in sorted(declarations, key=lambda each: each.first):
        if each.first in seen:
            continue
        seen.add(each.first)
        if made and not each.comment() and each.first == made[-1][-1].last + 1:
            made[-1].append(each)
        else:
            made.append([each])
    return made


def entry(group, level):
    names = list(dict.fromkeys(each.name for each in group))
    code = "\n".join(each.whole() if each.kind in (*COMPOUNDS, *TYPES) else each.signature() for each in group)
    title = ", ".join(f"`{name}`" for name in names)
    return [f"{'#' * level} {title}", f"```cpp\n{code}\n```", markdown(group[0].comment())]


def head(declaration):
    """`template <...> class Name : public Base`."""
    text = dedented(declaration.lines[declaration.first - 1 : declaration.last])
    return re.split(r"\s*\{", text)[0].rstrip(";") + ";"


def page(folder):
    free, members = parsed(folder)
    if not free:
        raise SystemExit("doxygen finds no declarations in the headers")
    parts = [
        "# C++ API",
        "`#include <furrow/pool.hpp>` is enough for most programs. [furrow::Pool](../pool.md) is the guide to it; "
        "this page is made from the headers.",
    ]
    headers = sorted(free, key=lambda path: (path.name != "pool.hpp", path.name))
    for header in headers:
        parts += [f"## furrow/{header.name}", introduction(header.read_text().splitlines())]
        waiting = []
        for each in sorted(free[header], key=lambda each: each.first):
            if (
                each.last <= each.first
                and each.kind in COMPOUNDS
                and not members[each.name]
                and each.lines[each.first - 1].endswith(";")
                and "{" not in each.lines[each.first - 1]
            ):
                continue  # only announced
            if each.kind in COMPOUNDS and not plain(each, members):
                for group in groups(waiting):
                    parts += entry(group, 3)
                waiting = []
                parts += [f"### {each.kind} `{each.name}`", f"```cpp\n{head(each)}\n```", markdown(each.comment())]
                for group in groups(members[each.name]):
                    parts += entry(group, 4)
            else:
                waiting.append(each)
        for group in groups(waiting):
            parts += entry(group, 3)
    return "\n\n".join(part for part in parts if part) + "\n"
