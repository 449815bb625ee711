"""Answers the engine's requests one after another, and watches forked children."""

import _signal
import atexit
import gc
import os
import sys

from .errors import describe
from .transport import EngineGone, Json, Transport, dumps, encode


def _changes_of(before, now):
    """What the Snakefile did to the environment: new values by name, and None for variables that it removed."""
    changes = {name: value for name, value in now.items() if before.get(name) != value}
    changes.update((name, None) for name in before if name not in now)
    return changes


def serve(fd, guard_fd):
    server = _Server(Transport(fd), guard_fd)
    try:
        server.loop()
    except EngineGone:
        pass
    server.stop()


class _Server:
    def __init__(self, transport, guard_fd):
        self._transport = transport
        self._guard_fd = guard_fd
        self._workflow = None
        self._rules = []
        self._children = None
        self._busy = False
        self._environment = dict(os.environ)
        _signal.signal(_signal.SIGINT, self.on_interrupt)
        self._operations = {
            "load": self.load,
            "inputs": self.inputs,
            "finished": self.finished,
            "queues": self.queues,
            "details": self.details,
            "prepare": self.prepare,
            "describe": self.describe,
            "submission": self.submission,
            "fork": self.fork,
            "hook": self.hook,
            "text": self.text,
            "report": self.report,
            "archive": self.archive,
        }

    def loop(self):
        while True:
            if self._children is not None:
                self._children.wait(self._transport)
            request = self._transport.next_request()
            self.answer(request)
            if request["op"] == "load":
                self.prepare_for_jobs()

    def prepare_for_jobs(self):
        """What can wait until the engine has the rules: it plans now."""
        from . import jobs  # noqa: F401 (it will be needed)

        if self._workflow is not None:
            self._workflow.keep_code()

    def on_interrupt(self, number, frame):
        """Ctrl-C interrupts user code; between requests the engine decides what happens."""
        if self._busy:
            raise KeyboardInterrupt

    def stop(self):
        """Kills the children and exits without waiting for user threads: the engine has gone."""
        if self._children is not None:
            self._children.kill_all()
        try:
            atexit._run_exitfuncs()
        except BaseException:
            pass
        _flush_output()
        os._exit(0)

    def answer(self, request):
        number = request.get("id")
        try:
            self._busy = True
            operation = self._operations[request["op"]]
            reply = {"id": number, "ok": operation(request)}
        except EngineGone:
            raise
        except BaseException as error:
            reply = {"id": number, "error": _error_of(error)}
        finally:
            self._busy = False
        _flush_output()
        try:
            self._transport.send(reply)
        except (UnicodeEncodeError, OverflowError, TypeError) as error:
            self._transport.send(
                {
                    "id": number,
                    "error": {"type": type(error).__name__, "message": _unsendable(error), **self.rule_at_fault(error)},
                }
            )

    def rule_at_fault(self, error):
        """The place of the rule that holds a text which cannot be sent."""
        for rule in self._rules if isinstance(error, UnicodeEncodeError) else ():
            try:
                encode(rule.encode(self._workflow._code.files)).encode("utf-8", "surrogateescape")
            except UnicodeEncodeError:
                return {"file": rule.snakefile, "line": rule.lineno, "rule": rule.name}
        return {}

    # Operations.

    def load(self, request):
        from . import active
        from .shell import State
        from .workflow import Workflow

        gc.disable()
        if request.get("stdout_is_data"):
            os.dup2(2, 1)
        if "argv" in request:
            sys.argv = request["argv"]
        State.echo = bool(request.get("printshellcmds"))
        self._workflow = workflow = Workflow(request, self._transport)
        active.workflow, active.can_ask = workflow, True
        workflow.include_file(workflow.main_snakefile, keeps_target=False)
        workflow.finish()
        self._rules = workflow.rules
        gc.freeze()
        gc.enable()
        return self.load_answer(workflow)

    def load_answer(self, workflow):
        from .config_text import config_json

        files = workflow._code.files
        return {
            "files": files,
            "workdir": workflow.changed_folder(),
            "config": Json(config_json(workflow.config)),
            "rules": [rule.encode(files) for rule in self._rules],
            "ruleorder": workflow._ruleorders,
            "default_target": None if workflow.default_target is None else str(workflow.default_target),
            "localrules": sorted(rule.name for rule in self._rules if rule.localrule),
            "constraints": workflow.wildcard_constraints,
            "resource_scopes": workflow.resource_scopes,
            "limits": workflow.changed_limits(),
            "hooks": list(workflow.hooks()),
            "python": {"executable": sys.executable, "version": "%d.%d.%d" % sys.version_info[:3]},
            "overwritten_configfiles": workflow.overwrite_configfiles,
            "configfiles": list(map(str, workflow.configfiles)),
            "envvars": sorted(workflow.envvars),
            "environment": _changes_of(self._environment, os.environ),
        }

    def each_job(self, request, function):
        """One answer for each job; an error in one job affects that job alone."""
        answers = []
        for job in request["jobs"]:
            rule = self._rules[job["r"]]
            try:
                answers.append(Json(encode(function(rule, job))))
            except EngineGone:
                raise
            except BaseException as error:
                answers.append(Json(dumps({"error": _error_of(error, rule.name)})))
        return {"jobs": answers}

    def inputs(self, request):
        from .jobs import job_inputs

        return self.each_job(request, job_inputs)

    def finished(self, request):
        """Jobs of checkpoints that have ended, by their first outputs."""
        self._workflow.finished_checkpoints.update(request["outputs"])
        return {}

    def queues(self, request):
        """Whether a queue of from_queue(...) has items that nobody has taken."""
        from .flags import queue_of

        entries = (entry for rule in self._rules for entry in rule.entries.get("input", ()))
        queues = (queue_of(entry.function) for entry in entries if entry.function is not None)
        return {"news": any(queue.has_news() for queue in queues if queue)}

    def details(self, request):
        from .jobs import job_details

        return self.each_job(request, job_details)

    def prepare(self, request):
        from .jobs import job_command

        return self.each_job(request, lambda rule, job: job_command(rule, job, True))

    def describe(self, request):
        from .jobs import job_command

        return self.each_job(request, lambda rule, job: job_command(rule, job, False))

    def submission(self, request):
        from .jobs import submission

        return self.each_job(request, lambda rule, job: submission(rule, job, request["text"]))

    def fork(self, request):
        from .fork import Children

        if self._children is None:
            self._children = Children(self._transport, self._guard_fd)
        fds = self._transport.take_fds(2)
        rule = self._rules[request["job"]["r"]]
        return {"pid": self._children.start(request["tag"], request.get("slot"), rule, request["job"], fds)}

    def hook(self, request):
        self._workflow.hook_log = request.get("log")
        self._workflow.hooks()[request["name"]](request.get("log"))
        return {}

    def text(self, request):
        """A text about the Snakefile, instead of running it."""
        from . import lint

        what = request["what"]
        if what == "translation":
            return {"text": self._workflow.translation()}
        found = lint.look_at(self._workflow)
        return {"text": lint.as_json(found) if what == "lint json" else lint.as_text(found), "any": bool(found)}

    def report(self, request):
        """What a report shows, but for the contents of its files and what the store knows."""
        from .report import Report

        gc.disable()  # ten thousand results stay until the process ends
        report = Report(self._workflow, request)
        report.add([(self._rules[job["r"]], job) for job in request["jobs"]])
        return report.facts()

    def archive(self, request):
        """Writes the page and the files of a report into one archive."""
        from .report_archive import write_archive

        write_archive(request["path"], request["page"], request["files"])
        return {}


def _error_of(error, rule=None):
    try:
        return describe(error, rule or getattr(error, "furrow_rule", None))
    except Exception as failed:
        return {
            "type": type(error).__name__,
            "message": f"{type(error).__name__} (its message cannot be shown: {failed})",
        }


def _unsendable(error):
    if isinstance(error, UnicodeEncodeError):
        character = error.object[error.start : error.end]
        return f"a text in the workflow holds a character that no file name can have: {character!r}"
    return str(error)


def _flush_output():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            pass
