"""The recipes in packaging/ for Conan and vcpkg say what the project says, and their files are enough to build it."""
import ast
import json
import re
import shutil

import engine
import pytest

PACKAGING = engine.ROOT / "packaging"
CONAN = PACKAGING / "conan" / "conanfile.py"
PORT = PACKAGING / "vcpkg"
PROJECT = (engine.ROOT / "CMakeLists.txt").read_text()
VERSION = re.search(r"project\(furrow VERSION (\S+)", PROJECT)[1]
OPTIONS = set(re.findall(r"^\s*option\((\w+)", PROJECT, re.MULTILINE))
# What the library is linked with, beside threads.
NEEDS = {"fmt", "hwloc", "xxhash"}


def run(*argv, cwd):
    result = engine.execute([str(word) for word in argv], cwd=cwd, env=engine.environment(), timeout=120)
    assert result.code == 0, str(result)
    return result.text


def methods():
    tree = ast.parse(CONAN.read_text())
    (recipe,) = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    return {node.name: node for node in recipe.body if isinstance(node, ast.FunctionDef)}


def constants(node):
    return [each.value for each in ast.walk(node) if isinstance(each, ast.Constant)]


def test_conan_requires_what_the_library_needs():
    assert {text.split("/")[0] for text in constants(methods()["requirements"])} == NEEDS


def test_conan_finds_the_version_of_the_project():
    (pattern,) = [text for text in constants(methods()["set_version"]) if "VERSION" in str(text)]
    assert re.search(pattern, PROJECT)[1] == VERSION


def test_conan_takes_the_files_that_a_build_of_the_library_needs(tmp_path):
    (parts,) = [node for node in ast.parse(CONAN.read_text()).body if isinstance(node, ast.Assign)]
    for pattern in constants(parts):
        path, copy = engine.ROOT / pattern.removesuffix("/*"), tmp_path / "source" / pattern.removesuffix("/*")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(path, copy) if path.is_dir() else shutil.copy(path, copy)
    off = [text for text in constants(methods()["generate"]) if str(text).startswith("FURROW_")]
    assert "FURROW_COMMAND" in off and set(off) <= OPTIONS
    run("cmake", "-S", "source", "-B", "b", *(f"-D{option}=OFF" for option in off), cwd=tmp_path)


def test_vcpkg_knows_version_and_needs():
    port = json.loads((PORT / "vcpkg.json").read_text())
    assert (port["name"], port["version"]) == ("furrow", VERSION)
    assert NEEDS == {each for each in port["dependencies"] if isinstance(each, str)}


def test_vcpkg_builds_the_library_with_options_that_there_are(tmp_path):
    calls = ("find_acquire_program", "cmake_configure", "cmake_install", "cmake_config_fixup", "fixup_pkgconfig",
             "install_copyright")
    for name in calls:
        with open(tmp_path / "port.cmake", "a") as script:
            script.write(f'function(vcpkg_{name})\n  message("{name}: ${{ARGN}}")\nendfunction()\n')
    with open(tmp_path / "port.cmake", "a") as script:
        script.write(f'set(CURRENT_PACKAGES_DIR "{tmp_path}/packages")\ninclude("{PORT}/portfile.cmake")\n')
    said = run("cmake", "-P", "port.cmake", cwd=tmp_path)
    assert [line.split(":")[0] for line in said.splitlines()] == list(calls)
    assert f"SOURCE_PATH;{engine.ROOT};" in said and f"FILE_LIST;{engine.ROOT}/LICENSE" in said
    given = set(re.findall(r"-D(FURROW_\w+)=OFF", said))
    assert "FURROW_COMMAND" in given and given <= OPTIONS


@pytest.mark.skipif(not shutil.which("conan"), reason="needs Conan 2")
def test_conan_reads_its_recipe(tmp_path):
    assert f"version: {VERSION}" in run("conan", "inspect", CONAN, cwd=tmp_path)
