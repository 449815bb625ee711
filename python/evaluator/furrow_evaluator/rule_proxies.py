"""`rules`: every rule defined so far, by name."""

from .errors import did_you_mean


class RuleProxies:
    """Its `__dict__` is the mapping of names to rules, so that `vars(rules)` and `dir(rules)` show them too."""

    @property
    def _rules(self):
        return self.__dict__

    def has(self, name):
        return name in self.__dict__

    def __getattr__(self, name):
        near = did_you_mean(name, self.__dict__)
        hint = f"; did you mean rules.{near}?" if near else "; a rule is known only after the lines that define it"
        raise AttributeError(f"there is no rule named {name} so far{hint}")

    def __getitem__(self, name):
        return self.__dict__[name] if name in self.__dict__ else self.__getattr__(name)

    def __iter__(self):
        return iter(list(self.__dict__.values()))

    def __len__(self):
        return len(self.__dict__)

    def __contains__(self, name):
        return name in self.__dict__
