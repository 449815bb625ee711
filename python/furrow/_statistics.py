"""What Pool.statistics() returns."""

from typing import NamedTuple


class PoolStatistics(NamedTuple):
    """What a pool has done and has to do. A task is an item of a map, or a call. Retries do not count, nor what was
    cancelled.

    workers: how many there are. unfinished: tasks that wait or run. completed: tasks that have returned. failed: tasks
    that have failed, after all their retries. workers_replaced: worker processes that were started in place of others
    that had ended.
    """

    workers: int
    unfinished: int
    completed: int
    failed: int
    workers_replaced: int
