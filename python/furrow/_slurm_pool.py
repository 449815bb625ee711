"""Pool(backend="slurm"): worker processes on the nodes of a Slurm allocation, for programs that are not MPI programs.

A job step on each node runs an agent (_slurm_agent.py), which has the workers there; docs/design/python.md says why.
"""

import json
import os
import pickle
import sys
from multiprocessing import util

from furrow import _failures, _furrow, _logs, _main, _pickling, _prints
from furrow._base import BasePool
from furrow._pool import Pool
from furrow._rank_workers import Recipe, flush, identity
from furrow._slurm_agent import HELLO, READY
from furrow._slurm_relay import SlurmRelay
from furrow._slurm_steps import Allocation, share, start_on

_END_S = 5  # how long the agents may take to end


class SlurmPool(Pool):
    """A pool of worker processes on the nodes of a Slurm allocation, with the methods of furrow.Pool."""

    def __init__(self, processes=None, initializer=None, initargs=(), maxtasksperchild=None, context=None, *,
                 backend="slurm", slurm=None, serializer=None, threads_per_worker=None):
        BasePool.__init__(self, 1 if processes is None else processes, initializer, maxtasksperchild)
        if context is not None:
            raise ValueError("the workers of a Pool(backend=\"slurm\") begin in a fresh interpreter on each node, so "
                             f"it does not take context={context!r}")
        self._keep_functions(serializer, _main.NoMain(initializer))
        recipe = Recipe(processes, initializer, tuple(initargs), maxtasksperchild or 0, threads_per_worker)
        sent = recipe.sent(self._main)
        flush()
        steps = _Steps(_checked(slurm or ()), processes)
        try:
            workers = self._make_workers_on(steps, recipe, sent)
        except BaseException:
            steps.join()
            raise
        self._run_with(workers)
        self._helpers.insert(0, steps)  # before the relay, which gets what the workers still print

    def _part_memory(self, call):
        raise _failures.PoolError(f"a Pool(backend=\"slurm\") has no {call}(), which keeps data on one computer: let "
                                  "each task load its part of the data, or use a furrow.Pool without backend=")

    def _make_workers_on(self, steps, recipe, sent):
        workers_of = steps.greeted(recipe.processes)
        self._processes = sum(workers_of)
        self._relay = relay = SlurmRelay()
        relay.receive(_logs.KIND, _logs.handle)
        _prints.show(relay, list(_prints.KINDS))
        start = pickle.dumps((sys.path, sys.argv, _logs.levels(), sent))
        runtime = recipe.runtime_for(0)
        ranks = steps.agents(relay.put).open(workers_of, recipe.max_tasks, start, runtime, relay.put, steps.explain)
        return _furrow.WorkerPool(self._processes, ranks, runtime, pickle.dumps, pickle.loads,
                                  *_pickling.for_items(self._main))


class _Steps:
    """The job steps of a pool, one a node, and their agents."""

    def __init__(self, options, processes):
        self._pid = os.getpid()
        self._steps = []    # (Node, its srun)
        self._about = []    # what each agent has said of itself
        self._agents = None
        inside = "SLURM_JOB_ID" in os.environ
        self._allocation = Allocation(options, processes)
        try:
            nodes = self._allocation.nodes
            self._wanted = [None] * len(nodes) if processes is None else share(processes, nodes)
            for number, node in enumerate(nodes):
                if self._wanted[number] != 0:
                    self._start(node, options if inside else ())
            self._wanted = [each for each in self._wanted if each != 0]
        except BaseException:
            self.join()
            raise

    def _start(self, node, options):
        folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        program = (f"import sys; sys.path.insert(0, {folder!r}); from furrow._slurm_agent import main; "
                   f"main({len(self._steps) + 1})")
        words = [sys.executable, *util._args_from_interpreter_flags(), "-c", program]
        self._steps.append((node, start_on(node, self._allocation.job, options, words)))

    def greeted(self, processes):
        """Waits for all agents. Returns how many workers each is to have."""
        mine = identity(_furrow)
        for node, srun in self._steps:
            where = f"node {node.name} has no workers"
            said = srun.read_until(READY, where)
            about = json.loads(said[said.rindex(HELLO) + len(HELLO) : -len(READY)])
            if about["identity"] != mine:
                raise _failures.PoolError(f"node {node.name} has another Python ({about['python']}) or another build "
                                          "of furrow than this program: use an environment that all nodes see")
            self._about.append(about)
            srun.show()
        if processes is not None:
            return self._wanted
        return [about["cores"] for about in self._about]

    def agents(self, noticed):
        self._noticed = noticed
        self._agents = _furrow.Agents([srun.take_pipes() for _, srun in self._steps])
        return self._agents

    def explain(self, number, why):
        node, srun = self._steps[number]
        return srun.failure(f"node {node.name} is lost")

    def join(self):
        """Ends the steps, and the allocation if it is the pool's own."""
        if os.getpid() != self._pid:
            return
        for _, srun in self._steps:
            srun.mute()
        if self._agents is not None:
            self._agents.end(_END_S, self._noticed)
        for number, (_, srun) in enumerate(self._steps):
            about = self._about[number] if number < len(self._about) else {}
            srun.end(lambda: ["scancel", "--signal=KILL", about["step"]] if about else None)
        self._allocation.end()


def _checked(options):
    if isinstance(options, str) or not all(isinstance(each, str) for each in options):
        raise TypeError("slurm is a list of options for salloc or srun, such as [\"--partition=short\", "
                        f"\"--time=10\"], not {options!r}")
    return list(options)
