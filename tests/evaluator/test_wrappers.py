"""`wrapper:` from folders, git repositories and web servers.

A setting of git makes the address of Snakemake's own repository lead to a folder of the test.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from client import Failed
from conftest import job_error

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from web_server import WebServer  # noqa: E402

SCRIPT = "open(snakemake.output[0], 'w').write(snakemake.params.get('extra', '') + ' {}')\n"
ENVIRONMENT = "channels: [conda-forge]\ndependencies: [samtools =1.16]\n"
SNAKEFILE = 'rule a:\n    output: "a"\n    params: extra="-x"\n    wrapper: "{}"\n'


@pytest.fixture
def wrappers(folder):
    """A repository with the wrapper bio/sort in the versions v1.0.0 and v2.0.0."""
    path = folder.path / "hosts" / "snakemake" / "snakemake-wrappers"
    env = dict(os.environ, XDG_CACHE_HOME=str(folder.path / "cache"), GIT_CONFIG_GLOBAL="/dev/null", no_proxy="*")
    env.update(GIT_CONFIG_COUNT="2", GIT_CONFIG_KEY_0="core.fsync", GIT_CONFIG_VALUE_0="none")
    env.update(GIT_CONFIG_KEY_1=f"url.file://{folder.path}/hosts/.insteadOf", GIT_CONFIG_VALUE_1="https://github.com/")
    folder.env, folder.repository = env, path
    git(folder, "init", "--quiet", str(path), cwd=folder.path)
    for version in (1, 2):
        folder.write(path / "bio/sort/wrapper.py", SCRIPT.format(version))
        folder.write(path / "bio/sort/environment.yaml", ENVIRONMENT)
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "--message", "m")
        git(folder, "tag", f"v{version}.0.0")
    return folder


def git(folder, *arguments, cwd=None):
    names = ["-c", "user.name=n", "-c", "user.email=e@e"]
    subprocess.run(["git", *names, *arguments], cwd=cwd or folder.repository, env=folder.env, check=True)


def load(folder, wrapper="v1.0.0/bio/sort", **fields):
    folder.write("Snakefile", SNAKEFILE.format(wrapper))
    client = folder.start(env=folder.env)
    client.load(**fields)
    return client


def made(client):
    """What the job writes."""
    answer = client.one("prepare", client.job("a"))
    subprocess.run(answer["argv"], cwd=client.cwd, check=True)
    return Path(client.cwd, "a").read_text()


def put_folder(folder, version="v1.0.0", name="wrapper.py", text=SCRIPT.format("folder")):
    return folder.write(f"wrappers/{version}/bio/sort/{name}", text)


def test_the_usual_place(wrappers):
    client = load(wrappers)
    assert client.rule("a")["code"] == "wrapper v1.0.0/bio/sort" and client.rule("a")["not_yet"] is None
    assert client.one("describe", client.job("a"))["show"] == "wrapper v1.0.0/bio/sort"
    assert made(client) == "-x 1"
    assert made(load(wrappers, "v2.0.0/bio/sort")) == "-x 2"


def test_only_the_folder_of_the_wrapper_is_checked_out(wrappers):
    for name in ("bio/other/wrapper.py", "bio/sort/test/Snakefile", "bio/sort/test/large.bam", "bio/sort/more.py"):
        wrappers.write(wrappers.repository / name, "")
    git(wrappers, "add", "--all")
    git(wrappers, "commit", "--quiet", "--message", "m")
    git(wrappers, "tag", "v3.0.0")
    folder = Path(load(wrappers, "v3.0.0/bio/sort").rule("a")["script"]).parent
    assert sorted(os.listdir(folder)) == ["environment.yaml", "more.py", "wrapper.py"]
    assert os.listdir(folder.parent) == ["sort"] and os.listdir(folder.parents[1]) == ["bio"]


def test_a_version_is_fetched_once(wrappers):
    load(wrappers)
    (wrappers.path / "hosts").rename(wrappers.path / "gone")
    assert made(load(wrappers)) == "-x 1"


def test_without_the_network_the_error_names_the_option(wrappers):
    (wrappers.path / "hosts").rename(wrappers.path / "gone")
    client = load(wrappers)
    assert client.rule("a")["script"] is None
    for op in ("describe", "prepare"):
        error = job_error(client, op, client.job("a"))
        assert "git cannot fetch https://github.com/snakemake/snakemake-wrappers" in error["message"]
        assert "--wrapper-prefix" in error["hint"] and error["line"] == 1 and error["file"].endswith("Snakefile")


def test_a_dry_run_fetches_nothing(wrappers):
    client = load(wrappers, dryrun=True)
    assert client.one("describe", client.job("a"))["show"] == "wrapper v1.0.0/bio/sort"
    assert not list(wrappers.path.glob("cache/**/wrapper.py"))
    load(wrappers)
    assert load(wrappers, dryrun=True).rule("a")["script"].endswith("wrapper.py")


PREFIXES = {
    "folder": "{path}/wrappers",
    "folder with a slash": "{path}/wrappers/",
    "relative": "wrappers",
    "file": "file://{path}/wrappers/",
}


@pytest.mark.parametrize("prefix", PREFIXES)
def test_folders(wrappers, prefix):
    put_folder(wrappers)
    client = load(wrappers, wrapper_prefix=PREFIXES[prefix].format(path=wrappers.path))
    assert made(client) == "-x folder"


def test_a_repository_on_this_machine(wrappers):
    for version in (1, 2):
        client = load(wrappers, f"v{version}.0.0/bio/sort", wrapper_prefix=f"git+file://{wrappers.repository}")
        assert made(client) == f"-x {version}"


def test_any_other_repository(wrappers):
    prefix = "git+https://github.com/snakemake/snakemake-wrappers"
    assert made(load(wrappers, "v2.0.0/bio/sort", wrapper_prefix=prefix)) == "-x 2"
    error = job_error(*prepared(load(wrappers, wrapper_prefix="git+https://github.com/no/such")))
    assert "git cannot fetch https://github.com/no/such" in error["message"]


def prepared(client):
    return client, "prepare", client.job("a")


def test_addresses(wrappers):
    place = put_folder(wrappers).parent
    assert made(load(wrappers, f"file://{place}")) == "-x folder"
    assert made(load(wrappers, f"file:{place}/wrapper.py")) == "-x folder"
    assert made(load(wrappers, f"git+file://{wrappers.repository}/bio/sort/wrapper.py@v1.0.0")) == "-x 1"


def test_a_web_server(wrappers):
    server = WebServer()
    server.files["/w/v1.0.0/bio/sort/wrapper.R"] = "cat(1)"
    try:
        client = load(wrappers, wrapper_prefix=server.url + "/w")
        assert client.rule("a")["script"].endswith("/v1.0.0/bio/sort/wrapper.R")
        asked = len(server.asked)
        error = job_error(*prepared(load(wrappers, "v1.0.0/bio/nothing", wrapper_prefix=server.url + "/w")))
        assert f"{server.url}/w/v1.0.0/bio/nothing has none of wrapper.py, wrapper.R" in error["message"]
    finally:
        server.stop()
    assert asked == 2  # wrapper.py is not there
    again = load(wrappers, wrapper_prefix=server.url + "/w")
    assert again.rule("a")["script"] == client.rule("a")["script"]


def test_other_content_is_other_code(wrappers):
    path = put_folder(wrappers)
    assert load(wrappers, wrapper_prefix="wrappers").rule("a")["script"] == str(path)


def test_what_is_not_there(wrappers):
    put_folder(wrappers)
    error = job_error(*prepared(load(wrappers, "v1.0.0/bio/srt", wrapper_prefix="wrappers")))
    assert "wrappers/v1.0.0/bio/srt has none of wrapper.py" in error["message"]
    shutil.copytree(wrappers.path / "wrappers/v1.0.0/bio", wrappers.path / "clone/bio")
    error = job_error(*prepared(load(wrappers, wrapper_prefix="clone")))
    assert "git+file://" + str(wrappers.path / "clone") in error["hint"]
    error = job_error(*prepared(load(wrappers, "v9/bio/sort")))
    assert "has no tag or branch v9" in error["message"]


@pytest.mark.parametrize("name", ["environment.yaml", "environment.yml"])
def test_the_environment_in_its_folder(wrappers, name):
    put_folder(wrappers)
    environment = put_folder(wrappers, name=name, text=ENVIRONMENT)
    without = load(wrappers, wrapper_prefix="wrappers")
    assert without.rule("a")["environment"] is None and made(without) == "-x folder"
    client = load(wrappers, wrapper_prefix="wrappers", deployment=["conda"])
    assert str(environment) in client.rule("a")["environment"]["file"]


def test_the_environment_of_a_version(wrappers):
    client = load(wrappers, deployment=["conda"])
    assert client.rule("a")["environment"]["file"].endswith("/bio/sort/environment.yaml")


def test_meta_wrappers_are_looked_for_below_the_prefix(wrappers):
    put_folder(wrappers)
    wrappers.write("wrappers/v1.0.0/meta/sort/meta_wrapper.smk", SNAKEFILE.format("v1.0.0/bio/sort"))
    text = 'module m:\n    meta_wrapper: "v1.0.0/meta/{}"\nuse rule * from m as m_*\n'
    wrappers.write("Snakefile", text.format("sort"))
    client = wrappers.start(env=wrappers.env)
    client.load(wrapper_prefix="wrappers")
    assert client.rule("m_a")["script"].endswith("wrappers/v1.0.0/bio/sort/wrapper.py")
    wrappers.write("Snakefile", text.format("nothing"))
    client = wrappers.start(env=wrappers.env)
    with pytest.raises(Failed, match="has neither meta_wrapper.smk nor test/Snakefile"):
        client.load(wrapper_prefix="wrappers")
