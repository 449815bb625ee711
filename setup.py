"""Builds the compiled part of the module with CMake. Everything else is in pyproject.toml.

FURROW_BUILD, where it is set, names a folder that CMake has configured already, for the same Python.
"""
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).resolve().parent
HOW = "docs/getting-started.md lists the packages for building; on Debian, ./dev build installs them."


class CMakeBuild(build_ext):
    def build_extension(self, extension):
        """Builds the CMake target python_module for the Python that installs."""
        ready = os.environ.get("FURROW_BUILD")
        folder = Path(ready or self.build_temp).resolve()
        place = Path(self.get_ext_fullpath(extension.name)).resolve()
        if not ready:
            generator = ["-G", "Ninja"] if shutil.which("ninja") else []
            options = ["-DFURROW_TESTS=OFF", f"-DFURROW_PYTHON={sys.executable}"]
            call("cmake", "-S", ROOT, "-B", folder, *generator, *options)
        call("cmake", "--build", folder, "--target", "python_module", "--parallel", os.cpu_count() or 1)
        place.parent.mkdir(parents=True, exist_ok=True)
        for built in (folder / "python" / "furrow").glob("_*.so"):  # _mpi exists where MPI was found
            shutil.copy2(built, place.parent)


def call(*command):
    try:
        subprocess.run([str(word) for word in command], check=True)
    except FileNotFoundError:
        sys.exit(f"Building furrow needs {command[0]}, which is not installed. {HOW}")
    except subprocess.CalledProcessError as error:
        sys.exit(f"{command[0]} failed with status {error.returncode}; its messages above say why. {HOW}")


def version():
    return re.search(r"project\(furrow VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text()).group(1)


setup(version=version(), ext_modules=[Extension("furrow._furrow", sources=[])], cmdclass={"build_ext": CMakeBuild})
