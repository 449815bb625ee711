"""Plays the engine: starts the evaluator on a socket pair and speaks docs/design/evaluator-protocol.md."""

import array
import glob
import json
import os
import re
import socket
import struct
import subprocess
import sys
import tempfile

MAIN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "python", "evaluator", "main.py")
# The Python of the evaluator; the tests themselves run under one that has pytest.
PYTHON = os.environ.get("FURROW_TEST_PYTHON", sys.executable)


class Failed(Exception):
    def __init__(self, error):
        super().__init__(json.dumps(error))
        self.error = error


class Client:
    def __init__(self, cwd, python=PYTHON, stderr=None, stdout=None, env=None):
        self.cwd = str(cwd)
        self.socket, theirs = socket.socketpair()
        os.set_inheritable(theirs.fileno(), True)
        self.guard = tempfile.TemporaryFile()
        self.guard.truncate(4096)
        fds = (theirs.fileno(), self.guard.fileno())
        command = [python, MAIN, "--fd", str(fds[0]), "--guard-fd", str(fds[1])]
        self.process = subprocess.Popen(
            command, cwd=self.cwd, pass_fds=fds, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, env=env
        )
        theirs.close()
        self.ids = 0
        self.events = []
        self.asked = []
        self.loaded = None

    def close(self):
        self.socket.close()
        self.process.wait(timeout=10)

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.close()

    def send(self, message, fds=()):
        data = json.dumps(message, ensure_ascii=False).encode("utf-8", "surrogateescape")
        frame = struct.pack("<I", len(data)) + data
        if fds:
            ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))]
            sent = self.socket.sendmsg([frame], ancillary)
            frame = frame[sent:]
        self.socket.sendall(frame)

    def exactly(self, count):
        parts = []
        while count:
            part = self.socket.recv(min(count, 1 << 20))
            if not part:
                raise EOFError("the evaluator has closed the socket")
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def receive(self):
        (size,) = struct.unpack("<I", self.exactly(4))
        return json.loads(self.exactly(size).decode("utf-8", "surrogateescape"))

    def request(self, op, fds=(), **fields):
        self.ids += 1
        self.send({"id": self.ids, "op": op, **fields}, fds)
        return self.wait_answer(self.ids)

    def wait_answer(self, number):
        while True:
            frame = self.receive()
            if "ask" in frame:
                self.answer_question(frame)
            elif "event" in frame:
                self.events.append(frame)
            elif frame["id"] == number:
                if "error" in frame:
                    raise Failed(frame["error"])
                return frame["ok"]

    def wait_event(self, tag):
        while True:
            for event in self.events:
                if event["tag"] == tag:
                    self.events.remove(event)
                    return event
            frame = self.receive()
            assert "event" in frame, frame
            self.events.append(frame)

    def answer_question(self, frame):
        self.asked.append(frame)
        try:
            answer = {"answer": frame["ask"], "ok": {"glob": self.glob, "yaml": self.yaml}[frame["what"]](frame)}
        except Exception as error:
            answer = {
                "answer": frame["ask"],
                "error": {"type": type(error).__name__, "message": str(error), "file": frame.get("path"), "line": 1},
            }
        self.send(answer)

    def glob(self, frame):
        """A small and slow one, which is enough for tests."""
        pattern = frame["pattern"]
        names = []
        regex = ""
        last = 0
        for match in re.finditer(r"\{(\w+)(?:,([^{}]*))?\}", pattern):
            regex += re.escape(pattern[last : match.start()])
            if match.group(1) in names:
                regex += f"(?P={match.group(1)})"
            else:
                names.append(match.group(1))
                regex += "(?P<%s>%s)" % (match.group(1), match.group(2) or ".+")
            last = match.end()
        regex = re.compile(regex + re.escape(pattern[last:]) + "$")
        os.chdir(os.readlink(f"/proc/{self.process.pid}/cwd"))
        values = []
        folder = os.path.dirname(pattern.split("{")[0]) or "."
        inside = glob.glob(os.path.join(folder, "**"), recursive=True)
        for path in sorted(glob.glob("**", recursive=True)) + sorted(inside):
            match = regex.match(path)
            if match and list(match.groups()) not in values:
                values.append(list(match.groups()))
        return {"names": names, "values": values}

    def yaml(self, frame):
        with open(frame["path"]) as file:
            text = file.read()
        try:
            return json.loads(text)
        except ValueError:
            import yaml

            return json.loads(json.dumps(yaml.safe_load(text), default=str))

    # Whole operations.

    def load(self, snakefile="Snakefile", **fields):
        request = {
            "snakefile": os.path.join(self.cwd, snakefile),
            "workdir": None,
            "config": {},
            "config_args": [],
            "configfiles": [],
            "cores": 4,
            "attempt": 1,
            "stdout_is_data": False,
            "mode": "default",
            "targets": [],
            "overwrite": {},
            "default_resources": {},
            "quiet": False,
            "dryrun": False,
            "printshellcmds": False,
        }
        request.update(fields)
        self.loaded = self.request("load", **request)
        return self.loaded

    def rule(self, name):
        return next(rule for rule in self.loaded["rules"] if rule["name"] == name)

    def job(self, name, wildcards=None, **fields):
        """A JOB of a rule, its files made from the patterns."""
        index = [rule["name"] for rule in self.loaded["rules"]].index(name)
        rule = self.loaded["rules"][index]
        wildcards = wildcards or {}
        threads = rule["threads"] if isinstance(rule["threads"], int) else 1
        resources = {key: value for key, value in rule["resources"].items() if not isinstance(value, dict)}
        job = {"r": index, "w": wildcards, "threads": threads, "attempt": 1, "resources": resources}
        for directive in ("input", "output", "log"):
            if all("items" in entry for entry in rule[directive]):
                job[directive] = [fill(item, wildcards) for entry in rule[directive] for item in entry["items"]]
        if any("fn" in entry for entry in rule["input"]):
            (answer,) = self.request("inputs", jobs=[job])["jobs"]
            if "error" in answer:
                raise Failed(answer["error"])
            job["input"], job["input_shape"] = put_in(rule["input"], answer["entries"], wildcards)
        job.update(fields)
        return job

    def one(self, op, job, **fields):
        (answer,) = self.request(op, jobs=[{**job, **fields}])["jobs"]
        if "error" in answer:
            raise Failed(answer["error"])
        return answer

    def run_block(self, job, tag=1, slot=0):
        """Runs a `run:` job; returns (exit event, standard output, standard error)."""
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            self.request("fork", fds=(out.fileno(), err.fileno()), tag=tag, slot=slot, job=job)
            event = self.wait_event(tag)
            out.seek(0)
            err.seek(0)
            return event, out.read(), err.read()


def fill(item, wildcards):
    text = item if isinstance(item, str) else item["p"]
    if not isinstance(item, str) and item.get("literal"):
        return text
    return re.sub(r"\{(\w+)(?:,(?:[^{}]|\{[\d,]+\})*)?\}", lambda match: str(wildcards[match.group(1)]), text)


def put_in(entries, answered, wildcards):
    files, shape = [], []
    answered = iter(answered)
    for entry in entries:
        for one in next(answered) if "fn" in entry else [entry]:
            first = len(files)
            files += [fill(item, wildcards) for item in one["items"]]
            shape.append([one["name"], first, len(files), one["list"]])
    return files, shape
