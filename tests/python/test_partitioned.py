"""Data that stay in the workers between maps: scatter() and partition() of a Pool, with each start method, and of a
ThreadPool."""
import gc
import math
import operator
import os
import random
import signal
import time

import furrow
import pytest

numpy = pytest.importorskip("numpy")

METHODS = ["fork", "spawn", "forkserver"]


@pytest.fixture(scope="module", params=METHODS)
def processes(request):
    with furrow.Pool(2, context=request.param) as pool:
        yield pool
    pool.join()


@pytest.fixture(scope="module", params=[*METHODS, "threads"])
def pool(request):
    with furrow.ThreadPool(2) if request.param == "threads" else furrow.Pool(2, context=request.param) as pool:
        yield pool
    pool.join()


def square(x):
    return x * x


def mapped_files(_=None):
    """How many segments this process has mapped or opened."""
    time.sleep(0.05)  # so that each worker gets one of two such tasks
    with open("/proc/self/maps") as maps:
        return os.getpid(), sum("furrow-partitioned" in line for line in maps)


def wait_until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def test_results_stay_and_can_be_gathered_in_order(pool):
    with pool.scatter(range(1000)) as data:
        squares = data.map(square)
        more = squares.map(lambda x: x + 1)
        assert (len(data), data.parts, len(more)) == (1000, 2, 1000)
        assert more.gather() == [x * x + 1 for x in range(1000)]
        assert data.gather() == list(range(1000))
        assert squares.map_parts(sum) == [sum(x * x for x in range(500)), sum(x * x for x in range(500, 1000))]


def test_a_worker_reads_a_part_once(processes, tmp_path):
    path = str(tmp_path / "reads")

    class Item:
        def __setstate__(self, state):
            self.__dict__.update(state)
            with open(path, "a") as file:
                print(os.getpid(), file=file)

    item = Item()
    item.number = 1
    with processes.scatter([item, item]) as data:
        for _ in range(10):
            data.for_each(lambda item: time.sleep(0.02))
        reads = open(path).read().splitlines()
    assert 2 <= len(reads) <= 4, reads  # at most each part in each worker


def test_arrays_are_cut_by_rows_and_seen_without_a_copy(pool):
    table = numpy.arange(1_200_000.0).reshape(300_000, 4)
    with pool.scatter(table, parts=3) as data:
        assert data.parts == 3
        assert numpy.array_equal(sum(data.map_parts(lambda part: part.sum(axis=0))), table.sum(axis=0))
        assert not any(data.map_parts(lambda part: part.flags.owndata or part.flags.writeable))
        assert data.map(lambda row: float(row[1])).gather()[-1] == 1_199_997.0
        back = data.gather()
    assert numpy.array_equal(back, table) and back.flags.writeable and back.dtype == table.dtype
    with pytest.raises(ValueError, match="read-only"):
        with pool.scatter(table) as data:
            data.map_parts(lambda part: part.fill(0))


@pytest.mark.parametrize("items", [[], ["one"], [b"x" * 100_000, None, {"a": [1, (2,)]}], "letters", (1, 2, 3), {5: 6}])
def test_any_items_come_back(pool, items):
    with pool.scatter(items, parts=4) as data:
        assert data.gather() == list(items) and len(data) == len(items)
        assert data.map(lambda x: x).gather() == list(items)


def test_arrays_in_a_list_are_items_and_come_back_writable(pool):
    arrays = [numpy.full(50_000, n) for n in range(5)]
    with pool.scatter(arrays) as data:
        doubled = data.map(lambda array: 2 * array)
        assert doubled.map(lambda array: int(array[-1])).gather() == [0, 2, 4, 6, 8]
        back = doubled.gather()
    assert all(numpy.array_equal(array, 2 * before) for array, before in zip(back, arrays))
    assert all(array.flags.writeable for array in back)


def test_arrays_of_no_rows_and_odd_layouts_come_back(pool):
    for array in (numpy.zeros((0, 3)), numpy.asfortranarray(numpy.random.rand(50, 20)), numpy.arange(100)[::3],
                  numpy.array(["a", "bc"]), numpy.array([1, "x", None], dtype=object)):
        with pool.scatter(array) as data:
            back = data.gather()
            assert numpy.array_equal(back, array) and back.dtype == array.dtype and back.shape == array.shape


def test_a_worker_that_dies_costs_the_call_and_not_the_data(processes, tmp_path):
    def fatal(x):
        if x == 77:
            os.kill(os.getpid(), signal.SIGKILL)
        return x

    def fatal_once(x):
        if x == 77 and not os.path.exists(tmp_path / "died"):
            open(tmp_path / "died", "w").close()
            os.kill(os.getpid(), signal.SIGKILL)
        return x

    with processes.scatter(range(100)) as data:
        squares = data.map(square)
        with pytest.raises(furrow.WorkerDied) as failed:
            data.map(fatal)
        assert failed.value.index == 77 and failed.value.signal == signal.SIGKILL
        assert squares.gather() == [x * x for x in range(100)]
        assert squares.map(lambda x: -x).gather() == [-x * x for x in range(100)]
        assert data.map(fatal_once, retries=1).gather() == list(range(100))


def test_an_exception_of_the_function_is_raised(pool):
    with pool.scatter(range(10)) as data:
        with pytest.raises(ZeroDivisionError):
            data.map(lambda x: 1 // (x - 5))
        assert data.map(square).gather()[-1] == 81


def test_memory_is_freed_when_data_are_released(processes):
    data = processes.scatter(numpy.ones(1_000_000))
    results = data.map(float)
    assert max(count for _, count in processes.map(mapped_files, range(2), 1)) > 0
    data.release()
    data.release()
    del results
    gc.collect()
    wait_until(lambda: all(count == 0 for _, count in processes.map(mapped_files, range(2), 1)))
    assert mapped_files()[1] == 0
    assert not any("furrow-partitioned" in os.readlink(f"/proc/self/fd/{each}") for each in os.listdir("/proc/self/fd")
                   if os.path.exists(f"/proc/self/fd/{each}"))


def test_released_data_say_so(pool):
    with pool.scatter(range(3)) as data:
        pass
    for use in (data.gather, lambda: data.map(square), data.__enter__):
        with pytest.raises(ValueError, match="were released"):
            use()
    assert "released" in repr(data)


def test_wrong_uses_say_what_to_do(pool):
    async def wait(x):
        return x

    with pool.scatter(range(3)) as data:
        for wrong in (None, wait):
            with pytest.raises(TypeError, match="func is a function"):
                data.map(wrong)
        if isinstance(pool, furrow.Pool):  # threads see it as it is
            with pytest.raises(NotImplementedError, match="stays with its pool"):
                pool.map(lambda x: x, [data])
    for wrong in (0, -1, 2**40):
        with pytest.raises(ValueError, match="parts"):
            pool.scatter(range(3), parts=wrong)
    with pytest.raises(TypeError, match="parts"):
        pool.scatter(range(3), parts=1.5)
    with pytest.raises(ValueError, match="size is a whole number of 0 or more, not -1"):
        pool.partition(-1, square)
    with pytest.raises(TypeError, match="size is a whole number, not 1.5"):
        pool.partition(1.5, square)
    with pytest.raises(TypeError, match="make is a function"):
        pool.partition(3, [1, 2, 3])
    with pytest.raises(TypeError, match="make is a function"):
        pool.partition(3, wait)
    with pool.partition(3, square) as data:
        with pytest.raises(TypeError, match="op is a function"):
            data.map_reduce(square, None)
    with pytest.raises(TypeError, match="not iterable"):
        pool.scatter(3)
    with pytest.raises(ValueError, match="at least one dimension"):
        pool.scatter(numpy.array(5))


def test_threads_get_the_programs_own_objects():
    items = [[1], [2], [3]]
    table = numpy.arange(6.0).reshape(3, 2)
    with furrow.ThreadPool(2) as threads:
        with threads.scatter(items) as data, threads.scatter(table) as rows:
            data.for_each(lambda item: item.append(0))
            assert items == [[1, 0], [2, 0], [3, 0]] and data.gather()[2] is items[2]
            assert all(numpy.shares_memory(part, table) for part in rows.map_parts(lambda part: part))
        assert table.flags.writeable
        with pytest.raises(ValueError, match="were released"):
            data.gather()
    with pytest.raises(ValueError, match="not running"):
        threads.scatter(items)


def test_a_pool_that_has_ended_refuses():
    with furrow.Pool(1) as pool:
        data = pool.scatter(range(3))
    with pytest.raises(ValueError, match="not running"):
        data.map(square)
    with pytest.raises(ValueError, match="not running"):
        pool.scatter(range(3))
    with pytest.raises(ValueError, match="not running"):
        pool.partition(3, square)
    assert data.gather() == [0, 1, 2]


def test_items_are_made_in_the_workers_and_stay_there(pool):
    with pool.partition(1000, lambda index: index * 0.5, parts=7) as data:
        assert (len(data), data.parts) == (1000, 7)
        assert data.gather() == [index * 0.5 for index in range(1000)]
        assert data.map(lambda x: x + 1).gather()[-1] == 500.5
    if isinstance(pool, furrow.Pool):
        with pool.partition(4, lambda index: os.getpid()) as data:
            assert os.getpid() not in data.gather()


def test_a_reduction_has_the_same_bits_for_any_parts_and_workers(pool):
    inputs = [0.1 * index for index in range(10_007)]

    def total(data):
        with data:
            return data.map_reduce(math.sin, operator.add)

    sums = {total(pool.scatter(inputs, parts)) for parts in (None, 1, 2, 3, 1000, 10_007)}
    with furrow.ThreadPool(3) as threads:
        sums.add(total(threads.partition(10_007, lambda index: 0.1 * index)))
    assert len(sums) == 1
    assert sums.pop() == pytest.approx(sum(map(math.sin, inputs)))
    with pool.scatter("some words of several lengths".split()) as data:
        assert data.map_reduce(len, max) == 7
        assert data.map_reduce(str, operator.add) == "somewordsofseverallengths"  # op need not be commutative
    with pool.scatter(["one"]) as data:
        assert data.map_reduce(len, operator.add) == 3


def test_no_items_and_more_parts_than_items_work(pool):
    with pool.partition(0, float) as none, pool.partition(2, float, parts=50) as few:
        assert (len(none), none.parts, none.gather(), none.map(abs).gather()) == (0, 1, [], [])
        with pytest.raises(ValueError, match="map_reduce of no items has no value"):
            none.map_reduce(abs, operator.add)
        assert (few.parts, few.gather()) == (2, [0.0, 1.0])


def test_random_numbers_of_an_item_do_not_depend_on_the_parts(pool):
    def draw(_):
        return float(furrow.task_rng().random())

    expected = pool.map(draw, range(10), seed=7)
    for parts in (1, 2, 10):
        with pool.partition(10, draw, parts, seed=7) as data:
            assert data.gather() == expected
            assert data.map(draw, seed=7).gather() == expected
            assert data.map_reduce(draw, max, seed=7) == max(expected)
            assert data.map(draw).gather() != data.map(draw).gather()
    assert pool.map(draw, range(10), seed=7) == expected


def test_the_global_generators_are_seeded_for_each_item(processes):
    def draw(_):
        return random.random(), numpy.random.rand()

    expected = processes.map(draw, range(10), seed=7)
    for parts in (1, 3):
        with processes.partition(10, draw, parts, seed=7) as data:
            assert data.gather() == expected


def test_a_worker_that_dies_while_it_makes_items_costs_the_call(processes, tmp_path):
    def make(index):
        if index == 77:
            os.kill(os.getpid(), signal.SIGKILL)
        return index

    def make_at_last(index):
        if index == 77 and not os.path.exists(tmp_path / "died"):
            open(tmp_path / "died", "w").close()
            os.kill(os.getpid(), signal.SIGKILL)
        return index

    with pytest.raises(furrow.WorkerDied) as failed:
        processes.partition(100, make)
    assert failed.value.index == 77 and failed.value.signal == signal.SIGKILL
    with processes.partition(100, make_at_last, retries=1) as data:
        assert data.gather() == list(range(100))
        with pytest.raises(furrow.WorkerDied) as failed:
            data.map_reduce(make, operator.add)
        assert failed.value.index == 77


def test_a_worker_that_dies_between_calls_costs_nothing(processes):
    with processes.partition(100, lambda index: [index]) as data:
        for worker in list(processes._pool):
            worker.kill()
        assert data.map_reduce(sum, operator.add, retries=2) == 4950
        assert data.gather()[99] == [99]


def test_frames_are_cut_by_rows(pool):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": numpy.arange(1000.0), "b": range(1000), "c": ["x", "y"] * 500},
                             index=range(5, 1005)).astype({"c": "category"})

    def columns_after_a_change(part):
        part["d"] = part.a * 2
        return list(part.columns)

    for frame in (frame, frame[:0], frame.iloc[::-3]):
        with pool.scatter(frame) as data:
            assert len(data) == len(frame)
            assert sum(data.map_parts(lambda part: part.a.sum())) == frame.a.sum()
            assert data.map_parts(columns_after_a_change) == data.parts * [["a", "b", "c", "d"]]
            assert data.map_parts(lambda part: list(part.columns)) == data.parts * [["a", "b", "c"]]
            pandas.testing.assert_frame_equal(data.gather(), frame)
            for call in (data.map, data.for_each, lambda func: data.map_reduce(func, max)):
                with pytest.raises(TypeError, match="give its parts to map_parts"):
                    call(len)
    with pool.partition(3, lambda index: frame[:index]) as frames:
        assert frames.map(len).gather() == [0, 1, 2]


def test_columns_of_frames_are_seen_without_a_copy(processes):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": numpy.arange(100_000.0), "b": range(100_000)})
    with processes.scatter(frame) as data:
        assert not any(data.map_parts(lambda part: part.a.to_numpy().flags.writeable))
        assert data.map_parts(mapped_files)[0][1] > 0
