"""What srun starts on each node for a Pool(backend="slurm"): the agent, which has the workers there.

It says a line about itself on standard output; from then on, standard input and output carry the pool's messages
(src/remote/stream_transport.hpp). What tasks print goes to standard error, or through the pool, never between those.
"""

import functools
import json
import os
import pickle
import signal
import socket
import sys
import traceback

HELLO, READY = b"furrow-agent ", b" furrow-ready\n"  # begin and end the line


def main(number):
    """The agent's whole program. number: its place in the pool, from 1 on."""
    from furrow import _furrow
    from furrow._rank_workers import identity

    # The program decides what an interrupt means. Not ignored, since programs that tasks start would inherit that.
    signal.signal(signal.SIGINT, lambda *_: None)
    incoming, outgoing = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    node = os.environ.get("SLURMD_NODENAME") or socket.gethostname()
    step = f"{os.environ.get('SLURM_JOB_ID')}.{os.environ.get('SLURM_STEP_ID')}"
    cores = min(_furrow.cpu_count(), int(os.environ.get("SLURM_CPUS_PER_TASK", 1 << 20)))
    about = {"identity": identity(_furrow), "cores": cores, "step": step, "python": sys.version}
    os.write(outgoing, HELLO + json.dumps(about).encode() + READY)
    agent = _Agent(node, cores)
    status = 1
    try:
        _furrow.serve_pipes(number, incoming, outgoing, f"node {node}", agent.make_workers, agent.notices)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


class _Agent:
    def __init__(self, node, cores):
        self._node = node
        self._cores = cores
        self._relay = None
        self._notices = []

    def make_workers(self, workers, max_tasks, sent):
        from furrow import _failures, _furrow, _logs, _prints
        from furrow._rank_workers import Recipe
        from furrow._relay import Relay

        try:
            path, argv, levels, recipe = pickle.loads(sent)
            sys.path[:] = path
            sys.argv[:] = argv
            made = Recipe.received(workers, max_tasks, recipe)
            _logs.adopt(levels)
            self._relay = Relay(inherited=True)
            for kind in (_logs.KIND, *_prints.KINDS.values()):
                self._relay.receive(kind, functools.partial(self._keep, kind))
            return made.make_workers(_furrow, workers, f"SlurmPoolWorker-{self._node}", self._cores,
                                     self._relay.outlet, list(_prints.KINDS))
        except _failures.PoolError:
            raise
        except BaseException:
            raise _failures.PoolError(f"node {self._node} cannot have workers: {traceback.format_exc()}") from None

    def _keep(self, kind, data):
        self._notices.append(kind + data)

    def notices(self):
        """What the workers have logged and printed since the last call."""
        if self._relay is None:
            return ()
        self._relay.show()
        taken, self._notices = self._notices, []
        return taken
