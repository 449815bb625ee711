"""FURROW_LOG makes the engine write what it decides."""
import re

import engine

LINE = re.compile(r"\[furrow \d+\.\d{6} \d+ (\w+)\] (.*)")
SNAKEFILE = 'rule one:\n    output: "one.txt"\n    shell: "echo 1 > {output}"\n'


def logged(text):
    """The topic and the text of each line of the log."""
    return [found.groups() for found in map(LINE.fullmatch, text.splitlines()) if found]


def texts(result, topic):
    return [text for of, text in logged(result.err) if of == topic]


def test_a_run_logs_its_job_from_start_to_end(folder):
    result = folder.run(snakefile=SNAKEFILE, env={"FURROW_LOG": "farm,exec"})
    farm = texts(result, "farm")
    assert [text for text in farm if text.startswith("job ")] == ["job 0 starts, attempt 1: one", farm[-2]]
    assert farm[-2].startswith("job 0 ended, attempt 1: status 0, signal 0, ")
    assert any(text.startswith("job 0 runs as process ") for text in texts(result, "exec")), result.err
    assert {topic for topic, _ in logged(result.err)} == {"log", "farm", "exec"}


def test_the_reason_of_a_job_is_logged(folder):
    result = folder.run(snakefile=SNAKEFILE, env={"FURROW_LOG": "workflow,snakefile"})
    assert "one must run: missing output" in texts(result, "workflow")
    assert any(text.startswith("evaluator started as process ") for text in texts(result, "snakefile")), result.err


def test_debug_says_more(folder):
    result = folder.run(snakefile=SNAKEFILE, env={"FURROW_LOG": "farm:debug"})
    assert any(text.startswith("job 0 is picked: ") for text in texts(result, "farm")), result.err


def test_nothing_is_logged_without_the_variable(folder):
    assert logged(folder.run(snakefile=SNAKEFILE).text) == []


def test_an_unknown_topic_is_refused_in_one_line_that_names_the_known_ones(folder):
    result = folder.run(snakefile=SNAKEFILE, env={"FURROW_LOG": "frm,exec:loud"})
    warnings = [line for line in result.err.splitlines() if "FURROW_LOG" in line]
    assert len(warnings) == 1 and "does not know frm, exec:loud" in warnings[0], result.err
    assert "farm, exec, cluster, ranks, pool, mpi, store, workflow, snakefile, command" in warnings[0]
    assert logged(result.err) == []


def test_lines_go_to_a_file(tmp_path):
    env = engine.environment(FURROW_LOG="all:debug", FURROW_LOG_FILE="furrow.log")
    result = engine.furrow("map", "-j1", "echo {}", ":::", "a", "b", cwd=tmp_path, env=env)
    assert result.code == 0 and result.out == "a\nb\n" and result.err == "", str(result)
    lines = (tmp_path / "furrow.log").read_text().splitlines()
    assert len(logged("\n".join(lines))) == len(lines) > 6, lines
    assert any(line.endswith("command] the input ends after 2 jobs") for line in lines), lines
