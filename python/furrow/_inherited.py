"""Classes that are multiprocessing's for isinstance(), and multiprocess's, and share no code with them.

They become so when the program imports multiprocessing.pool or multiprocess.pool. Until then nobody can ask, and to
import it would take a tenth of the time in which a small program makes a pool and uses it.
"""

from furrow._after_import import call_after


class Own:
    """For classes that have no other base: Python gives further bases only to a class whose base is not object."""

    def __dir__(self):
        """The names that there are: a manager of multiprocessing asks for each of them."""
        found = {}
        for kind in reversed(type(self).__mro__):
            found.update(vars(kind))
        return [name for name in super().__dir__() if type(found.get(name)) is not _Absent]


def known_as(name):
    """Makes a class a subclass of this class of both libraries, without the names that it would inherit."""

    def decorated(kind):
        for library in ("multiprocessing.pool", "multiprocess.pool"):
            call_after(library, lambda module: _adopt(kind, getattr(module, name)))
        return kind

    return decorated


def _adopt(kind, theirs):
    own = {name for each in kind.__mro__ if _is_ours(each) for name in vars(each)}
    kind.__bases__ += (theirs,)
    for base in theirs.__mro__:
        if base is object or _is_ours(base):
            continue
        for name in vars(base):
            if name not in own and not (name.startswith("__") and name.endswith("__")):
                setattr(kind, name, _Absent(kind, name))


def _is_ours(kind):
    return kind.__module__.partition(".")[0] == "furrow"


class _Absent:
    def __init__(self, kind, name):
        self._text = f"furrow's {kind.__name__} has no {name}, which is how multiprocessing's works inside"

    def __get__(self, instance, owner):
        raise AttributeError(self._text)
