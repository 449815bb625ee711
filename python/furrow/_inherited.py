"""Classes that are multiprocessing's for isinstance(), and share no code with them."""


def only_own_names(kind):
    """Hides every name that a class would inherit from multiprocessing and does not define itself."""
    own = {name for each in kind.__mro__ if _is_ours(each) for name in vars(each)}
    for base in kind.__mro__:
        if base is object or _is_ours(base):
            continue
        for name in vars(base):
            if name not in own and not (name.startswith("__") and name.endswith("__")):
                setattr(kind, name, _Absent(kind, name))
    return kind


def _is_ours(kind):
    return kind.__module__.partition(".")[0] == "furrow"


class _Absent:
    def __init__(self, kind, name):
        self._text = f"furrow's {kind.__name__} has no {name}, which is how multiprocessing's works inside"

    def __get__(self, instance, owner):
        raise AttributeError(self._text)
