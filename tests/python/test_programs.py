"""The module in programs as people write them: typed, piped in, without a main guard, with threads and forks."""
import subprocess
import sys

import program
import pytest

SECONDS = 120


def says(result, *lines):
    assert result.code == 0 and result.out.splitlines() == list(lines), str(result)


@pytest.fixture
def run(tmp_path):
    """Runs a program text from a file of its own."""
    def run_it(text, *arguments, **options):
        path = tmp_path / "some_program.py"
        path.write_text(text)
        return program.run(path, *arguments, cwd=tmp_path, timeout=SECONDS, **options)
    return run_it


@pytest.mark.parametrize("start", ["fork", "spawn", "forkserver"])
def test_a_program_on_the_command_line_works(start):
    text = f"""
import furrow, multiprocessing
def double(x): return 2 * x
with furrow.Pool(2, context=multiprocessing.get_context("{start}")) as pool:
    print(pool.map(double, range(3)), pool.map(lambda x: double(x) + 1, range(3)))
"""
    says(program.run("-c", text, timeout=SECONDS), "[0, 2, 4] [1, 3, 5]")


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_a_program_from_standard_input_works(start):
    text = f"""
import furrow, multiprocessing
def double(x): return 2 * x
with furrow.Pool(2, context=multiprocessing.get_context("{start}")) as pool:
    print(pool.map(double, range(3)))
"""
    done = subprocess.run([sys.executable, "-"], input=text, env=program.environment(), capture_output=True, text=True,
                          timeout=SECONDS)
    assert (done.returncode, done.stdout) == (0, "[0, 2, 4]\n"), done.stderr


def test_a_program_typed_line_by_line_works():
    lines = ["import furrow", "pool = furrow.Pool(2)", "def f(x): return x + 1", "", "pool.map(f, range(3))",
             "def f(x): return x + 2", "", "pool.map(f, range(3))", "pool.map(lambda x: f(x) * 10, range(3))", "exit()"]
    done = subprocess.run([sys.executable, "-i"], input="\n".join(lines) + "\n", env=program.environment(),
                          capture_output=True, text=True, timeout=SECONDS)
    assert done.stdout.splitlines() == ["[1, 2, 3]", "[2, 3, 4]", "[20, 30, 40]"], done.stderr


def test_a_spawned_program_without_a_guard_ends(run):
    done = run("""
import furrow, multiprocessing
def double(x): return 2 * x
with furrow.Pool(2, context=multiprocessing.get_context("spawn")) as pool:
    print(pool.map(double, range(3)))
""")
    if done.code == 0:
        assert done.out == "[0, 2, 4]\n"
    else:
        assert "__main__" in done.err, str(done)


def test_a_pool_runs_functions_that_are_defined_after_it(run):
    says(run("""
import furrow
pool = furrow.Pool(2)
SCALE = 3
def work(x): return SCALE * x
class Thing:
    def __init__(self, n): self.n = n
    def add(self, x): return Thing(self.n + x)
    @staticmethod
    def twice(x): return 2 * x
    @classmethod
    def named(cls, x): return cls.__name__ + str(x)
sums = [thing.n for thing in pool.map(Thing(1).add, range(3))]
print(pool.map(work, range(3)), sums, pool.map(Thing.twice, [4]), pool.map(Thing.named, [5]))
"""), "[0, 3, 6] [1, 2, 3] [8] ['Thing5']")


def test_all_kinds_of_functions_can_be_mapped(run):
    says(run("""
import functools, operator, furrow, math
def outer(n):
    def inner(x): return x + n
    return inner
def recursive(n): return 1 if n < 2 else n * recursive(n - 1)
class Callable:
    def __call__(self, x): return -x
if __name__ == "__main__":
    with furrow.Pool(2) as pool:
        for f in [outer(10), functools.partial(pow, 2), Callable(), recursive, math.sqrt, operator.neg, str,
                  [7, 8, 9].__getitem__, functools.partial(outer(1)), lambda x, y=5: x * y,
                  operator.attrgetter("real")]:
            print(pool.map(f, [1, 2]))
"""), "[11, 12]", "[2, 4]", "[-1, -2]", "[1, 2]", "[1.0, 1.4142135623730951]", "[-1, -2]", "['1', '2']", "[8, 9]",
         "[2, 3]", "[5, 10]", "[1, 2]")


def test_the_output_of_workers_appears_once_and_complete(run):
    done = run("""
import furrow
print("before")
def say(x): print("task", x)
if __name__ == "__main__":
    with furrow.Pool(2) as pool:
        pool.map(say, range(4))
        pool.map(say, range(4, 6))
    print("after")
""")
    assert done.code == 0 and done.err == ""
    assert sorted(done.out.splitlines()) == ["after", "before", *(f"task {i}" for i in range(6))]


def test_standard_input_belongs_to_the_program(tmp_path):
    path = tmp_path / "reads.py"
    path.write_text("""
import furrow, sys
def read(x):
    try: return input()
    except EOFError: return "end"
with furrow.Pool(2) as pool:
    print(pool.map(read, range(2)), sys.stdin.read())
""")
    done = subprocess.run([sys.executable, str(path)], input="mine\n", env=program.environment(), capture_output=True,
                          text=True, timeout=SECONDS)
    assert done.stdout == "['end', 'end'] mine\n\n", done.stderr


def test_workers_fork_while_other_threads_hold_locks(run):
    says(run("""
import furrow, logging, io, threading
logging.basicConfig(stream=io.StringIO(), level=logging.INFO)
stop = False
def busy():
    while not stop:
        logging.info("busy")
        print("", end="", flush=True)
def work(x):
    logging.info("work")
    import json, decimal
    return x
threads = [threading.Thread(target=busy) for _ in range(3)]
for thread in threads: thread.start()
try:
    for _ in range(20):
        with furrow.Pool(2) as pool:
            assert pool.map(work, range(10)) == list(range(10))
finally:
    stop = True
print("done")
"""), "done")


def test_many_threads_can_share_a_pool(run):
    says(run("""
import furrow, threading
from concurrent.futures import ThreadPoolExecutor
def work(x): return x * x
with furrow.Pool(2) as pool, ThreadPoolExecutor(8) as threads:
    def use(n):
        if n % 3 == 0: return pool.map(work, range(n))
        if n % 3 == 1: return list(pool.imap(work, range(n)))
        return [r.get() for r in [pool.apply_async(work, (i,)) for i in range(n)]]
    for n, came in zip(range(100), threads.map(use, range(100))):
        assert came == [x * x for x in range(n)], n
print("done")
"""), "done")


def test_a_fork_of_the_program_leaves_its_pool_alone(run):
    says(run("""
import furrow, os
pool = furrow.Pool(2)
assert pool.map(abs, [-1]) == [1]
child = os.fork()
if child == 0:
    del pool
    import gc; gc.collect()
    raise SystemExit(0)
assert os.waitpid(child, 0)[1] == 0
print(pool.map(abs, [-1, -2]))
pool.close(); pool.join()
"""), "[1, 2]")


@pytest.mark.parametrize("ending, said", [("return -x", "has returned in it"), ("raise ValueError('copy')", "copy"),
                                          ("sys.exit(0)", "")])
def test_a_process_that_a_task_forks_is_no_second_worker(run, ending, said):
    done = run(f"""
import furrow, os, sys
def fork(x):
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return x
    {ending}
with furrow.Pool(2) as pool, furrow.Executor(2) as executor:
    print(pool.map(fork, range(6), 1), sorted(pool.imap_unordered(fork, range(6))))
    print(pool.map(abs, range(100)) == list(range(100)))
    print(list(executor.map(fork, range(3))), executor.submit(fork, 1).result())
""")
    says(done, "[0, 1, 2, 3, 4, 5] [0, 1, 2, 3, 4, 5]", "True", "[0, 1, 2] 1")
    assert said in done.err and (said or not done.err), str(done)


@pytest.mark.parametrize("ending", ["pass", "pool.close()", "pool.terminate()", "del pool", "raise SystemExit(0)"])
def test_a_program_ends_whatever_it_does_with_its_pool(run, ending):
    done = run(f"""
import furrow, time, os
pool = furrow.Pool(2)
pool.map(abs, range(100))
result = pool.map_async(time.sleep, [0.2] * 4)
iterator = pool.imap(abs, range(1000000))
next(iterator)
print("end", flush=True)
{ending}
""")
    assert done.code == 0 and done.out == "end\n", str(done)
    assert "Traceback" not in done.err


def test_many_pools_clean_up_after_themselves(run):
    says(run("""
import furrow, gc, os, threading
def count(): return len(os.listdir("/proc/self/fd")), threading.active_count(), len(os.listdir("/dev/shm"))
def use():
    with furrow.Pool(2) as pool: assert pool.map(abs, range(10)) == list(range(10))
    pool.join()
use(); gc.collect()
for _ in range(3):  # other programs use /dev/shm too, but a pool would leave files there each time
    before = count()
    for _ in range(30): use()
    gc.collect()
    after = count()
    if after == before: break
assert after == before, (before, after)
print(open("/proc/self/task/%d/children" % os.getpid()).read().split())
"""), "[]")


def test_a_million_items_come_back(run):
    says(run("""
import furrow
def work(x): return x + 1
with furrow.Pool(2) as pool:
    assert pool.map(work, range(1_000_000)) == list(range(1, 1_000_001))
    assert sum(pool.imap(work, (i for i in range(100_000)))) == sum(range(100_001))
    assert sum(pool.imap_unordered(work, range(100_000), chunksize=100)) == sum(range(100_001))
print("done")
"""), "done")


def test_endless_inputs_are_read_as_results_are_taken(run):
    says(run("""
import furrow, itertools, time
taken = 0
def numbers():
    global taken
    for taken in itertools.count(): yield taken
with furrow.Pool(2) as pool:
    for results in (pool.imap(abs, numbers()), pool.imap_unordered(abs, numbers())):
        assert len(list(itertools.islice(results, 100))) == 100
        time.sleep(0.3)
        assert taken < 200_000, taken
print("done")
"""), "done")


def test_large_items_and_results_come_back(run):
    says(run("""
import furrow, hashlib
big = bytes(range(256)) * 200_000
def back(x): return x[::-1]
def digest(x): return hashlib.sha256(x).hexdigest()
with furrow.Pool(2) as pool:
    assert pool.map(back, [big, big[:1000], big]) == [big[::-1], big[:1000][::-1], big[::-1]]
    assert list(pool.imap(digest, [big] * 3)) == [digest(big)] * 3
    assert pool.apply(back, (big,)) == big[::-1]
    assert len(pool.map(lambda x: "x" * 1_000_000, range(40))) == 40
print("done")
"""), "done")


def test_edits_of_arrays_stay_in_their_task(run):
    says(run("""
import furrow, numpy
def edit(pair):
    array, n = pair
    assert array.flags.writeable
    old = array[0]
    array[:] = n
    return float(old), array
array = numpy.zeros(1_000_000)
with furrow.Pool(2) as pool:
    for call in (pool.map, lambda f, xs: list(pool.imap(f, xs)), lambda f, xs: [pool.apply(f, (x,)) for x in xs]):
        came = call(edit, [(array, n) for n in range(1, 9)])
        assert [old for old, _ in came] == [0.0] * 8
        assert all((result == n).all() for n, (_, result) in enumerate(came, 1))
    assert not array.any()
    came[0][1][:] = 5  # the caller may change results
    array[:] = 7       # and the next map sees the array as it is now
    assert pool.map(lambda a: float(a[0]), [array] * 4) == [7.0] * 4
print("done")
"""), "done")


def test_a_lambda_over_a_generator_can_be_mapped(run):
    pytest.importorskip("dill")
    done = run("""
import furrow
def lazy():
    yield 1
if __name__ == "__main__":
    with furrow.Pool(2) as pool:
        print(pool.map(lambda x: [i + x for i in lazy()], range(2)))
""")
    says(done, "[[1], [2]]")


def test_exceptions_of_every_kind_come_back(run):
    done = run("""
import furrow
class Mine(BaseException): pass
def fail(kind):
    if kind == "group": raise ExceptionGroup("two", [ValueError(1), KeyError(2)])
    if kind == "cause":
        try: 1 / 0
        except ZeroDivisionError as error: raise ValueError("because") from error
    raise {"interrupt": KeyboardInterrupt, "generator": GeneratorExit, "mine": Mine, "stop": StopIteration,
           "memory": MemoryError}[kind]()
with furrow.Pool(2) as pool:
    for kind in ["group", "cause", "interrupt", "generator", "mine", "stop", "memory"]:
        try: pool.map(fail, [kind])
        except BaseException as error: print(kind, type(error).__name__)
    try: print(list(pool.imap(fail, ["stop"])))
    except BaseException as error: print(type(error).__name__)
    print(pool.map(abs, [-1]))
""")
    assert done.code == 0, str(done)
    came = dict(line.split() for line in done.out.splitlines()[:7])
    kinds = (came["group"], came["cause"], came["stop"], came["memory"])
    assert kinds == ("ExceptionGroup", "ValueError", "StopIteration", "MemoryError")
    assert done.out.splitlines()[-1] == "[1]"


def test_a_handler_for_sigterm_does_not_keep_workers_alive(run):
    says(run("""
import furrow, signal, time
signal.signal(signal.SIGTERM, lambda *_: print("mine"))
signal.signal(signal.SIGINT, signal.SIG_IGN)
pool = furrow.Pool(2)
pool.map_async(time.sleep, [60] * 2)
time.sleep(0.2)
pool.terminate()
pool.join()
print("done")
"""), "done")


def test_workers_do_not_change_the_programs_folder_or_environment(run):
    says(run("""
import furrow, os
def change(x):
    os.chdir("/"); os.environ["CHANGED"] = "yes"
    return os.getcwd()
with furrow.Pool(2) as pool: pool.map(change, range(4))
print(os.getcwd() != "/", "CHANGED" in os.environ)
"""), "True False")


def test_correct_use_prints_no_warning(run):
    done = run("""
import furrow
if __name__ == "__main__":
    pool = furrow.Pool(2)
    pool.map(abs, range(10))
    pool.close()
    pool.join()
""", PYTHONWARNINGS="always", PYTHONDEVMODE="1")
    assert (done.code, done.out, done.err) == (0, "", "")
