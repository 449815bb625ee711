"""The site of the documentation can be built, and its checks find what is wrong."""
import shutil
import sys

import engine
import pytest

TOOLS = engine.ROOT / "tools" / "docs"
sys.path.insert(0, str(TOOLS))
import check_links  # noqa: E402
import diagrams  # noqa: E402

missing = [name for name in ("mkdocs", "doxygen", "dot") if not shutil.which(name)]


def run_tool(name, *arguments):
    return engine.execute(["/usr/bin/python3", str(TOOLS / name), *map(str, arguments)], engine.ROOT)


@pytest.mark.skipif(bool(missing), reason=f"./dev docs installs {', '.join(missing)}")
def test_the_site_is_built_and_its_links_lead_somewhere(tmp_path):
    done = run_tool("build.py", tmp_path)
    assert done.code == 0, str(done)
    python, cpp = ((tmp_path / "site" / "api" / f"{name}.html").read_text() for name in ("python", "cpp"))
    assert 'id="poolimap_unordered"' in python and "task_rng" in python
    assert 'id="class-pool"' in cpp and "shared_array" in cpp


@pytest.mark.parametrize(
    "page, fault",
    [
        ('<a href="there.html#here">', None),
        ('<a href="https://example.org/a">', None),
        ('<a href="gone.html">', "leads nowhere"),
        ('<a href="there.html#gone">', "names a place that is not there"),
        ('<a href="#gone">', "names a place that is not there"),
        ('<a href="https:/example.org">', "is no whole URL"),
        ('<script src="https://example.org/a.js">', "from the network"),
        ('<link rel="stylesheet" href="//example.org/a.css">', "from the network"),
        ('<img src="gone.png">', "leads nowhere"),
    ],
)
def test_a_wrong_link_is_found(tmp_path, page, fault):
    (tmp_path / "there.html").write_text('<h1 id="here">')
    (tmp_path / "page.html").write_text(page)
    found = check_links.broken(tmp_path)
    assert [fault in line for line in found] == [True] if fault else not found
    assert run_tool("check_links.py", tmp_path).code == (1 if fault else 0)


@pytest.mark.parametrize("text", ["pie\n  title A", "flowchart LR\n  a ==> b", "stateDiagram-v2\n  a -> b"])
def test_a_diagram_that_cannot_be_drawn_is_an_error(text):
    with pytest.raises(diagrams.Unknown):
        diagrams.markdown(text, "page.md")


@pytest.mark.skipif(shutil.which("dot") is None, reason="graphviz is not installed")
def test_a_flowchart_is_drawn_with_its_labels():
    picture = diagrams.markdown('flowchart LR\n  a[one] -- "goes to" --> b & c([three])\n  c -.-> a', "page.md")
    assert all(f">{word}</text>" in picture for word in ("one", "goes to", "b", "three"))
    assert picture.count('class="edge"') == 3
