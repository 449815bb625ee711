"""The recipe for conda is one, and names what Furrow is built with. (conda itself is not on Debian.)"""
import re

import engine
import jinja2
import yaml

# What the recipe calls the packages with which ./dev builds.
NAMES = {"libsqlite3-dev": "libsqlite", "libpcre2-dev": "pcre2", "libxxhash-dev": "xxhash", "libcli11-dev": "cli11",
         "libfmt-dev": "fmt", "libmd-dev": "libmd", "libcsv-dev": "libcsv", "libyaml-cpp-dev": "yaml-cpp",
         "libexpected-dev": "tl-expected", "rapidjson-dev": "rapidjson", "librandom123-dev": "random123",
         "libhwloc-dev": "libhwloc", "libasio-dev": "asio", "python3-dev": "python", "pybind11-dev": "pybind11"}
WITHOUT = {"libopenmpi-dev"}


def recipe():
    text = (engine.ROOT / "packaging/conda/meta.yaml").read_text()
    shown = jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(text).render(
        compiler=lambda language: f"{language}_compiler", stdlib=lambda language: f"{language}_stdlib", PYTHON="python")
    return yaml.safe_load(shown)


def test_it_names_each_library_that_a_build_needs():
    packages = re.search(r"build_packages=\((.*?)\)", (engine.ROOT / "dev").read_text(), re.DOTALL)[1].split()
    needed = {each for each in packages if each.endswith("-dev")} - WITHOUT
    host = {requirement.split()[0] for requirement in recipe()["requirements"]["host"]}
    assert host == {NAMES[each] for each in needed} | {"pip", "setuptools", "wheel"}


def test_it_has_the_version_of_the_project():
    version = re.search(r"project\(furrow VERSION ([0-9.]+)", (engine.ROOT / "CMakeLists.txt").read_text())[1]
    assert str(recipe()["package"]["version"]) == version


def test_it_agrees_with_the_package_for_pip():
    text = (engine.ROOT / "pyproject.toml").read_text()
    assert "python " + re.search(r'requires-python = "(.*)"', text)[1] in recipe()["requirements"]["run"]
    assert recipe()["about"]["license"] == "MIT" and (engine.ROOT / recipe()["about"]["license_file"]).exists()
