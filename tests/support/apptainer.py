"""A stand-in for Apptainer and Singularity: a program of the same command line that runs the job without a container.

Neither is in Debian. An image is a file that holds a name, which jobs see in the variable IMAGE; the registry is a
folder.
"""
import json
import sys
from pathlib import Path

_PROGRAM = r'''#!PYTHON
import json, os, shutil, sys, time
BASE = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))

def note(words):
    with open(os.path.join(BASE, "calls"), "a") as file:
        file.write(json.dumps(words) + "\n")

def stop(text, code=255):
    print("FATAL:   " + text, file=sys.stderr)
    sys.exit(code)

def pull(name, address):
    print("INFO:    Starting build...", file=sys.stderr)
    while os.path.exists(os.path.join(BASE, "wait")):
        time.sleep(0.02)
    file = os.path.join(BASE, "registry", address.split("://")[1])
    if not os.path.isfile(file):
        stop("While making image from oci registry: " + address + ": manifest unknown")
    with open(file) as opened:
        text = opened.read()
    if text != "nothing":
        with open(name, "w") as made:
            made.write(text[: len(text) // 2] if text.startswith("half") else text)
    if text.startswith("half"):
        stop("no space left on device")

def execute(words):
    options = {"--home": None, "--pwd": None, "--bind": None, "--env": None}
    while words and words[0].startswith("-"):
        name = words.pop(0)
        if name in options:
            options[name] = words.pop(0)
    image = words.pop(0)
    if not os.path.exists(image):
        stop("could not open image " + image)
    label = image if os.path.isfile(image) else os.path.join(image, "name")
    with open(label) as file:
        text = file.read()
    os.environ.update(HOME=options["--home"], IMAGE=text.split()[0])
    if "without-" + words[0] in text:
        stop('"%s": executable file not found in $PATH' % words[0])
    if options["--pwd"]:
        os.chdir(options["--pwd"])
    tools = os.path.join(BASE, "bin-of-" + text.split()[0])
    os.environ["PATH"] = tools + ":/usr/local/bin:/usr/bin:/bin"
    try:
        os.execvp(words[0], words)
    except OSError:
        stop('"%s": executable file not found in $PATH' % words[0])

note([os.path.basename(sys.argv[0])] + sys.argv[1:])
if sys.argv[1] == "pull" and sys.argv[2] == "--name":
    pull(*sys.argv[3:])
elif sys.argv[1] == "exec":
    execute(sys.argv[2:])
elif sys.argv[1] == "--version":
    print("apptainer version 1.2.0")
else:
    stop("unknown command " + " ".join(sys.argv[1:]))
'''


class Apptainer:
    def __init__(self, folder, name="apptainer"):
        self.base = Path(folder)
        (self.base / "bin").mkdir()
        (self.base / "registry").mkdir()
        program = self.base / "bin" / name
        program.write_text(_PROGRAM.replace("PYTHON", sys.executable))
        program.chmod(0o755)

    def publish(self, name, text=None):
        """An image that can be pulled. The text may say what it lacks: "NAME without-bash".

        One that begins with "half" breaks off, and one that is "nothing" is not made.
        """
        path = self.base / "registry" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text or name)

    def tool(self, image, name, says):
        """A program that only this image has."""
        path = self.base / f"bin-of-{image}" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\necho {says}\n")
        path.chmod(0o755)

    def calls(self, what="exec"):
        path = self.base / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        return [words for words in map(json.loads, lines) if words[1] == what]

    def path(self):
        return str(self.base / "bin")
