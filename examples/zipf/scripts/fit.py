"""fit.py [--replicates N] COUNTS FIT NAME: fits Zipf's law to the counts of one text, and tests it."""
import argparse

import zipf


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--replicates", type=int, default=100)
    arguments.add_argument("counts")
    arguments.add_argument("fit")
    arguments.add_argument("name")
    options = arguments.parse_args()
    with open(options.fit, "w", encoding="utf-8") as table:
        table.write(zipf.HEAD)
        table.write(zipf.row(options.name, zipf.read_counts(options.counts), options.replicates))


main()
