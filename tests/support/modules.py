"""Environment modules for tests: the module systems of this machine, and module files in a temporary folder.

Debian's environment-modules and lmod cannot be installed together. To test both, install one and unpack the other:
apt-get download lmod, dpkg -x lmod_*.deb /, and its dependencies with apt-get.
"""
import os
from pathlib import Path

SYSTEMS = {"tcl": "/usr/share/modules", "lmod": "/usr/share/lmod/lmod"}
_TOOL = """\
#%Module1.0
prepend-path PATH {folder}/{name}/bin
setenv TOOL_VERSION {name}
"""


def missing(system):
    return None if os.path.exists(SYSTEMS[system] + "/init/sh") else f"{SYSTEMS[system]} is not there"


def make(folder, *names):
    """A module file and an empty bin/ for each name, such as "tool/1". Returns the folder for MODULEPATH."""
    files = Path(folder) / "modulefiles"
    for name in names:
        (files / name).parent.mkdir(parents=True, exist_ok=True)
        (Path(folder) / name / "bin").mkdir(parents=True)
        (files / name).write_text(_TOOL.format(folder=folder, name=name))
    return str(files)


def variables(system, folder):
    """What the start files of a login shell would have set."""
    return {"MODULESHOME": SYSTEMS[system], "MODULEPATH": str(folder)}
