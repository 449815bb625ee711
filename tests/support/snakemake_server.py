"""Runs Debian's Snakemake many times at the cost of one import: a server has imported it, and forks for each run.

Each run has a process, a session, an environment and a working folder of its own, as if the command had been started.
"""
import atexit
import io
import json
import os
import signal
import subprocess
import sys
import tempfile

SECONDS = 120  # before a run is killed
_server = None


def run(arguments, cwd, env):
    """Runs `snakemake ARGUMENTS`. Returns the exit code (negative for a signal) and what it printed, as bytes."""
    global _server
    if _server is None:
        command = ["/usr/bin/python3", __file__]
        _server = subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        atexit.register(_server.kill)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        files = [f"/proc/{os.getpid()}/fd/{file.fileno()}" for file in (out, err)]
        request = {"arguments": list(map(str, arguments)), "cwd": str(cwd), "env": env, "files": files}
        _server.stdin.write(json.dumps(request).encode() + b"\n")
        _server.stdin.flush()
        code = json.loads(_server.stdout.readline())
        return code, *(file.seek(0) or file.read() for file in (out, err))


def _serve():
    import snakemake

    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _become_the_command(snakemake, **json.loads(line))
        signal.signal(signal.SIGALRM, lambda *_: os.killpg(child, signal.SIGKILL))
        signal.alarm(SECONDS)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        signal.alarm(0)
        print(json.dumps(code), flush=True)


def _become_the_command(snakemake, arguments, cwd, env, files):
    os.setsid()
    for stream, path in zip((0, 1, 2), ("/dev/null", *files)):
        fd = os.open(path, os.O_RDONLY if stream == 0 else os.O_WRONLY)
        os.dup2(fd, stream)
        os.close(fd)
    sys.stdin = io.TextIOWrapper(io.FileIO(0, closefd=False))
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = ["/usr/bin/snakemake", *arguments]
    sys.path[0] = "/usr/bin"
    code = 1
    try:
        snakemake.main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
