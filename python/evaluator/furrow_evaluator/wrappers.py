"""Wrappers: scripts for common programs, each in a folder with its environment, found by version and path.

`wrapper: "v3.3.3/bio/samtools/sort"` is looked for below --wrapper-prefix: a folder, an address, or a git repository as
git+https://..., git+ssh://... or git+file://.... Without the option that is Snakemake's own repository of wrappers.
What comes from elsewhere is kept, so that a version is fetched once.
"""

import os
import re

from .errors import WorkflowError
from .source_files import GithubSource, GitUrlSource, infer_source_file, is_local, is_remote
from .sources import first_file

_REPOSITORY = "snakemake/snakemake-wrappers"
_SCRIPTS = tuple("wrapper" + extension for extension in (".py", ".R", ".Rmd", ".rs", ".jl", ".sh"))
_ENVIRONMENTS = ("environment.yaml", "environment.yml")
_VERSION = re.compile(r"v?\d+(\.\d+)+(?=/)|[0-9a-f]{40}(?=/)")


def source_of(path, prefix):
    """The folder of a wrapper or a meta-wrapper, or a wrapper's script."""
    if is_remote(path) or path.startswith("file:") or os.path.isabs(path):
        return infer_source_file(path)
    version, _, rest = path.partition("/")
    if not prefix:
        return GithubSource(_REPOSITORY, path=rest, ref=version)
    if prefix.startswith("git+file:"):
        return infer_source_file(f"{prefix.rstrip('/')}/{rest}@{version}")
    if prefix.startswith("git+"):
        return GitUrlSource(prefix[len("git+") :], path=rest, ref=version)
    return infer_source_file(f"{os.path.expanduser(prefix).rstrip('/')}/{path}")


def file_in(folder, names, prefix, path, may_fetch=True):
    """The path of the first of these files; None if there is none. An empty name is the source itself."""
    try:
        return first_file(folder, names, may_fetch, is_pinned=bool(_VERSION.match(path)))
    except WorkflowError as error:
        error.hint = error.hint or hint_for(prefix, path)
        raise


def hint_for(prefix, path):
    """What to do about a wrapper that is not there."""
    if not prefix:
        return (
            "--wrapper-prefix takes wrappers from a folder, as in --wrapper-prefix /opt/wrappers, or from a clone of "
            "their repository, as in --wrapper-prefix git+file:///opt/snakemake-wrappers"
        )
    without_version = os.path.join(os.path.expanduser(prefix), path.partition("/")[2])
    if os.path.isdir(without_version):
        return (
            f"{without_version} is there, without a version: if that is in a clone of the repository, "
            f"--wrapper-prefix git+file://{os.path.abspath(prefix)} takes the version that the rule names"
        )
    return f"--wrapper-prefix says that wrappers are below {prefix}"


class Wrapper:
    """Where a rule's wrapper is on this machine. The files of one that is elsewhere are fetched when asked for."""

    def __init__(self, path, prefix):
        self._path = path
        self._prefix = prefix
        self._folder, self._scripts = source_of(path, prefix), _SCRIPTS
        if self._folder.get_filename() in _SCRIPTS:
            self._folder, self._scripts = self._folder.get_basedir(), (self._folder.get_filename(),)
        self._found = {}

    def script(self, may_fetch=True):
        """The path of the script; None if it is not on this machine and may not be fetched."""
        found = self._first(self._scripts, may_fetch)
        if found is None and may_fetch:
            place = os.path.abspath(self._folder) if is_local(self._folder) else self._folder
            text = f"wrapper {self._path}: {place} has none of {', '.join(self._scripts)}"
            raise WorkflowError(text, hint=hint_for(self._prefix, self._path))
        return found

    def environment(self):
        """The path of the file with its conda environment; None if it has none."""
        return self._first(_ENVIRONMENTS, True)

    def _first(self, names, may_fetch):
        key = names[0], may_fetch
        if key not in self._found:
            self._found[key] = file_in(self._folder, names, self._prefix, self._path, may_fetch)
        return self._found[key]
