"""`logger`: messages to standard error, with the methods that Snakefiles call. Importing logging would be slower."""

import sys

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}


class Logger:
    name = "snakemake"
    handlers = ()
    propagate = False
    printshellcmds = False

    def __init__(self):
        self.level = 20

    def _show(self, level, message, args):
        if level >= self.level:
            text = str(message)
            if args:
                text = text % (args[0] if len(args) == 1 and isinstance(args[0], dict) else args)
            print(text, file=sys.stderr, flush=True)

    def debug(self, message="", *args, **ignored):
        self._show(10, message, args)

    def info(self, message="", *args, **ignored):
        self._show(20, message, args)

    def warning(self, message="", *args, **ignored):
        self._show(30, message, args)

    def error(self, message="", *args, **ignored):
        self._show(40, message, args)

    def critical(self, message="", *args, **ignored):
        self._show(50, message, args)

    def exception(self, message="", *args, **ignored):
        self._show(40, message, args)
        exception = sys.exc_info()[1]
        if exception is not None:
            from .errors import user_traceback

            print(user_traceback(exception), end="", file=sys.stderr, flush=True)

    warn = warning
    fatal = critical

    def log(self, level, message="", *args, **ignored):
        self._show(level if isinstance(level, int) else 20, message, args)

    def setLevel(self, level):
        self.level = _LEVELS.get(level.lower(), 20) if isinstance(level, str) else int(level)

    def getEffectiveLevel(self):
        return self.level

    def isEnabledFor(self, level):
        return level >= self.level

    def getChild(self, name):
        return self

    def addHandler(self, handler):
        pass

    removeHandler = addFilter = removeFilter = addHandler

    def hasHandlers(self):
        return False


logger = Logger()
