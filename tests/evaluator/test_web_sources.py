"""Snakefiles, scripts, configs and schemas from a web server."""

import os
import sys
from pathlib import Path

import pytest
from client import Failed
from conftest import job_error

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from web_server import WebServer  # noqa: E402


@pytest.fixture
def web(folder):
    server = WebServer()
    folder.env = dict(os.environ, XDG_CACHE_HOME=str(folder.path / "cache"), no_proxy="*")
    yield server
    server.stop()


def load(folder, text, **fields):
    folder.write("Snakefile", text)
    client = folder.start(env=folder.env)
    client.load(**fields)
    return client


def error_of(folder, text, **fields):
    with pytest.raises(Failed) as failed:
        load(folder, text, **fields)
    return failed.value.error


def put_flow(web):
    web.files["/flow/Snakefile"] = 'include: "rules/a.smk"\n'
    web.files["/flow/rules/a.smk"] = (
        'configfile: "%s/flow/config.yaml"\nrule a:\n    output: "a"\n    params: config["k"]\n'
        '    script: "../scripts/s.py"\n' % web.url
    )
    web.files["/flow/config.yaml"] = '{"k": "from the web"}'
    web.files["/flow/scripts/s.py"] = "print(snakemake.scriptdir)\n"


def test_what_a_snakefile_from_the_web_names_comes_from_there_too(folder, web):
    put_flow(web)
    client = load(folder, f'include: "{web.url}/flow/Snakefile"\n')
    rule = client.rule("a")
    assert rule["params"][0]["text"] == "from the web"
    assert Path(rule["script"]).read_text() == web.files["/flow/scripts/s.py"]
    answer = client.one("prepare", client.job("a"))
    assert answer["show"] == f"python3 {web.url}/flow/scripts/s.py"
    assert int(os.stat(rule["script"]).st_mtime) == 1667296800  # as old as the server says


def test_a_whole_workflow_by_its_address(folder, web):
    put_flow(web)
    client = folder.start(env=folder.env)
    client.loaded = client.request("load", snakefile=f"{web.url}/flow/Snakefile", cores=1, dryrun=True)
    assert client.loaded["rules"][0]["name"] == "a"


def test_modules_schemas_and_source_paths(folder, web):
    web.files["/m/Snakefile"] = (
        "from snakemake.utils import validate\n"
        'config["x"] = 1\nvalidate(config, "schema.json")\n'
        'rule a:\n    output: "a"\n    params: open(workflow.source_path("data/x.txt")).read()\n    shell: ""\n'
    )
    web.files["/m/schema.json"] = '{"properties": {"x": {"type": "integer"}}}'
    web.files["/m/data/x.txt"] = "text"
    text = f'module m:\n    snakefile: "{web.url}/m/Snakefile"\nuse rule * from m\n'
    text += f'assert open(workflow.source_path("{web.url}/m/data/x.txt")).read() == "text"\n'
    client = load(folder, text)
    assert client.rule("a")["params"][0]["text"] == "text"


def test_config_files_of_the_command_line(folder, web):
    web.files["/c.yaml"] = '{"k": 5}'
    client = load(folder, 'rule a:\n    output: "a"\n    params: config["k"]\n', configfiles=[web.url + "/c.yaml"])
    assert client.rule("a")["params"][0]["text"] == "5"


def test_each_file_is_asked_for_once_in_a_run_and_kept(folder, web, capfd):
    put_flow(web)
    text = f'include: "{web.url}/flow/Snakefile"\ninclude: "{web.url}/flow/rules/a.smk"\n'
    load(folder, text)
    assert len(web.asked) == len(set(web.asked)) == 4
    load(folder, text)
    assert web.answered[4:] == [304] * 4
    web.files["/flow/scripts/s.py"] = "new\n"
    assert Path(load(folder, text).rule("a")["script"]).read_text() == "new\n"
    web.stop()
    assert Path(load(folder, text).rule("a")["script"]).read_text() == "new\n"
    assert "what was fetched before is used" in capfd.readouterr().err


FAULTS = {
    404: "the server answers 404 Not Found",
    403: "the server answers 403 Forbidden",
    500: "the server answers 500 Internal Server Error",
    "half": "the answer ends after 5 bytes, 6 more were to come",
}


@pytest.mark.parametrize(
    "what, fault", [*(("include", fault) for fault in FAULTS), ("configfile", 404), ("script", 404)]
)
def test_bad_answers(folder, web, what, fault):
    web.files["/x.py"] = "print(1234)"
    web.faults["/x.py"] = fault
    if what == "script":
        client = load(folder, f'rule a:\n    script: "{web.url}/x.py"\n')
        error = job_error(client, "prepare", client.job("a"))
    else:
        error = error_of(folder, f'\n\n{what}: "{web.url}/x.py"\n')
        assert error["line"] == 3
    assert f"{web.url}/x.py" in error["message"] and FAULTS[fault] in error["message"], error
    assert not list(folder.path.glob("cache/**/x.py*")), "nothing half is kept"


def test_a_relative_path_of_a_file_from_the_web_that_is_not_there(folder, web):
    web.files["/flow/Snakefile"] = 'include: "rules/b.smk"\n'
    error = error_of(folder, f'include: "{web.url}/flow/Snakefile"\n')
    assert f"rules/b.smk is not there (looked at {web.url}/flow/rules/b.smk)" in error["message"]


def test_a_server_at_a_loss_is_asked_again(folder, web):
    web.files["/x.smk"] = ""
    web.faults["/x.smk"] = 503
    error_of(folder, f'include: "{web.url}/x.smk"\n')
    assert web.answered == [503, 503, 503]


def test_no_server(folder, web):
    web.stop()
    error = error_of(folder, f'include: "{web.url}/x.smk"\n')
    assert "cannot be fetched" in error["message"] and "refused" in error["message"]


def test_a_password_is_sent_and_not_shown(folder, web):
    put_flow(web)
    secret = web.url.replace("http://", "http://me:s3cret@")
    client = load(folder, f'include: "{secret}/flow/Snakefile"\n')
    assert {authorization for _, authorization in web.asked} >= {"Basic bWU6czNjcmV0"}
    assert "s3cret" not in client.rule("a")["script"]
    error = error_of(folder, f'include: "{secret}/nothing"\n')
    assert "s3cret" not in error["message"]


def test_other_kinds_of_address_are_refused(folder, web):
    assert "s3://x/y" in error_of(folder, 'include: "s3://x/y"\n')["message"]
