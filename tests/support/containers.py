"""Podman and Charliecloud for tests, where the kernel lets them run, and a tiny image of this machine's own files."""
import os
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path

_PROGRAMS = "bash cat env false grep head id kill ls mkdir pwd rm sleep sort touch true".split()
# crun refuses a machine with both versions of control groups, as some virtual machines have. A namespace hides one.
_PODMAN = """#!/bin/sh
if [ -d /sys/fs/cgroup/unified ] && [ "$(id -u)" = 0 ]; then
  exec unshare -m --propagation private sh -c 'umount /sys/fs/cgroup/unified; exec /usr/bin/podman "$@"' podman "$@"
fi
exec /usr/bin/podman "$@"
"""


def make_root(folder):
    """A file system with some programs of this machine, and the libraries that they need."""
    folder = Path(folder)
    for name in "bin dev etc home mnt proc root run sys tmp usr/bin var/tmp".split():
        (folder / name).mkdir(parents=True)
    found = [shutil.which(name, path="/usr/bin:/bin") for name in _PROGRAMS]
    for program in found:
        shutil.copy2(program, folder / "bin" / os.path.basename(program))
    _add_libraries(found, folder)
    (folder / "bin" / "sh").symlink_to("bash")
    (folder / "usr" / "bin" / "env").symlink_to("/bin/env")
    (folder / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (folder / "etc" / "group").write_text("root:x:0:\n")
    (folder / "etc" / "hosts").touch()
    (folder / "etc" / "resolv.conf").touch()
    (folder / "etc" / "name").write_text("tiny\n")
    return folder


def _add_libraries(files, root):
    listed = subprocess.run(["ldd", *files], capture_output=True, text=True).stdout
    for word in listed.split():
        library = root / word[1:]
        if word.startswith("/") and not word.endswith(":") and not library.exists():
            library.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(word, library)


def add_python(root):
    """The machine's own Python. Returns ch-run's arguments that show its standard library, which is large."""
    shutil.copy2("/usr/bin/python3", root / "bin" / "python3")
    modules = [str(path) for path in Path("/usr/lib").glob("python3.*/lib-dynload/*.so")]
    _add_libraries(["/usr/bin/python3", *modules], root)
    folders = [str(path) for path in Path("/usr/lib").glob("python3.*") if path.is_dir()]
    for folder in folders:
        (root / folder[1:]).mkdir(parents=True)
    return " ".join("--bind " + folder for folder in folders)


class Podman:
    """The command `podman` in a folder of its own, with a store of its own, and an image localhost/tiny in it."""

    def __init__(self, folder, root):
        self.bin = Path(folder) / "bin"
        self.bin.mkdir(parents=True)
        for name in ("podman", "docker"):
            (self.bin / name).write_text(_PODMAN)
            (self.bin / name).chmod(0o755)
        self.settings = Path(folder) / "storage.conf"
        self.settings.write_text(f'[storage]\ndriver = "{_driver()}"\nrunroot = "{folder}/run"\n'
                                 f'graphroot = "{folder}/store"\n')
        # Locks of its own, too: by default all stores of a machine share them, and wait for each other.
        self.engine = Path(folder) / "containers.conf"
        self.engine.write_text(f'[engine]\nlock_type = "file"\ntmp_dir = "{folder}/locks"\n')
        archive = Path(folder) / "root.tar"
        subprocess.run(["tar", "-C", str(root), "-cf", str(archive), "."], check=True)
        self.call("import", "--change", 'ENTRYPOINT ["/bin/false"]', "--change", "ENV SET_BY=image", str(archive),
                  "localhost/tiny")

    def environment(self):
        return {"CONTAINERS_STORAGE_CONF": str(self.settings), "CONTAINERS_CONF": str(self.engine),
                "PATH": f"{self.bin}:/usr/sbin:/usr/bin:/sbin:/bin"}

    def call(self, *arguments):
        done = subprocess.run([str(self.bin / "podman"), *arguments], capture_output=True, text=True,
                              env={**os.environ, **self.environment()})
        assert done.returncode == 0, done.stderr
        return done.stdout

    def containers(self):
        return self.call("ps", "--all", "--format", "{{.ID}} {{.Status}}").splitlines()


@lru_cache
def _driver():
    kernel = Path("/proc/filesystems").read_text()
    return "overlay" if os.geteuid() == 0 and "\toverlay" in kernel else "vfs"


def working_podman(folder, root):
    """A Podman and None; or None and why it does not run here."""
    if not os.path.exists("/usr/bin/podman"):
        return None, "podman is not installed"
    try:
        podman = Podman(folder, root)
        podman.call("run", "--rm", "--network", "host", "--log-driver", "none", "--cgroups", "disabled", "--entrypoint",
                    "", "--ulimit", "nofile=1000:1000", "--ulimit", "nproc=10000:10000", "localhost/tiny", "true")
    except AssertionError as error:
        return None, f"podman does not run here: {error}"
    return podman, None


def missing_charliecloud(root):
    if not shutil.which("ch-run"):
        return "charliecloud is not installed"
    done = subprocess.run(["ch-run", str(root), "--", "true"], capture_output=True, text=True,
                          env={**os.environ, "USER": "me"})
    return None if done.returncode == 0 else f"ch-run does not run here: {done.stderr}"
