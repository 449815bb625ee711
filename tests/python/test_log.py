"""FURROW_LOG makes a Pool write what it decides."""
import re

import program

MAP = """
import furrow
with furrow.Pool(2) as pool:
    print(sum(pool.map(abs, range(10))))
"""
CRASH = """
import os, furrow
def crash(x):
    if x == 3 and not os.path.exists("crashed"):
        open("crashed", "w").close()
        os.abort()
    return x
with furrow.Pool(2) as pool:
    print(pool.map(crash, range(5), retries=1))
"""


def pool_lines(result):
    return re.findall(r"^\[furrow \d+\.\d{6} \d+ pool\] (.*)$", result.err, re.MULTILINE)


def has(lines, pattern):
    return any(re.match(pattern, line) for line in lines)


def test_a_map_is_logged(tmp_path):
    result = program.run_text(MAP, cwd=tmp_path, FURROW_LOG="pool")
    assert result.out == "45\n", str(result)
    lines = pool_lines(result)
    assert has(lines, r"fork server \d+ is forked, for 2 workers"), str(result)
    assert has(lines, r"map \d+ starts: 10 inputs, 2 workers, "), str(result)
    assert has(lines, r"map \d+ ends: 10 of 10 inputs done, 0 failed"), str(result)


def test_a_crash_and_the_retry_are_logged(tmp_path):
    result = program.run_text(CRASH, cwd=tmp_path, FURROW_LOG="pool")
    assert result.out == "[0, 1, 2, 3, 4]\n", str(result)
    lines = pool_lines(result)
    assert has(lines, r"worker \d, process \d+, was killed by signal 6 "), str(result)
    assert has(lines, r"worker \d died while it ran item 3, attempt 1: the item is tried again"), str(result)
    assert has(lines, r"worker \d is replaced"), str(result)


def test_nothing_is_logged_without_the_variable(tmp_path):
    assert pool_lines(program.run_text(MAP, cwd=tmp_path)) == []
