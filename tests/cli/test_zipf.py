"""Both engines make the demo's tables, equal byte for byte."""
import shutil

import pytest

import engine

SNAKEFILE = engine.ROOT / "examples" / "zipf" / "Snakefile"


@pytest.fixture
def texts(tmp_path):
    """A folder of texts, one with a name that a shell would split."""
    folder = tmp_path / "some texts"
    folder.mkdir()
    for name in ("BSD", "GPL-1", "LGPL-2.1"):
        shutil.copy(f"/usr/share/common-licenses/{name}", folder)
    shutil.copy("/usr/share/common-licenses/Artistic", folder / "it's a text")
    (folder / "linked").symlink_to("BSD")
    return folder


def tables(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.tsv")}


def test_both_engines_make_the_same_tables(texts, tmp_path):
    arguments = ["-s", SNAKEFILE, "--config", f"texts={texts}", "replicates=5", "pooled_replicates=2"]
    made = {}
    for name, run in {"furrow": engine.FURROW_RUN, "snakemake": engine.SNAKEMAKE}.items():
        result = engine.execute([*run, "--cores", "2", "-d", tmp_path / name, *map(str, arguments)], tmp_path)
        assert result.code == 0, str(result)
        made[name] = tables(tmp_path / name / "results")
    assert len(made["furrow"]) == 1 + 2 * 4
    assert made["furrow"] == made["snakemake"]
    assert "linked" not in made["furrow"]["zipf.tsv"].decode()
    for results in (tmp_path / "furrow" / "results", tmp_path / "snakemake" / "results"):
        pictures = sorted((results / "plots").glob("*.png"))
        assert len(pictures) == 4 and all(p.read_bytes().startswith(b"\x89PNG") for p in pictures)
        assert (results / "zipf.tar.gz").stat().st_size > 1000


def test_second_run_has_nothing_to_do_and_clean_removes_all(texts, tmp_path):
    arguments = ["-s", SNAKEFILE, "--config", f"texts={texts}", "replicates=2", "pooled_replicates=2"]
    first = engine.furrow_run(*arguments, cwd=tmp_path)
    assert first.code == 0, str(first)
    again = engine.furrow_run(*arguments, cwd=tmp_path)
    assert again.code == 0 and "othing to " in again.text, str(again)
    cleaned = engine.furrow_run("clean", *arguments, cwd=tmp_path)
    assert cleaned.code == 0 and not (tmp_path / "results").exists(), str(cleaned)


def test_a_folder_without_texts_is_an_error_with_advice(tmp_path):
    (tmp_path / "empty").mkdir()
    result = engine.furrow_run("-s", SNAKEFILE, "--config", f"texts={tmp_path / 'empty'}", cwd=tmp_path)
    assert result.code == 1 and "--config texts=DIR" in result.text, str(result)
