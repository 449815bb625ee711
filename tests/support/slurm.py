"""Starts a private Slurm: munged, slurmctld and several slurmd as virtual nodes on loopback, from Debian's packages.

All its files are in one temporary folder (configuration, keys, sockets, state, logs). It uses free ports, leaves the
machine's own services alone, and stops what it started. Slurm's daemons must run as root here.
"""
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

PROGRAMS = {"munged": "munge", "slurmctld": "slurmctld", "slurmd": "slurmd", "sbatch": "slurm-client"}
SEARCHED = os.pathsep.join(["/usr/sbin", "/usr/bin", "/sbin", "/bin"])
NODES = ("n1", "n2")
CPUS, MEMORY_MB = 4, 4000

CONFIGURATION = """\
ClusterName=furrow
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={control_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
TmpFS={folder}/tmp-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
PluginDir={plugins}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0,sched_min_interval=0,max_array_tasks={max_array}
SlurmdParameters=config_overrides
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc={folder}/jobcomp.txt
MaxArraySize={max_array}
MinJobAge=600
KillWait=2
SlurmdTimeout=30
SlurmctldTimeout=30
InactiveLimit=0
ReturnToService=2
OverTimeLimit=0
TCPTimeout=5
MessageTimeout=10
PropagateResourceLimits=NONE
{nodes}
PartitionName=main Nodes={names} Default=YES MaxTime=INFINITE DefaultTime=10 DefMemPerCPU=200 State=UP
PartitionName=short Nodes={names} MaxTime=5 DefMemPerCPU=200 State=UP
"""


def missing():
    """Why Slurm cannot be started here: missing Debian packages or rights; None if it can."""
    lacking = sorted({package for program, package in PROGRAMS.items() if not shutil.which(program, path=SEARCHED)})
    if lacking:
        return "these Debian packages are missing: " + " ".join(lacking)
    if os.geteuid() != 0:
        return "Slurm's daemons need root"
    if not os.path.isdir("/sys/fs/cgroup") or not os.listdir("/sys/fs/cgroup"):
        return "no control groups are mounted, without which slurmd does not start"
    return None


def free_ports(count):
    """Ports that are free at this moment, outside the range from which the kernel hands out ports."""
    held = []
    while len(held) < count:
        each = socket.socket()
        try:
            each.bind(("127.0.0.1", random.randrange(20_000, 30_000)))
        except OSError:
            each.close()
            continue
        held.append(each)
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


class Slurm:
    def __init__(self, max_array=1001):
        # Not in pytest's folder, since munged requires that no other user can write to a folder above its socket.
        self.folder = Path(tempfile.mkdtemp(prefix="furrow-slurm-", dir="/tmp"))
        self.folder.chmod(0o755)
        self.processes = {}
        self.configuration = self.folder / "slurm.conf"
        self.munge_user = self._munge_user()
        control_port, *node_ports = free_ports(1 + len(NODES))
        nodes = "\n".join(
            f"NodeName={name} NodeHostname={socket.gethostname()} NodeAddr=127.0.0.1 Port={port} CPUs={CPUS} "
            f"Boards=1 SocketsPerBoard=1 CoresPerSocket={CPUS} ThreadsPerCore=1 RealMemory={MEMORY_MB} State=UNKNOWN"
            for name, port in zip(NODES, node_ports))
        self.configuration.write_text(CONFIGURATION.format(
            folder=self.folder, host=socket.gethostname(), control_port=control_port, nodes=nodes,
            names=",".join(NODES), plugins=self._plugins(), max_array=max_array))
        for name in ["state", *(f"{kind}-{node}" for kind in ("spool", "tmp") for node in NODES)]:
            (self.folder / name).mkdir()

    @staticmethod
    def _plugins():
        return next(str(path) for path in Path("/usr/lib").glob("*/slurm-wlm"))

    @staticmethod
    def _munge_user():
        try:
            return pwd.getpwnam("munge").pw_name
        except KeyError:
            return None

    def environment(self, **more):
        """The environment variables with which programs use this Slurm and no other."""
        return {"SLURM_CONF": str(self.configuration), **more}

    # The daemons.

    def start(self):
        try:
            self._start_munged()
            self.start_controller()
            for node in NODES:
                self.start_node(node)
            self._wait_for_nodes()
        except BaseException:
            self.stop()
            raise
        return self

    def _begin(self, name, argv, user=None):
        log = open(self.folder / f"{name}.out", "ab")
        environment = {"PATH": SEARCHED, "LC_ALL": "C.UTF-8", **self.environment()}
        self.processes[name] = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, cwd=self.folder,
            start_new_session=True, user=user, umask=0o022)
        log.close()

    def _start_munged(self):
        home = self.folder / "munge"
        home.mkdir()
        (home / "key").write_bytes(os.urandom(128))
        (home / "key").chmod(0o400)
        home.chmod(0o700)
        if self.munge_user:
            for path in (home, home / "key"):
                shutil.chown(path, self.munge_user)
        # The socket is in a folder that every user may enter, since every user needs it.
        self._begin("munged", [
            shutil.which("munged", path=SEARCHED), "--foreground", "--force", f"--key-file={home}/key",
            f"--socket={self.folder}/munge.socket", f"--pid-file={home}/pid", f"--log-file={home}/log",
            f"--seed-file={home}/seed", "--num-threads=2"])
        self._wait(lambda: (self.folder / "munge.socket").exists(), 20, "munged listens", ["munged"])

    def start_controller(self):
        self._begin("slurmctld", [shutil.which("slurmctld", path=SEARCHED), "-D", "-f", str(self.configuration)])
        self._wait(lambda: self.ask("scontrol", "ping").returncode == 0, 30, "slurmctld answers", ["slurmctld"])

    def stop_controller(self):
        self._end("slurmctld")

    def start_node(self, node, hidden=None):
        """`hidden` is a folder that the node's jobs do not see."""
        argv = [shutil.which("slurmd", path=SEARCHED), "-D", "-f", str(self.configuration), "-N", node]
        if hidden is not None:
            hide = 'mount -t tmpfs none "$0" && exec "$@"'
            argv = ["unshare", "--mount", "sh", "-c", hide, str(hidden), *argv]
        self._begin(f"slurmd-{node}", argv)

    def stop_node(self, node):
        self._end(f"slurmd-{node}")

    def _wait_for_nodes(self):
        self._wait(lambda: self.node_states().count("idle") == len(NODES), 60, "all nodes are idle",
                   ["slurmctld", *(f"slurmd-{node}" for node in NODES)])

    def node_states(self):
        return self.ask("sinfo", "-h", "-N", "-p", "main", "-o", "%T").stdout.split()

    def _end(self, name):
        process = self.processes.pop(name, None)
        if not process:
            return
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def stop(self):
        if "slurmctld" in self.processes:
            self.ask("scancel", "--user", "root", "--signal=KILL", "--full")
        self._end_steps()
        for name in [*(f"slurmd-{node}" for node in NODES), "slurmctld", "munged"]:
            self._end(name)
        self._end_steps()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end_steps(self):
        """Kills the job steps of this Slurm, which outlive its daemons."""
        mark = f"SLURM_CONF={self.configuration}".encode()
        daemons = {process.pid for process in self.processes.values()}
        for process in Path("/proc").glob("[0-9]*"):
            pid = int(process.name)
            try:
                if (process / "comm").read_text() != "slurmstepd\n" or pid in daemons:
                    continue
                if mark in (process / "environ").read_bytes().split(b"\0"):
                    os.kill(pid, signal.SIGKILL)
            except OSError:
                pass

    def _wait(self, condition, seconds, what, daemons):
        deadline = time.monotonic() + seconds
        while not condition():
            ended = [name for name in daemons if self.processes[name].poll() is not None]
            if ended or time.monotonic() > deadline:
                raise RuntimeError(f"Slurm: waited in vain until {what}; ended daemons: {ended}\n{self.logs()}")
            time.sleep(0.05)

    def logs(self):
        """The last lines of all logs, for the message of a failed test."""
        texts = []
        for path in sorted([*self.folder.glob("*.log"), *self.folder.glob("*.out"), *self.folder.glob("munge/log")]):
            text = path.read_text(errors="replace")
            if text:
                texts.append(f"--- {path.name}\n" + "\n".join(text.splitlines()[-25:]))
        return "\n".join(texts)

    # Commands.

    def ask(self, *argv, timeout=30):
        return subprocess.run(argv, env={**os.environ, **self.environment()}, capture_output=True, text=True,
                              timeout=timeout, stdin=subprocess.DEVNULL)

    def queue(self):
        """The ids of all jobs that wait or run, one for each task of an array."""
        return self.ask("squeue", "-h", "-r", "-o", "%i").stdout.split()

    def submissions(self):
        """The number of jobs submitted so far; an array counts once."""
        text = self.ask("scontrol", "-o", "show", "jobs").stdout
        ids = set()
        for line in text.splitlines():
            fields = dict(field.split("=", 1) for field in line.split() if "=" in field)
            if "JobId" in fields:
                ids.add(fields.get("ArrayJobId", fields["JobId"]))
        return len(ids)

    def set_node(self, node, state):
        result = self.ask("scontrol", "update", f"NodeName={node}", f"State={state}", "Reason=test")
        assert result.returncode == 0, result.stderr

    def make_calm(self):
        """Ends all jobs and waits until all nodes are idle, for the next test."""
        self.ask("scancel", "--user", "root")
        for node in NODES:
            if f"slurmd-{node}" not in self.processes:
                self.start_node(node)

        def calm():
            for state in ("RESUME",) if self.node_states().count("idle") != len(NODES) else ():
                for node in NODES:
                    self.ask("scontrol", "update", f"NodeName={node}", f"State={state}")
            return not self.queue() and self.node_states().count("idle") == len(NODES)
        self._wait(calm, 60, "no jobs are left and all nodes are idle", ["slurmctld"])
