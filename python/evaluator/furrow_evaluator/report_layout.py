"""Where the rules stand in the picture of a workflow: Graphviz says so if it is installed, else simple layers do."""

import subprocess
from collections import defaultdict

_POINTS = 72
_HEIGHT = 26
_GAP_X, _GAP_Y = 24, 44
_WAIT_S = 20
_SWEEPS = 4


def layout(names, links):
    """NAMES of rules and LINKS, pairs of their numbers. The answer has points from the upper left."""
    widths = [min(24 + 7.2 * len(name), 400) for name in names]
    return _of_graphviz(widths, links) or _in_layers(widths, links)


def _of_graphviz(widths, links):
    lines = ["digraph g { rankdir=TB; nodesep=0.3; ranksep=0.45; node [shape=box, fixedsize=true, label=\"\"]; "
             "edge [arrowhead=none];"]
    for at, width in enumerate(widths):
        lines.append(f"n{at} [width={width / _POINTS:.3f}, height={_HEIGHT / _POINTS:.3f}];")
    lines += [f"n{start} -> n{end};" for start, end in links] + ["}"]
    try:
        done = subprocess.run(["dot", "-Tplain"], input="\n".join(lines), stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, timeout=_WAIT_S, text=True, check=True)
        return _parsed(done.stdout, len(widths))
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return None


def _parsed(plain, count):
    height, nodes, edges = 0.0, [None] * count, []
    for words in map(str.split, plain.splitlines()):
        if words[0] == "graph":
            width, height = float(words[2]) * _POINTS, float(words[3]) * _POINTS
        elif words[0] == "node":
            x, y, w, h = (float(word) * _POINTS for word in words[2:6])
            nodes[int(words[1][1:])] = [round(x - w / 2, 1), round(height - y - h / 2, 1), round(w, 1), round(h, 1)]
        elif words[0] == "edge":
            numbers = [float(word) * _POINTS for word in words[4 : 4 + 2 * int(words[3])]]
            points = [f"{x:.1f},{height - y:.1f}" for x, y in zip(numbers[::2], numbers[1::2])]
            edges.append([int(words[1][1:]), int(words[2][1:]), f"M{points[0]}C" + " ".join(points[1:])])
    if None in nodes:
        return None
    return {"width": round(width, 1), "height": round(height, 1), "nodes": nodes, "edges": edges}


def _in_layers(widths, links):
    layers = _layers(len(widths), links)
    _order(layers, links)
    nodes = [None] * len(widths)
    total = max((sum(widths[at] + _GAP_X for at in layer) for layer in layers), default=0)
    for depth, layer in enumerate(layers):
        x = (total - sum(widths[at] + _GAP_X for at in layer) + _GAP_X) / 2
        for at in layer:
            nodes[at] = [round(x, 1), depth * (_HEIGHT + _GAP_Y) + 4, round(widths[at], 1), _HEIGHT]
            x += widths[at] + _GAP_X
    edges = [[start, end, _curve(nodes[start], nodes[end])] for start, end in links]
    height = len(layers) * (_HEIGHT + _GAP_Y) - _GAP_Y + 8
    return {"width": round(total, 1), "height": height, "nodes": nodes, "edges": edges}


def _layers(count, links):
    """The rules by the longest way to them from a rule that needs none. A circle of rules is cut where it closes."""
    needed, depth = defaultdict(list), {}
    for start, end in links:
        needed[end].append(start)

    def depth_of(at, path):
        stack = [(at, iter(needed[at]))]
        path.add(at)
        while stack:
            node, rest = stack[-1]
            following = next((start for start in rest if start not in depth and start not in path), None)
            if following is not None:
                path.add(following)
                stack.append((following, iter(needed[following])))
                continue
            depth[node] = 1 + max((depth.get(start, -1) for start in needed[node]), default=-1)
            path.discard(node)
            stack.pop()

    for at in range(count):
        if at not in depth:
            depth_of(at, set())
    layers = [[] for _ in range(1 + max(depth.values(), default=-1))]
    for at in range(count):
        layers[depth[at]].append(at)
    return layers


def _order(layers, links):
    """Puts rules near those that they are linked to: by the mean place of their neighbours, down and up in turns."""
    neighbours = defaultdict(list)
    for start, end in links:
        neighbours[start].append(end)
        neighbours[end].append(start)
    place = {at: x / max(len(layer), 1) for layer in layers for x, at in enumerate(layer)}
    for sweep in range(_SWEEPS):
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            means = {at: sum(place[other] for other in neighbours[at]) / len(neighbours[at]) if neighbours[at]
                     else place[at] for at in layer}
            layer.sort(key=means.get)
            place.update((at, x / max(len(layer), 1)) for x, at in enumerate(layer))


def _curve(start, end):
    x1, y1 = start[0] + start[2] / 2, start[1] + start[3]
    x2, y2 = end[0] + end[2] / 2, end[1]
    middle = (y1 + y2) / 2
    return f"M{x1:.1f},{y1:.1f}C{x1:.1f},{middle:.1f} {x2:.1f},{middle:.1f} {x2:.1f},{y2:.1f}"
