"""Values come back from a worker equal, of the same types, and with the same objects in the same places."""
import collections
import os
import threading

import furrow
import pools
import pytest


@pytest.fixture(params=["ranks"] if pools.OVER_MPI else ["fork", "spawn"])
def pool(request):
    return pools.get(request.param)


def same(x):
    return x


def nested(depth):
    return [] if depth == 0 else [nested(depth - 1), {"depth": nested(depth - 1)}]


VALUES = [
    None, True, False, 0, -1, 2**62, 2**63, -2**64, 1.5, float("inf"), "", "text", "été 𝄞", "\ud800", b"", b"\0x",
    (), (1, "a", (2.0, None)), tuple(range(300)), [], [1, "a", [2, [3, [4, [5, [6]]]]]], [None] * 5000, ["x" * 70_000],
    {}, {"a": 1, "b": [1, 2], "c": {"d": (1, [2])}}, {1: "int", 1.5: "float", None: 0, (1, "t"): b"", b"k": True},
    {"k" * 40: 1, "été": 2, "": 3, "\ud800": 4}, {i: str(i) for i in range(5000)}, nested(3), nested(6),
    {"z": 1, "a": 2, "m": 3}, [{"ab": i, "bb": i, "b" * 31: i} for i in range(20)],
    collections.OrderedDict(a=1), collections.Counter("aab"), collections.deque([1]), {1, 2}, frozenset([3]), 1j,
    [collections.Counter("x"), {"c": collections.OrderedDict(b=2)}], [[1] * 100] * 100,
]


def kinds(value):
    """The types of a value and of all that it holds, in order."""
    if isinstance(value, dict):
        return type(value), [(kinds(key), kinds(each)) for key, each in value.items()]
    if isinstance(value, (list, tuple)):
        return type(value), [kinds(each) for each in value]
    return type(value)


@pytest.mark.parametrize("chunksize", [None, 1])
def test_values_of_all_kinds_come_back_as_they_were(pool, chunksize):
    back = pool.map(same, VALUES, chunksize)
    assert back == VALUES and kinds(back) == kinds(VALUES)
    assert list(back[VALUES.index({"z": 1, "a": 2, "m": 3})]) == ["z", "a", "m"]


def test_what_is_one_object_stays_one_object(pool):
    one, many = [1], {"k": []}
    cycle = [1]
    cycle.append(cycle)
    pair = ([2],)
    values = [[one, one], {"a": one, "b": [one]}, (many, many), [[many], (many,)], cycle, [pair, pair], (pair, [pair])]
    for back in (pool.map(same, values), pool.map(lambda i: eval("[[x, x], {'a': x, 'b': [x]}][i]", {"x": [1], "i": i}),
                                                  range(2))):
        assert back[0][0] is back[0][1] and back[1]["a"] is back[1]["b"][0]
    back = pool.map(same, values)
    assert back[2][0] is back[2][1] and back[3][0][0] is back[3][1][0] and back[4][1] is back[4]
    assert back[5][0][0] is back[5][1][0] and back[6][0][0] is back[6][1][0][0]


def test_items_share_nothing(pool):
    item = {"list": [1], "text": "t"}

    def change(x):
        x["list"].append(2)
        x["new"] = 1
        return x

    back = pool.map(change, [item, item, item])
    assert back == [{"list": [1, 2], "text": "t", "new": 1}] * 3 and item == {"list": [1], "text": "t"}
    back[0]["list"].append(3)
    assert back[1]["list"] == [1, 2]


def test_a_list_that_fails_to_pickle_fails_alone(pool):
    values = [[1], [threading.Lock()], {"a": threading.Lock()}, [2]]
    back = pool.map(same, values, on_error="collect")
    assert back[0] == [1] and back[3] == [2]
    assert isinstance(back[1], furrow.Failure) and isinstance(back[2], furrow.Failure)


def survived(x):
    if x == "die":
        os._exit(1)
    return x


def test_what_a_dead_worker_leaves_of_a_chunk_is_sent_again_as_it_was(pool):
    values = [*VALUES, "die", *range(50), *VALUES, 1.5, "die", *VALUES]
    back = pool.map(survived, values, len(values), on_error="collect")
    assert [x for x in back if not isinstance(x, furrow.Failure)] == [x for x in values if x != "die"]
    assert [x.index for x in back if isinstance(x, furrow.Failure)] == [i for i, x in enumerate(values) if x == "die"]
