"""What libraries and tools that know multiprocessing's pools ask of furrow's."""
import inspect
import json
import os
import subprocess
import sys
import time
from multiprocessing import pool as theirs

import program
import pytest

import furrow

TYPES = {
    theirs.Pool: lambda processes, threads: processes,
    theirs.ThreadPool: lambda processes, threads: threads,
    theirs.AsyncResult: lambda processes, threads: processes.apply_async(abs, (1,)),
    theirs.MapResult: lambda processes, threads: threads.map_async(abs, [1]),
    theirs.IMapIterator: lambda processes, threads: processes.imap(abs, [1]),
    theirs.IMapUnorderedIterator: lambda processes, threads: threads.imap_unordered(abs, [1]),
}


@pytest.fixture(scope="module")
def pools():
    with furrow.Pool(2) as processes, furrow.ThreadPool(2) as threads:
        yield processes, threads


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.__name__)
def test_they_are_of_multiprocessings_types_and_share_no_code_with_them(kind, pools):
    made = TYPES[kind](*pools)
    assert isinstance(made, kind)
    for name in dir(kind):
        if name in dir(object) or name in ("__del__", "__enter__", "__exit__", "__next__", "__iter__"):
            continue
        if name in ("__class_getitem__", "__dict__", "__module__", "__weakref__"):
            continue
        found = inspect.getattr_static(made, name)
        assert found is not inspect.getattr_static(kind, name), name
    for name in ("__init__", "__repr__", "__reduce__", "__del__"):
        if name in vars(kind):
            assert getattr(type(made), name) is not getattr(kind, name), name
    for name in dir(made):
        getattr(made, name)


def test_a_pool_is_of_these_types_though_it_was_made_before_their_module_was_imported(tmp_path):
    (tmp_path / "late.py").write_text("""
import sys
import furrow

class Mine(furrow.Pool):
    pass

if __name__ == "__main__":
    with Mine(1) as mine, furrow.ThreadPool(1) as threads:
        results = mine.map_async(abs, [1]), threads.imap_unordered(abs, [1])
        assert "multiprocessing.pool" not in sys.modules
        import multiprocessing.pool as theirs
        assert isinstance(mine, theirs.Pool) and not isinstance(mine, theirs.ThreadPool)
        assert isinstance(threads, theirs.ThreadPool)
        assert isinstance(results[0], theirs.MapResult) and isinstance(results[1], theirs.IMapUnorderedIterator)
        assert mine.map(abs, [-2]) == [2] and results[0].get() == list(results[1]) == [1]
""")
    done = program.run("late.py", cwd=tmp_path)
    assert done.code == 0, done.stderr


def test_a_process_pool_is_no_thread_pool_and_says_what_it_does_not_have(pools):
    assert not isinstance(pools[0], theirs.ThreadPool)
    with pytest.raises(AttributeError, match="no _setup_queues"):
        pools[0]._setup_queues()


def test_the_starmap_iterators_give_results_as_they_come(pools):
    for pool in pools:
        assert list(pool.istarmap(divmod, [(7, 2), (9, 4)], chunksize=2)) == [(3, 1), (2, 1)]
        assert sorted(pool.istarmap_unordered(pow, ((x, 2) for x in range(9)))) == [x * x for x in range(9)]
        endless = pool.istarmap(max, iter(lambda: (1, 2), None))
        assert [next(endless) for _ in range(3)] == [2, 2, 2]


def test_the_number_of_tasks_left_falls_to_none(pools):
    for pool in pools:
        result = pool.map_async(time.sleep, [0.03] * 20, chunksize=1)
        seen = [result._number_left]
        while not result.ready():
            seen.append(result._number_left)
            time.sleep(0.01)
        assert seen == sorted(seen, reverse=True) and seen[0] > 10 and len(set(seen)) > 3
        assert result._number_left == 0


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_coverage_measures_the_lines_of_tasks(tmp_path, method):
    pytest.importorskip("coverage")
    (tmp_path / "half.py").write_text("def half(x):\n    if x % 2:\n        return None\n    return x // 2\n")
    (tmp_path / "go.py").write_text("import furrow, half\nif __name__ == '__main__':\n"
                                    f"    pool = furrow.Pool(1, context={method!r})\n"
                                    "    pool.map(half.half, [2, 4])\n    pool.close()\n    pool.join()\n")
    (tmp_path / ".coveragerc").write_text("[run]\nconcurrency = multiprocessing\nparallel = True\nsource = .\n")
    for words in ("run go.py", "combine -q", "json -q -o lines.json"):
        subprocess.run([sys.executable, "-m", "coverage", *words.split()], cwd=tmp_path, env=program.environment(),
                       check=True, timeout=60)
    assert json.loads((tmp_path / "lines.json").read_text())["files"]["half.py"]["missing_lines"] == [3]


def test_a_frozen_program_may_spawn_a_pool(tmp_path):
    frozen = tmp_path / "frozen"
    frozen.write_text(f"""#!{sys.executable}
import multiprocessing, os, sys
sys.frozen, sys.executable = True, os.path.abspath(__file__)
multiprocessing.set_executable(sys.executable)
def double(x): return 2 * x
if __name__ == "__main__":
    multiprocessing.spawn.freeze_support()
    if "-c" in sys.argv:
        code = sys.argv[sys.argv.index("-c") + 1]
        sys.exit(exec(code) if "resource_tracker" in code else "started as a Python")
    import furrow
    with furrow.Pool(2, context="spawn") as pool:
        print(pool.map(double, [1, 2]))
""".replace("import multiprocessing, os", "import multiprocessing, multiprocessing.spawn, os"))
    frozen.chmod(0o755)
    done = subprocess.run([frozen], env=program.environment(), capture_output=True, text=True, timeout=60)
    assert done.stdout == "[2, 4]\n", done.stderr


def test_a_start_method_of_a_library_is_no_obstacle():
    class Context:
        def get_start_method(self, allow_none=False):
            return "of_its_own"

    with furrow.Pool(1, context=Context()) as pool:
        assert pool.apply(os.getppid) != os.getppid()


def test_the_bar_of_a_thread_pool_knows_its_total(pools):
    totals = []
    pools[1].map(time.sleep, [0.01] * 30, progress=lambda done, failed, total, elapsed: totals.append(total))
    assert set(totals) == {30}


def test_a_bar_of_tqdm_counts_to_the_end(pools, capsys):
    pytest.importorskip("tqdm")
    for pool in pools:
        assert pool.map(abs, range(40), progress="tqdm") == list(range(40))
        assert "40/40" in capsys.readouterr().err
        assert list(pool.imap(abs, iter(range(30)), progress="tqdm")) == list(range(30))
        assert "30task" in capsys.readouterr().err
    with pytest.raises(ValueError, match="progress is"):
        pools[0].map(abs, [1], progress="dots")


def test_a_bar_of_rich_counts_to_the_end(pools, capsys):
    pytest.importorskip("rich")
    for pool in pools:
        assert pool.map(abs, range(40), progress="rich") == list(range(40))
        assert "40/40" in capsys.readouterr().out
        assert list(pool.imap(abs, iter(range(30)), progress="rich")) == list(range(30))
        assert "30/" in capsys.readouterr().out


def test_bars_of_rich_share_a_display_and_end_with_their_maps(pools, capsys):
    live = pytest.importorskip("rich.live")
    for pool in pools:
        several = [pool.map_async(time.sleep, [0.01] * count, progress="rich") for count in (20, 30)]
        assert all(each.get() for each in several)
        out = capsys.readouterr().out
        assert "20/20" in out and "30/30" in out
        with pytest.raises(TypeError):
            pool.map(abs, [1, None, "a"], progress="rich")
        next(pool.imap(abs, iter(range(10**6)), progress="rich"))  # and is dropped
        with live.Live():  # there is none already
            assert pool.map(abs, range(3), progress="rich") == [0, 1, 2]


def test_the_bar_of_a_notebook_shows_the_rate_and_the_time_left(monkeypatch):
    from furrow._progress import NotebookBar

    bar, seen = NotebookBar.__new__(NotebookBar), []
    bar._shown = type("Shown", (), {"update": lambda self, shown, raw: seen.append(shown["text/plain"])})()
    bar(20, 5, 100, 5.0)
    bar(100, 0, 100, 20.0)
    assert seen == ["25 of 100, 5 failed, 5.0 s, 5/s, 15 s left", "100 of 100, 20.0 s, 5/s"]
