"""`furrow run --report`: what is in the page, and what is refused."""

import json
import zipfile

import engine
import pytest
from report_example import ENV, HOSTILE, SNAKEFILE, prepared
from report_page import ReportPage


@pytest.fixture(scope="module")
def made(module_folder):
    """A folder in which the workflow has run, and its page."""
    prepared(module_folder).run("-c2", env=ENV)
    module_folder.run("--report", env=ENV)
    return module_folder, ReportPage(module_folder.path / "report.html")


def test_results_have_what_report_says_of_them(made):
    page = made[1]
    facts = {path: (result["category"], result["subcategory"], result["labels"], result["kind"], result["rule"])
             for path, result in page.results.items()}
    assert facts == {
        "counts/A.tsv": ("Step 1: counts", "", {"sample": "A", "lines": "1"}, "table", "count"),
        "counts/B.tsv": ("Step 1: counts", "", {"sample": "B", "lines": "2"}, "table", "count"),
        "plots/all.svg": ("Step 2", "Pictures", {"kind": "picture", "number": "2"}, "image", "plot"),
        "tables/x.csv": ("Other", "", {}, "table", "tables"),
        "tables/y.csv": ("Other", "", {}, "table", "tables"),
        "tables/notes.txt": ("Other", "", {}, "text", "tables"),
    }
    assert page.content("counts/B.tsv") == b"sample\tlines\nB\t2\n"


def test_captions_are_made_of_their_templates(made):
    page = made[1]
    assert "Lines of <strong>B</strong>, limit 3." in page.results["counts/B.tsv"]["caption"]
    assert page.results["plots/all.svg"]["caption"].strip() == "<p>All &lt;samples&gt; &amp; more.</p>"
    assert page.results["tables/y.csv"]["caption"].strip() == "<p>Table y of tables.</p>"
    picture = page.results["plots/all.svg"]["id"]
    assert 'href="#category=Step%202"' in page.workflow["text"] and f'href="#result={picture}"' in page.workflow["text"]


def test_rules_have_their_code_and_software(made):
    rules = made[1].rules
    assert rules["plot"]["code"].startswith('# as it is written\nwith open(output[0], "w") as file:\n    file.write(')
    assert rules["count"]["software"] == [{"kind": "conda", "name": "env.yaml", "text": "dependencies: [coreutils]\n"}]
    assert rules["count"]["docstring"] == "Counts lines." and rules["count"]["output"] == ["counts/{sample}.tsv"]
    graph = made[1].workflow["graph"]
    links = {(graph["rules"][start], graph["rules"][end]) for start, end, _ in graph["edges"]}
    assert links == {("count", "plot"), ("plot", "all"), ("tables", "all"), ("count", "all")}
    assert made[1].about["jobs"] == {"all": 1, "count": 2, "plot": 1, "tables": 1}


def test_jobs_have_their_records(made):
    jobs = made[1].jobs
    at = jobs["key"].index("counts/B.tsv")
    assert jobs["rules"][jobs["rule"][at]] == "count" and jobs["wildcards"][at] == "sample=B" and jobs["phase"][at] == 2
    assert jobs["took"][at] >= 0 and jobs["started"][at] > 1e9 and "wc -l < B.txt" in jobs["command"][at]


def test_the_values_of_envvars_are_redacted(made):
    text = (made[0].path / "report.html").read_text()
    assert "s3cr3t" not in text
    assert made[1].workflow["config"] == {"limit": 3, "password": "(redacted)"}
    assert "token=(redacted)" in made[1].results["counts/A.tsv"]["params"]


def test_the_page_asks_nothing_of_a_network(made):
    assert [address for address in made[1].addresses if not address.startswith(("#", "data:"))] == []
    assert not {"link", "script", "title", "style"} - set(made[1].elements)


def test_an_archive_has_the_page_and_the_files(made):
    folder = made[0]
    folder.run("--report", "out/all.zip", env=ENV)
    with zipfile.ZipFile(folder.path / "out/all.zip") as archive:
        archive.extractall(folder.path / "unpacked")
    page = ReportPage(folder.path / "unpacked/all/report.html")
    assert page.about["archive"]
    picture = page.results["plots/all.svg"]["id"]
    assert "svg" in folder.read(f"unpacked/all/data/raw/{picture}/all.svg")
    assert picture not in page.files and page.content("tables/x.csv") == b"a,b\n"
    assert sorted(path.name for path in (folder.path / "out").iterdir()) == ["all.zip"]


def test_a_style_sheet_and_metadata_are_added(made):
    folder = made[0]
    folder.write("own.css", "body { color: teal } /* </style> */")
    folder.write("about.yaml", "Authors: [Ann, Bob]\nVersion: 1.2\n")
    folder.run("--report", "styled.html", "--report-stylesheet", "own.css", "--report-metadata", "about.yaml", env=ENV)
    page = ReportPage(folder.path / "styled.html")
    assert "body { color: teal } /* <\\/style> */" in folder.read("styled.html")
    assert page.workflow["metadata"] == {"Authors": ["Ann", "Bob"], "Version": "1.2"}


def test_after_a_run_the_report_is_written(folder):
    prepared(folder).run("--report-after-run", "--report", "new.html", env=ENV)
    assert len(ReportPage(folder.path / "new.html").jobs["key"]) >= 4
    failed = folder.run("--report-after-run", "--report", "none.html", "--config", "limit=4", code=1, env=ENV,
                        snakefile=SNAKEFILE.replace("mkdir {output};", "false; mkdir {output};"))
    assert not folder.exists("none.html"), failed


def test_a_result_that_is_not_there_is_an_error(folder):
    result = prepared(folder).run("--report", code=1, env=ENV)
    assert "counts/A.tsv is not there" in result.err and "rule count" in result.err and "run the workflow" in result.err
    assert not folder.exists("report.html")


@pytest.mark.parametrize("arguments, words", [
    (["--report", "x.pdf"], "ends neither in .html nor in .zip"),
    (["--report-after-run"], "--report-after-run needs --report"),
    (["--report", "--reporter", "pdf"], "html is the only kind"),
])
def test_wrong_options_are_refused(folder, arguments, words):
    assert words in prepared(folder).run(*arguments, code=2, env=ENV).err


@pytest.mark.parametrize("flag, words", [
    ('report(directory("d"))', "neither patterns nor htmlindex"),
    ('report(directory("d"), htmlindex="i.html")', "--report report.zip"),
    ('report(directory("d"), patterns="{x}.txt")', "a list of texts"),
    ('report("d/f.txt", caption="none.rst")', "none.rst"),
    ('report("d/f.txt", labels=["a"])', "must be a dict"),
    ('report("d/f.txt", category=lambda w: w.x)', "category is a function that fails"),
    ('report("d/f.txt", category="{x}")', "category cannot be filled in"),
])
def test_a_wrong_flag_is_an_error_with_its_rule(folder, flag, words):
    folder.run(snakefile=f"rule a:\n    output: {flag}\n    shell: 'mkdir -p d; echo > d/f.txt; echo > d/i.html'\n")
    result = folder.run("--report", code=1)
    assert words in result.err and "Snakefile:1" in result.err, result


def test_the_pages_of_htmlindex_lie_in_the_archive(folder):
    folder.run(snakefile="""
rule a:
    output: report(directory("site"), htmlindex="index.html", category="Site")
    shell:
        "mkdir -p {output}/js; echo '<script src=js/a.js></script>' > {output}/index.html; echo 1 > {output}/js/a.js"
""")
    folder.run("--report", "r.zip")
    with zipfile.ZipFile(folder.path / "r.zip") as archive:
        names = [name.split("/", 4)[-1] for name in archive.namelist()]
    assert sorted(names) == ["index.html", "js/a.js", "r/report.html"] or sorted(names) == [
        "index.html", "js/a.js", "report.html"], names


def test_inputs_are_reported_too(folder):
    folder.write("given.txt", "x\n")
    folder.write("made/other.txt", "x\n")
    folder.run("--report", snakefile="""
def found(wildcards):
    return report("made/other.txt", category="By a function")
rule a:
    input: report("given.txt", category="Given")
rule b:
    input: found, rules.a.input
ruleorder: b > a
""", code=0)
    page = ReportPage(folder.path / "report.html")
    assert {path: result["category"] for path, result in page.results.items()} == {"given.txt": "Given"}
    folder.run("--report", "b.html", "b")
    page = ReportPage(folder.path / "b.html")
    assert page.results["made/other.txt"]["category"] == "By a function"


def test_hostile_names_stay_names(folder):
    folder.write("caption.rst", "Of {{ snakemake.wildcards.name }}.\n")
    folder.write("names.json", json.dumps(HOSTILE))
    folder.run("-c2", snakefile="""
import json
NAMES = [name.replace("/", "_") for name in json.load(open("names.json"))]
rule all:
    input: expand("out/{name}.txt", name=[name.replace("{", "{{").replace("}", "}}") for name in NAMES[:3]])
rule a:
    output:
        report("out/{name}.txt", caption="caption.rst", category="{name}",
               labels={"long": "y" * 10000, "name": "{name}"})
    params: text="</script><!--<script>"
    shell: "echo {params.text:q} > {output:q}"
""")
    folder.run("--report")
    page = ReportPage(folder.path / "report.html")
    names = [name.replace("/", "_") for name in HOSTILE[:3]]
    assert sorted(result["category"] for result in page.results.values()) == sorted(names)
    assert page.content(f"out/{names[0]}.txt") == b"</script><!--<script>\n"
    assert page.elements.count("script") == 1 + 3 + len(page.results)
    assert "<b" not in "".join(result["caption"] for result in page.results.values())


def test_without_docutils_and_jinja2_texts_are_plain(made):
    folder = made[0]
    for name in ("docutils", "jinja2"):
        folder.write(f"hidden/{name}.py", "raise ImportError('hidden by a test')\n")
    result = folder.run("--report", "plain.html", env={**ENV, "PYTHONPATH": str(folder.path / "hidden")})
    page = ReportPage(folder.path / "plain.html")
    assert "has no docutils" in result.err and "has no jinja2" in result.err
    assert page.results["counts/B.tsv"]["caption"] == "<p>Lines of <strong>B</strong>, limit 3.</p>"
    assert "<h3>Lines</h3>\n<p>Limit 3, see <a href=\"#category=Step%202\">Step 2</a>" in page.workflow["text"]


def test_without_graphviz_the_rules_stand_in_layers(made):
    folder = made[0]
    folder.write("none/dot", "#!/bin/sh\nexit 1\n")
    (folder.path / "none/dot").chmod(0o755)
    folder.run("--report", "layers.html", env={**ENV, "PATH": f"{folder.path / 'none'}:/usr/bin:/bin"})
    graph = ReportPage(folder.path / "layers.html").workflow["graph"]
    heights = {rule: node[1] for rule, node in zip(graph["rules"], graph["nodes"])}
    assert heights["count"] < heights["plot"] < heights["all"] and heights["tables"] == heights["count"]


@pytest.mark.skipif(engine.IS_SNAKEMAKE, reason="about Furrow")
def test_ten_thousand_jobs_make_a_small_page(folder):
    count = 10_000 if engine.LONG_TESTS else 2_000
    folder.write("caption.rst", "Job **{{ snakemake.wildcards.i }}**.\n")
    folder.write("Snakefile", f"""
rule all:
    input: expand("out/{{i}}.txt", i=range({count}))
rule a:
    output: report("out/{{i}}.txt", caption="caption.rst", category="C", labels={{"i": "{{i}}"}})
    shell: "echo {{wildcards.i}} > {{output}}"
""")
    for at in range(count):
        folder.write(f"out/{at}.txt", f"{at}\n")
    folder.run("--touch", "-F", timeout=300)
    folder.run("--report", timeout=300)
    page = ReportPage(folder.path / "report.html")
    assert len(page.results) == len(page.files) == count and len(page.jobs["key"]) >= count
    assert page.size < 700 * count + 200_000
