"""Children that run `run:` blocks."""

import os
import signal
import struct
import time


def group_members(group):
    """The names of the programs that the living processes of a group run."""
    names = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as file:
                name, _, rest = file.read().partition("(")[2].rpartition(")")
        except OSError:
            continue
        state, _, pgrp = rest.split()[:3]
        if int(pgrp) == group and state != "Z":
            names.append(name)
    return names


def wait_until(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "this did not come true in time"
        time.sleep(0.01)


BLOCK = """
    import atexit
    seen = []
    rule a:
        input: "i", x="j"
        output: o="out/{s}"
        params: f=lambda wc: {"k": {1, 2}}
        threads: 2
        resources: mem_mb=10
        log: "l"
        run:
            print(input.x, output.o, wildcards.s, threads, resources.mem_mb, params.f["k"], log, rule)
            shell("echo {output.o} {wildcards.s} {input:q}; echo to-stderr >&2")
            for line in shell("echo 1; echo 2", iterable=True):
                print("line", line)
            print("read", shell("echo back", read=True).strip())
            assert os.getpid() == os.getpgid(0) and seen == []
            seen.append(1)
"""


def test_a_block_sees_its_job_and_shell_works(folder):
    client = folder.load(BLOCK)
    for tag in (1, 2):
        event, out, err = client.run_block(client.job("a", {"s": "S"}), tag=tag)
        assert event == {"event": "exit", "tag": tag, "status": 0, "error": None}, err
        assert out.splitlines() == ["j out/S S 2 10 {1, 2} l a", "out/S S i j", "line 1", "line 2", "read back"]
        assert err == "to-stderr\n"


def test_a_failing_block_shows_only_the_users_lines(folder):
    client = folder.load(
        'def f():\n    raise ValueError("bad thing")\nrule a:\n    output: "o"\n    run:\n        f()\n'
    )
    event, _, err = client.run_block(client.job("a"))
    assert os.waitstatus_to_exitcode(event["status"]) == 1
    assert event["error"]["type"] == "ValueError" and event["error"]["line"] == 2 and event["error"]["rule"] == "a"
    assert "line 6, in run" in err and "bad thing" in err and "furrow_evaluator" not in err


def test_a_failing_command_fails_the_block(folder):
    client = folder.load(
        'rule a:\n    output: "o"\n    run:\n        shell("false | cat")\n        print("not reached")\n'
    )
    event, out, _ = client.run_block(client.job("a"))
    assert os.waitstatus_to_exitcode(event["status"]) == 1
    assert event["error"]["type"] == "CalledProcessError"
    assert out == ""


def test_exit_statuses(folder):
    client = folder.load(
        """
        rule a:
            output: "{how}"
            run:
                if wildcards.how == "zero": sys.exit(0)
                if wildcards.how == "three": sys.exit(3)
                if wildcards.how == "killed": os.kill(os.getpid(), 9)
                if wildcards.how == "hard": os._exit(5)
        """
    )
    statuses = [
        client.run_block(client.job("a", {"how": how}))[0]["status"] for how in ("zero", "three", "killed", "hard")
    ]
    assert [os.waitstatus_to_exitcode(status) for status in statuses] == [0, 1, -9, 5]


def test_the_guard_table_holds_the_pid_before_user_code_runs(folder):
    client = folder.load(
        'rule a:\n    output: "o"\n    run:\n        time = __import__("time"); print(os.getpid(), flush=True)\n'
    )
    _, out, _ = client.run_block(client.job("a"), slot=7)
    client.guard.seek(28)
    assert struct.unpack("=i", client.guard.read(4))[0] == int(out)


def test_a_child_holds_neither_the_socket_nor_the_guard(folder):
    client = folder.load(
        'rule a:\n    output: "o"\n'
        '    run:\n        shell("ls -l /proc/self/fd")\n        print(os.listdir("/proc/self/fd"))\n'
    )
    event, out, err = client.run_block(client.job("a"))
    assert event["status"] == 0, err
    assert "socket" not in out


def test_children_run_side_by_side_and_end_in_any_order(folder):
    client = folder.load('rule a:\n    output: "{t}"\n    run:\n        __import__("time").sleep(float(wildcards.t))\n')
    with open(os.devnull, "w") as null:
        for tag, seconds in ((1, "0.5"), (2, "0.05")):
            client.request(
                "fork", fds=(null.fileno(), null.fileno()), tag=tag, slot=tag, job=client.job("a", {"t": seconds})
            )
    assert client.receive()["tag"] == 2
    assert client.receive()["tag"] == 1


def test_children_die_with_the_socket(folder):
    client = folder.load('rule a:\n    output: "o"\n    run:\n        shell("sleep 60")\n')
    with open(os.devnull, "w") as null:
        pid = client.request("fork", fds=(null.fileno(), null.fileno()), tag=1, slot=0, job=client.job("a"))["pid"]
    wait_until(lambda: "sleep" in group_members(pid))
    client.socket.close()
    client.process.wait(timeout=10)
    wait_until(lambda: group_members(pid) == [])


def test_signals_are_reset(folder):
    client = folder.load(
        'rule a:\n    output: "o"\n    run:\n        print("up", flush=True)\n        __import__("time").sleep(60)\n'
    )
    with open(folder.path / "out", "w+") as out:
        pid = client.request("fork", fds=(out.fileno(), out.fileno()), tag=1, slot=0, job=client.job("a"))["pid"]
        wait_until(lambda: (folder.path / "out").read_text() != "")
    os.killpg(pid, signal.SIGTERM)
    assert os.WTERMSIG(client.wait_event(1)["status"]) == signal.SIGTERM


def test_many_children_leak_no_descriptors(folder):
    client = folder.load('rule a:\n    output: "o"\n    run: pass\n')
    job = client.job("a")
    before = len(os.listdir(f"/proc/{client.process.pid}/fd")) if client.run_block(job) else 0
    for tag in range(50):
        client.run_block(job, tag=tag)
    assert len(os.listdir(f"/proc/{client.process.pid}/fd")) <= before


def test_exit_functions_run_once_in_the_process_that_registered_them(folder):
    client = folder.load(
        """
        import atexit, multiprocessing
        atexit.register(lambda: open("evaluator-%d" % os.getpid(), "w").close())
        def double(x): return 2 * x
        rule a:
            output: "o"
            run:
                atexit.register(lambda: open("child", "w").close())
                with multiprocessing.Pool(2) as pool:
                    print(pool.map(double, [1, 2, 3]))
                print(multiprocessing.get_start_method())
        """
    )
    event, out, err = client.run_block(client.job("a"))
    assert event["status"] == 0 and out.startswith("[2, 4, 6]"), err
    client.close()
    assert {path.name for path in folder.path.iterdir()} - {"Snakefile", "__pycache__"} == {
        "child",
        f"evaluator-{client.process.pid}",
    }


def test_a_block_does_not_affect_the_next_one(folder):
    client = folder.load(
        'state = []\nrule a:\n    output: "o"\n    run:\n        print(len(state)); state.append(1); os.chdir("/")\n'
    )
    assert [client.run_block(client.job("a"), tag=tag)[1] for tag in (1, 2)] == ["0\n", "0\n"]


def test_a_block_runs_in_the_given_folder(folder):
    (folder.path / "shadow").mkdir()
    client = folder.load('rule a:\n    output: "o"\n    run:\n        print(os.getcwd())\n        shell("pwd")\n')
    where = str(folder.path / "shadow")
    assert client.run_block(client.job("a", cwd=where))[1] == f"{where}\n{where}\n"


def test_hooks_run_in_the_evaluator(folder):
    client = folder.load(
        'onsuccess:\n    with open("hook", "w") as f:\n        f.write(log)\n    shell("echo {log} >> hook")\n'
    )
    assert client.request("hook", name="onsuccess", log="/the/log") == {}
    assert (folder.path / "hook").read_text() == "/the/log/the/log\n"


def test_a_rule_in_a_function_has_its_own_block(folder):
    client = folder.load(
        """
        def make(name):
            rule:
                name: name
                output: name
                run:
                    print("made", name)
        make("x")
        make("y")
        """
    )
    assert client.run_block(client.job("y"))[1] == "made y\n"
