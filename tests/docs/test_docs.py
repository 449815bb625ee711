"""What the documentation tells its readers to type works, and its links lead somewhere. README.md says how."""
import re

import blocks
import engine
import pytest
import running

PAGES = {str(path.relative_to(blocks.ROOT)): path for path in blocks.pages()}
LINK = re.compile(r"\]\(([^)\s]+)\)")
LINKED = {**PAGES, **{str(path.relative_to(blocks.ROOT)): path
                      for path in [blocks.ROOT / "CHANGELOG.md", *(blocks.ROOT / "docs/design").glob("*.md")]}}


@pytest.fixture(scope="session")
def prefix(tmp_path_factory):
    """The C++ library as cmake --install leaves it."""
    folder = tmp_path_factory.mktemp("prefix")
    done = engine.execute(["cmake", "--install", str(running.BUILD), "--prefix", str(folder)], folder)
    assert done.code == 0, str(done)
    return folder


@pytest.mark.parametrize("name", PAGES)
def test_the_code_blocks_work(name, prefix, tmp_path):
    faults = running.Runner(tmp_path, prefix).run_page(blocks.read(PAGES[name]))
    assert not faults, "\n\n".join(faults)


def anchors(path):
    """Of the headings, as GitHub makes them."""
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)
    for heading in re.findall(r"^#+ +(.*)$", text, re.MULTILINE):
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
        yield re.sub(r"[^\w\- ]", "", plain.lower()).strip().replace(" ", "-")


@pytest.mark.parametrize("name", LINKED)
def test_the_links_lead_somewhere(name):
    path = LINKED[name]
    text = re.sub(r"^```.*?^```|`[^`\n]*`", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)
    broken = []
    for target in LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        if not there.exists() or anchor and anchor not in anchors(there):
            broken.append(target)
    assert not broken
