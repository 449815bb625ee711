"""Makes small Debian systems in folders, and runs commands in them."""
import os
import shutil
from pathlib import Path

import engine
import pytest

marks = [
    pytest.mark.skipif(not engine.LONG_TESTS, reason="takes long: ./dev test long"),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
    pytest.mark.skipif(not shutil.which("mmdebstrap"), reason="needs mmdebstrap"),
]
HOOKS = Path("/usr/share/mmdebstrap/hooks/file-mirror-automount")  # which let it install files of packages
# /sys tells hwloc which cores there are.
ENTER = """
mount -t proc proc "$0/proc"
mount --rbind /dev "$0/dev"
mount --rbind /sys "$0/sys"
exec chroot "$0" /usr/bin/env -i PATH=/venv/bin:/usr/bin:/bin HOME=/root LC_ALL=C.UTF-8 sh -ec "$1"
"""


class System:
    """A system in a folder; its commands have processes, mounts and a network (without any interface) of their own."""

    def __init__(self, root):
        self.root = root

    def execute(self, script):
        alone = ["unshare", "--mount", "--pid", "--net", "--fork", "--kill-child"]
        return engine.execute([*alone, "sh", "-ec", ENTER, str(self.root), script], cwd=self.root, timeout=300)

    def run(self, script):
        done = self.execute(script)
        assert done.code == 0, str(done)
        return done.out


def new_system(root, *packages):
    """Makes a Debian 12 of its essential packages and these, which are names or files."""
    options = ["--mode=root", "--variant=minbase", f"--hook-dir={HOOKS}", *(f"--include={each}" for each in packages)]
    done = engine.execute(["mmdebstrap", *options, "bookworm", str(root)], cwd=root.parent, env=dict(os.environ),
                          timeout=900)
    assert done.code == 0, str(done)
    return System(root)
