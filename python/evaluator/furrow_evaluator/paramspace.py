"""Paramspace: a table of parameters as wildcards in file names."""

import re

from .errors import WorkflowError
from .patterns import regex_from_filepattern


class Paramspace:
    """Wraps a data frame. Each column becomes `name~{name}` in a path.

    That is a folder for each column, or a part of the file name for columns in `filename_params`.
    """

    def __init__(self, dataframe, filename_params=None, param_sep="~", filename_sep="_", single_wildcard=None):
        columns = list(dataframe.columns)
        in_name = columns if filename_params == "*" else list(filename_params or [])
        unknown = [name for name in in_name if name not in columns]
        if unknown:
            raise KeyError(
                "filename_params names columns that the table does not have: %s" % ", ".join(map(str, unknown))
            )
        if len(set(in_name)) != len(in_name):
            raise ValueError("filename_params names a column twice")
        self._folders = [name for name in columns if name not in in_name]
        self._in_name = in_name
        self.ordered_columns = self._folders + in_name
        self.param_sep = param_sep
        self.filename_sep = filename_sep
        self.single_wildcard = single_wildcard
        self.dataframe = dataframe[self.ordered_columns]

    def _path(self, text_of):
        """Folders for some columns, then a file name made from the others."""
        words = [text_of(name) for name in self._folders]
        if self._in_name:
            words.append(self.filename_sep.join(text_of(name) for name in self._in_name))
        return "/".join(words)

    def _named_pattern(self):
        return self._path(lambda name: "%s%s{%s}" % (name, self.param_sep, name))

    @property
    def wildcard_pattern(self):
        return "{%s}" % self.single_wildcard if self.single_wildcard else self._named_pattern()

    @property
    def instance_patterns(self):
        for row in self.dataframe.itertuples(index=False, name=None):
            values = dict(zip(self.ordered_columns, row))
            yield self._path(lambda name: f"{name}{self.param_sep}{_text_of(values[name])}")

    def instance(self, wildcards):
        """The row of a job, with the types of the table's columns."""
        if not self.single_wildcard:
            return {name: self._typed(name, value) for name, value in wildcards.items() if name in self.ordered_columns}
        value = wildcards.get(self.single_wildcard)
        if value is None:
            raise WorkflowError(f"the rule does not use the wildcard {self.single_wildcard} of its paramspace")
        match = re.match(regex_from_filepattern(self._named_pattern()), value)
        if not match:
            raise WorkflowError(
                f"the wildcard {self.single_wildcard}={value} does not fit the paramspace {self._named_pattern()}"
            )
        return {name: self._typed(name, text) for name, text in match.groupdict().items()}

    def _typed(self, name, text):
        import pandas

        kind = self.dataframe.dtypes[name]
        if text == "NA":
            return pandas.NA
        if kind == bool:
            return text != "False"
        return pandas.Series([text]).astype(kind).iloc[0]

    def __getattr__(self, name):
        if name.startswith("__") or name == "dataframe":
            raise AttributeError(name)
        found = getattr(self.dataframe, name)
        return self._wrapped(found)

    def __getitem__(self, key):
        return self._wrapped(self.dataframe[key])

    def _wrapped(self, found):
        return Paramspace(found) if isinstance(found, type(self.dataframe)) else found


def _text_of(value):
    return "NA" if value is None or value != value or type(value).__name__ == "NAType" else str(value)
