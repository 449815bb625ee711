"""Where the text of a Snakefile, script or schema comes from: a path here, or a place on a git host."""

import os
import re
import sys

from .errors import NotYet, WorkflowError

_REMOTE = ("http://", "https://", "github:", "gitlab:", "gh:", "gl:", "git+", "ftp://", "s3://", "gs://")
# Addresses of files on git hosts.
_REF_AND_PATH = r"/(?:refs/(?:tags|heads)/)?(?P<ref>[^/]+)/(?P<path>.+)"
_GITHUB_RAW = r"https://github\.com/(?P<repo>[^/]+/[^/]+)/(?:raw|blob)" + _REF_AND_PATH
_GITHUB_PLAIN = r"https://raw\.githubusercontent\.com/(?P<repo>[^/]+/[^/]+)" + _REF_AND_PATH
_GITLAB_RAW = r"https://gitlab\.com/(?P<repo>.+?)/-/(?:raw|blob)/(?P<ref>[^/]+)/(?P<path>[^?]+)"
_SHORT = r"(?P<kind>gh|gl):(?:(?P<host>[^/:]+):)?(?P<repo>[^@:]+/[^@:]+)@(?P<ref>.+?)(?::(?P<path>[^:]*))?"
_LOCAL_GIT = r"git\+file:(?://)?(?P<place>[^@]+)@(?P<ref>.+)"


def is_remote(text):
    return str(text).startswith(_REMOTE)


class SourceFile:
    """What all of them have in common."""

    def join(self, path):
        path = infer_source_file(path)
        return path if not is_local(path) or path.isabs() else self._joined(str(path))

    def simplify_path(self):
        return self

    def is_persistently_cacheable(self):
        return False

    def mtime(self):
        return None


class SourcePath(str, SourceFile):
    """The path of a Snakefile or its folder, with the methods that Snakefiles call on it."""

    is_local = True

    def join(self, path):  # otherwise that of str
        return SourceFile.join(self, path)

    def _joined(self, path):
        return SourcePath(os.path.normpath(os.path.join(self, path)))

    def check(self):
        pass

    def get_path_or_uri(self, secret_free=True):
        return str(self)

    def get_cache_path(self):
        return str(self)

    def get_basedir(self):
        return SourcePath(os.path.dirname(self))

    def get_filename(self):
        return os.path.basename(self)

    def abspath(self):
        return SourcePath(os.path.abspath(self))

    def isabs(self):
        return os.path.isabs(self)

    def mtime(self):
        return os.stat(self).st_mtime

    def replace_suffix(self, suffixes, replacement):
        for suffix in suffixes:
            if self.endswith(suffix):
                return SourcePath(self[: len(self) - len(suffix)] + replacement)
        return None


class _Elsewhere(SourceFile):
    """A file that is not on this machine."""

    is_local = False

    def fetched(self):
        """Its path on this machine, where it is fetched to."""
        raise NotYet(f"{self}: only files on this machine, on web servers and in git repositories can be read")

    def __fspath__(self):
        return self.fetched()

    def open(self):
        return open(self.fetched())

    def check(self):
        pass

    def __str__(self):
        return self.get_path_or_uri()

    def __eq__(self, other):
        return isinstance(other, SourceFile) and str(self) == str(other)

    def __hash__(self):
        return hash(str(self))

    def endswith(self, suffix):
        return self.get_filename().endswith(suffix)

    def get_filename(self):
        return os.path.basename(str(self))


class RemoteSource(_Elsewhere):
    """A file on a web server, or on another one, which Furrow can name but not read."""

    def __init__(self, path_or_uri):
        self.path_or_uri = str(path_or_uri)

    def fetched(self):
        if not self.path_or_uri.startswith(("http://", "https://")):
            return super().fetched()
        from .web_sources import path_of

        return path_of(self.path_or_uri)

    def get_path_or_uri(self, secret_free=True):
        return self.path_or_uri

    def get_basedir(self):
        return RemoteSource(self.path_or_uri.rpartition("/")[0])

    def _joined(self, path):
        return RemoteSource(f"{self.path_or_uri}/{path}")


class GitSource(_Elsewhere):
    """A file in a git repository on this machine: `gitfile(...)`."""

    is_on_this_machine = True
    token = ("", "")  # the variable that may hold one, and the user that goes with it

    def __init__(self, repo, path=None, tag=None, branch=None, commit=None, host=None, ref=None, **ignored):
        if sum(value is not None for value in (tag, branch, commit, ref)) != 1:
            raise WorkflowError("a file in a git repository needs one of tag, branch and commit")
        if path is None:
            raise WorkflowError("a file in a git repository needs a path")
        self.repo, self.path, self.host = repo, str(path).strip("/"), host or self.default_host
        self.tag, self.branch, self.commit = tag, branch, commit
        self._ref = ref or tag or branch or commit

    default_host = None
    pattern = "git+file://{repo}/{path}@{ref}"

    def fetched(self, may_fetch=True):
        """Its path in a copy of the repository's files, which is made here if there is none; None if it may not be."""
        from .git_sources import path_of

        return path_of(self, may_fetch)

    def repository_url(self):
        return str(self.repo)

    @property
    def kind(self):
        """What its ref is."""
        return "tag" if self.tag else "branch" if self.branch else "commit" if self.commit else "ref"

    @property
    def repo_path(self):
        return self.repo

    @property
    def ref(self):
        return self._ref

    def get_path_or_uri(self, secret_free=True):
        return self.pattern.format(host=self.host, repo=self.repo, ref=self.ref, path=self.path)

    def get_filename(self):
        return os.path.basename(self.path)

    def get_basedir(self):
        return self._at(os.path.dirname(self.path))

    def _joined(self, path):
        return self._at(os.path.normpath(os.path.join(self.path, path)))

    def _at(self, path):
        ref = None if self.tag or self.branch or self.commit else self._ref
        return type(self)(self.repo, path, self.tag, self.branch, self.commit, self.host, ref)


class HostedSource(GitSource):
    is_on_this_machine = False

    def repository_url(self):
        return f"https://{self.host}/{self.repo}"

    @property
    def place_at_host(self):
        return self.repo


class GitUrlSource(GitSource):
    """A file in any repository that the user's git can reach."""

    is_on_this_machine = False
    pattern = "{repo}: {path}@{ref}"

    def __init__(self, repo, *args, **kwargs):
        super().__init__(repo, *args, **kwargs)
        # Both ssh://user@host/path and user@host:path name a host and a path.
        _, mark, rest = repo.partition("://")
        place = rest if mark else repo.replace(":", "/", 1)
        self.host, _, self.place = place.rpartition("@")[2].partition("/")

    @property
    def place_at_host(self):
        return self.place


class GithubSource(HostedSource):
    """`github(...)`"""

    default_host = "github.com"
    token = ("GITHUB_TOKEN", "x-access-token")
    pattern = "https://{host}/{repo}/raw/{ref}/{path}"


class GitlabSource(HostedSource):
    """`gitlab(...)`"""

    default_host = "gitlab.com"
    token = ("GITLAB_TOKEN", "oauth2")
    pattern = "https://{host}/{repo}/-/raw/{ref}/{path}"


def is_local(source):
    return not isinstance(source, _Elsewhere)


def _web_sources():
    """The module for files from the web; None if there were none in this process."""
    return sys.modules.get("furrow_evaluator.web_sources")


def on_this_machine(path):
    """The same path. A file that is named beside one from the web is fetched to it."""
    web = _web_sources()
    return path if web is None else web.refreshed(path)


def shown_place(path):
    """The path, or the address that it was fetched from, as messages name it."""
    web = _web_sources()
    return web is not None and web.url_of(path) or path


def infer_source_file(path_or_uri, basedir=None):
    if isinstance(path_or_uri, SourceFile):
        return path_or_uri
    text = os.fspath(path_or_uri)
    if is_remote(text):
        return _git_source(text) or RemoteSource(text)
    for scheme in ("file://", "file:"):
        text = text[len(scheme) :] if text.startswith(scheme) else text
    if basedir is not None and not os.path.isabs(text):
        return infer_source_file(basedir).join(text)
    return SourcePath(text)


def _git_source(text):
    """The file in a git repository that an address or a short form such as gh:owner/repo@v1 names; None if none."""
    found = re.fullmatch(_GITHUB_RAW, text) or re.fullmatch(_GITHUB_PLAIN, text)
    if found:
        return GithubSource(found["repo"], found["path"], ref=found["ref"])
    found = re.fullmatch(_GITLAB_RAW, text)
    if found:
        return GitlabSource(found["repo"], found["path"], ref=found["ref"])
    found = re.fullmatch(_SHORT, text)
    if found:
        kind = GithubSource if found["kind"] == "gh" else GitlabSource
        return kind(found["repo"], found["path"] or "workflow/Snakefile", branch=found["ref"], host=found["host"])
    found = re.fullmatch(_LOCAL_GIT, text)
    return _in_local_repository(found["place"], found["ref"]) if found else None


def _in_local_repository(place, ref):
    """The repository is the folder above the file that git has made one."""
    folder = os.path.abspath(place)
    while folder != os.path.dirname(folder):
        folder = os.path.dirname(folder)
        if os.path.exists(os.path.join(folder, ".git")) or os.path.exists(os.path.join(folder, "HEAD")):
            return GitSource(folder, os.path.relpath(os.path.abspath(place), folder), ref=ref)
    raise WorkflowError(f"git+file:{place}@{ref}: no folder above is a git repository")
