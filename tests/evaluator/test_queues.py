"""from_queue(): what an input function answers as items come."""

import pytest
from test_checkpoints import asked

HEAD = "import queue, threading\nfiles = queue.Queue()\ndone = object()\n"
RULE = "rule all:\n    input: first='x', more=from_queue(files, finish_sentinel=done)\n"


def news(client):
    return client.request("queues")["news"]


def test_the_answer_has_all_items_so_far_and_says_whether_more_may_come(folder):
    client = folder.load(HEAD + "files.put('a'); files.put(Path('b'))\n" + RULE)
    assert news(client)
    ((entry,),) = asked(client, "all")
    assert entry == {"open": True, "name": "more", "list": True, "items": ["a", "b"]}
    assert not news(client)
    assert asked(client, "all") == [[entry]]


def test_the_sentinel_ends_it_and_what_comes_behind_it_is_left(folder):
    client = folder.load(HEAD + "for item in 'a', done, 'b':\n    files.put(item)\n" + RULE)
    ((entry,),) = asked(client, "all")
    assert "open" not in entry and entry["items"] == ["a"]
    assert not news(client), "nobody waits for b"


def test_items_that_come_later_are_news(folder):
    fill = "def fill():\n    go.wait()\n    files.put('a')\n    files.put(done)\n    files.join()\n"
    client = folder.load(HEAD + "go = threading.Event()\n" + fill +
                         "thread = threading.Thread(target=fill)\nthread.start()\n" + RULE +
                         "rule b:\n    output: 'b'\n    params: lambda wildcards: go.set()\n    shell: 'true'\n")
    ((entry,),) = asked(client, "all")
    assert entry["items"] == [] and entry["open"] and not news(client)
    client.request("details", jobs=[{"r": 1, "w": {}, "attempt": 1, "in": [], "out": ["b"], "want": ["params"]}])
    while not news(client):
        pass
    while "open" in entry:
        ((entry,),) = asked(client, "all")
    assert entry["items"] == ["a"]


def test_flags_around_it_go_to_the_items(folder):
    rule = "rule all:\n    input: ancient(from_queue(files, finish_sentinel=done))\n"
    client = folder.load(HEAD + "files.put('a')\n" + rule)
    ((entry,),) = asked(client, "all")
    assert entry["items"] == [{"p": "a", "f": ["ancient"]}] and entry["open"]


@pytest.mark.parametrize("flag", ["pipe", "service"])
def test_outputs_that_are_there_only_while_jobs_run(folder, flag):
    rule = folder.load(f"rule a:\n    output: {flag}('x'), temp({flag}('y'))\n    shell: 'true'\n").rule("a")
    flags = [set(item["f"]) for entry in rule["output"] for item in entry["items"]]
    assert flags == [{flag}, {flag, "temp"}]
