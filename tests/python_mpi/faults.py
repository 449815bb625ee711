"""One fault with every method, as a program for mpirun: faults.py FAULT. Prints each outcome as a line of JSON.

Each method has a pool of its own, since the first pool and later ones are made in different ways.
"""
import json
import sys

import crashing
import furrow

METHODS = ["map", "map_async", "starmap", "starmap_async", "imap", "imap_unordered", "apply", "apply_async"]


def main(fault):
    initializer = crashing.raise_at_start if fault == "raising_initializer" else None
    for method in METHODS:
        with furrow.MPIPool(1, initializer) as pool:
            first = crashing.outcome(lambda: crashing.call(pool, method, crashing.Task(fault),
                                                           crashing.inputs_of(fault)))
            after = crashing.outcome(lambda: pool.map(crashing.square, crashing.INPUTS))
        print(json.dumps({"method": method, "first": first, "after": after}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
