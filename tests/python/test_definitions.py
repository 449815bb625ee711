"""What __main__ defines is in the workers what it is in the program, however a function or an object gets there."""
import program
import pytest

START = """
import enum, functools, sys, typing
import furrow
class Point:
    def __init__(self, x): self.x = x
class Colour(enum.Enum):
    RED = 1
class Mine(Exception):
    def __init__(self, x): super().__init__(x); self.x = x
def is_point(x): return isinstance(x, Point)
def fail(x): raise Mine(x)
"""


@pytest.fixture(params=["fork", "spawn"])
def run(request, tmp_path):
    def run_text(before, after, pool=""):
        guarded = "\n".join("    " + line for line in after.splitlines())
        text = f"""{START}{before}
if __name__ == '__main__':
    pool = furrow.Pool(2, context='{request.param}', {pool})
{guarded}
    pool.close(); pool.join()
"""
        done = program.run_text(text, cwd=tmp_path)
        assert done.code == 0, str(done)
        return done.out.splitlines()

    return run_text


def test_objects_are_of_the_class_that_functions_ask_for(run):
    assert run("", """
print(pool.map(is_point, [Point(1), Point(lambda: 1)]))
print(pool.map(lambda x: isinstance(x, Point), [Point(1), Point(lambda: 1)]))
print(pool.map(lambda x: x is Colour.RED, [Colour.RED]), pool.map(lambda x: Colour.RED, [1])[0] is Colour.RED)
def new(x): return isinstance(x, Point), type(x).__name__
class Derived(Point): pass
print(pool.map(is_point, [Point(1), Derived(1)]), pool.map(new, [Point(1), Derived(1)]))
print(*(isinstance(each, Derived) for each in pool.map(lambda x: Derived(x), [1])))
print(pool.apply(is_point, kwds={"x": Point(lambda: 1)}))
class Row(typing.NamedTuple):
    a: int
    b: int = 2
    def both(self): return self.a + self.b
print(pool.map(lambda x: (isinstance(x, Row), x.both(), Row(5)), [Row(1)]))
""") == [*["[True, True]"] * 2, "[True] True", "[True, True] [(True, 'Point'), (True, 'Derived')]", "True", "True",
         "[(True, 3, Row(a=5, b=2))]"]


def test_results_and_exceptions_that_only_cloudpickle_can_send_are_of_the_programs_classes(run):
    assert run("def give(x): return Point(lambda: x)\ndef raises(x): fail(lambda: x)", """
print(type(pool.map(give, [1])[0]) is Point)
for function in raises, lambda x: raises(x), lambda x: fail(x):
    try: pool.map(function, [3])
    except Mine as mine: print("caught")
""") == ["True"] + ["caught"] * 3


def test_a_function_that_is_reached_through_others_runs_as_it_is_now(run):
    assert run("""
def helper(): return "old"
def passing(function):
    @functools.wraps(function)
    def inner(*values): return function(*values)
    return inner
@passing
def decorated(x): return helper()
@functools.lru_cache
def cached(x): return "old"
def uses_cached(x): return cached(x)
class Base:
    def method(self, x=0): return helper()
    @staticmethod
    def static(x): return helper()
    @property
    def value(self): return self.method()
class Derived(Base): pass
one = Derived()
def by_class(x): return Derived().method()
def by_object(x): return one.value
""", """
print(*pool.map(decorated, [1]), *pool.map(Base.static, [1]), *pool.map(by_class, [1]), *pool.map(uses_cached, [1]))
def helper(): return "new"
@functools.lru_cache
def cached(x): return "new"
for each in decorated, cached, uses_cached, Base.static, one.method, by_class, by_object, lambda x: decorated(x):
    print(*pool.map(each, [1]), end=" ")
print()
@functools.lru_cache
def fibonacci(n): return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)
print(*pool.map(fibonacci, [50]))
""") == ["old old old old", "new new new new new new new new ", "12586269025"]


def test_what_the_guard_has_redefined_is_what_runs(tmp_path):
    text = START + """
def which(x): return "imported"
class Which:
    def name(self): return "imported"
if __name__ == "__main__":
    def which(x): return "guarded"
    class Which:
        def name(self): return "guarded"
    with furrow.Pool(1, context="spawn") as pool:
        print(*pool.map(which, [1]), *pool.map(Which.name, [Which()]), *pool.map(lambda x: which(x), [1]))
"""
    assert program.run_text(text, cwd=tmp_path).out == "guarded guarded guarded\n"


def test_functions_that_travel_by_value_see_what_the_initializer_has_set(run):
    assert run("""
model = None
def load(value):
    global model
    model = value
    also()
def also():
    global further
    further = model + 1
def use(x): return model
""", """
def new(x): return model, further
print(pool.map(use, [1]), pool.map(lambda x: use(x), [1]), pool.map(new, [1]), pool.map(lambda x: further, [1]))
print(model)
""", pool="initializer=load, initargs=(5,)") == ["[5] [5] [(5, 6)] [6]", "None"]
