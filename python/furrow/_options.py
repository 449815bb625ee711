"""The arguments of a Pool's methods that multiprocessing does not have."""

import operator

_MOST_RETRIES = 2**31 - 1


def whole(name, value):
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is a whole number, not {value!r}") from None


def _above_0(name, seconds):
    try:
        above = seconds > 0
    except TypeError:
        raise TypeError(f"{name} is a number of seconds, not {seconds!r}") from None
    if not above:
        raise ValueError(f"{name} is a number of seconds above 0, not {seconds!r}")


class Options:
    """The keyword arguments of map() and similar methods; Pool.map explains them."""

    __slots__ = ("timeout", "retries", "on_error", "progress", "seed", "resume", "trace", "ahead")

    def __init__(self, timeout=None, retries=0, on_error="raise", progress=False, seed=None, resume=None, trace=None,
                 ahead=None):
        if timeout is not None:
            _above_0("timeout", timeout)
        if not 0 <= whole("retries", retries) <= _MOST_RETRIES:
            raise ValueError(f"retries is a whole number from 0 to {_MOST_RETRIES}, not {retries!r}")
        if on_error not in ("raise", "collect"):
            raise ValueError(f"on_error is 'raise' or 'collect', not {on_error!r}")
        if not (isinstance(progress, bool) or progress in (None, "tqdm", "rich") or callable(progress)):
            raise ValueError(f"progress is True, 'tqdm', 'rich' or a function, not {progress!r}")
        if seed is not None and not 0 <= whole("seed", seed) < 2**64:
            raise ValueError(f"seed is a whole number from 0 to 2**64 - 1, not {seed!r}")
        self.timeout = timeout
        self.retries = int(retries)
        self.on_error = on_error
        self.progress = progress
        self.seed = seed if seed is None else int(seed)
        self.resume = resume
        self.trace = trace
        self.ahead = ahead  # how many results of a stream may wait to be taken; None: the pool decides

    @property
    def session(self):
        """Whether the map has progress, a resume file or a trace."""
        return bool(self.progress or self.resume or self.trace)

    def refuse(self, names, where):
        for name in names:
            if getattr(self, name):
                raise ValueError(f"{where} does not take {name}=")
