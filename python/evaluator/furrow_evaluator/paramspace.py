"""Paramspace: a table of parameters as wildcards in file names."""

import re

from .errors import WorkflowError
from .patterns import regex_from_filepattern


class Paramspace:
    """Wraps a data frame; each column becomes `name~{name}` in a path, a folder each, or parts of the file name for `filename_params`."""

    def __init__(self, dataframe, filename_params=None, param_sep="~", filename_sep="_", single_wildcard=None):
        columns = list(dataframe.columns)
        in_name = columns if filename_params == "*" else list(filename_params or [])
        unknown = [name for name in in_name if name not in columns]
        if unknown:
            raise KeyError("filename_params names columns that the table does not have: %s" % ", ".join(map(str, unknown)))
        if len(set(in_name)) != len(in_name):
            raise ValueError("filename_params names a column twice")
        self.folders_ = [name for name in columns if name not in in_name]
        self.in_name_ = in_name
        self.ordered_columns = self.folders_ + in_name
        self.param_sep = param_sep
        self.filename_sep = filename_sep
        self.single_wildcard = single_wildcard
        self.dataframe = dataframe[self.ordered_columns]

    def path(self, text_of):
        """Folders for some columns, then a file name made of the others."""
        words = [text_of(name) for name in self.folders_]
        if self.in_name_:
            words.append(self.filename_sep.join(text_of(name) for name in self.in_name_))
        return "/".join(words)

    def named_pattern(self):
        return self.path(lambda name: "%s%s{%s}" % (name, self.param_sep, name))

    @property
    def wildcard_pattern(self):
        return "{%s}" % self.single_wildcard if self.single_wildcard else self.named_pattern()

    @property
    def instance_patterns(self):
        for row in self.dataframe.itertuples(index=False, name=None):
            values = dict(zip(self.ordered_columns, row))
            yield self.path(lambda name: "%s%s%s" % (name, self.param_sep, text_of(values[name])))

    def instance(self, wildcards):
        """The row of a job, with the types of the table's columns."""
        if not self.single_wildcard:
            return {name: self.typed(name, value) for name, value in wildcards.items() if name in self.ordered_columns}
        value = wildcards.get(self.single_wildcard)
        if value is None:
            raise WorkflowError("the rule does not use the wildcard %s of its paramspace" % self.single_wildcard)
        match = re.match(regex_from_filepattern(self.named_pattern()), value)
        if not match:
            raise WorkflowError("the wildcard %s=%s does not fit the paramspace %s" % (self.single_wildcard, value, self.named_pattern()))
        return {name: self.typed(name, text) for name, text in match.groupdict().items()}

    def typed(self, name, text):
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
        return self.wrapped(found)

    def __getitem__(self, key):
        return self.wrapped(self.dataframe[key])

    def wrapped(self, found):
        return Paramspace(found) if type(found) is type(self.dataframe) else found


def text_of(value):
    return "NA" if value is None or value != value or type(value).__name__ == "NAType" else str(value)
