"""--output: a job runs only if a file that it makes is missing or old."""
import os
import sqlite3


def older(path, seconds):
    os.utime(path, (path.stat().st_atime, path.stat().st_mtime - seconds))


def zipped(fmap, *inputs):
    done = fmap("-k", "-v", "--output", "{}.gz", "gzip -k {}", ":::", *inputs)
    assert done.code == 0, done
    return [line.split()[-1] for line in done.out.splitlines()]


def test_an_output_newer_than_its_input_is_not_made_again(fmap, tmp_path):
    (tmp_path / "a").write_text("a\n")
    (tmp_path / "b").write_text("b\n")
    assert zipped(fmap, "a", "b") == ["a", "b"]
    assert zipped(fmap, "a", "b") == []
    older(tmp_path / "a.gz", 100)
    older(tmp_path / "a", 50)
    assert zipped(fmap, "a", "b") == ["a"]
    (tmp_path / "b.gz").unlink()
    assert zipped(fmap, "a", "b") == ["b"]


def test_a_file_from_elsewhere_is_judged_by_its_time(fmap, tmp_path):
    (tmp_path / "a").write_text("a\n")
    (tmp_path / "a.gz").write_text("made elsewhere\n")
    older(tmp_path / "a", 10)
    assert zipped(fmap, "a") == []


def test_another_command_makes_the_output_again(fmap):
    assert fmap("-v", "--output", "{}.out", "echo one > {}.out", ":::", "a").out != ""
    assert fmap("-v", "--output", "{}.out", "echo one > {}.out", ":::", "a").out == ""
    assert fmap("-v", "--output", "{}.out", "echo two > {}.out", ":::", "a").out != ""


def test_outputs_of_a_failed_job_are_removed(fmap, tmp_path):
    done = fmap("--output", "{}.out", "echo half > {}.out; exit 3 #", ":::", "a")
    assert done.code == 1 and not (tmp_path / "a.out").exists()


def test_a_job_that_does_not_make_its_output_fails(fmap):
    done = fmap("--output", "{}.out", "true", ":::", "a")
    assert done.code == 1 and "did not make a.out" in done.err


def test_folders_of_outputs_are_created(fmap, tmp_path):
    assert fmap("--output", "deep/er/{}", "echo x > deep/er/{} #", ":::", "a").code == 0
    assert (tmp_path / "deep/er/a").exists()


def test_jobs_are_recorded_in_the_workflow_store(fmap, tmp_path):
    (tmp_path / "a").write_text("a\n")
    zipped(fmap, "a")
    assert (tmp_path / ".furrow").is_dir()
    database = next((tmp_path / ".furrow").glob("*.db"))
    tables = [name
              for (name,) in sqlite3.connect(database).execute("select name from sqlite_master where type='table'")]
    assert any(b"a.gz" in str(row).encode() for table in tables
               for row in sqlite3.connect(database).execute(f"select * from {table}"))


def test_a_job_that_ran_when_the_engine_died_runs_again(start, fmap, tmp_path):
    run = start("--output", "{}.out", "echo half > {}.out; touch started; sleep 60; echo rest >> {}.out #", ":::", "a")
    run.wait_for_file("started")
    run.signal(9)
    run.wait()
    assert (tmp_path / "a.out").exists()
    done = fmap("--output", "{}.out", "echo whole > {}.out #", ":::", "a")
    assert done.code == 0 and (tmp_path / "a.out").read_text() == "whole\n", done


def test_a_dry_run_shows_only_the_jobs_that_would_run(fmap, tmp_path):
    for name in "ab":
        (tmp_path / name).write_text("x\n")
    assert zipped(fmap, "a") == ["a"]
    for _ in range(2):
        assert fmap("--dry-run", "-v", "--output", "{}.gz", "gzip -k {}", ":::", "a", "b").out == "gzip -k b\n"
    (tmp_path / ".furrow").rename(tmp_path / "away")
    assert fmap("--dry-run", "--output", "{}.gz", "gzip -k {}", ":::", "a", "b").out == "gzip -k b\n"
    assert not (tmp_path / ".furrow").exists()


def test_a_dry_run_goes_by_the_results_of_a_run_before(fmap):
    fmap("--results", "res", "echo {}", ":::", 1)
    assert fmap("--dry-run", "--resume", "--results", "res", "echo {}", ":::", 1, 2).out == "echo 2\n"
