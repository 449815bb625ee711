"""Records of `logging` in a worker go to the program's handlers.

    in a worker: a logger has let a record pass -> the worker's own handlers, if there are any on its way up
                                                -> otherwise sent to the parent: its logger of the same name

The handlers that a worker has from the program, by a fork or by importing the main module, are copies, and stay
silent: their originals handle the record. `logging` is not imported for any of this.
"""

import pickle
import sys

from furrow._after_import import call_after
from furrow._failures import safe_str

KIND = b"l"  # of a relay's messages

_PLAIN = {str, int, float, bool, bytes, type(None)}
_DEEPEST = 4  # how deep tuples and the like in a record's arguments may be nested

_outlet = None
_hooked = False


def levels():
    """What decides in the program which records are made, for workers that do not inherit it. None: the usual."""
    logging = sys.modules.get("logging")
    if logging is None:
        return None
    root = logging.getLogger()
    found = {each.name: each.level for each in _loggers(logging) if each is not root and each.level}
    if not found and root.level == logging.WARNING and not root.manager.disable:
        return None
    return root.manager.disable, root.level, found


def adopt(wanted):
    """In a fresh interpreter: sets what levels() has found."""
    if wanted is None:
        return
    import logging

    disabled, level, others = wanted
    logging.disable(disabled)
    logging.getLogger().setLevel(level)
    for name, level in others.items():
        logging.getLogger(name).setLevel(level)


def _loggers(logging):
    yield logging.getLogger()
    for each in list(logging.getLogger().manager.loggerDict.values()):
        if isinstance(each, logging.Logger):
            yield each


# --- in a worker


def forward(outlet):
    """From now on the records of this process go to its parent."""
    global _outlet, _hooked
    _outlet = outlet
    if "logging" in sys.modules or not _hooked:
        _hooked = True
        call_after("logging", _take_over)


def _take_over(logging):
    copies = {id(each): each for logger in _loggers(logging) for each in logger.handlers}
    configure = getattr(logging.basicConfig, "furrow_original", logging.basicConfig)

    def call_handlers(logger, record):
        own = False
        name = logger.name
        while logger is not None:
            for each in logger.handlers:
                if id(each) not in copies and not isinstance(each, logging.NullHandler):
                    own = True
                    if record.levelno >= each.level:
                        each.handle(record)
            logger = logger.parent if logger.propagate else None
        if not own:
            _outlet.send(KIND, _packed(name, record, logging))

    def basic_config(**wanted):
        if wanted:  # without: logging.info() and its kin want some handler, and the parent's will do
            configure(**wanted)

    basic_config.furrow_original = configure
    logging.Logger.callHandlers = call_handlers
    logging.basicConfig = basic_config


def _packed(logger, record, logging):
    fields = dict(vars(record))
    if record.exc_info:
        fields["exc_text"] = record.exc_text or logging.Formatter().formatException(record.exc_info)
        fields["exc_info"] = None  # tracebacks do not travel
    if not (_is_plain(record.msg) and _is_plain(record.args)):
        fields["msg"], fields["args"] = _message(record), None
    pickled = {}
    for name, value in fields.items():
        if not _is_plain(value):
            pickled[name] = _pickled(value)
            fields[name] = safe_str(value)
    return pickle.dumps((logger, fields, pickled))


def _is_plain(value, depth=0):
    kind = type(value)
    if kind in (tuple, list) and depth < _DEEPEST:
        return all(_is_plain(each, depth + 1) for each in value)
    if kind is dict and depth < _DEEPEST:
        return all(_is_plain(name) and _is_plain(each, depth + 1) for name, each in value.items())
    return kind in _PLAIN


def _message(record):
    try:
        return record.getMessage()
    except Exception as problem:
        return f"{safe_str(record.msg)} (its arguments cannot be formatted: {safe_str(problem)})"


def _pickled(value):
    try:
        return pickle.dumps(value)
    except Exception:
        return None


# --- in the parent


def handle(data):
    """Hands a record to the logger of its name, if that lets it pass."""
    import logging

    name, fields, pickled = pickle.loads(data)
    for field, made in pickled.items():
        try:
            fields[field] = pickle.loads(made)
        except Exception:
            pass  # its text stays
    logger = logging.getLogger(name)
    if logger.isEnabledFor(fields["levelno"]):
        logger.handle(logging.makeLogRecord(fields))
