"""`furrow report`: what the store of a folder knows of a run that has ended, has failed, was killed or goes on."""

import csv
import io
import json
import os
import shutil
import signal
import sqlite3

import engine
import pytest
from report_page import Page
from running import Running, wait_until

SNAKEFILE = """
rule all:
    input: "sum", "b.out"
rule make:
    output: "{name}.txt"
    log: "logs/{name}.log"
    shell: "echo made {wildcards.name} > {log}; sleep 0.2; echo 1 > {output}"
rule sum:
    input: "x.txt", "y.txt"
    output: "sum"
    shell: "sleep 0.1; cat {input} > {output}"
rule bad:
    input: "x.txt"
    output: "b.out"
    log: "logs/bad.log"
    retries: 1
    shell: "echo 'cannot </script> do it' > {log}; test -e repaired || exit 3; touch {output}"
"""


def report(folder, *arguments, code=0, env=None):
    result = engine.furrow("report", *arguments, cwd=folder.path, env=env)
    assert result.code == code, str(result)
    return result


def as_json(folder, *arguments, code=0):
    return json.loads(report(folder, "--format", "json", *arguments, code=code).out)


def jobs_of(made):
    return {job["key"]: job for job in made["jobs"]}


@pytest.fixture(scope="module")
def failed(module_folder):
    """A folder in which a run has failed, and another of x.txt alone was before it."""
    module_folder.write("Snakefile", SNAKEFILE)
    module_folder.run("-c1", "x.txt")
    module_folder.run("-c1", "-k", code=1)
    return module_folder


def test_a_run_that_failed_is_shown_in_full(failed):
    made = as_json(failed)
    run, jobs = made["run"], jobs_of(made)
    assert (run["state"], run["exit_code"], run["cores"], run["executor"]) == ("failed", 1, 1, "local")
    assert {name: run[name] for name in ("due", "up_to_date", "done", "failed", "skipped", "running")} == {
        "due": 4, "up_to_date": 1, "done": 2, "failed": 1, "skipped": 1, "running": 0}
    assert run["wall_s"] >= 0.3 and run["ended_at"] - run["began_at"] == pytest.approx(run["wall_s"], abs=0.001)
    bad = jobs["b.out"]
    assert (bad["state"], bad["exit_status"], bad["attempt"]) == ("failed", 3, 2)
    assert bad["log_end"] == "cannot </script> do it"
    assert "output is missing" in bad["reason"] and bad["logs"] == ["logs/bad.log"]
    assert jobs["x.txt"]["state"] == "made earlier" and not jobs["x.txt"]["in_run"]
    assert jobs["y.txt"]["state"] == "done" and "log_end" not in jobs["y.txt"]
    assert jobs["y.txt"]["wildcards"] == "name=y"


def test_waits_and_the_critical_path_follow_from_what_jobs_need(failed):
    made = as_json(failed)
    jobs = jobs_of(made)
    assert made["critical_path"] == ["y.txt", "sum"]
    assert made["run"]["critical_path_s"] == pytest.approx(jobs["y.txt"]["work_s"] + jobs["sum"]["work_s"], abs=0.01)
    # Nothing of this run had to be made before it.
    assert jobs["b.out"]["ready_at"] == made["run"]["began_at"]
    assert jobs["sum"]["ready_at"] == pytest.approx(jobs["y.txt"]["ended_at"], abs=0.001)
    for job in jobs.values():
        if job["in_run"]:
            assert job["waited_s"] == pytest.approx(job["started_at"] - job["ready_at"], abs=0.001)
    cores = made["run"]["core_seconds"]
    assert sum(cores.values()) == pytest.approx(made["run"]["wall_s"], abs=0.05)


def test_csv_has_a_line_for_each_job(failed):
    lines = list(csv.DictReader(io.StringIO(report(failed, "--format", "csv").out)))
    assert {line["key"]: line["state"] for line in lines} == {
        "x.txt": "made earlier", "y.txt": "done", "sum": "done", "b.out": "failed"}
    assert all(line["host"] and float(line["work_s"]) >= 0 for line in lines)


def test_an_earlier_run_is_chosen_by_its_id(failed):
    ids = [name.split("-")[1].split(".")[0] for name in sorted(os.listdir(failed / ".furrow/runs"))]
    made = as_json(failed, "--run", ids[0][:6])
    assert made["run"]["id"] == ids[0] and made["run"]["state"] == "done" and jobs_of(made)["x.txt"]["state"] == "done"
    refused = report(failed, "--run", "zz", code=1)
    assert "there is no run zz" in refused.err and ids[0] in refused.err


def test_a_page_has_all_of_it_and_needs_neither_snakefile_nor_python(failed, tmp_path):
    shutil.copytree(failed / ".furrow", tmp_path / ".furrow")
    before = sorted((path, path.stat().st_mtime_ns) for path in (tmp_path / ".furrow").rglob("*"))
    result = engine.furrow("report", tmp_path, "-o", tmp_path / "out/page.html", cwd="/", env={"PATH": "/nowhere"})
    assert result.code == 0 and "page.html has 4 jobs" in result.err
    page = Page(tmp_path / "out/page.html")
    assert [address for address in page.addresses if not address.startswith(("#", "data:"))] == []
    assert sorted((path, path.stat().st_mtime_ns) for path in (tmp_path / ".furrow").rglob("*")) == before


def test_commands_are_there_on_request_alone(failed):
    assert "cat x.txt" not in report(failed, "--format", "json").out
    assert "cat x.txt y.txt > sum" in jobs_of(as_json(failed, "--commands"))["sum"]["command"]


def test_without_a_journal_the_records_are_shown(failed, tmp_path):
    shutil.copytree(failed / ".furrow", tmp_path / ".furrow", ignore=shutil.ignore_patterns("runs"))
    result = engine.furrow("report", "--format", "json", tmp_path, cwd="/")
    made = json.loads(result.out)
    assert made["run"]["state"] == "unknown" and made["run"]["cores"] is None
    assert {key: job["state"] for key, job in jobs_of(made).items()} == {
        "x.txt": "done", "y.txt": "done", "sum": "done", "b.out": "failed"}
    assert made["run"]["jobs_waited_s"] == 0 and made["critical_path"][-1] == "sum"


def started(folder, name):
    folder.write("Snakefile", """
rule all:
    input: "quick", "slow"
rule quick:
    output: "quick"
    shell: "echo > quick"
rule slow:
    input: "quick"
    output: "slow"
    log: "slow.log"
    shell: "echo step 1 > {log}; touch begun; while [ ! -e go ]; do sleep 0.05; done; touch {output}"
""")
    run = Running(["-c2"], folder.path, engine.environment(), f"REPORTED={name}")
    run.wait_for_file("begun")
    return run


def test_a_run_that_goes_on_is_shown_and_not_disturbed(folder):
    run = started(folder, "live")

    def is_shown():
        jobs = jobs_of(as_json(folder))
        is_running = jobs.get("slow", {}).get("state") == "running" and "log_end" in jobs["slow"]
        return is_running and jobs["quick"]["state"] == "done" and jobs
    jobs = wait_until(is_shown, 20, "the job is shown as running")
    assert jobs["slow"]["log_end"] == "step 1" and jobs["slow"]["ended_at"] is None
    assert as_json(folder)["run"]["state"] == "running"
    folder.write("go", "")
    assert run.wait() == 0, run.text()
    assert as_json(folder)["run"]["state"] == "done"


def test_a_run_that_was_killed_is_shown_as_such(folder):
    run = started(folder, "killed")
    wait_until(lambda: "slow" in jobs_of(as_json(folder)), 20, "the start is written")
    run.signal(signal.SIGKILL)
    run.wait()
    run.wait_for_nothing_left(20)
    made = as_json(folder)
    assert made["run"]["state"] == "killed" and made["run"]["interrupted"] == 1
    assert {key: job["state"] for key, job in jobs_of(made).items()} == {"quick": "done", "slow": "interrupted"}


def test_a_run_that_was_interrupted_says_by_which_signal(folder):
    run = started(folder, "interrupted")
    run.signal(signal.SIGTERM)
    assert run.wait() == 1
    made = as_json(folder)
    assert (made["run"]["state"], made["run"]["stopped_by_signal"]) == ("interrupted", signal.SIGTERM)
    assert jobs_of(made)["slow"]["state"] == "interrupted"


def test_what_fails_without_a_log_has_what_it_printed(folder):
    folder.run(code=1, snakefile="rule a:\n    output: 'a'\n    shell: 'echo oh no >&2; exit 4'\n")
    assert jobs_of(as_json(folder))["a"]["log_end"].strip() == "oh no"


def test_a_folder_without_a_store_is_refused(folder):
    refused = report(folder, code=1)
    assert "no workflow has run in" in refused.err and "has no store" in refused.err
    assert "there is no folder nowhere" in report(folder, "nowhere", code=1).err
    assert not folder.exists(".furrow") and not folder.exists("run-report.html")


def test_a_damaged_store_and_a_later_one_are_refused(failed, tmp_path):
    def of(change):
        shutil.rmtree(tmp_path / ".furrow", ignore_errors=True)
        shutil.copytree(failed / ".furrow", tmp_path / ".furrow")
        change(tmp_path / ".furrow/furrow.db")
        return engine.furrow("report", "--format", "json", tmp_path, cwd=tmp_path)

    def spoil(database):
        database.write_bytes(b"nonsense" * 1000)

    def alter(statement):
        def change(database):
            with sqlite3.connect(database) as connection:
                connection.execute(statement)
            connection.close()
        return change

    result = of(spoil)
    assert result.code == 1 and "is damaged" in result.err and result.out == ""
    result = of(alter("PRAGMA user_version = 99"))
    assert result.code == 1 and "newer furrow" in result.err and result.out == ""
    result = of(alter("UPDATE job SET finished_at = 1 WHERE key = 'sum'"))
    assert result.code == 1 and "1 record of the store" in result.err
    assert jobs_of(json.loads(result.out))["y.txt"]["state"] == "done"


def test_mistakes_in_arguments_are_refused(folder):
    for arguments in (["--format", "pdf"], ["--nonsense"], ["a", "b"]):
        refused = engine.furrow("report", *arguments, cwd=folder.path)
        assert refused.code == 2 and "furrow report --help" in refused.err, str(refused)
    assert "usage: furrow report" in report(folder, "--help").out


def test_a_run_with_nothing_to_do_leaves_no_journal(folder):
    folder.run(snakefile="rule a:\n    output: 'a'\n    shell: 'echo > a'\n")
    runs = os.listdir(folder / ".furrow/runs")
    folder.run()
    assert os.listdir(folder / ".furrow/runs") == runs
