"""The page of all options is that of the command."""
from pathlib import Path

import engine

PAGE = Path(__file__).resolve().parents[2] / "docs" / "options.md"


def test_the_page_of_options_is_up_to_date(tmp_path):
    printed = engine.furrow("run", "--print-options", cwd=tmp_path)
    assert printed.code == 0, printed
    assert printed.out == PAGE.read_text(), "furrow run --print-options > docs/options.md"
