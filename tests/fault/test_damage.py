"""Two engines were killed in the middle of their jobs; then a file of the store is damaged. Whatever it is, the next
run makes what is half-written, or refuses the store with a message.
"""
import os
import random
import shutil
import signal
import subprocess
import time

import pytest

import engine
from running import marked_processes

ROUNDS = 200 if engine.LONG_TESTS else 3
NAMES = [str(n) for n in range(8)]
SLOW = {"3", "7"}
SNAKEFILE = """
rule all:
    input: expand("made/{n}", n=range(8))
rule make:
    input: "in"
    output: "made/{n}"
    shell: "echo first > {output}; sleep $(cat delay.{wildcards.n}); echo last >> {output}"
"""
WHOLE = "first\nlast\n"


def start(folder, mark, *targets):
    argv = [*engine.FURROW_RUN, "-c", "4", *targets, "--forceall"]
    return subprocess.Popen(argv, cwd=folder, env=engine.environment(FURROW_TEST_MARK=mark), stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def wait_for(folder, names):
    deadline = time.monotonic() + 60
    while not all((folder / "made" / n).exists() and (folder / "made" / n).read_text() == WHOLE for n in names):
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """A folder in which all was made once, and engines, watchdogs and jobs were killed when they made it again."""
    folder = tmp_path_factory.mktemp("killed")
    (folder / "Snakefile").write_text(SNAKEFILE)
    (folder / "in").write_text("in\n")
    for name in NAMES:
        (folder / f"delay.{name}").write_text("0")
    assert engine.furrow_run("-q", cwd=folder).code == 0
    for name in NAMES:
        (folder / f"delay.{name}").write_text("60" if name in SLOW else "0")
        (folder / "made" / name).unlink()
    mark = str(folder)
    engines = [start(folder, mark, *[f"made/{n}" for n in NAMES[:4]])]
    while not (folder / "made" / "3").exists():
        assert engines[0].poll() is None
        time.sleep(0.02)
    engines.append(start(folder, mark, *[f"made/{n}" for n in NAMES[4:]]))
    while not (folder / "made" / "7").exists():
        assert engines[1].poll() is None
        time.sleep(0.02)
    wait_for(folder, [n for n in NAMES if n not in SLOW])
    time.sleep(0.5)
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in marked_processes(f"FURROW_TEST_MARK={mark}"):
            os.kill(pid, number)
    for process in engines:
        process.wait()
    for name in NAMES:
        (folder / f"delay.{name}").write_text("0")
    assert list((folder / ".furrow" / "engines").glob("*.journal"))
    return folder


def flip(path, draw):
    text = bytearray(path.read_bytes())
    at = draw.randrange(len(text))
    text[at] ^= 1 << draw.randrange(8)
    path.write_bytes(text)
    return f"bit of byte {at}"


def cut(path, draw):
    size = draw.randrange(path.stat().st_size)
    os.truncate(path, size)
    return f"cut to {size}"


def lose(path, draw):
    path.unlink()
    return "lost"


def page(path, draw):
    text = bytearray(path.read_bytes())
    at = draw.randrange((len(text) + 4095) // 4096) * 4096
    length = min(4096, len(text) - at)
    text[at:at + length] = draw.randbytes(length)
    path.write_bytes(text)
    return f"page at {at}"


@pytest.mark.parametrize("damage", [flip, cut, lose, page])
def test_no_damage_lets_half_a_file_count_as_made(killed, tmp_path, damage):
    seed = random.randrange(1 << 30)
    draw = random.Random(seed)
    for number in range(ROUNDS):
        folder = tmp_path / str(number)
        shutil.copytree(killed, folder)  # with the times of files
        store = folder / ".furrow"
        files = [store / name for name in ("furrow.db", "furrow.db-wal", "journal")]
        files += store.glob("engines/*.journal")
        path = draw.choice([f for f in files if f.exists() and f.stat().st_size > 0])
        what = f"seed {seed}, round {number}, {path.name}: {damage(path, draw)}"
        result = engine.furrow_run(cwd=folder)
        if result.code != 0:
            assert ".furrow" in result.err, f"{what}: {result}"
            shutil.rmtree(store)
            continue
        for name in NAMES:
            made = (folder / "made" / name).read_text()
            assert made == WHOLE, f"{what}, {name}: {made!r}\n{result}"
        shutil.rmtree(folder)
