"""What of the graph of jobs does not need Snakemake's engine."""

from furrow_evaluator.engine_only import stand_in as _stand_in

__all__ = ["toposort"]


def toposort(graph):
    """The nodes of a graph, which maps each node to those before it, as sets in order."""
    left = {node: set(before) for node, before in graph.items()}
    for before in list(left.values()):
        for node in before:
            left.setdefault(node, set())
    levels = []
    while left:
        level = {node for node, before in left.items() if before.isdisjoint(left)}
        if not level:
            raise ValueError("the graph has a cycle")
        levels.append(level)
        for node in level:
            del left[node]
    return levels


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    made = globals()[name] = _stand_in(__name__, name)
    return made
