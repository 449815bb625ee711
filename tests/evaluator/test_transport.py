"""Frames, questions, and an engine that behaves oddly."""

import os
import socket
import struct
import subprocess
import sys


def test_requests_may_be_sent_ahead(folder):
    client = folder.load('rule a:\n    output: "{s}"\n    shell: "echo {wildcards.s}"\n')
    for number in range(200):
        client.send(
            {"id": 1000 + number, "op": "prepare", "jobs": [{"r": 0, "w": {"s": str(number)}, "output": [str(number)]}]}
        )
    answers = [client.receive() for _ in range(200)]
    assert [answer["id"] for answer in answers] == list(range(1000, 1200))
    assert [answer["ok"]["jobs"][0]["shell"] for answer in answers] == [f"echo {number}" for number in range(200)]


def test_a_question_does_not_lose_queued_requests(folder):
    folder.write("Snakefile", 'glob_wildcards("{x}.none")\nrule a:\n    output: "o"\n')
    client = folder.start()
    client.send({"id": 1, "op": "load", "snakefile": str(folder.path / "Snakefile")})
    client.send({"id": 2, "op": "prepare", "jobs": [{"r": 0, "w": {}}]})
    ask = client.receive()
    assert ask["what"] == "glob"
    client.send({"answer": ask["ask"], "ok": {"names": ["x"], "values": []}})
    assert client.receive()["id"] == 1
    assert client.receive() == {"id": 2, "ok": {"jobs": [{"message": None}]}}


def test_frames_may_come_in_pieces(folder):
    client = folder.load('rule a:\n    output: "o"\n')
    data = b'{"id":9,"op":"prepare","jobs":[{"r":0,"w":{}}]}'
    frame = struct.pack("<I", len(data)) + data
    for at in range(len(frame)):
        client.socket.sendall(frame[at : at + 1])
    assert client.receive()["id"] == 9


def test_an_unknown_request_is_answered(folder):
    client = folder.start()
    client.send({"id": 3, "op": "dance"})
    answer = client.receive()
    assert answer["id"] == 3 and answer["error"]["type"] == "KeyError"


def test_a_failed_question_keeps_the_engines_message(folder):
    folder.write("c.yaml", "a: [1\n")
    client = folder.start()
    client.yaml = lambda frame: (_ for _ in ()).throw(ValueError("line 1 is no YAML"))
    folder.write("Snakefile", '\nconfigfile: "c.yaml"\n')
    client.send({"id": 1, "op": "load", "snakefile": str(folder.path / "Snakefile")})
    client.answer_question(client.receive())
    error = client.receive()["error"]
    assert "line 1 is no YAML" in error["message"] and error["file"].endswith("c.yaml")


def test_the_evaluator_exits_when_the_socket_closes(folder):
    client = folder.load('rule a:\n    output: "o"\n')
    client.socket.close()
    assert client.process.wait(timeout=10) == 0


def test_a_text_that_cannot_be_sent_is_an_error_with_its_rule(folder):
    error = folder.error('x = 1\nrule a:\n    output: "\\ud800"\n')
    assert error["rule"] == "a" and error["line"] == 2


def test_a_million_files_in_one_entry(folder):
    client = folder.load('rule all:\n    input: expand("out/{i}.txt", i=range(1000000))\n')
    items = client.rule("all")["input"][0]["items"]
    assert len(items) == 1000000 and items[-1] == "out/999999.txt"


def test_texts_that_need_escapes(folder):
    names = [f'"{number}"' if number % 2 else f"\\\n\t{number}\u2028ä" for number in range(3000)]
    client = folder.load(f"rule a:\n    input: {names!r}\n")
    assert client.rule("a")["input"][0]["items"] == names


def test_long_lists_of_each_kind_arrive_whole(folder):
    text = """
rule a:
    input:
        ["x" * 90 + f"{i}/" for i in range(5000)],
        b=[f"<log>{i}" for i in range(5000)],
        c=[f'"{i}' for i in range(5000)],
    log: [f"ä{i}" for i in range(20000)]
    pathvars: log="L"
"""
    rule = folder.load(text).rule("a")
    plain, with_pathvars, quotes = (entry["items"] for entry in rule["input"])
    assert plain[4999] == "x" * 90 + "4999" and with_pathvars[4999] == "L4999" and quotes[4999] == '"4999'
    assert rule["log"][0]["items"][19999] == "ä19999"


def test_wrong_arguments_of_the_program_are_explained():
    main = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "python", "evaluator", "main.py")
    done = subprocess.run([sys.executable, main], capture_output=True, text=True)
    assert done.returncode == 1 and "--fd" in done.stderr and "Traceback" not in done.stderr


def test_programs_started_by_a_snakefile_do_not_hold_the_socket(folder):
    client = folder.load('import subprocess\nsubprocess.Popen(["sleep", "5"], close_fds=False)\n')
    client.process.kill()
    client.process.wait()
    client.socket.settimeout(2)
    assert client.socket.recv(1) == b""
    assert isinstance(client.socket, socket.socket)
