"""Records of `logging` that tasks make reach the program's handlers, with each start method."""
import json

import program
import pytest

METHODS = ["fork", "spawn", "forkserver"]

# The program keeps what its handler gets in `seen`, and prints it as JSON at the end.
HEAD = """
import json, logging, os, sys, threading, time
import furrow

log = logging.getLogger("some.tasks")
seen = []

class Keep(logging.Handler):
    def emit(self, record):
        seen.append(record)

def messages():
    return [record.getMessage() for record in seen]

class Odd:
    def __init__(self):
        self.lock = threading.Lock()
    def __str__(self):
        return "odd"
"""
MAIN = """
if __name__ == "__main__":
    METHOD = sys.argv[1]
    logging.getLogger().addHandler(Keep())
    logging.getLogger("some").setLevel(logging.INFO)
"""


@pytest.fixture(params=METHODS)
def method(request):
    return request.param


@pytest.fixture
def run(tmp_path):
    """Runs the tasks' text and the lines of the guarded part; returns what these print as JSON."""
    def run_it(tasks, lines, method):
        body = "".join(f"    {line}\n" for line in lines.strip("\n").split("\n"))
        path = tmp_path / "logging_program.py"
        path.write_text(HEAD + tasks + MAIN + body)
        done = program.run(path, method, cwd=tmp_path)
        assert done.code == 0, str(done)
        return json.loads(done.out), done.err
    return run_it


def test_records_come_with_the_workers_names_and_the_programs_levels(run, method):
    out, err = run("""
def task(x):
    log.debug("too low")
    log.info("item %d of %s", x, "three")
    logging.getLogger("quiet").info("too low for the root")
""", """
with furrow.Pool(2, context=METHOD) as pool:
    pool.map(task, range(3))
    pids = [each.pid for each in pool._pool]
print(json.dumps([[r.name, r.levelname, r.args[0], r.funcName, r.getMessage(), r.process in pids,
                   r.processName.rpartition("-")[0]] for r in seen]))
""", method)
    kind = "ForkPoolWorker" if method == "fork" else "SpawnPoolWorker"
    assert sorted(out) == [["some.tasks", "INFO", x, "task", f"item {x} of three", True, kind] for x in range(3)]
    assert err == ""


def test_records_are_there_before_their_results(run, method):
    out, _ = run("""
def task(x):
    for i in range(20):
        log.info("%d %d", x, i)
    return x
""", """
expected = lambda x: [f"{x} {i}" for i in range(20)]
of = lambda x: [text for text in messages() if text.startswith(f"{x} ")]
right = []
with furrow.Pool(2, context=METHOD) as pool:
    for x in pool.imap_unordered(task, range(50)):
        right.append(of(x) == expected(x))
    pool.apply_async(task, (50,), callback=lambda x: right.append(of(x) == expected(x))).get()
    pool.map(task, range(51, 60))
    right += [of(x) == expected(x) for x in range(51, 60)]
with furrow.Executor(2, METHOD) as executor:
    right.append(executor.submit(task, 60).result() == 60 and of(60) == expected(60))
print(json.dumps(right))
""", method)
    assert out == [True] * 61


def test_exceptions_extras_and_what_cannot_be_pickled_arrive_as_text(run, method):
    out, _ = run("""
def task(x):
    log.info("%s and %s", Odd(), 1, extra={"odd": Odd(), "set": {x}})
    log.info({"plain": [1, None]})
    try:
        1 / 0
    except ZeroDivisionError:
        log.exception("failed", stack_info=True)
""", """
with furrow.Pool(1, context=METHOD) as pool:
    pool.apply(task, (1,))
print(json.dumps([messages(), seen[0].odd, list(seen[0].set), seen[1].msg, seen[2].exc_text,
                   "task" in seen[2].stack_info]))
""", method)
    texts, odd, extra, msg, exc_text, has_stack = out
    assert texts[0] == "odd and 1" and odd == "odd" and extra == [1] and msg == {"plain": [1, None]}
    assert texts[2] == "failed"
    assert exc_text.startswith("Traceback") and exc_text.endswith("ZeroDivisionError: division by zero") and has_stack


def test_large_and_many_records_are_whole(run, method):
    out, _ = run("""
def task(x):
    log.info("y" * 300_000)
    for i in range(3000):
        log.info("%d", i)
    log.info("z" * 300_000)
""", """
with furrow.Pool(1, context=METHOD) as pool:
    pool.apply(task, (1,))
print(json.dumps(messages()))
""", method)
    assert out == ["y" * 300_000, *map(str, range(3000)), "z" * 300_000]


def test_a_task_that_works_on_is_heard_meanwhile(run, method):
    out, _ = run("""
def task(path):
    log.info("began")
    while not os.path.exists(path):
        time.sleep(0.01)
""", """
class Open(logging.Handler):
    def emit(self, record):
        open("heard", "w").close()
logging.getLogger().addHandler(Open())
with furrow.Pool(1, context=METHOD) as pool:
    pool.map(task, ["heard"])
print(json.dumps(messages()))
""", method)
    assert out == ["began"]


def test_what_a_killed_worker_has_logged_is_there(run, method):
    out, _ = run("""
def task(x):
    log.info("before")
    os.kill(os.getpid(), 9)
""", """
with furrow.Pool(1, context=METHOD) as pool:
    result = pool.map(task, [1], on_error="collect", retries=1)
print(json.dumps([messages(), type(result[0].error).__name__]))
""", method)
    assert out == [["before", "before"], "WorkerDied"]


def test_the_initializer_and_the_end_of_a_worker_are_heard(run, method):
    out, _ = run("""
def begin():
    import atexit
    log.info("begins")
    atexit.register(log.info, "ends")
""", """
with furrow.Pool(1, begin, context=METHOD) as pool:
    pool.apply(abs, (1,))
    first = messages()
    pool.close()
    pool.join()
print(json.dumps([first, messages()]))
""", method)
    assert out == [["begins"], ["begins", "ends"]]


def test_a_handler_that_the_initializer_adds_keeps_its_records(run, method):
    out, _ = run("""
class Write(logging.Handler):
    def emit(self, record):
        with open("own", "a") as file:
            print(record.getMessage(), file=file)

def begin():
    logging.getLogger("own").addHandler(Write())
    logging.getLogger("own").setLevel(logging.INFO)
    log.addHandler(logging.NullHandler())

def task(x):
    logging.getLogger("own").info("kept")
    log.info("sent")
""", """
with furrow.Pool(1, begin, context=METHOD) as pool:
    pool.apply(task, (1,))
print(json.dumps([messages(), open("own").read()]))
""", method)
    assert out == [["sent"], "kept\n"]


def test_basic_config_in_the_initializer_works_as_in_multiprocessing(run, method):
    out, err = run("""
def task(x):
    logging.debug("debug")
""", """
logging.getLogger().handlers.clear()
import functools
begin = functools.partial(logging.basicConfig, level="DEBUG", format="worker: %(message)s")
with furrow.Pool(1, begin, context=METHOD) as pool:
    pool.apply(task, (1,))
print(json.dumps(messages()))
""", method)
    assert out == [] and err == "worker: debug\n"


def test_functions_of_the_module_logging_give_the_record_to_the_program(run, method):
    out, err = run("""
def task(x):
    logging.warning("a warning")
    logging.info("too low")
""", """
with furrow.Pool(1, context=METHOD) as pool:
    pool.apply(task, (1,))
print(json.dumps(messages()))
""", method)
    assert out == ["a warning"] and err == ""


def test_filters_propagation_and_later_levels_of_the_program_count(run, method):
    out, _ = run("""
def task(x):
    for name in ("some.alone", "some.filtered", "some.raised"):
        logging.getLogger(name).info(name)
""", """
alone = []
logging.getLogger("some.alone").propagate = False
logging.getLogger("some.alone").addHandler(Keep())
with furrow.Pool(1, context=METHOD) as pool:
    logging.getLogger("some.filtered").addFilter(lambda record: False)
    logging.getLogger("some.raised").setLevel(logging.ERROR)
    pool.apply(task, (1,))
print(json.dumps(messages()))
""", method)
    assert out == ["some.alone"]


def test_records_pass_through_a_pool_in_a_task(run, method):
    out, _ = run("""
def inner(x):
    log.info("inner")
    return os.getpid()

def outer(x):
    with furrow.Pool(1, context=x) as pool:
        return pool.apply(inner, (1,))
""", """
with furrow.Pool(1, context=METHOD) as pool:
    pid = pool.apply(outer, (METHOD,))
print(json.dumps([[r.getMessage(), r.process == pid] for r in seen]))
""", method)
    assert out == [["inner", True]]


def test_a_handler_that_raises_or_ends_the_pool_stops_nothing_else(run, method):
    out, err = run("""
def task(x):
    log.info("item %d", x)
    return x
""", """
class Bad(logging.Filter):
    def filter(self, record):
        if record.args[0] == 1:
            raise RuntimeError("a bad filter")
        if record.args[0] == 4:
            pool.terminate()
        return True
with furrow.Pool(1, context=METHOD) as pool:
    log.addFilter(Bad())
    first = pool.map(task, range(3), 1)
    try:
        pool.map(task, [3, 4, 5], 1)
    except furrow.PoolError:
        pass
    pool.join()
print(json.dumps([first, messages()[:4]]))
""", method)
    assert out == [[0, 1, 2], ["item 0", "item 2", "item 3", "item 4"]] and "a bad filter" in err


def test_threads_may_end_the_pool_at_the_same_time(run, method):
    out, _ = run("", """
ended = []
for _ in range(10):
    pool = furrow.Pool(1, context=METHOD)
    threads = [threading.Thread(target=lambda: (pool.terminate(), pool.join(), ended.append(1))) for _ in range(4)]
    for each in threads: each.start()
    for each in threads: each.join()
print(json.dumps(len(ended)))
""", method)
    assert out == 40


def test_a_library_that_is_imported_in_a_task_is_heard(tmp_path):
    (tmp_path / "some_library.py").write_text("import logging\nlogging.getLogger('library').warning('imported')\n")
    done = program.run_text("""
import furrow
def inner(x):
    import some_library
def outer(x):
    with furrow.Pool(1) as pool:
        pool.apply(inner, (x,))
with furrow.Pool(1) as pool:
    pool.apply(outer, (1,))
import logging
""", cwd=tmp_path)
    assert (done.code, done.err) == (0, "imported\n"), str(done)
