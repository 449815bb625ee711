"""What the last release has written is read, and what a newer one has written is refused, unchanged.

The folders beside this file hold what a release has written; make.sh has made them.
"""
import gzip
import json
import os
import shutil
import sqlite3
from pathlib import Path

import pytest

import engine

HERE = Path(__file__).parent
RELEASES = sorted(path.parent.name for path in HERE.glob("*/furrow.db.gz"))


@pytest.fixture(params=RELEASES)
def release(request, tmp_path):
    """A folder as the release has left it."""
    kept = HERE / request.param
    for name in ("Snakefile", "log", "log.furrow", "resume", "squares.py"):
        shutil.copy(kept / name, tmp_path)
    (tmp_path / ".furrow").mkdir()
    (tmp_path / ".furrow" / "furrow.db").write_bytes(gzip.decompress((kept / "furrow.db.gz").read_bytes()))
    for name, time in json.loads((kept / "times.json").read_text()).items():
        (tmp_path / name).write_text("in\n")
        os.utime(tmp_path / name, ns=(time, time))
    return tmp_path


def test_a_store_is_read_and_continued(release):
    result = engine.furrow_run("-c1", cwd=release)
    assert result.code == 0 and "Nothing to do" in result.text, result
    (release / "in.txt").write_text("new\n")
    os.utime(release / "in.txt", (1, 1))  # only a record tells that it has changed
    assert engine.furrow_run("-c1", "-q", cwd=release).code == 0
    assert (release / "b.txt").read_text() == "new\n" and (release / "ran").read_text() == "a\nb\n"
    assert "Nothing to do" in engine.furrow_run("-c1", cwd=release).text


def test_a_store_tells_that_code_has_changed(release):
    text = (release / "Snakefile").read_text()
    (release / "Snakefile").write_text(text.replace("echo b >> ran;", "echo b2 >> ran;"))
    assert engine.furrow_run("-c1", "-q", cwd=release).code == 0
    assert (release / "ran").read_text() == "b2\n"


def test_a_job_log_with_its_keys_is_continued(release):
    result = engine.furrow("map", "--joblog", "log", "--resume", "-k", "echo", ":::", "2", "1", "3", cwd=release)
    assert result.code == 0 and result.out == "3\n", result
    assert len((release / "log").read_text().splitlines()) == 4


def test_a_resume_file_is_continued(release):
    if not Path(engine.MODULE).exists():
        pytest.skip("the module is not built")
    (release / "mended").touch()
    result = engine.execute(["/usr/bin/python3", "squares.py"], release, engine.environment(PYTHONPATH=engine.MODULE))
    assert result.code == 0 and "[0, 1, 4, 9, 16]" in result.out, result
    assert (release / "calls").read_text() == "3\n"


def refuses(result, path, before):
    assert result.code not in (0, None) and "newer" in result.err, result
    assert path.read_bytes() == before, "it is left as it is"


def test_a_newer_store_is_refused(release):
    store = release / ".furrow" / "furrow.db"
    connection = sqlite3.connect(store)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = store.read_bytes()
    refuses(engine.furrow_run("-c1", cwd=release), store, before)
    refuses(engine.furrow_run("-n", cwd=release), store, before)
    refuses(engine.furrow("map", "--output", "{}.o", "touch {}.o", ":::", "1", cwd=release), store, before)
    assert not (release / "1.o").exists()


def test_a_newer_journal_is_refused(release):
    journal = release / ".furrow" / "journal"
    journal.write_text("furrow journal 2\nsomething\n")
    refuses(engine.furrow_run("-c1", cwd=release), journal, journal.read_bytes())


def test_newer_keys_of_a_job_log_are_refused(release):
    keys = release / "log.furrow"
    keys.write_bytes(b"furrow keys of a job log 9\n" + keys.read_bytes()[27:])
    before = keys.read_bytes()
    result = engine.furrow("map", "--joblog", "log", "--resume", "-k", "echo", ":::", "1", cwd=release)
    refuses(result, keys, before)
