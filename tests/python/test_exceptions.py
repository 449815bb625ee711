"""Exceptions of tasks arrive as what they were, or as RemoteError, and with the worker's traceback."""
import furrow
import pools
import pytest


@pytest.fixture(params=["fork", "spawn"])
def pool(request):
    return pools.get(request.param)


class ByName(Exception):
    def __init__(self, *, name):
        super().__init__(f"no {name}")
        self.name = name


class FromResponse(ValueError):
    def __init__(self, response):
        super().__init__(response.text)
        self.status = 404


class Unsaid(Exception):
    def __init__(self, low, high):
        self.limits = low, high

    def __str__(self):
        return "from {} to {}".format(*self.limits)


class NoFile(FileNotFoundError):
    def __init__(self, path):
        super().__init__(2, "not there", path)


class Code(UnicodeDecodeError):
    def __init__(self, where):
        super().__init__("utf-8", b"abc", 1, 2, "why not")
        self.where = where


class Done(StopIteration):
    def __init__(self, *, last):
        super().__init__(last)


class Reduced(Exception):
    """Says how it is pickled, wrongly: nothing else may be tried."""

    def __init__(self, one, two):
        super().__init__(one)

    def __reduce__(self):
        return Reduced, (1,)


class Doubled(Exception):
    """Can be pickled, though its __init__ is called with what it has made of its argument."""

    def __init__(self, text):
        super().__init__(text * 2)


class Response:
    text = "gone"


def run(maker):
    raise maker()


def caught(pool, maker):
    with pytest.raises(BaseException) as error:
        pool.map(run, [maker])
    assert "in run" in str(error.value.__cause__)
    return error.value


@pytest.mark.parametrize("maker, text, attributes", [
    (lambda: ByName(name="x"), "no x", {"name": "x"}),
    (lambda: FromResponse(Response), "gone", {"status": 404}),
    (lambda: Unsaid(1, 2), "from 1 to 2", {"limits": (1, 2)}),
    (lambda: NoFile("a"), "[Errno 2] not there: 'a'", {"errno": 2, "filename": "a"}),
    (lambda: Code("b"), "'utf-8' codec can't decode byte 0x62 in position 1: why not", {"where": "b", "start": 1}),
    (lambda: Done(last=3), "3", {"value": 3}),
    (lambda: Doubled("a"), "aaaa", {}),
])
def test_an_exception_arrives_as_itself(pool, maker, text, attributes):
    error = caught(pool, maker)
    assert isinstance(error, type(maker())) and str(error) == text
    assert {name: getattr(error, name) for name in attributes} == attributes


def test_what_a_type_says_about_its_pickle_is_not_overruled(pool):
    error = caught(pool, lambda: Reduced(1, 2))
    assert isinstance(error, furrow.RemoteError) and "Reduced: 1" in str(error)


def test_an_exception_whose_own_code_fails_arrives_with_its_traceback(pool):
    class Silent(Exception):
        def __str__(self):
            raise RuntimeError("no text")

    class Picky(Silent):
        def __init__(self, one, two):
            super().__init__(one)

    class Blind(Exception):
        def __getattr__(self, name):
            raise RuntimeError(f"no {name}")

    assert caught(pool, lambda: Silent(5)).args == (5,)
    assert caught(pool, lambda: Picky(6, 7)).args == (6,)
    assert caught(pool, lambda: Blind(8)).args == (8,)


def test_a_stream_does_not_end_early_because_a_task_raises_stop_iteration(pool):
    with pytest.raises(RuntimeError, match="a task raised StopIteration") as error:
        list(pool.imap(run, [lambda: StopIteration(3)] * 2))
    assert error.value.__cause__.value == 3


@pytest.mark.parametrize("problem", [ValueError, SystemExit, GeneratorExit, KeyboardInterrupt])
def test_whatever_the_inputs_of_a_stream_raise_comes_out_of_it(pool, problem):
    def inputs():
        yield 1
        raise problem()

    for stream in pool.imap(abs, inputs()), pool.imap_unordered(abs, inputs()):
        assert next(stream) == 1
        with pytest.raises(problem):
            stream.next(timeout=20)
