"""zipf_test.py: one table over all texts, with a last line for all of them taken as one text."""
import argparse
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

import zipf


def pooled(paths):
    """The counts of all texts together, largest first."""
    total = Counter()
    for path in paths:
        with open(path, encoding="utf-8") as table:
            total.update({word: int(count) for word, count in (line.split("\t") for line in table)})
    return sorted(total.values(), reverse=True)


def rows(path):
    with open(path, encoding="utf-8") as fit:
        return fit.readlines()[1:]


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--replicates", type=int, default=10)
    arguments.add_argument("--threads", type=int, default=1)
    arguments.add_argument("--counts", nargs="+", required=True)
    arguments.add_argument("--fits", nargs="+", required=True)
    arguments.add_argument("--output", required=True)
    options = arguments.parse_args()
    with ProcessPoolExecutor(options.threads) as workers, open(options.output, "w", encoding="utf-8") as table:
        table.write(zipf.HEAD)
        for path in options.fits:
            table.writelines(rows(path))
        table.write(zipf.row("all together", pooled(options.counts), options.replicates, workers.map))


if __name__ == "__main__":
    main()
