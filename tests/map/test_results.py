"""--results: files, folders and tables of the jobs' output."""
import csv
import io
import json

import pytest


def files(folder):
    return {str(p.relative_to(folder)): p.read_text() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.parametrize("options", [
    ["--results", "res", "echo {}; echo e >&2", ":::", "a/b", "c", ":::", "x\ty"],
    ["--results", "res", "--header", ":", "echo {}", ":::", "name", "b", ":::", "age", "x"],
    ["--results", "res/{1}-{2}", "echo {}", ":::", "a", "c", ":::", "x"],
    ["--results", "res/{}/", "echo {}; false", ":::", "a", "c"],
])
def test_folders_are_those_of_gnu_parallel(options, fmap, tmp_path):
    import engine
    ours = fmap(*options)
    mine = files(tmp_path / "res")
    (tmp_path / "gnu").mkdir()
    theirs = engine.execute(["parallel", *options], tmp_path / "gnu", engine.environment(SHELL="/bin/bash"))
    assert (ours.out, ours.code) == (theirs.out, theirs.code)
    assert mine == files(tmp_path / "gnu" / "res")


def test_csv_has_a_row_for_each_job(fmap):
    done = fmap("-k", "-j2", "--results", "-.csv", "sleep 0.{2}; echo '\"{1}\"'; echo e >&2", ":::", "a b", "c,d",
                ":::", 3, 0)
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert [(r["V1"], r["V2"], r["Stdout"], r["Stderr"]) for r in rows] == [
        (a, b, f'"{a}"\n', "e\n") for a in ("a b", "c,d") for b in "30"]
    assert rows[0]["Exitval"] == "0" and rows[0]["Host"] == ":"


def test_tsv_goes_to_a_file(fmap, tmp_path):
    assert fmap("--results", "out.tsv", "echo", ":::", "a").out == ""
    assert (tmp_path / "out.tsv").read_text().splitlines()[0].split("\t")[-3:] == ["V1", "Stdout", "Stderr"]


def test_json_keeps_any_text(fmap):
    done = fmap("-k", "--results", "-.json", "printf %s {}; exit 3", ":::", 'a"b\\c\nd\te')
    (row,) = [json.loads(line) for line in done.out.splitlines()]
    assert row["V"] == ['a"b\\c\nd\te'] and row["Stdout"] == 'a"b\\c\nd\te' and row["Exitval"] == 3


def test_long_output_fits_into_a_table(fmap):
    done = fmap("--results", "-.csv", "head -c 1000000 /dev/zero | tr '\\0' x #", ":::", 1)
    assert "x" * 1_000_000 in done.out


def test_a_run_can_resume_from_results_alone(fmap):
    fmap("--results", "res", "echo {}", ":::", 1, 2)
    done = fmap("--results", "res", "--resume", "-t", "echo {}", ":::", 1, 2, 3)
    assert done.err.splitlines()[0] == "echo 3" and "2 of 3 jobs done before" in done.err


def test_the_log_has_the_size_of_an_output_file(fmap, log_rows):
    fmap("--joblog", "log", "--results", "res", "echo {}", ":::", "four")
    assert log_rows()[0]["Receive"] == "5"
