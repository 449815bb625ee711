import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))


def pytest_addoption(parser):
    parser.addoption("--only", choices=["snakemake", "furrow"], help="run the steps with one engine only")
