"""The stubs that type checkers read agree with the module."""
import ast
from pathlib import Path

import furrow
import program
import pytest

pytest.importorskip("mypy")

USER = """
from pathlib import Path
from typing import List, Optional
import furrow

def name(x: int) -> str:
    return str(x)

def add(x: int, y: float) -> float:
    return x + y

with furrow.Pool(2) as pool:
    names: List[str] = pool.map(name, range(3))
    sums: List[float] = pool.starmap(add, [(1, 2.0)])
    first: str = next(iter(pool.imap(name, range(3), chunksize=2)))
    later: str = pool.apply_async(name, (1,)).get(timeout=1)
    one: str = pool.apply(name, (1,))
    more: List[str] = pool.map(name, range(3), timeout=1.5, retries=2, progress=True, seed=3, resume=("file", "key"),
                               trace="file")
    with pool.scatter(range(3), parts=2) as data:
        named: furrow.Partitioned[str] = data.map(name, retries=1)
        lengths: List[int] = named.map_parts(len)
    with pool.partition(3, name, parts=2, retries=1, seed=3) as texts_of:
        longest: int = texts_of.map_reduce(len, max)
    threads = furrow.ThreadPool()
    failed: int = pool.statistics().failed
    ends: bool = threads.apply(furrow.task_stop_requested, timeout=1)
    shared = furrow.shared_array((3, 4))
    cores: int = furrow.cpu_count(logical=True)
    ran: furrow.RunResult = furrow.run("Snakefile", ["a", "b"], cores=2, config={"n": 1}, options=["-k"])
    reasons: List[Optional[str]] = [job.reason for job in ran]
    mapped = furrow.map_command(["wc", "-l"], [("a", 1), "b", Path("c")], jobs="50%", directory=Path("d"))
    texts: List[Optional[str]] = [each.stdout for each in mapped if mapped.ok and each.values[0]]
"""

WRONG = {
    "names: List[int] = pool.map(name, range(3))": "incompatible type",
    "pool.map(name, ['a'])": "expected",
    "pool.map(name, range(3), retry=2)": "Unexpected keyword",
    "furrow.map_command('ls', [None])": "incompatible type",
    "furrow.run(core=2)": "Unexpected keyword",
    "pool.no_such_method()": "no attribute",
    "pool.scatter(range(3)).map(len)": "incompatible type",
    "pool.partition(3, len)": "incompatible type",
}


def mypy(folder, text):
    (folder / "user.py").write_text(text)
    return program.run("-m", "mypy", "--strict", "--cache-dir", folder / "cache", folder / "user.py", cwd=folder,
                       MYPYPATH=program.MODULE, timeout=120)


def test_names_and_signatures_agree_with_the_module(tmp_path):
    (tmp_path / "mypy.ini").write_text("[mypy]\nignore_missing_imports = True\nignore_errors = True\n")
    # Only public names have stubs; users do not construct results, and Pool.__new__ takes what __init__ does.
    (tmp_path / "allowed").write_text("furrow\\._.*\nfurrow\\.Pool\\.__new__\n"
                                      "furrow\\.(\\w+Result|Partitioned)\\.__init__\n")
    done = program.run("-m", "mypy.stubtest", "furrow", "--concise", "--ignore-missing-stub", "--mypy-config-file",
                       "mypy.ini",
                       "--allowlist", "allowed", "--ignore-unused-allowlist", cwd=tmp_path, MYPYPATH=program.MODULE,
                       timeout=120)
    assert done.code == 0, str(done)


def stub():
    return ast.parse(Path(furrow.__file__).with_name("__init__.pyi").read_text())


def test_every_public_name_has_a_stub():
    declared = set()
    for node in stub().body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            declared.add(node.name)
        elif isinstance(node, ast.ImportFrom):
            declared.update(alias.asname or alias.name for alias in node.names)
    assert set(furrow.__all__) <= declared


def test_mypy_accepts_a_correct_program(tmp_path):
    done = mypy(tmp_path, USER)
    assert done.code == 0, str(done)


@pytest.mark.parametrize("line", WRONG)
def test_mypy_reports_a_mistake(line, tmp_path):
    done = mypy(tmp_path, USER.replace("    names: List[str] = pool.map(name, range(3))", "    " + line))
    assert done.code == 1 and WRONG[line] in done.out, str(done)


def test_the_package_says_that_it_is_typed():
    assert Path(furrow.__file__).with_name("py.typed").exists()
