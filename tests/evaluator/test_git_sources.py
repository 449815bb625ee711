"""Modules and includes from git repositories: github(...), gitlab(...), gitfile(...) and their short forms.

A setting of git makes the addresses of hosts lead to repositories in the test's folder.
"""

import copy
import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from client import Failed

SCRIPT = "open(snakemake.output[0], 'w').write('{}')\n"


class Repository:
    def __init__(self, path, env):
        self.path, self.env = path, env
        path.mkdir()
        self.git("init", "--quiet", "--initial-branch", "main")

    def git(self, *arguments):
        settings = ["-c", "user.name=n", "-c", "user.email=e@e", "-c", "core.fsync=none"]
        command = ["git", *settings, *arguments]
        return subprocess.run(command, cwd=self.path, env=self.env, check=True, capture_output=True, text=True).stdout

    def commit(self, files):
        for name, text in files.items():
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "m")
        return self.git("rev-parse", "HEAD").strip()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A repository with the tags v1 and v2; tests get copies."""
    env = dict(os.environ, GIT_CONFIG_GLOBAL="/dev/null")
    repository = Repository(tmp_path_factory.mktemp("made") / "flow", env)
    repository.first = repository.commit({"workflow/rules/a.smk": 'rule a:\n    output: "old"\n'})
    files = {
        "workflow/Snakefile": 'include: "rules/a.smk"\nrule all:\n    input: rules.a.output\n',
        "workflow/rules/a.smk": 'rule a:\n    output: "a"\n    script: "../scripts/s.py"\n',
        "workflow/scripts/s.py": SCRIPT,
    }
    repository.second = repository.commit(files)
    repository.git("tag", "v1")
    repository.third = repository.commit({"workflow/scripts/s.py": SCRIPT.format(2)})
    repository.git("tag", "--annotate", "--message", "two", "v2")
    return repository


@pytest.fixture
def hosted(folder, made):
    """The folder hosts/owner/flow, which github.com and gitlab.com seem to have."""
    hosts = folder.path / "hosts"
    shutil.copytree(made.path, hosts / "owner" / "flow")
    env = dict(made.env, XDG_CACHE_HOME=str(folder.path / "cache"), GIT_CONFIG_COUNT="3")
    env.update(GIT_CONFIG_KEY_0="core.fsync", GIT_CONFIG_VALUE_0="none")
    for at, host in enumerate(("github.com", "gitlab.com"), 1):
        env[f"GIT_CONFIG_KEY_{at}"] = f"url.file://{hosts}/.insteadOf"
        env[f"GIT_CONFIG_VALUE_{at}"] = f"https://{host}/"
    folder.repository = copy.copy(made)
    folder.repository.path, folder.repository.env = hosts / "owner" / "flow", env
    return folder


def load(folder, source, more="", **env):
    client = folder.start(env={**folder.repository.env, **env})
    folder.write("Snakefile", f'module m:\n    snakefile: {source}\nuse rule * from m as m_*\n{more}')
    client.load()
    return client


def script_of(client):
    return Path(client.rule("m_a")["script"]).read_text()


def error_of(folder, source, **env):
    with pytest.raises(Failed) as failed:
        load(folder, source, **env)
    return failed.value.error


PLACES = {
    "tag": 'github("owner/flow", path="workflow/Snakefile", tag="v1")',
    "commit": 'github("owner/flow", path="workflow/Snakefile", commit="{second}")',
    "short commit": 'github("owner/flow", path="workflow/Snakefile", commit="{second:.10}")',
    "another host": 'gitlab("owner/flow", path="/workflow/Snakefile", tag="v1", host="github.com")',
    "short form": '"gh:owner/flow@v1"',
    "local": 'gitfile("hosts/owner/flow", path="workflow/Snakefile", tag="v1")',
    "local commit": 'gitfile(os.path.abspath("hosts/owner/flow"), path="workflow/Snakefile", commit="{second:.8}")',
    "local address": '"git+file://" + os.getcwd() + "/hosts/owner/flow/workflow/Snakefile@v1"',
}


@pytest.mark.parametrize("what", PLACES)
def test_a_module_and_all_that_it_names_come_from_one_commit(hosted, what):
    client = load(hosted, PLACES[what].format(second=hosted.repository.second))
    assert script_of(client) == SCRIPT
    assert [rule["name"] for rule in client.loaded["rules"]] == ["m_a", "m_all"]


SAME = {
    "gh:o/r@v1": "https://github.com/o/r/raw/v1/workflow/Snakefile",
    "gh:o/r@fix/it:a/b.smk": "https://github.com/o/r/raw/fix/it/a/b.smk",
    "gh:git.host.org:o/r@v1:x": "https://git.host.org/o/r/raw/v1/x",
    "gl:g/sub/r@v1": "https://gitlab.com/g/sub/r/-/raw/v1/workflow/Snakefile",
    "https://github.com/o/r/raw/v1/a/b": "https://github.com/o/r/raw/v1/a/b",
    "https://github.com/o/r/blob/v1/a/b": "https://github.com/o/r/raw/v1/a/b",
    "https://github.com/o/r/raw/refs/tags/v1/a/b": "https://github.com/o/r/raw/v1/a/b",
    "https://raw.githubusercontent.com/o/r/v1/a/b": "https://github.com/o/r/raw/v1/a/b",
    "https://gitlab.com/g/s/r/-/raw/v1/a/b": "https://gitlab.com/g/s/r/-/raw/v1/a/b",
    "file:///a/b": "/a/b",
    "a/b": "a/b",
}


@pytest.mark.parametrize("text", SAME)
def test_addresses_and_short_forms(text):
    from furrow_evaluator.source_files import infer_source_file

    assert str(infer_source_file(text)) == SAME[text]


def test_what_is_pinned_is_fetched_once(hosted):
    load(hosted, PLACES["tag"])
    (hosted.path / "hosts").rename(hosted.path / "gone")
    assert script_of(load(hosted, PLACES["tag"])) == SCRIPT
    error = error_of(hosted, PLACES["tag"].replace("v1", "v2"))
    assert "git cannot fetch https://github.com/owner/flow" in error["message"] and error["line"] == 3


def test_a_branch_is_asked_for_in_each_run(hosted, capfd):
    source = 'github("owner/flow", path="workflow/Snakefile", branch="main")'
    assert script_of(load(hosted, source)) == SCRIPT.format(2)
    hosted.repository.commit({"workflow/scripts/s.py": SCRIPT.format(3)})
    assert script_of(load(hosted, source)) == SCRIPT.format(3)
    (hosted.path / "hosts").rename(hosted.path / "gone")
    assert script_of(load(hosted, source)) == SCRIPT.format(3)
    assert "what was fetched before is used" in capfd.readouterr().err


def test_older_and_newer_commits_of_one_repository(hosted):
    for text in ("v2", hosted.repository.first, hosted.repository.second[:12], "main"):
        source = f'github("owner/flow", path="workflow/rules/a.smk", tag="{text}")'
        client = hosted.start(env=hosted.repository.env)
        hosted.write("Snakefile", f"include: {source}\n")
        client.load()
        assert client.rule("a")["file"] == 1


def repository_in_cache(hosted):
    return hosted.path / "cache/furrow/sources/repositories/github.com/owner/flow"


def test_locks_of_a_git_that_was_killed_do_not_stay(hosted):
    load(hosted, PLACES["tag"])
    repository = repository_in_cache(hosted)
    for name in ("shallow.lock", "packed-refs.lock", "refs/tags/v2.lock"):
        (repository / name).touch()
    assert script_of(load(hosted, PLACES["tag"].replace("v1", "v2"))) == SCRIPT.format(2)


def test_a_git_that_goes_on_when_its_run_is_killed_is_waited_for(hosted):
    """It has inherited the lock."""
    load(hosted, PLACES["tag"])
    early = 'case "$*" in *fetch*) [ -e done ] || exit 1;; esac'
    git = hosted.write("bin/git", f'#!/bin/sh\n{early}\nexec {shutil.which("git")} "$@"\n')
    git.chmod(0o755)
    with open(repository_in_cache(hosted) / "furrow.lock", "ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        going_on = subprocess.Popen(["sh", "-c", "sleep 3; touch done"], cwd=hosted.path, pass_fds=[lock.fileno()])
    load(hosted, PLACES["tag"].replace("v1", "v2"), PATH=f"{git.parent}:{os.environ['PATH']}")
    assert (hosted.path / "done").exists() and going_on.wait() == 0


def test_files_are_as_old_as_their_commit(hosted):
    client = load(hosted, PLACES["tag"])
    date = int(hosted.repository.git("show", "--no-patch", "--format=%ct", "v1"))
    assert os.stat(client.rule("m_a")["script"]).st_mtime == date


def test_the_user_s_repository_stays_as_it_is(hosted):
    repository = hosted.repository
    (repository.path / "workflow" / "Snakefile").write_text("edited")
    repository.git("add", "--all")
    before = repository.git("status", "--porcelain=v2", "--branch")
    load(hosted, PLACES["local"])
    assert repository.git("status", "--porcelain=v2", "--branch") == before


def test_paths_to_files_in_repositories(hosted):
    more = f'here = {PLACES["tag"]}\nassert "rules/a.smk" in open(here).read()\n'
    load(hosted, PLACES["tag"], more)


WRONG = {
    "tag": (PLACES["tag"].replace("v1", "v9.9"), "has no tag v9.9"),
    "misspelt branch": ('github("owner/flow", path="x", branch="mian")', "has no branch mian"),
    "commit": (PLACES["commit"].format(second="0" * 40), "has no commit 000"),
    "repository": (PLACES["tag"].replace("flow", "flood"), "git cannot fetch https://github.com/owner/flood"),
    "file": (PLACES["tag"].replace("Snakefile", "Snakfile"), "no file workflow/Snakfile in the tag v1"),
    "local tag": (PLACES["local"].replace("v1", "v8"), "has no tag v8"),
    "local repository": (PLACES["local"].replace("flow", "flood"), "there is no repository"),
    "local folder": ('gitfile("hosts", path="x", tag="v1")', "not a git repository"),
    "no version": ('github("owner/flow", path="x")', "needs one of tag, branch and commit"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_not_there(hosted, what):
    source, message = WRONG[what]
    error = error_of(hosted, source)
    assert message in error["message"] and error["type"] != "NoSuchFile", error
    assert error["file"].endswith("Snakefile") and error["line"] in (1, 2, 3)


def test_near_names_are_suggested(hosted):
    error = error_of(hosted, 'github("owner/flow", path="x", branch="mian")')
    assert error["hint"] == "did you mean main?"
    assert "it has main, v1, v2" in error_of(hosted, PLACES["tag"].replace("v1", "9"))["hint"]


@pytest.mark.parametrize("variable, source", [("GITHUB_TOKEN", "github"), ("GITLAB_TOKEN", "gitlab")])
def test_a_token_is_for_its_host_alone(hosted, variable, source):
    """In place of git, a program that tells what it would send."""
    program = hosted.write("bin/git", '#!/bin/sh\necho "$@" >> "$0.args"\nenv > "$0.env"\nexit 1\n')
    program.chmod(0o755)
    path = f"{program.parent}:{os.environ['PATH']}"
    error_of(hosted, PLACES["tag"].replace("github", source), **{variable: "s3cret", "PATH": path})
    env = (hosted.path / "bin/git.env").read_text()
    assert f"GIT_CONFIG_KEY_3=http.https://{source}.com/.extraHeader" in env and "GIT_CONFIG_COUNT=4" in env
    assert "s3cret" not in (hosted.path / "bin/git.args").read_text()


def test_no_git(hosted):
    error = error_of(hosted, PLACES["tag"], PATH=str(hosted.path))
    assert "no git on PATH" in error["message"] and error["line"] == 3
