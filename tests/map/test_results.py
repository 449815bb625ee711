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
    assert "echo 3\n" in done.err and "echo 2\n" not in done.err and "2 of 3 jobs done before" in done.err


def test_the_log_has_the_size_of_an_output_file(fmap, log_rows):
    fmap("--joblog", "log", "--results", "res", "echo {}", ":::", "four")
    assert log_rows()[0]["Receive"] == "5"


@pytest.mark.parametrize("options, inputs", [
    (["--results", "res", "echo {} {#}"], ["a", "a"]),
    (["--results", "res/{/}", "echo {}"], ["x/a", "y/a"]),
    (["--results", "res/{/}.txt", "echo {}"], ["x/a", "y/a"]),
    (["--results", "res/{}", "echo {}"], ["a", "a.err"]),
    (["--results", "res/{}", "echo {}"], ["a/b", "a/./b"]),
    (["--results", "res", "echo {}"], ["x" * 260 + "1", "x" * 260 + "2"]),
    (["--output", "res", "echo {} > res"], ["x/1", "y/2"]),
    (["--output", "{/}", "echo {} > {/}"], ["x/a", "y/a"]),
    (["--results", "res/{%}", "echo {}"], ["x/1", "y/2"]),
])
def test_two_jobs_never_write_one_file(fmap, tmp_path, options, inputs):
    done = fmap("-j1", *options[:-1], options[-1] + "; echo x >> ran #", ":::", *inputs)
    assert done.code == 1 and "by job 1 (" in done.err and "by job 2 (" in done.err, done
    assert all(name[:50] in done.err for name in inputs)
    assert (tmp_path / "ran").read_text() == "x\n"


def test_a_refused_job_does_no_harm_to_the_files_of_the_other(fmap, tmp_path):
    arguments = ["-j1", "--joblog", "log", "--output", "out", "echo {} > out", ":::", "a", "b"]
    assert fmap(*arguments).code == 1
    for option in ["--resume", "--resume-failed"]:
        fmap(*arguments[:3], option, *arguments[3:])
        assert (tmp_path / "out").read_text() == "a\n"


def test_a_dry_run_names_the_jobs_that_would_be_refused(fmap):
    done = fmap("--dry-run", "--results", "res", "echo {}", ":::", "a", "a", "b")
    assert done.out == "echo a\necho b\n" and "by job 2 (a)" in done.err, done


def test_no_name_leads_out_of_the_folder(fmap, tmp_path):
    assert fmap("--results", "res", "--header", ":", "echo {1}", ":::", "../../up", "..", ":::", "..", ".").code == 0
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith(".")] == ["res"]
    assert fmap("--results", "res2", "echo {}", ":::", ".", "", "..").code == 0
    assert len(list((tmp_path / "res2").rglob("stdout"))) == 3
    assert not (tmp_path / "res2/stdout").exists()


def test_a_table_that_is_continued_keeps_its_rows(fmap, tmp_path):
    fmap("--joblog", "log", "--results", "t.csv", "echo {}", ":::", "one")
    fmap("--joblog", "log", "--resume", "--results", "t.csv", "echo {}", ":::", "one", "two")
    rows = list(csv.DictReader(open(tmp_path / "t.csv", newline="")))
    assert [row["V1"] for row in rows] == ["one", "two"]
    fmap("--results", "t.csv", "echo {}", ":::", "three")
    assert len((tmp_path / "t.csv").read_text().splitlines()) == 3  # the header, a row, its second line


@pytest.mark.parametrize("name", ["-.json", "-.csv", "-.tsv"])
def test_a_table_takes_any_bytes(shell, name):
    done = shell(f"$FURROW map --results {name} \"printf 'caf\\\\351 \\\\0 {{}}'\" ::: $'v\\xff' > table; echo code=$?")
    assert done.out == "code=0\n", done
    if name == "-.json":
        check = "import json; [json.loads(line) for line in open('table', encoding='utf-8')]"
        assert shell(f'python3 -c "{check}"').code == 0
