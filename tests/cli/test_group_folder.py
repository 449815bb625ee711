"""Several users work in one folder: what furrow makes there follows the umask."""
import os
import stat
import subprocess

import pytest

import engine

SNAKEFILE = """
rule all:
    input: "b.txt"
rule a:
    input: "in.txt"
    output: "a.txt"
    shell: "cp {input} {output}"
rule b:
    input: "a.txt"
    output: "b.txt"
    run:
        open(output[0], "w").write(open(input[0]).read())
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    (tmp_path / "in.txt").write_text("1")
    return tmp_path


def shell(text, folder):
    return engine.execute(["bash", "-c", text], folder, engine.environment(FURROW=engine.FURROW))


def modes(folder):
    kept = [*folder.rglob(".furrow/**/*"), folder / ".furrow", *folder.glob("log*")]
    return {str(path.relative_to(folder)): stat.S_IMODE(path.stat().st_mode) for path in kept}


@pytest.mark.parametrize("umask, refused", [("002", 0o002), ("022", 0o022), ("077", 0o077)])
def test_files_follow_the_umask(folder, umask, refused):
    done = shell(f"umask {umask}; $FURROW run -q -c 1 && $FURROW map --joblog log true ::: 1 && "
                 "$FURROW map --output {}.o touch {}.o ::: 1", folder)
    assert done.code == 0, done
    found = modes(folder)
    assert {".furrow/furrow.db", ".furrow/lock", "log", "log.furrow"} <= set(found)
    wanted = {name: 0o777 & ~refused if (folder / name).is_dir() else 0o666 & ~refused for name in found}
    assert found == wanted


def test_a_second_user_goes_on(tmp_path_factory, tmp_path):
    if os.getuid() != 0:
        pytest.skip("needs root, to act as two users")
    group, users = 61000, (61001, 61002)
    folder = tmp_path / "shared"
    folder.mkdir()
    for above in [folder, *folder.parents][:5]:  # up to pytest's own
        above.chmod(above.stat().st_mode | 0o055)
    os.chown(folder, 0, group)
    folder.chmod(0o2775)
    (folder / "Snakefile").write_text(SNAKEFILE)
    for user, value in ((users[0], "1"), (users[1], "2"), (users[0], "3")):
        (folder / "in.txt").write_text(value)

        def become(user=user):
            os.setgroups([])
            os.setgid(group)
            os.setuid(user)
            os.umask(0o002)

        env = engine.environment(HOME="/nonexistent")
        done = subprocess.run([engine.FURROW, "run", "-q", "-c1"], cwd=folder, env=env, preexec_fn=become,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
        assert (done.returncode, (folder / "b.txt").read_text()) == (0, value), done.stdout


def test_a_store_of_another_user_that_may_not_be_written_is_named(folder):
    if os.getuid() != 0:
        pytest.skip("needs root, to act as two users")
    assert engine.furrow_run("-q", cwd=folder).code == 0
    for path in [folder, *folder.parents][:4]:
        path.chmod(path.stat().st_mode | 0o055)
    folder.chmod(0o777)
    (folder / ".furrow" / "lock").chmod(0o666)
    (folder / "in.txt").write_text("2")

    def become():
        os.setgroups([])
        os.setgid(61000)
        os.setuid(61002)

    done = subprocess.run([engine.FURROW, "run", "-q", "-c1"], cwd=folder, env=engine.environment(), preexec_fn=become,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    assert done.returncode == 1 and "furrow.db" in done.stdout and "chmod" in done.stdout, done.stdout
