"""Files of git repositories: fetched with the user's own git, and kept by commit.

The cache, ~/.cache/furrow/sources, holds

    repositories/github.com/owner/name   a bare repository: what has been fetched stays
    commits/0123...                      the files of one commit; a folder with this name is complete
    parts/0123.../a%2Fb                  those of the folder a/b alone, as the repository may be large

What a tag or a commit names is fetched once. A branch is asked for in every run. One process at a time fetches into a
repository; git itself does not wait for another one, and a git that was killed leaves locks behind.
"""

import contextlib
import fcntl
import os
import sys

from .errors import WorkflowError, did_you_mean
from .logger import logger
from .source_cache import cache_folder, make_folder

# Where a commit is kept that was fetched by neither tag nor branch.
_OTHER = "refs/furrow/"
# Where a tag, a branch or a commit is looked for. `gh:owner/repo@name` does not say which it is.
_PLACES = {
    "tag": ("refs/tags/", _OTHER, ""),
    "branch": ("refs/heads/", _OTHER, ""),
    "commit": ("", _OTHER),
    "ref": ("refs/tags/", "refs/heads/", _OTHER, ""),
}
_ELSEWHERE = frozenset("GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_OBJECT_DIRECTORY GIT_COMMON_DIR GIT_NAMESPACE".split())
_asked = set()  # (URL, name) of what was fetched in this process
_unreachable = {}  # what git says, by URL
_SAFE = ("-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false")
# A server that sends nothing for so long is taken for dead. Git itself would wait for good.
_PATIENCE = ("-c", "http.lowSpeedLimit=1", "-c", "http.lowSpeedTime=60")


class NoSuchFile(WorkflowError):
    """The commit is there, but does not have the file."""

    shown_as = "WorkflowError"


class _GitFailed(Exception):
    pass


def path_of(source, may_fetch=True):
    """The path on this machine of a file in a git repository; None if it would have to be fetched and may not be."""
    commit, repository = _found_commit(source, may_fetch)
    if commit is None:
        return None
    path = os.path.join(_files_of(commit, repository, source), source.path)
    if not os.path.exists(path):
        place = f"the {source.kind} {source.ref} of {source.repository_url()}"
        raise NoSuchFile(f"there is no file {source.path} in {place}")
    return path


def folder_of(source, with_tests, may_fetch=True):
    """The same for a folder. Only its files are checked out, and those of its folder `test` only if they are needed."""
    commit, repository = _found_commit(source, may_fetch)
    if commit is None:
        return None
    folder = os.path.join(cache_folder(), "commits", commit)
    if not os.path.isdir(folder):
        name = source.path.replace("%", "%25").replace("/", "%2F") + ("+test" if with_tests else "")
        folder = os.path.join(cache_folder(), "parts", commit, name)
    if not os.path.isdir(folder):
        try:
            _git(source, repository, "cat-file", "-t", f"{commit}:{source.path}")
        except _GitFailed:
            raise NoSuchFile(f"there is no folder {source.path} in {source.ref} of {source.repository_url()}") from None
        paths = [source.path] if with_tests else [source.path, f":(exclude){source.path}/test"]
        make_folder(folder, lambda made: _check_out(commit, repository, source, made, paths))
    return os.path.join(folder, source.path)


def _found_commit(source, may_fetch):
    if source.is_on_this_machine:
        repository = os.path.abspath(os.path.expanduser(str(source.repo)))
        if not os.path.isdir(repository):
            raise WorkflowError(f"{source}: there is no repository {repository}")
        return _commit_in(repository, source, _PLACES[source.kind]) or _fail_unknown(source, repository), repository
    repository = os.path.join(cache_folder(), "repositories", source.host, *source.place_at_host.strip("/").split("/"))
    if not may_fetch:
        is_there = os.path.isdir(repository)
        return (_commit_in(repository, source, _PLACES[source.kind]) if is_there else None), repository
    if not os.path.isdir(repository):
        make_folder(repository, lambda folder: _git(source, None, "init", "--bare", "--quiet", folder))
    commit = _commit_in(repository, source, _fixed_places(source))
    return commit or _fetched_commit(repository, source), repository


def _fixed_places(source):
    """Where a name stands for the same commit for good."""
    if source.kind == "ref":
        is_commit = len(source.ref) == 40 and set(source.ref) <= set("0123456789abcdef")
        return ("refs/tags/", "") if is_commit else ("refs/tags/",)
    return () if source.kind == "branch" else _PLACES[source.kind]


def _fetched_commit(repository, source):
    url = source.repository_url()
    places = _PLACES[source.kind]
    try:
        if (url, source.ref) not in _asked:
            _fetch_once(repository, source, url, places)
    except _GitFailed as failed:
        commit = _commit_in(repository, source, places)
        if commit is None:
            raise WorkflowError(f"{source}: git cannot fetch {url}: {failed}") from None
        logger.warning(f"{source}: git cannot fetch {url}: {failed}; what was fetched before is used")
        return commit
    return _commit_in(repository, source, places) or _fail_unknown(source, repository)


def _fetch_once(repository, source, url, places):
    """A host that did not answer is not asked again in this process, and of nothing twice."""
    if url in _unreachable:
        raise _GitFailed(_unreachable[url])
    print(f"fetching {source.ref} of {url}", file=sys.stderr, flush=True)
    try:
        with _alone(repository) as lock:
            _fetch(repository, source, url, places, lock)
    except _GitFailed as failed:
        _unreachable[url] = str(failed)
        raise
    _asked.add((url, source.ref))


@contextlib.contextmanager
def _alone(repository):
    """Waits until no other process fetches. Git inherits the lock, since it may go on when this process is killed."""
    with open(os.path.join(repository, "furrow.lock"), "ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            _remove_left_locks(repository)
        except OSError:
            pass  # a file system without locks
        yield file.fileno()


def _remove_left_locks(repository):
    """Of a git that was killed: nobody else works here now."""
    for folder, _, names in os.walk(repository):
        for name in names:
            if name.endswith(".lock") and name != "furrow.lock":
                os.unlink(os.path.join(folder, name))


def _fetch(repository, source, url, places, lock):
    """Fetches one commit if the host allows it, else everything."""
    fetch = (*_PATIENCE, "fetch", "--quiet")
    for place in places:
        if place == _OTHER:
            continue
        try:
            wanted = f"+{place}{source.ref}:{place or _OTHER}{source.ref}"
            return _git(source, repository, *fetch, "--no-tags", "--depth", "1", url, wanted, kept_open=(lock,))
        except _GitFailed:
            continue
    shallow = os.path.exists(os.path.join(repository, "shallow"))
    everything = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"]
    more = ["--unshallow"] if shallow else []
    return _git(source, repository, *fetch, *more, url, *everything, kept_open=(lock,))


def _commit_in(repository, source, places):
    """The commit that the source names; None if the repository does not have it."""
    for place in places:
        try:
            name = f"{place}{source.ref}^{{commit}}"
            return _git(source, repository, "rev-parse", "--verify", "--quiet", "--end-of-options", name).strip()
        except _GitFailed as failed:
            if str(failed):
                raise WorkflowError(f"{source}: {failed}") from None
    return None


def _fail_unknown(source, repository):
    names = _git(source, repository, "for-each-ref", "--format=%(refname:short)", "refs/tags", "refs/heads").split()
    near = did_you_mean(source.ref, names)
    kind = "tag or branch" if source.kind == "ref" else source.kind
    raise WorkflowError(
        f"the repository {source.repository_url()} has no {kind} {source.ref}",
        hint=f"did you mean {near}?" if near else "it has " + ", ".join(sorted(names)[:20]) if names else None,
    )


def _files_of(commit, repository, source):
    """The folder with the files of a commit. They are dated as the commit is, so that they never look new."""
    folder = os.path.join(cache_folder(), "commits", commit)
    if not os.path.isdir(folder):
        make_folder(folder, lambda made: _check_out(commit, repository, source, made))
    return folder


def _check_out(commit, repository, source, folder, paths=(".",)):
    index = folder + ".index"
    try:
        arguments = ("--work-tree", folder, "checkout", "--quiet", "--force", commit, "--", *paths)
        _git(source, repository, *arguments, GIT_INDEX_FILE=index)
        seconds = int(_git(source, repository, "show", "--no-patch", "--format=%ct", commit))
    except _GitFailed as failed:
        raise WorkflowError(f"{source}: git cannot check out {commit}: {failed}") from None
    finally:
        if os.path.exists(index):
            os.unlink(index)
    for parent, _, files in os.walk(folder):
        for name in files:
            os.utime(os.path.join(parent, name), (seconds, seconds), follow_symlinks=False)


def _git(source, repository, *arguments, kept_open=(), **variables):
    import subprocess

    # What names another repository, as in a hook of git, must not lead there. Nobody is there to answer questions.
    environment = {name: value for name, value in os.environ.items() if name not in _ELSEWHERE}
    environment.update(GIT_TERMINAL_PROMPT="0", LC_ALL="C", **variables)
    _add_token(source, environment)
    where = () if repository is None else ("--git-dir", _git_folder(repository))
    try:
        command = ["git", *_SAFE, *where, *arguments]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, env=environment, pass_fds=kept_open
        )
    except FileNotFoundError:
        raise WorkflowError(f"{source} is in a git repository, but there is no git on PATH") from None
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().split("\n")
        raise _GitFailed("; ".join(lines[:3]))
    return done.stdout.decode("utf-8", "surrogateescape")


def _add_token(source, environment):
    """GITHUB_TOKEN and GITLAB_TOKEN open private repositories, as they do for Snakemake."""
    variable, user = source.token
    token = environment.get(variable)
    if not token:
        return
    from base64 import b64encode

    secret = b64encode(f"{user}:{token}".encode()).decode()
    count = int(environment.get("GIT_CONFIG_COUNT") or 0)
    # In the environment, since everybody may read the arguments of a program.
    environment[f"GIT_CONFIG_KEY_{count}"] = f"http.https://{source.host}/.extraHeader"
    environment[f"GIT_CONFIG_VALUE_{count}"] = f"Authorization: Basic {secret}"
    environment["GIT_CONFIG_COUNT"] = str(count + 1)


def _git_folder(repository):
    """A bare repository is its own; in a work tree .git is a folder, or a file that names one."""
    inner = os.path.join(repository, ".git")
    if not os.path.isfile(inner):
        return inner if os.path.isdir(inner) else repository
    with open(inner) as file:
        return os.path.join(repository, file.read().partition("gitdir:")[2].strip())
