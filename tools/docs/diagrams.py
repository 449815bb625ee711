"""Draws the Mermaid diagrams of the pages with Graphviz, so that the site needs no script and no network.

It knows flowcharts and state diagrams with the shapes and arrows that the pages use, and makes tables of sequence
diagrams. Anything else is an error that shows the line.
"""
import html
import re
import subprocess

NODE = re.compile(
    r"""\s*(?P<id>[\w.]+)\s*
    (?: \(\[(?P<stadium>.*?)\]\) | \[\((?P<store>.*?)\)\] | \[\[(?P<many>.*?)\]\] | \{\{(?P<hexagon>.*?)\}\}
      | \[(?P<box>".*?"|[^\]]*)\] | \((?P<round>[^)]*)\) )?""",
    re.VERBOSE,
)
ARROW = re.compile(
    r"""\s*(?: (?P<back><)?--\s+(?P<text>"[^"]*"|[^-]+?)\s+--(?P<forth>>) | -\.\s+(?P<dotted>"[^"]*"|[^.]+?)\s+\.->
    | (?P<plainback><)?--> | (?P<plaindots>-\.->) | (?P<line>---) )""",
    re.VERBOSE,
)
SHAPES = {
    "stadium": 'box, style="rounded,filled"',
    "store": "cylinder",
    "many": "box, peripheries=2",
    "hexagon": "hexagon",
    "box": "box",
    "round": "ellipse",
}
WIDEST = 600  # points, about what a page has room for
LOOK = """
  graph [fontname="sans-serif", fontsize=13, bgcolor=transparent, nodesep=0.35, ranksep=0.55, compound=true]
  node [fontname="sans-serif", fontsize=13, shape=box, style=filled, fillcolor="#eef1fb", color="#5c6bc0"]
  node [margin="0.14,0.08"]
  edge [fontname="sans-serif", fontsize=11, color="#555555", arrowsize=0.7]
"""


class Unknown(Exception):
    """A diagram that cannot be drawn; the message names the line."""


def markdown(text, name):
    """The text that replaces the diagram on the page."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("%%")]
    kind = lines[0].split()[0]
    if kind == "sequenceDiagram":
        return sequence(lines[1:])
    if kind == "stateDiagram-v2":
        dot = states(lines[1:])
    elif kind in ("flowchart", "graph"):
        dot = flowchart(lines[0].split()[1], lines[1:])
    else:
        raise Unknown(f"{name}: diagrams of the kind {kind} cannot be drawn")
    picture = svg(dot)
    if width(picture) > WIDEST and "rankdir=LR" in dot:
        picture = min(picture, svg(dot.replace("rankdir=LR", "rankdir=TB")), key=width)
    # On a narrow screen the reader scrolls, instead of getting a picture too small to read.
    picture = picture.replace("<svg ", f'<svg style="min-width: {min(width(picture), WIDEST) * 0.8:.0f}pt" ', 1)
    return f'<div class="diagram" role="img" aria-label="diagram">\n{picture}\n</div>'


def svg(dot):
    done = subprocess.run(["dot", "-Tsvg"], input=dot, text=True, capture_output=True)
    if done.returncode:
        raise Unknown(f"dot: {done.stderr}\n{dot}")
    picture = done.stdout[done.stdout.index("<svg") :]
    return re.sub(r"<!--.*?-->\n?|<title>.*?</title>\n?", "", picture, flags=re.DOTALL).strip()


def width(picture):
    return float(re.search(r'width="([\d.]+)pt"', picture)[1])


def label(text):
    text = text.strip().strip('"')
    lines = re.split(r"<br */?>", text)
    return '"' + "\\n".join(html.unescape(line).strip().replace('"', '\\"') for line in wrapped(lines)) + '"'


def wrapped(lines, width=26):
    for line in lines:
        while len(line) > width and " " in line[:width]:
            cut = line.rindex(" ", 0, width)
            yield line[:cut]
            line = line[cut + 1 :]
        yield line


def flowchart(direction, lines):
    chart = Chart()
    for line in lines:
        chart.read(line)
    direction = {"TD": "TB"}.get(direction, direction)
    return f"digraph {{\n  rankdir={direction}{LOOK}" + "\n".join(chart.groups + chart.edges_at_last()) + "\n}\n"


class Chart:
    def __init__(self):
        self.groups, self.edges, self.subgraphs, self.nodes = [], [], {}, []

    def read(self, line):
        if line == "end":
            self.groups.append("}")
            return
        if opened := re.match(r"subgraph\s+([\w.]+)\s*(?:\[(.*)\])?$", line):
            self.subgraphs[opened[1]] = None
            title = label(opened[2] or opened[1])
            self.groups.append(f'subgraph "cluster_{opened[1]}" {{ label={title}; style="rounded"; color="#9fa8da"')
            return
        left, place = self.nodes_at(line, 0)
        while place < len(line.rstrip()):
            arrow = ARROW.match(line, place)
            if not arrow:
                raise Unknown(f"cannot read this line of a flowchart: {line}")
            right, place = self.nodes_at(line, arrow.end())
            self.join(left, right, arrow)
            left = right

    def nodes_at(self, line, place):
        """Nodes with & between them, and the position after them."""
        found = []
        while True:
            node = NODE.match(line, place)
            if not node:
                raise Unknown(f"cannot read this line of a flowchart: {line}")
            found.append(node["id"])
            for shape, look in SHAPES.items():
                if node[shape] is not None:
                    self.groups.append(f'"{node["id"]}" [label={label(node[shape])}, shape={look}]')
            if node["id"] not in self.nodes and node["id"] not in self.subgraphs:
                self.nodes.append(node["id"])
                self.groups.append(f'"{node["id"]}"')
            place = node.end()
            more = re.compile(r"\s*&").match(line, place)
            if not more:
                return found, place
            place = more.end()

    def join(self, left, right, arrow):
        text = arrow["text"] or arrow["dotted"] or ""
        look = [f"label={label(text)}"] if text else []
        if arrow["dotted"] or arrow["plaindots"]:
            look.append("style=dashed")
        if arrow["back"] or arrow["plainback"]:
            look.append("dir=both")
        if arrow["line"]:
            look.append("dir=none")
        for a in left:
            for b in right:
                self.edges.append((a, b, look))

    def edges_at_last(self):
        return [f'"{a}" -> "{b}" [{", ".join(look)}]' for a, b, look in self.edges]


def states(lines):
    out = []
    for line in lines:
        step = re.match(r"(\S+) --> (\S+?)(?::\s*(.*))?$", line)
        if not step:
            raise Unknown(f"cannot read this line of a state diagram: {line}")
        for name in step[1], step[2]:
            if name == "[*]":
                out.append('"[*]" [label="", shape=circle, width=0.18, fillcolor="#333333"]')
        out.append(f'"{step[1]}" -> "{step[2]}" [label={label(step[3] or "")}]')
    return f'digraph {{\n  rankdir=TB{LOOK}  node [style="rounded,filled"]\n' + "\n".join(out) + "\n}\n"


def sequence(lines):
    names, rows = {}, ["| from | to | |", "| --- | --- | --- |"]
    for line in lines:
        if who := re.match(r"participant (\w+)(?: as (.*))?$", line):
            names[who[1]] = who[2] or who[1]
        elif said := re.match(r"(\w+)\s*-{1,2}>>?\s*(\w+)\s*:\s*(.*)$", line):
            rows.append(f"| {names.get(said[1], said[1])} | {names.get(said[2], said[2])} | {said[3]} |")
        elif note := re.match(r"Note (?:over|left of|right of) ([\w, ]+?)\s*:\s*(.*)$", line):
            rows.append(
                f"| {', '.join(names.get(each.strip(), each.strip()) for each in note[1].split(','))} | | {note[2]} |"
            )
        else:
            raise Unknown(f"cannot read this line of a sequence diagram: {line}")
    return "\n".join(rows)
