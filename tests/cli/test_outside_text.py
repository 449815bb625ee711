"""Names and values from outside, shown on a terminal: nothing in them may act on it."""
import os
import pty
import subprocess

import pytest

import engine

EVIL = "x\x1b]0;title\x07y\r\x9b31m\u202e"
RAW = ["\x1b]0;title", "\x07", "\r\x9b", "\x9b31m", "\u202e"]
SNAKEFILE = """
import os
name = os.environ["EVIL"]
rule all:
    input: name + ".txt", "out.txt"
rule fails:
    output: "{n}.txt"
    message: "making {wildcards.n}"
    shell: "exit 3"
rule works:
    output: "out.txt"
    shell: "printf 'own \\033[32mcolour\\n' && touch {output}"
"""


def on_terminal(command, folder):
    """What a terminal gets to see from a command of the shell."""
    parent, child = pty.openpty()
    env = engine.environment(EVIL=EVIL, FURROW=engine.FURROW)
    process = subprocess.Popen(["bash", "-c", command], cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=child,
                               stderr=child, start_new_session=True)
    os.close(child)
    seen = b""
    while True:
        try:
            part = os.read(parent, 65536)
        except OSError:
            break
        if not part:
            break
        seen += part
    process.wait()
    os.close(parent)
    return seen.decode("utf-8", "replace").replace("\r\n", "\n")


@pytest.mark.parametrize("command", [
    '$FURROW run -n', '$FURROW run -n -p', '$FURROW run -k', '$FURROW run -k -p', '$FURROW run "$EVIL.missing/x"',
    '$FURROW run --why "$EVIL.txt"', '$FURROW run --dag', '$FURROW run --summary', '$FURROW run "--$EVIL"',
    '$FURROW run -s "$EVIL"',
    '$FURROW map -q false {} ::: "$EVIL"', '$FURROW map --bar -q true {} ::: "$EVIL" b',
    '$FURROW map --dry-run echo {} ::: "$EVIL"', '$FURROW map -v -q true {} ::: "$EVIL"',
    '$FURROW map --verbose -q true {} ::: "$EVIL"', '$FURROW map -a "$EVIL" echo',
    '$FURROW map --tag "echo out #" ::: "$EVIL"', '$FURROW map --timeout 0.1 "sleep 5 #" ::: "$EVIL"',
    '$FURROW "$EVIL"', '$FURROW cpus "$EVIL"',
])
def test_names_are_escaped(tmp_path, command):
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    seen = on_terminal(command.replace("FURROW run ", "FURROW run -c 2 "), tmp_path)
    assert "title" in seen, seen
    assert not [raw for raw in RAW if raw in seen], ascii(seen)


def test_what_a_job_prints_stays_as_it_is(tmp_path):
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    assert "own \x1b[32mcolour" in on_terminal("$FURROW run -c 2 out.txt", tmp_path)
    assert "\x1b]0;title" in on_terminal("$FURROW map printf %s {} ::: \"$EVIL\"", tmp_path)


def test_without_a_terminal_names_stay_as_they_are(tmp_path):
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    result = engine.furrow("run", "-n", cwd=tmp_path, env=engine.environment(EVIL=EVIL))
    assert EVIL[:12] in result.text
