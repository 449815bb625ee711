"""Objects of classes come back as pickle would bring them: those that are only attributes, and all others."""
import abc
import collections
import copyreg
import dataclasses
import enum
import pickle
import types

import furrow
import pools
import pytest


@pytest.fixture(params=["ranks"] if pools.OVER_MPI else ["fork", "spawn"])
def pool(request):
    return pools.get(request.param)


def same(x):
    return x


class Plain:
    kind = "class attribute"

    def __init__(self, **attributes):  # pickle does not call it
        self.__dict__.update(attributes)


class Derived(Plain):
    pass


@dataclasses.dataclass
class Data:
    number: int
    names: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class Frozen:
    number: int


class Colour(enum.Enum):
    RED = 1


class Slots:
    __slots__ = ("number", "__dict__")


class Stateful:
    def __getstate__(self):
        return {"state": "taken"}

    def __setstate__(self, state):
        self.restored = state


class Reducing:
    def __reduce__(self):
        return Plain, ()


class New:
    def __new__(cls, *arguments):
        made = super().__new__(cls)
        made.made_with = arguments
        return made

    def __getnewargs__(self):
        return ("again",)


class Listed(list):
    pass


class Meta(type):
    pass


class WithMeta(metaclass=Meta):
    pass


class Abstract(abc.ABC):
    pass


class Guarded:
    def __setattr__(self, name, value):
        raise AttributeError(name)


class Registered:
    pass


copyreg.pickle(Registered, lambda each: (Plain, ()))


class Outer:
    class Inner:
        pass


def filled(kind, **attributes):
    made = kind.__new__(kind)
    made.__dict__.update(attributes)
    return made


OBJECTS = [
    Plain(), Plain(a=1, b="text", c=[1, (2, {"k": None})], d=1.5), Derived(x=Plain(y=Derived())), Data(1, ["a"]),
    Frozen(2),
    Plain(colour=Colour.RED, many=[0] * 5000, long="x" * 70_000), filled(Slots, a=1), filled(Stateful, a=1), Reducing(),
    New("first"), filled(Listed, a=1), filled(WithMeta, a=1), filled(Abstract, a=1), filled(Guarded, a=1),
    filled(Registered, a=1), filled(Outer.Inner, a=1), types.SimpleNamespace(a=1), collections.OrderedDict(a=1),
    ValueError("text"), [Plain(a=1), Plain(a=2)], {"key": Plain(a=[Plain()])}, (Data(1), Data(1)),
]


def shape(value):
    """What can be compared: types, attributes, and contents."""
    if isinstance(value, (list, tuple)):
        return type(value), [shape(each) for each in value], shape(getattr(value, "__dict__", None))
    if isinstance(value, dict):
        return type(value), [(key, shape(each)) for key, each in value.items()]
    if hasattr(value, "__dict__") and not isinstance(value, enum.Enum):
        return type(value), repr(getattr(value, "args", None)), shape(vars(value))
    return type(value), repr(value)


@pytest.mark.parametrize("value", OBJECTS, ids=lambda value: type(value).__name__)
def test_objects_come_back_as_pickle_would_bring_them(pool, value):
    expected = shape(pickle.loads(pickle.dumps(value, 5)))
    assert [shape(each) for each in pool.map(same, [value, value])] == [expected, expected]


def test_what_is_one_object_stays_one_object(pool):
    one = Plain(a=1)
    ring = Plain(other=Plain())
    ring.other.other = ring
    both, list_in_both, back, alone = pool.map(same, [(one, one), [Plain(a=[]), Plain(a=[])], ring, [Plain(a=1)]])
    assert both[0] is both[1]
    assert list_in_both[0].a is not list_in_both[1].a
    assert back.other.other is back and alone[0].a == 1
    shared = []
    left, right = pool.map(same, [(Plain(a=shared), Plain(a=shared))])[0]
    assert left.a is right.a


def test_attributes_of_the_class_are_not_sent(pool):
    [back] = pool.map(same, [Plain()])
    assert vars(back) == {} and back.kind == "class attribute"


def test_a_class_that_is_changed_is_seen_to_be_so(pool):
    value = Derived(a=1)
    assert vars(pool.map(same, [value])[0]) == {"a": 1}
    try:
        Plain.__reduce__ = lambda self: (Data, (7,))  # of the base
        assert pool.map(same, [value]) == [Data(7)]
    finally:
        del Plain.__reduce__
    assert vars(pool.map(same, [value])[0]) == {"a": 1}


def is_plain(value):
    return type(value) is Plain


def test_a_class_that_is_not_under_its_name_is_not_taken_for_the_one_that_is(pool):
    hidden = type("Plain", (), {"__module__": __name__})
    assert pool.map(is_plain, [hidden(), Plain()]) == [False, True]


@pytest.mark.skipif(pools.OVER_MPI, reason="threads and processes alike")
def test_a_result_of_a_class_that_only_the_worker_knows_is_explained(pool):
    def made(_):
        import sys
        module = types.ModuleType("only_here")
        exec("class Here: pass", vars(module))
        sys.modules["only_here"] = module
        return module.Here()

    got = pool.map(made, [0], on_error="collect")
    assert isinstance(got[0], furrow.Failure) and "only_here" in str(got[0].error)
