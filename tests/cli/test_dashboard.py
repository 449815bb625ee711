"""`furrow run --dashboard`: the page and the file from which it renews itself."""

import json
import os

import engine
from report_page import Page
from running import Running, wait_until

SNAKEFILE = """
rule all:
    input: expand("{name}.out", name=["a", "b"]), "broken"
rule make:
    output: "{name}.out"
    shell: "while [ ! -e go ]; do sleep 0.05; done; touch {output}"
rule broken:
    output: "broken"
    priority: 1
    shell: "echo 'no </script> way' >&2; exit 3"
"""


def numbers(folder, name="d.data.js"):
    text = folder.read(name)
    assert text.startswith("show(") and text.endswith(");\n")
    return json.loads(text[len("show("):-len(");\n")])


def test_the_file_follows_the_run(folder, tmp_path):
    folder.write("Snakefile", SNAKEFILE)
    run = Running(["-c2", "-k", "--dashboard", "d.html"], folder.path, engine.environment(), f"SHOWN={tmp_path.name}")
    run.wait_for_file("d.data.js")
    shown = wait_until(lambda: numbers(folder)["running"] == 2 and numbers(folder), 30, "two jobs run")
    assert (shown["state"], shown["due"], shown["failed"], shown["cores"]) == ("running", 4, 1, 2)
    assert {job["name"] for job in shown["jobs"]} == {"name=a", "name=b"}
    assert shown["failures"][0]["status"] == 3 and "no </script> way" in shown["failures"][0]["output"]
    folder.write("go", "")
    assert run.wait() == 1
    shown = numbers(folder)
    assert (shown["state"], shown["done"], shown["skipped"], shown["running"]) == ("failed", 2, 1, 0)
    assert [name for name in os.listdir(folder.path) if name.startswith("d.")] in (
        ["d.html", "d.data.js"], ["d.data.js", "d.html"])


def test_the_page_asks_no_network(folder):
    folder.run("--dashboard", "out/d.html", snakefile="rule a:\n    output: 'a'\n    shell: 'echo > a'\n")
    page = Page(folder / "out/d.html")
    assert [address for address in page.addresses if not address.startswith(("#", "data:"))] == []
    assert page.data["dashboard"]["file"] == "d.data.js" and numbers(folder, "out/d.data.js")["state"] == "done"


def test_a_run_with_nothing_to_do_says_so(folder):
    folder.run(snakefile="rule a:\n    output: 'a'\n    shell: 'echo > a'\n")
    folder.run("--dashboard", "d.html")
    shown = numbers(folder)
    assert (shown["state"], shown["due"], shown["done"]) == ("done", 0, 0)


def test_a_page_that_cannot_be_written_is_an_error_before_anything_runs(folder):
    folder.write("file", "")
    result = folder.run("--dashboard", "file/d.html", code=1, snakefile=SNAKEFILE)
    assert "file" in result.err and not folder.exists("a.out")


def test_nothing_is_written_in_a_dry_run(folder):
    folder.run("-n", "--dashboard", "d.html", snakefile="rule a:\n    output: 'a'\n    shell: 'echo > a'\n")
    assert not folder.exists("d.html") and not folder.exists("d.data.js")
