#!/usr/bin/python3
"""./dev bench cluster: Furrow on several machines, compared with its rivals in one run."""
import argparse
import importlib
import re
from pathlib import Path

FOLDER = Path(__file__).parent


def shown(value, unit):
    return f"{value:,.0f} {unit}" if value >= 100 else f"{value:.3f} {unit}"


def measured(row):
    value = row.furrow()
    value, remark = value if isinstance(value, tuple) else (value, "")
    met = value >= row.goal if row.more_is_better else value <= row.goal
    cells = [row.name, shown(value, row.unit), shown(row.goal, row.unit) + (" met" if met else " MISSED")]
    if row.rival:
        rival = row.rival()
        ratio = value / rival if row.more_is_better else rival / value
        cells += [shown(rival, row.unit), f"{ratio:.1f} times"]
    else:
        cells += ["", ""]
    return [*cells, remark]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", default="", help="only rows whose name matches this regular expression")
    pattern = re.compile(parser.parse_args().rows)
    print("| work | Furrow | goal | rival | ratio | |\n| --- | --- | --- | --- | --- | --- |", flush=True)
    for module in sorted(path.stem for path in FOLDER.glob("*_rows.py")):
        for row in importlib.import_module(module).rows():
            if pattern.search(row.name):
                print("| " + " | ".join(measured(row)) + " |", flush=True)


main()
