"""Where the files are that a Snakefile names: beside it, at an address, or in a git repository."""

import os
import sys

from .errors import WorkflowError
from .source_files import GitSource, RemoteSource, SourceFile, infer_source_file, is_local, on_this_machine


def first_file(folder, names, may_fetch=True, is_pinned=False):
    """The path on this machine of the first of these files; None if there is none. An empty name is the source itself.

    On a web server what is pinned is fetched once. Without `may_fetch`, only what is kept here is looked for.
    """
    if isinstance(folder, RemoteSource):
        return _file_on_the_web(str(folder).rstrip("/"), names, may_fetch, is_pinned)
    return _file_in_folder(folder, names, may_fetch)


def _file_in_folder(folder, names, may_fetch):
    if isinstance(folder, GitSource):
        from .git_sources import NoSuchFile, folder_of

        try:
            if names == [""]:
                return folder.fetched(may_fetch)
            folder = folder_of(folder, any(name.startswith("test/") for name in names), may_fetch)
        except NoSuchFile:
            return None
    if folder is None:
        return None
    paths = [os.path.abspath(os.path.join(folder, name) if name else folder) for name in names]
    return next(filter(os.path.isfile, paths), None)


def _file_on_the_web(address, names, may_fetch, is_pinned):
    from .web_sources import NotThere, cached_path_of, path_of

    files = [f"{address}/{name}" if name else address for name in names]
    kept = next(filter(None, map(cached_path_of, files)), None)
    if kept is not None and is_pinned or not may_fetch:
        return kept
    for file in files:
        try:
            return path_of(file)
        except NotThere:
            continue
    return None


class Sources:
    """The part of Workflow that finds them."""

    def source_path(self, path):
        """The path of a file beside the Snakefile whose code calls this."""
        caller = sys._getframe(1).f_code.co_filename
        return self.local_path(os.path.dirname(caller), path)

    def srcdir(self, path):
        """The older name of source_path, for use while the Snakefile is being read."""
        return self.local_path(self.current_basedir, path)

    def local_source(self, source, user):
        """The path on this machine of a Snakefile that another one names. One in a git repository is fetched."""
        if not (isinstance(source, (str, SourceFile)) or hasattr(source, "__fspath__")):
            raise WorkflowError(f"{user} takes one file name")
        return self.local_path(self.current_basedir, source)

    def local_path(self, folder, source):
        """The path on this machine of a file that is named by its address, or by its path from a folder."""
        found = infer_source_file(source)
        return self.join(folder, str(found)) if is_local(found) else found.fetched()

    def join(self, folder, path):
        found = os.path.normpath(os.path.join(folder, os.path.expanduser(path)))
        return on_this_machine(found)

    def located_wrapper(self, path):
        """Rules with the same wrapper share what is known of it."""
        from .wrappers import Wrapper

        if path not in self._wrappers:
            self._wrappers[path] = Wrapper(path, self.wrapper_prefix)
        return self._wrappers[path]
