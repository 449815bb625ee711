"""Builds everything of the package that is compiled, with CMake: the module, and the command with its files.

FURROW_BUILD, where it is set, names a folder that CMake has configured already, for the same Python.
FURROW_PORTABLE, where it is set, asks for files that need glibc alone, without MPI; `./dev wheel` sets it. Otherwise
they need the libraries of this machine, and have the parts for MPI if it is there.
CMAKE_ARGS, where it is set, has more options for CMake.
"""
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

try:
    from setuptools.command.bdist_wheel import bdist_wheel
except ImportError:  # before setuptools 70
    from wheel.bdist_wheel import bdist_wheel
from distutils.command.build_scripts import build_scripts  # setuptools brings distutils, also where Python has none
from distutils.command.install_data import install_data

ROOT = Path(__file__).resolve().parent
HOW = "docs/getting-started.md lists the packages for building; on Debian, ./dev build installs them."
PORTABLE = bool(os.environ.get("FURROW_PORTABLE"))
GLIBC = re.compile(r"(ld-linux.*|lib(c|m|dl|rt|pthread))\.so\.\d+")


class CMakeBuild(build_ext):
    def build_extension(self, extension):
        """Builds for the Python that installs; all that is built then lies below `self.built`."""
        ready = os.environ.get("FURROW_BUILD")
        folder = Path(ready or self.build_temp).resolve()
        if not ready:
            generator = ["-G", "Ninja"] if shutil.which("ninja") else []
            options = ["-DFURROW_TESTS=OFF", f"-DFURROW_PYTHON={sys.executable}"]
            options += ["-DFURROW_MPI=OFF"] if PORTABLE else []
            options += shlex.split(os.environ.get("CMAKE_ARGS", ""))
            call("cmake", "-S", ROOT, "-B", folder, *generator, *options)
        targets = ["furrow", "portable" if PORTABLE else "python_module"]
        call("cmake", "--build", folder, "--parallel", os.cpu_count() or 1, "--target", *targets)
        self.built = Path(self.build_temp).resolve() / "built"
        shutil.rmtree(self.built, ignore_errors=True)
        for component in ["command", "portable"] if PORTABLE else ["command", "ranks", "module"]:
            call("cmake", "--install", folder, "--prefix", self.built, "--component", component, "--strip")
        place = Path(self.get_ext_fullpath(extension.name)).resolve().parent
        place.mkdir(parents=True, exist_ok=True)
        for old in place.glob("_*" + sysconfig.get_config_var("EXT_SUFFIX")):  # of a build with other settings
            old.unlink()
        for extension_module in (self.built / "module").glob("*.so"):  # _mpi exists where MPI was found
            shutil.copy2(extension_module, place)


class Command(build_scripts):
    def run(self):
        self.mkpath(self.build_dir)
        self.copy_file(str(self.get_finalized_command("build_ext").built / "bin/furrow"), self.build_dir)

    def get_source_files(self):
        return []


class Files(install_data):
    """Puts the evaluator where the command looks for it, and manual page and completions beside it."""

    def run(self):
        built = self.get_finalized_command("build_ext").built
        files = [path for folder in ("lib", "share") for path in (built / folder).rglob("*") if path.is_file()]
        self.data_files = [(str(path.parent.relative_to(built)), [str(path)]) for path in files]
        super().run()


class Wheel(bdist_wheel):
    def get_tag(self):
        """The wheel is for all systems with this glibc or a later one if it needs nothing else."""
        python, abi, platform = super().get_tag()
        built = self.get_finalized_command("build_ext").built
        needs = [glibc_needed(path) for path in [built / "bin/furrow", *built.rglob("*.so")]]
        if None not in needs:
            platform = "manylinux_%d_%d_" % max(needs) + platform.split("_", 1)[1]
        return python, abi, platform


def glibc_needed(path):
    """The lowest version of glibc that has all that the file asks for; None if it needs other libraries too."""
    shown = subprocess.run(["readelf", "-dVW", path], stdout=subprocess.PIPE, text=True, check=True).stdout
    libraries = re.findall(r"\(NEEDED\).*\[(.*)\]", shown)
    if not all(map(GLIBC.fullmatch, libraries)):
        return None
    return max((int(major), int(minor)) for major, minor in re.findall(r"Name: GLIBC_(\d+)\.(\d+)", shown))


def call(*command):
    try:
        subprocess.run([str(word) for word in command], check=True)
    except FileNotFoundError:
        sys.exit(f"Building furrow needs {command[0]}, which is not installed. {HOW}")
    except subprocess.CalledProcessError as error:
        sys.exit(f"{command[0]} failed with status {error.returncode}; its messages above say why. {HOW}")


def version():
    return re.search(r"project\(furrow VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text()).group(1)


if not sys.platform.startswith("linux"):
    sys.exit("Furrow needs Linux; on Windows, WSL 2 is one.")
setup(version=version(), ext_modules=[Extension("furrow._furrow", sources=[])],
      scripts=["furrow"], data_files=[("share", [])],  # what they are is known when they have been built
      cmdclass={"build_ext": CMakeBuild, "build_scripts": Command, "install_data": Files, "bdist_wheel": Wheel})
