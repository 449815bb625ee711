"""Builds Furrow's packages, and checks what they install. Nothing here reaches a network."""
import sys
from pathlib import Path

import engine

BUILD = Path(engine.FURROW).parents[1]
PROGRAM = """
import os, sys
import furrow
assert furrow.__file__.startswith(sys.prefix), furrow.__file__
with furrow.Pool(2) as pool:
    print(pool.map(lambda x: x * x, range(5)))
"""
USES_THE_COMMAND = """
import furrow
assert furrow.run(cores=2, targets="again").ok
print([each.stdout for each in furrow.map_command("cat", ["made", "again"])])
"""
SNAKEFILE = """
rule made:
    output: "made"
    shell: "echo made > {output}"
rule again:
    input: "made"
    output: "again"
    run: open(output[0], "w").write("again")
"""


def run(*argv, cwd, **more):
    # No network: the proxy does not exist, and there is no index.
    env = engine.environment(PIP_NO_INDEX="1", PIP_DISABLE_PIP_VERSION_CHECK="1", http_proxy="http://127.0.0.1:9",
                             HOME=str(cwd), **more)
    result = engine.execute([str(word) for word in argv], cwd=cwd, env=env, timeout=3000)
    assert result.code == 0, str(result)
    return result.out


def build_with(*argv, cwd, **more):
    """Runs pip so that it links what this build folder has."""
    return run(*argv, cwd=cwd, FURROW_BUILD=str(BUILD), **more)


def new_environment(folder, *options):
    run(sys.executable, "-m", "venv", *options, folder / "venv", cwd=folder)
    return folder / "venv/bin"


def check_the_command(programs, folder):
    """That command and module work together, with nothing of this checkout."""
    (folder / "Snakefile").write_text(SNAKEFILE)
    run(programs / "furrow", "run", "-c2", "again", cwd=folder)
    assert run(programs / "furrow", "map", "-k", "echo", ":::", "a", "b", cwd=folder) == "a\nb\n"
    assert run(programs / "python", "-c", USES_THE_COMMAND, cwd=folder) == "['made\\n', 'again']\n"
    assert run(programs / "python", "-m", "furrow", "--version", cwd=folder).startswith("furrow ")
    shared = programs.parent / "share"
    for path in ("man/man1/furrow.1", "bash-completion/completions/furrow", "zsh/site-functions/_furrow",
                 "fish/vendor_completions.d/furrow.fish"):
        assert (shared / path).is_file()
