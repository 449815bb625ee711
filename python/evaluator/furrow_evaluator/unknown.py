"""Stands for a value that a function cannot return yet, because a file that it reads is not there."""


class Unknown:
    """Shows as <TBD> in any text; each part of it is unknown, too."""

    def __str__(self):
        return "<TBD>"

    __repr__ = __str__

    def __format__(self, spec):
        return str(self)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __getitem__(self, key):
        return self

    def __iter__(self):
        return iter((self,))


UNKNOWN = Unknown()
