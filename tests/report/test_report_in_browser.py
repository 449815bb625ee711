"""The page of a report in a real browser: it is searched, sorted, read and left by mouse and by keyboard."""

import json

import engine
import pytest
from browser import PROGRAM, Browser
from report_example import ENV, HOSTILE, prepared

pytestmark = pytest.mark.skipif(PROGRAM is None and not engine.LONG_TESTS, reason="needs Debian's chromium")


@pytest.fixture(scope="module")
def page(new_folder):
    folder = prepared(new_folder("report"))
    folder.run("-c2", "--report-after-run", "--report", env=ENV)
    return folder.path / "report.html"


def rows(browser, place="main"):
    return browser.do(f"""[...document.querySelectorAll('{place} tbody tr')].map(
        (row) => [...row.cells].map((cell) => cell.innerText.trim()))""")


def count(browser):
    return browser.do("document.querySelector('main .count').textContent")


def search(browser, text, place="main"):
    browser.do(f"document.querySelector('{place} input[type=search]').select()")
    if text:
        browser.type(text)
    else:
        browser.do(f"""(() => {{ const input = document.querySelector('{place} input[type=search]');
            input.value = ''; input.dispatchEvent(new Event('input')); }})()""")


def show(browser, page, place):
    browser.open("/dev/null")
    browser.open(page, place)


def test_the_first_section_says_what_the_workflow_is(browser, page):
    show(browser, page, "")
    assert browser.do("document.querySelector('h1').textContent") == "About this workflow"
    assert "Limit 3" in browser.do("document.querySelector('.prose').innerText")
    assert browser.do("document.querySelectorAll('.graph a').length") == 4
    browser.do("document.querySelector('.prose a').click()")
    browser.wait("document.querySelector('h1').innerText === 'Results: Step 2'")
    assert [row[0] for row in rows(browser)] == ["all.svg"]


def test_results_are_searched_sorted_and_filtered(browser, page):
    show(browser, page, "#results")
    assert count(browser) == "6 results"
    search(browser, "table Y")
    assert count(browser) == "1 of 6 results" and rows(browser)[0][0] == "y.csv"
    search(browser, "")
    sizes = "document.querySelectorAll('th button')[document.querySelectorAll('th').length - 1]"
    browser.do(f"{sizes}.click(); {sizes}.click()")
    assert rows(browser)[0][0] == "all.svg"
    assert browser.do("document.querySelector('[aria-sort]').getAttribute('aria-sort')") == "descending"
    browser.do("""(() => { const select = document.querySelector('select');
        select.value = 'Step 1: counts'; select.dispatchEvent(new Event('change')); })()""")
    assert sorted(row[0] for row in rows(browser)) == ["A.tsv", "B.tsv"]


def test_a_result_is_opened_read_and_closed_by_keyboard(browser, page):
    show(browser, page, "#results")
    browser.do("document.querySelector('main tbody a').focus()")
    browser.press("Enter", text="\r")
    browser.wait("document.getElementById('viewer').open")
    assert browser.do("document.getElementById('viewer-title').textContent") == "A.tsv"
    assert rows(browser, "dialog") == [["A", "1"]]
    assert "Lines of A, limit 3." in browser.do("document.querySelector('dialog .prose').innerText")
    for name in ("B.tsv", "all.svg"):
        browser.press("ArrowRight")
        browser.wait(f"document.getElementById('viewer-title').textContent === '{name}'")
    browser.wait("document.querySelector('dialog img').naturalWidth === 9")
    browser.press("Escape")
    browser.wait("!document.getElementById('viewer').open")
    browser.wait("location.hash === '#results'")
    browser.press("/", code="Slash", text="/")
    assert browser.do("document.activeElement.type") == "search"


def test_every_result_is_shown(browser, page):
    for name, condition in {"notes.txt": "dialog pre", "x.csv": "dialog table", "all.svg": "dialog img"}.items():
        show(browser, page, "#results")
        browser.do(f"[...document.querySelectorAll('main tbody a')].find((a) => a.innerText === '{name}').click()")
        browser.wait(f"document.querySelector('{condition}') !== null")
        link = browser.do("document.querySelector('dialog a[download]').href")
        assert link.startswith("blob:") and browser.do("document.querySelector('dialog a[download]').download") == name


def test_statistics_rules_jobs_and_configuration_are_there(browser, page):
    show(browser, page, "#statistics")
    assert {row[0]: row[1] for row in rows(browser)}["count"] == "2"
    browser.do("[...document.querySelectorAll('main tbody a')].find((a) => a.innerText === 'count').click()")
    browser.wait("document.querySelector('details[open] strong').innerText === 'count'")
    assert "wc -l" in browser.do("document.querySelector('details[open] pre').innerText")
    browser.do("location.hash = 'jobs'")
    browser.wait("document.querySelector('h1').innerText === 'Jobs'")
    search(browser, "sample=B")
    browser.do("document.querySelector('main tbody button').click()")
    browser.wait("document.getElementById('viewer').open")
    assert "wc -l < B.txt" in browser.do("document.querySelector('dialog pre').innerText")
    browser.press("Escape")
    browser.do("location.hash = 'configuration'")
    browser.wait("document.querySelector('h1').innerText === 'Configuration'")
    assert rows(browser) == [["limit", "3"], ["password", "(redacted)"]]
    browser.do("history.back()")
    browser.wait("document.querySelector('h1').innerText === 'Jobs'")


def test_nothing_is_wider_than_a_phone(page):
    with Browser(width=390, height=800, dark=True) as browser:
        for place in ("#about", "#results", "#statistics", "#rules", "#jobs", "#configuration"):
            show(browser, page, place)
            assert browser.do("document.documentElement.scrollWidth") <= 390, place
        assert browser.do("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 27)"
        assert browser.problems == []


def test_controls_have_names_and_headings_have_an_order(browser, page):
    for place in ("#about", "#results", "#rules", "#jobs"):
        show(browser, page, place)
        unnamed = browser.do("""[...document.querySelectorAll('button, input, select, a, iframe, img')].filter(
            (part) => !(part.innerText || part.textContent || part.getAttribute('aria-label') || part.title ||
                        part.alt || part.labels?.[0]?.textContent || '').trim()).length""")
        assert unnamed == 0 and browser.do("document.querySelectorAll('h1').length") == 1
        assert browser.do("document.documentElement.lang && document.title") != ""


def test_hostile_names_do_nothing(browser, new_folder):
    folder = new_folder("hostile")
    names = [name.replace("/", "_") for name in HOSTILE[:4]]
    folder.write("names.json", json.dumps(names))
    folder.write("caption.rst", "Of {{ snakemake.wildcards.name }} `x <javascript:alert(1)>`_.\n\n"
                                ".. raw:: html\n\n   <img src=x onerror=alert(1)><script>alert(1)</script>\n")
    folder.write("Snakefile", """
import json
NAMES = json.load(open("names.json"))
rule all:
    input: ["out/%s.csv" % name.replace("{", "{{").replace("}", "}}") for name in NAMES[:3]]
rule a:
    output:
        report("out/{name}.csv", caption="caption.rst", category="{name}",
               labels={"long": "y" * 10000, "name": "{name}"})
    shell: "echo '<img src=x onerror=alert(1)>,</script>' > {output:q}"
""")
    folder.run("-c2", "--report-after-run", "--report")
    show(browser, folder.path / "report.html", "#results")
    browser.do("window.alert = () => { window.wasAlerted = true; }")
    assert sorted(row[0] for row in rows(browser)) == sorted(f"{name}.csv" for name in names[:3])
    for at in range(3):
        browser.do(f"document.querySelectorAll('main tbody a')[{at}].click()")
        browser.wait("document.getElementById('viewer').open")
        assert "</script>" in browser.do("document.querySelector('dialog').innerText")
        browser.press("Escape")
        browser.wait("!document.getElementById('viewer').open")
    assert not browser.do("window.wasAlerted")
    assert browser.do("document.querySelectorAll('main script, dialog script, [onerror]').length") == 0
    assert browser.do("document.documentElement.scrollWidth <= innerWidth")


def test_a_search_among_ten_thousand_results_is_quick(browser, page, tmp_path):
    """The page is made of another one: what is measured is its script."""
    text = page.read_text()
    start = text.index('id="data-workflow">') + len('id="data-workflow">')
    end = text.index("</script>", start)
    workflow = json.loads(text[start:end])
    one = next(result for result in workflow["results"] if result["name"] == "A.tsv")
    many = ({**one, "id": str(at), "name": f"{at}.tsv", "path": f"counts/{at}.tsv"} for at in range(10_000))
    workflow["results"] = list(many)
    (tmp_path / "many.html").write_text(text[:start] + json.dumps(workflow).replace("<", "\\u003c") + text[end:])
    show(browser, tmp_path / "many.html", "#results")
    assert count(browser) == "10,000 results" and len(rows(browser)) == 200
    search(browser, "warm")
    took_ms = browser.do("""(() => {
        const input = document.querySelector('main input[type=search]'), start = performance.now();
        input.value = '777.tsv';
        input.dispatchEvent(new Event('input'));
        return performance.now() - start; })()""")
    assert count(browser) == "10 of 10,000 results"
    print(f"{took_ms:.0f} ms")
