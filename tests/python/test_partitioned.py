"""Data that stay in the workers between maps: Pool.scatter(), with each start method, and ThreadPool.scatter()."""
import gc
import os
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
    for wrong in (0, -1):
        with pytest.raises(ValueError, match="parts"):
            pool.scatter(range(3), parts=wrong)
    with pytest.raises(TypeError, match="parts"):
        pool.scatter(range(3), parts=1.5)
    pandas = pytest.importorskip("pandas")
    with pytest.raises(TypeError, match="DataFrame are its column names"):
        pool.scatter(pandas.DataFrame({"a": [1, 2]}))
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
    assert data.gather() == [0, 1, 2]
