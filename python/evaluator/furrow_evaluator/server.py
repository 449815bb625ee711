"""Answers the engine's requests, one after another, and watches forked children."""

import _signal
import atexit
import gc
import os
import sys

from .errors import describe
from .transport import EngineGone, Json, Transport, dumps, encode


def changes_of(before, now):
    """What the Snakefile did to the environment: new values by name, None for what it removed."""
    changes = {name: value for name, value in now.items() if before.get(name) != value}
    changes.update((name, None) for name in before if name not in now)
    return changes


def serve(fd, guard_fd):
    server = Server(Transport(fd), guard_fd)
    try:
        server.loop()
    except EngineGone:
        pass
    server.leave()


class Server:
    def __init__(self, transport, guard_fd):
        self.transport_ = transport
        self.guard_fd_ = guard_fd
        self.workflow_ = None
        self.rules_ = []
        self.children_ = None
        self.busy_ = False
        self.environment_ = dict(os.environ)
        _signal.signal(_signal.SIGINT, self.on_interrupt)
        self.operations_ = {
            "load": self.load, "inputs": self.inputs, "details": self.details, "prepare": self.prepare, "describe": self.describe,
            "submission": self.submission, "fork": self.fork, "hook": self.hook,
        }  # fmt: skip

    def loop(self):
        while True:
            if self.children_ is not None:
                self.children_.wait(self.transport_)
            self.answer(self.transport_.next_request())

    def on_interrupt(self, number, frame):
        """Ctrl-C ends what user code is doing; between requests it is the engine that decides what happens."""
        if self.busy_:
            raise KeyboardInterrupt

    def leave(self):
        """Takes the children along, and waits for no thread of the user's: the engine is gone."""
        if self.children_ is not None:
            self.children_.kill_all()
        try:
            atexit._run_exitfuncs()
        except BaseException:
            pass
        flush_output()
        os._exit(0)

    def answer(self, request):
        number = request.get("id")
        try:
            self.busy_ = True
            operation = self.operations_[request["op"]]
            reply = {"id": number, "ok": operation(request)}
        except EngineGone:
            raise
        except BaseException as error:
            reply = {"id": number, "error": error_of(error)}
        finally:
            self.busy_ = False
        flush_output()
        try:
            self.transport_.send(reply)
        except (UnicodeEncodeError, OverflowError, TypeError) as error:
            self.transport_.send({"id": number, "error": {"type": type(error).__name__, "message": unsendable(error), **self.guilty_rule(error)}})

    def guilty_rule(self, error):
        """Where the rule stands that holds a text which cannot be sent."""
        for rule in self.rules_ if isinstance(error, UnicodeEncodeError) else ():
            try:
                rule.encode(self.workflow_.files_).encode("utf-8", "surrogateescape")
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
        State.echo = bool(request.get("printshellcmds"))
        self.workflow_ = workflow = Workflow(request, self.transport_)
        active.workflow, active.can_ask = workflow, True
        workflow.include_file(workflow.main_snakefile, is_main=True)
        workflow.finish()
        self.rules_ = workflow.rules
        gc.freeze()
        gc.enable()
        return self.load_answer(workflow)

    def load_answer(self, workflow):
        from .config_text import config_json

        files = workflow.files_
        return {
            "files": files,
            "workdir": workflow.changed_folder(),
            "config": Json(config_json(workflow.config)),
            "rules": [rule.encode(files) for rule in self.rules_],
            "ruleorder": workflow.ruleorders_,
            "default_target": workflow.default_target,
            "localrules": sorted(rule.name for rule in self.rules_ if rule.localrule),
            "constraints": workflow.wildcard_constraints,
            "resource_scopes": workflow.resource_scopes,
            "hooks": list(workflow.hooks()),
            "python": {"executable": sys.executable, "version": "%d.%d.%d" % sys.version_info[:3]},
            "overwritten_configfiles": workflow.overwrite_configfiles,
            "environment": changes_of(self.environment_, os.environ),
        }

    def each_job(self, request, function):
        """One answer for each job; an error of one concerns that one alone."""
        answers = []
        for job in request["jobs"]:
            rule = self.rules_[job["r"]]
            try:
                answers.append(Json(encode(function(rule, job))))
            except EngineGone:
                raise
            except BaseException as error:
                answers.append(Json(dumps({"error": error_of(error, rule.name)})))
        return {"jobs": answers}

    def inputs(self, request):
        from .jobs import job_inputs

        return self.each_job(request, job_inputs)

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

        if self.children_ is None:
            self.children_ = Children(self.transport_, self.guard_fd_)
        fds = self.transport_.take_fds(2)
        rule = self.rules_[request["job"]["r"]]
        return {"pid": self.children_.start(request["tag"], request.get("slot"), rule, request["job"], fds)}

    def hook(self, request):
        self.workflow_.hooks()[request["name"]](request.get("log"))
        return {}


def error_of(error, rule=None):
    try:
        return describe(error, rule or getattr(error, "furrow_rule", None))
    except Exception as failed:
        return {"type": type(error).__name__, "message": "%s (and no more can be said of it: %s)" % (type(error).__name__, failed)}


def unsendable(error):
    if isinstance(error, UnicodeEncodeError):
        return "a text of the workflow holds a character that no file name can have: %r" % error.object[error.start : error.end]
    return str(error)


def flush_output():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            pass
