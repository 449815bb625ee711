"""The page of `--dashboard` in a real browser, opened from the disk while the run goes on."""

import engine
import pytest
from browser import PROGRAM, Browser
from running import Running

pytestmark = pytest.mark.skipif(PROGRAM is None and not engine.LONG_TESTS, reason="needs Debian's chromium")

SNAKEFILE = """
rule all:
    input: "<img src=x onerror=alert(1)>.out", "\u202eb.out"
rule make:
    output: "{name}.out"
    shell: "while [ ! -e go ]; do sleep 0.05; done; touch {output:q}"
rule broken:
    output: "broken"
    priority: 1
    shell: "echo '</script><img src=x onerror=alert(1)>' >&2; exit 3"
"""


@pytest.mark.parametrize("width", [1200, 390])
def test_a_page_follows_the_run_from_the_disk(new_folder, width):
    folder = new_folder("dashboard")
    folder.write("Snakefile", SNAKEFILE)
    run = Running(["-c2", "-k", "--dashboard", "my page.html", "all", "broken"], folder.path, engine.environment(),
                  f"SHOWN={folder.path.name}")
    run.wait_for_file("my page.html")
    with Browser(width=width, height=900, dark=width < 600) as browser:
        browser.open(folder.path / "my page.html")
        browser.wait("document.querySelectorAll('section[aria-label=\"Running jobs\"] tbody tr').length === 2")
        browser.wait("document.querySelector('h1').innerText === 'The run goes on'")
        assert "onerror" in browser.do("document.querySelector('section[aria-label=\"Running jobs\"]').innerText")
        browser.do("document.querySelector('details summary').click()")
        assert "</script>" in browser.do("document.querySelector('details pre').innerText")
        before = browser.do("latest.written_at")
        assert browser.do("document.querySelector('progress').max") == 4
        folder.write("go", "")
        assert run.wait(60) == 1, run.text()
        browser.wait("document.querySelector('h1').innerText === 'The run has failed'")
        assert browser.do("latest.written_at") > before
        assert browser.do("document.querySelector('details').open")  # what was opened stays open
        assert "3\ndone of 4 jobs" in browser.do("document.querySelector('.cards').innerText")
        assert browser.do("document.querySelectorAll('main img, main script').length") == 0
        assert browser.do("document.documentElement.scrollWidth") <= width
        assert browser.problems == []
