"""A stand-in for conda: a program of the same command line that makes tiny environments from local folders.

There is no conda in Debian. A channel is a folder, a package a folder in it, whose files are copied into environments.
It also answers what Snakemake 7 asks, so that both engines can be compared.
"""
import sys
from pathlib import Path

_PROGRAM = r'''#!PYTHON
import json, os, shutil, sys, time, yaml
BASE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

def note(text):
    with open(os.path.join(BASE, "calls"), "a") as file:
        file.write(text + "\n")

def value(name):
    return sys.argv[sys.argv.index(name) + 1]

def stop(text):
    print(text, file=sys.stderr)
    sys.exit(1)

def put(package, folder):
    if not os.path.isdir(package):
        stop("ResolvePackageNotFound:\n  - " + os.path.basename(package))
    shutil.copytree(package, folder, dirs_exist_ok=True, symlinks=True)

def begin(folder):
    os.makedirs(os.path.join(folder, "conda-meta"))
    note("create " + folder)
    if os.path.exists(os.path.join(BASE, "wait")):
        note("pid %d" % os.getpid())
        while os.path.exists(os.path.join(BASE, "wait")):
            time.sleep(0.02)

def create(file, folder):
    with open(file) as opened:
        text = opened.read()
    if file.endswith(".txt"):
        begin(folder)
        for line in text.split("\n"):
            if line and line[0] not in "#@":
                put(line.replace("file://", ""), folder)
        return
    found = yaml.safe_load(text)
    begin(folder)
    for name in found.get("dependencies", ()):
        if isinstance(name, str):
            put(os.path.join(found["channels"][0], name.split("=")[0]), folder)

def activate(address):
    folder = address if os.sep in address else os.path.join(BASE, "envs", address)
    if not os.path.isdir(os.path.join(folder, "conda-meta")):
        stop("EnvironmentNameNotFound: Could not find conda environment: " + address)
    note("activate " + folder)
    print("PS1='(env) '")
    print("export PATH='%s/bin:%s'" % (folder, os.environ["PATH"]))
    print("export CONDA_PREFIX='%s'" % folder)
    print("export CONDA_SHLVL='1'")
    print("export CONDA_DEFAULT_ENV='%s'" % address)
    scripts = os.path.join(folder, "etc", "conda", "activate.d")
    for name in sorted(os.listdir(scripts)) if os.path.isdir(scripts) else ():
        print('. "%s"' % os.path.join(scripts, name))

words = [word for word in sys.argv[1:] if not word.startswith("-")]
if "--version" in sys.argv:
    print("conda 23.1.0")
elif words[:1] == ["info"]:
    print(json.dumps({"conda_prefix": BASE, "platform": "linux-64", "envs": []}))
elif words[:1] == ["config"]:
    print(json.dumps({"get": {"channel_priority": "strict"}}))
elif words[:2] == ["env", "create"] or words[:1] == ["create"]:
    create(value("--file"), value("--prefix"))
elif words[:2] == ["shell.posix", "activate"]:
    activate(words[2])
elif words[:2] == ["shell", "activate"]:
    activate(words[2])
elif words[:1] == ["clean"]:
    note(" ".join(sys.argv[1:]))
else:
    stop("not known: " + " ".join(sys.argv[1:]))
'''
_ACTIVATE = 'eval "$("%s/bin/conda" shell.posix activate "$1")"\n'


class Conda:
    """`base` is the folder of the installation, `channel` that of packages."""

    def __init__(self, folder, name="conda"):
        self.base, self.channel, self.name = Path(folder) / "base", Path(folder) / "channel", name
        (self.base / "bin").mkdir(parents=True)
        self.channel.mkdir()
        self._program("bin/" + name, _PROGRAM.replace("PYTHON", "/usr/bin/python3"))
        (self.base / "bin" / "activate").write_text(_ACTIVATE % self.base)

    def _program(self, name, text):
        path = self.base / name
        path.write_text(text)
        path.chmod(0o755)

    def package(self, name, **files):
        """Files by path, with "__" for "/"; those in bin/ can be executed. Returns the package's folder."""
        folder = self.channel / name
        for path, text in files.items():
            path = folder / path.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            path.chmod(0o755 if path.parent.name == "bin" else 0o644)
        return folder

    def tool(self, name, says=None):
        """A package with a program of the same name that prints a text."""
        return self.package(name, **{f"bin__{name}": f"#!/bin/sh\necho {says or name}\n"})

    def python(self, name="python", version=None, **more):
        """A package with a Python that sets WRAPPED; with a version, one that says that it is that old."""
        answer = f'case "$2" in *version_info*) printf {version}; exit;; esac\n' if version else ""
        text = f'#!/bin/sh\n{answer}WRAPPED=yes exec {sys.executable} "$@"\n'
        return self.package(name, **{"bin__python3": text, **more})

    def yaml(self, *packages):
        lines = "".join(f"  - {name}\n" for name in packages)
        return f"channels:\n  - {self.channel}\ndependencies:\n{lines or '  []'}"

    def pins(self, *packages):
        return "@EXPLICIT\n" + "".join(f"file://{self.channel / name}\n" for name in packages)

    def named(self, name, *packages):
        """An environment that somebody else has made. Returns its folder."""
        import shutil

        folder = self.base / "envs" / name
        (folder / "conda-meta").mkdir(parents=True)
        for package in packages:
            shutil.copytree(self.channel / package, folder, dirs_exist_ok=True)
        return folder

    def calls(self, what="create"):
        path = self.base / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line for line in lines if line.startswith(what)]

    def path(self):
        return f"{self.base}/bin"
