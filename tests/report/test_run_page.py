"""The page of `furrow report` in a real browser: it is read, sorted, and its timeline is zoomed."""

import json

import engine
import pytest
from browser import PROGRAM, Browser

pytestmark = pytest.mark.skipif(PROGRAM is None and not engine.LONG_TESTS, reason="needs Debian's chromium")

HOSTILE = ["</script><img src=x onerror=alert(1)>", "\u202eright to left", "'\"&$x", "x" * 200]
SNAKEFILE = """
import json
NAMES = json.load(open("names.json"))
rule all:
    input: ["out/%s.txt" % name.replace("{", "{{").replace("}", "}}") for name in NAMES], "last"
rule make:
    output: "out/{name}.txt"
    shell: "sleep 0.1; echo > {output:q}"
rule last:
    input: ["out/%s.txt" % name.replace("{", "{{").replace("}", "}}") for name in NAMES]
    output: "last"
    log: "last.log"
    shell: "echo '<img src=x onerror=alert(1)></script>' > {log}; exit 3"
"""


@pytest.fixture(scope="module")
def page(new_folder):
    folder = new_folder("run")
    folder.write("names.json", json.dumps([name.replace("/", "_") for name in HOSTILE]))
    folder.write("Snakefile", SNAKEFILE)
    assert engine.furrow_run("-c2", cwd=folder.path, timeout=300).code == 1
    assert engine.furrow("report", cwd=folder.path).code == 0
    return folder.path / "run-report.html"


def show(browser, page, place):
    browser.open("/dev/null")
    browser.open(page, place)


def cells(browser, at):
    return browser.do(f"[...document.querySelectorAll('main tbody tr')].map((row) => row.cells[{at}].innerText.trim())")


def test_the_overview_names_what_failed_with_the_end_of_its_log(browser, page):
    show(browser, page, "")
    assert browser.do("document.querySelector('h1').innerText") == "The run has failed"
    assert "</script>" in browser.do("document.querySelector('details pre').innerText")
    assert "4\ndone of 6 jobs" in browser.do("document.querySelector('.cards').innerText")
    browser.do("document.querySelector('details button').click()")
    browser.wait("document.getElementById('viewer').open")
    assert "exit code 3" in browser.do("document.querySelector('dialog').innerText")
    browser.press("Escape")
    browser.wait("!document.getElementById('viewer').open")


def test_the_timeline_shows_jobs_and_is_zoomed_by_keyboard(browser, page):
    show(browser, page, "#timeline")
    browser.wait("document.querySelector('canvas').width > 500")
    assert "5 attempts of jobs on 2 slots" in browser.do("document.querySelector('canvas').getAttribute('aria-label')")
    painted = """(() => { const canvas = document.querySelector('canvas');
        const colours = new Set(), pixels = canvas.getContext('2d').getImageData(0, 5, canvas.width, 1).data;
        for (let at = 0; at < pixels.length; at += 4) colours.add(pixels.slice(at, at + 4).join());
        return colours.size; })()"""
    assert browser.do(painted) > 2
    browser.do("document.querySelector('canvas').focus()")
    before = browser.do("document.querySelector('canvas').toDataURL()")
    browser.press("+", text="+")
    assert browser.do("document.querySelector('canvas').toDataURL()") != before
    browser.press("0", text="0")
    assert browser.do("document.querySelector('canvas').toDataURL()") == before
    browser.do("""(() => { const canvas = document.querySelector('canvas'), box = canvas.getBoundingClientRect();
        const where = { clientX: box.left + box.width / 4, clientY: box.top + 5, bubbles: true };
        canvas.dispatchEvent(new PointerEvent('pointermove', where));
        canvas.dispatchEvent(new MouseEvent('click', where)); })()""")
    browser.wait("document.getElementById('viewer').open")
    assert "make" in browser.do("document.querySelector('dialog').innerText")


def test_the_critical_path_rules_and_jobs_are_tables(browser, page):
    show(browser, page, "#path")
    assert cells(browser, 1) == ["make", "last"]
    show(browser, page, "#rules")
    assert cells(browser, 0) == ["all", "last", "make"]
    browser.do("[...document.querySelectorAll('main tbody a')].find((a) => a.innerText === 'make').click()")
    browser.wait("document.querySelector('h1').innerText === 'Jobs'")
    assert cells(browser, 1) == ["make"] * 4 and cells(browser, 2) == ["done"] * 4
    show(browser, page, "#jobs")
    browser.do("document.querySelector('main input[type=search]').select()")
    browser.type("exit 3 onerror last")
    assert browser.do("document.querySelector('main .count').innerText") == "0 of 5 jobs"


def test_hostile_names_do_nothing(browser, page):
    show(browser, page, "#jobs")
    browser.do("window.alert = () => { window.wasAlerted = true; }")
    for at in range(5):
        browser.do(f"document.querySelectorAll('main tbody button')[{at}].click()")
        browser.wait("document.getElementById('viewer').open")
        browser.do("document.querySelector('dialog .actions button').click()")
        browser.wait("!document.getElementById('viewer').open")
    assert not browser.do("window.wasAlerted")
    assert browser.do("document.querySelectorAll('main script, main img, dialog script, dialog img').length") == 0
    assert browser.do("document.documentElement.scrollWidth <= innerWidth")


def test_nothing_is_wider_than_a_phone(page):
    with Browser(width=390, height=800, dark=True) as browser:
        for place in ("#overview", "#timeline", "#path", "#rules", "#jobs"):
            show(browser, page, place)
            assert browser.do("document.documentElement.scrollWidth") <= 390, place
        assert browser.problems == []


def test_controls_have_names_and_headings_have_an_order(browser, page):
    for place in ("#overview", "#timeline", "#path", "#rules", "#jobs"):
        show(browser, page, place)
        unnamed = browser.do("""[...document.querySelectorAll('button, input, select, a, canvas')].filter(
            (part) => !(part.innerText || part.textContent || part.getAttribute('aria-label') ||
                        part.labels?.[0]?.textContent || '').trim()).length""")
        assert unnamed == 0 and browser.do("document.querySelectorAll('h1').length") == 1
