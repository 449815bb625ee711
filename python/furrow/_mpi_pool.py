"""furrow.MPIPool: worker processes on all ranks of an MPI program.

Rank 0 runs the program. All other ranks serve it: inside the constructor of the first MPIPool, or from the start if
`python3 -m furrow script.py` started them (docs/design/mpi.md). A rank makes its workers by forking itself; for the
first pool it does so before MPI is started.
"""

import os
import pickle
import signal
import traceback
import warnings

from furrow import _failures, _furrow, _main, _pickling
from furrow._base import BasePool
from furrow._pool import Pool
from furrow._rank_workers import Recipe, flush, identity

# Variables in which launchers give a process its rank.
_RANK_VARIABLES = ("OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID")

_ranks = None    # the _Ranks, once MPI runs
_refusal = None  # why this process cannot have an MPIPool


class MPIPool(Pool):
    """A pool of worker processes on all ranks that mpirun or srun has started, with the methods of furrow.Pool.

    The first MPIPool starts MPI. On rank 0 its constructor returns. On all other ranks it does not: they work until
    rank 0's program ends, and then exit with status 0. So the code before it runs on every rank, and the code after
    it on rank 0 alone.

    processes: how many workers each rank has; None: the rank's share of its computer's cores. root_works: whether
    rank 0 has workers too. initializer, initargs, maxtasksperchild, serializer, threads_per_worker: as for
    furrow.Pool.

    >>> with MPIPool(2) as pool:                       # doctest: +SKIP
    ...     pool.map(lambda x: x + 1, [1, 2, 3])
    [2, 3, 4]
    """

    def __init__(self, processes=None, initializer=None, initargs=(), maxtasksperchild=None, context=None, *,
                 root_works=True, serializer=None, threads_per_worker=None):
        BasePool.__init__(self, 1 if processes is None else processes, initializer, maxtasksperchild)
        _check_context(context)
        if _refusal:
            raise _failures.PoolError(_refusal)
        mpi = _extension()
        made = Recipe(processes or 0, initializer, tuple(initargs), maxtasksperchild or 0, threads_per_worker)
        ranks = _ranks or _join(mpi, made)
        mpi.require_usable()
        if mpi.mismatch():
            raise _failures.PoolError(mpi.mismatch())
        if ranks.pool_is_alive():
            raise _failures.PoolError("another MPIPool is alive, and all ranks work for it: use that one, or end it "
                                      "first")
        ranks.main.set_by_initializer = _main.set_by(initializer)
        self._keep_functions(serializer, ranks.main)
        self._run_with(self._make_workers_over(mpi, ranks, made, root_works))
        ranks.workers = self._workers

    def _part_memory(self, call):
        raise _failures.PoolError(f"an MPIPool has no {call}(), which keeps data on one computer: let each task load "
                                  "its part of the data, or use a furrow.Pool")

    def _make_workers_over(self, mpi, ranks, made, root_works):
        workers_of = [before or made.processes or cores for before, cores in zip(ranks.made, ranks.cores)]
        if not root_works and len(workers_of) > 1:
            workers_of[0] = 0
        elif not made.workers:
            _make_workers(mpi, made, workers_of[0], ranks.rank)
        self._processes = sum(workers_of)
        runtime = made.runtime_for(workers_of[0])
        own = made.workers if workers_of[0] else None
        workers = mpi.open(workers_of, ranks.made, made.max_tasks, made.sent(ranks.main), own, runtime)
        ranks.made = [0] * len(workers_of)
        return _furrow.WorkerPool(self._processes, workers, runtime, pickle.dumps, pickle.loads,
                                  *_pickling.for_items(ranks.main))


class _Ranks:
    """This program's ranks, as rank 0 knows them."""

    def __init__(self, rank, cores, made, main):
        self.rank = rank
        self.cores = cores  # how many cores each rank's workers may use
        self.made = made    # how many workers each rank has already made
        self.main = main
        self.workers = None

    def pool_is_alive(self):
        return self.workers is not None and not self.workers.ended


def _join(mpi, made):
    """Starts MPI. Returns the _Ranks on rank 0; does not return on others. made: the first pool's Recipe, or None."""
    global _ranks
    cores = mpi.cores_for_rank(mpi.ranks_here_by_environment() or 1)
    if made and not mpi.runs() and (made.processes or mpi.ranks_here_by_environment()):
        _make_workers(mpi, made, made.processes or cores, rank_by_environment() or 0, cores)
    main = _main.Main()
    flush()
    rank, size = mpi.start(identity(_furrow, mpi))
    if not mpi.ranks_here_by_environment():
        cores = mpi.cores_for_rank(mpi.ranks_here_by_mpi())
    if made and not made.workers:
        _make_workers(mpi, made, made.processes or cores, rank, cores)
    all_cores = mpi.gather(cores)
    all_made = mpi.gather((made.processes or cores) if made else 0)
    same_main = len(set(mpi.gather(main.digest()))) == 1
    if rank != 0:
        serve_until_the_end(mpi, made.workers if made else None)
    if _furrow.lacks_supervisor:
        warnings.warn("if a rank dies, the others will wait for it: threads or MPI (mpi4py) were started before "
                      "furrow was imported. Import furrow first, or use srun --kill-on-bad-exit=1",
                      RuntimeWarning, stacklevel=3)
    _ranks = _Ranks(rank, all_cores, all_made, main if same_main else _main.NoMain())
    return _ranks


def _make_workers(mpi, recipe, count, rank, cores=None):
    def begun():
        global _refusal
        _refusal = "a task cannot make an MPIPool, since it runs in one: make a furrow.Pool inside the task"

    return recipe.make_workers(mpi, count, f"MPIPoolWorker-{rank}", cores or _furrow.cpu_count(), begun=begun)


def serve_until_the_end(mpi, first=None, problem=None):
    """From here on this rank serves rank 0. problem: why it cannot have workers."""
    rank = rank_by_environment() or 0

    def make_workers(workers, max_tasks, sent):
        try:
            if problem:
                raise _failures.PoolError(problem)
            return _make_workers(mpi, Recipe.received(workers, max_tasks, sent), workers, rank)
        except _failures.PoolError:
            raise
        except BaseException:
            raise _failures.PoolError(f"this rank cannot have workers: {traceback.format_exc()}") from None

    # All ranks get an interrupt, and rank 0 handles it. Programs that tasks start obey it.
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, lambda *_: None)
    status = 1
    try:
        mpi.serve(first, make_workers)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        _exit_process(mpi, status)


def join_and_serve(mpi, problem):
    """What a rank other than 0 does under `python3 -m furrow`, where it does not run the program."""
    cores = mpi.cores_for_rank(mpi.ranks_here_by_environment() or 1)
    mpi.start(identity(_furrow, mpi))
    mpi.gather(cores)
    mpi.gather(0)
    mpi.gather(_main.Main().digest())
    serve_until_the_end(mpi, None, problem)


def join_and_finish(mpi):
    """Rank 0 at the end of the program: if no MPIPool was made, the other ranks still wait to be joined."""
    if _ranks is None and not mpi.started():
        _join(mpi, None)


def _exit_process(mpi, status):
    """Ends like a program that exits, except that no code on the script's stack runs, such as a `finally`."""
    import atexit

    try:
        atexit._run_exitfuncs()
        flush()
        mpi.finalize()
    finally:
        os._exit(status)


def rank_by_environment():
    """The rank according to the launcher; None without a launcher."""
    for name in _RANK_VARIABLES:
        text = os.environ.get(name, "")
        if text.isdigit():
            return int(text)
    return None


def _extension():
    try:
        from furrow import _mpi
    except ImportError as problem:
        raise ImportError("furrow.MPIPool needs MPI, but the extension furrow._mpi cannot be loaded: install "
                          "openmpi-bin and libopenmpi-dev (Debian), and build furrow again, or add the package "
                          "python3-furrow-mpi to python3-furrow; portable wheels never have "
                          f"it ({problem})") from problem
    return _mpi


def _check_context(context):
    method = context if context is None or isinstance(context, str) else context.get_start_method()
    if method not in (None, "fork"):
        raise ValueError(f"each rank of an MPIPool forks its workers, so it does not take context={method!r}")
