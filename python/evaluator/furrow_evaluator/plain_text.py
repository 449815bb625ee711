"""What can be made of a caption where docutils and jinja2 are missing: paragraphs, headings, lists, fields."""

import re
from html import escape

_FIELD = re.compile(r"\{\{\s*([A-Za-z_]\w*(?:\.\w+|\[(?:\"[^\"]*\"|'[^']*'|\d+)\])*)\s*\}\}")
_STEP = re.compile(r"\.(\w+)|\[(?:\"([^\"]*)\"|'([^']*)'|(\d+))\]")
_UNDERLINE = re.compile(r"([=\-~^\"'`#*+.:_])\1{2,}")
_INLINE = re.compile(
    r"``(?P<code>.+?)``|\*\*(?P<strong>.+?)\*\*|\*(?P<em>[^*\s][^*]*)\*"
    r"|`(?P<text>[^`<]+?)\s*<(?P<address>[^`>]+)>`__?|`(?P<name>[^`]+)`_|(?P<word>[\w.-]+)_(?!\w)"
)
_BULLET = re.compile(r"\s*[-*+]\s+")


def fill_fields(text, names):
    """Fills in fields that name a value; others stay as they are."""

    def value(match):
        path = match[1]
        first = re.match(r"\w+", path)[0]
        try:
            found = names[first]
            for step in _STEP.finditer(path, len(first)):
                found = _step(found, *step.groups())
        except (KeyError, AttributeError, IndexError, TypeError):
            return match[0]
        return str(found)

    return _FIELD.sub(value, text)


def _step(value, attribute, *keys):
    if attribute is None:
        double, single, number = keys
        return value[int(number)] if number is not None else value[single if double is None else double]
    try:
        return getattr(value, attribute)
    except AttributeError:
        return value[attribute]


def as_html(text, links):
    """LINKS: addresses by name, in lower case."""
    return "\n".join(filter(None, (_block(block, links) for block in re.split(r"\n[ \t]*\n", text.strip("\n")))))


def _block(block, links):
    lines = block.split("\n")
    if lines[0].startswith(".. "):
        return ""  # a directive or a comment
    if len(lines) == 2 and _UNDERLINE.fullmatch(lines[1].strip()):
        return f"<h3>{_inline(lines[0], links)}</h3>"
    if all(line[:1] in (" ", "\t") for line in lines):
        return f"<pre>{escape(block, quote=False)}</pre>"
    if _BULLET.match(lines[0]):
        items = re.split(r"\n(?=\s*[-*+]\s)", block)
        return "<ul>%s</ul>" % "".join(f"<li>{_inline(_BULLET.sub('', item, count=1), links)}</li>" for item in items)
    return f"<p>{_inline(block, links)}</p>"


def _inline(text, links):
    made, at = [], 0
    for match in _INLINE.finditer(text):
        made.append(escape(text[at : match.start()], quote=False))
        made.append(_marked(match, links))
        at = match.end()
    made.append(escape(text[at:], quote=False))
    return "".join(made).replace("::\n", ":\n")


def _marked(match, links):
    for tag in ("code", "strong", "em"):
        if match[tag] is not None:
            return f"<{tag}>{escape(match[tag], quote=False)}</{tag}>"
    shown = match["text"] or match["name"] or match["word"]
    address = match["address"] or links.get(" ".join(shown.lower().split()))
    if address is None:
        return escape(match[0], quote=False)
    return f'<a href="{escape(address)}">{escape(shown, quote=False)}</a>'
