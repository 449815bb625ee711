"""What multiprocessing can hand to a process when it starts reaches the initializer of spawned workers, and works."""
import multiprocessing
import os
import socket

import furrow
import pytest

spawn = multiprocessing.get_context("spawn")
mine = None


def begin(things):
    global mine
    mine = things


def put(item):
    mine.put((item, os.getpid()))


@pytest.mark.parametrize("make", [spawn.Queue, spawn.SimpleQueue, spawn.JoinableQueue])
def test_workers_write_to_a_queue(make):
    queue = make()
    with furrow.Pool(2, begin, (queue,), context="spawn", maxtasksperchild=3) as pool:
        pool.map(put, range(8), 1)
        came = [queue.get() for _ in range(8)]
    assert sorted(item for item, _ in came) == list(range(8)) and os.getpid() not in {pid for _, pid in came}


def add(item):
    value, array, raw, lock = mine
    with value.get_lock():
        value.value += item
    array[item] = raw[item] = item * 0.5
    with lock:
        return value.value


def test_workers_share_values_arrays_and_locks():
    things = spawn.Value("i", 0), spawn.Array("d", 5), spawn.RawArray("d", 5), spawn.Lock()
    with furrow.Pool(2, begin, (things,), context="forkserver") as pool:
        assert max(pool.map(add, range(5), 1)) == 10
    assert things[0].value == 10 and list(things[1]) == list(things[2]) == [0, 0.5, 1, 1.5, 2]


def acquire(_):
    return mine.acquire(timeout=1)


def test_a_lock_that_only_the_pool_knows_works():
    with furrow.Pool(2, begin, (spawn.Semaphore(3),), context="spawn") as pool:
        assert sorted(pool.map(acquire, range(4), 1)) == [False, True, True, True]


def send(text):
    pipe, plug = mine
    pipe.send(text)
    plug.sendall(text.encode())


def test_workers_write_to_pipes_and_sockets():
    here, there = spawn.Pipe()
    end, other = socket.socketpair()
    with furrow.Pool(1, begin, ((there, other),), context="spawn") as pool:
        pool.apply(send, ("hello",))
        assert here.recv() == "hello" and end.recv(9) == b"hello"
