"""An installation by `cmake --install` can be moved, found by other projects, and run."""
import re
import shutil
from pathlib import Path

import engine
import pytest

BUILD = Path(engine.FURROW).resolve().parents[1]
PROJECT = Path(__file__).with_name("project")
FOREIGN = ("python", "sqlite", "mpi")


def run(*argv, cwd, **more):
    """The output of a program, which must succeed."""
    result = engine.execute([str(word) for word in argv], cwd=cwd, env=engine.environment(**more), timeout=240)
    assert result.code == 0, str(result)
    return result.text


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    """An installed Furrow that was then moved to another folder."""
    folder = tmp_path_factory.mktemp("install")
    run("cmake", "--install", BUILD, "--prefix", folder / "first", cwd=folder)
    (folder / "first").rename(folder / "prefix")
    return folder / "prefix"


def test_only_public_headers_are_installed(prefix):
    headers = {str(path.relative_to(prefix / "include")) for path in (prefix / "include").rglob("*") if path.is_file()}
    public = {str(path.relative_to(engine.ROOT / "include")) for path in (engine.ROOT / "include").rglob("*.hpp")}
    assert headers == public
    for name in sorted(headers):
        text = (prefix / "include" / name).read_text()
        for included in re.findall(r'#\s*include\s*["<]([^">]+)[">]', text):
            assert "/" not in included or included in headers or not (engine.ROOT / "src" / included).exists(), name


@pytest.fixture(scope="module")
def project(prefix, tmp_path_factory):
    """The five-line project, built with the installed Furrow."""
    folder = tmp_path_factory.mktemp("project")
    build = folder / "build"
    run("cmake", "-S", PROJECT, "-B", build, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}",
        "-DCMAKE_CXX_FLAGS=-O1 -Wall -Wextra -Werror", cwd=folder)
    run("ninja", "-C", build, cwd=folder)
    return build


def test_another_project_builds_and_runs(project):
    assert run(project / "five_lines", cwd=project) == "998011 b80c61029cf23fb9 cores\n"


def test_the_project_links_neither_python_nor_sqlite_nor_mpi(project):
    link = run("ninja", "-C", project, "-t", "commands", "five_lines", cwd=project).splitlines()[-1]
    assert "libfurrow" in link and "hwloc" in link
    libraries = run("ldd", project / "five_lines", cwd=project)
    for name in FOREIGN:
        assert not re.search(rf"lib{name}", libraries.lower())
        assert not re.search(rf"(-l|lib){name}", link.lower())


@pytest.mark.skipif(not shutil.which("pkg-config"), reason="needs pkg-config")
def test_a_program_is_built_with_pkg_config(prefix, tmp_path):
    (found,) = prefix.rglob("furrow.pc")
    flags = run("pkg-config", "--cflags", "--libs", "furrow", cwd=tmp_path, PKG_CONFIG_PATH=str(found.parent)).split()
    run("g++", "-std=c++20", PROJECT / "main.cpp", "-o", tmp_path / "program", *flags, cwd=tmp_path)
    assert run(tmp_path / "program", cwd=tmp_path) == "998011 b80c61029cf23fb9 cores\n"


def abi(include):
    header = include / "furrow" / "detail" / "abi.hpp"
    return re.search(r"^#define FURROW_ABI (v\d+_\d+)$", header.read_text(), re.MULTILINE)[1]


def not_linked(prefix, folder, include, *flags):
    """What the linker says of a program with these headers, which must not be linked with the library."""
    (folder / "main.cpp").write_text("#include <furrow/cpu_count.hpp>\nint main() { return furrow::cpu_count(); }\n")
    libraries = run("pkg-config", "--libs", "furrow", cwd=folder,
                    PKG_CONFIG_PATH=str(next(prefix.rglob("furrow.pc")).parent)).split()
    argv = ["g++", "-std=c++20", "-I", str(include), *flags, "main.cpp", *libraries]
    result = engine.execute(argv, cwd=folder, env=engine.environment(), timeout=60)
    assert result.code != 0, str(result)
    return result.text


def test_a_program_with_the_headers_of_another_abi_is_not_linked(prefix, tmp_path):
    include = shutil.copytree(prefix / "include", tmp_path / "include")
    header = include / "furrow" / "detail" / "abi.hpp"
    header.write_text(header.read_text().replace(f"FURROW_ABI {abi(include)}", "FURROW_ABI v9_9"))
    assert "undefined reference to `furrow::v9_9::cpu_count(bool)'" in not_linked(prefix, tmp_path, include)


def test_a_program_with_other_strings_than_the_library_is_not_linked(prefix, tmp_path):
    said = not_linked(prefix, tmp_path, prefix / "include", "-D_GLIBCXX_USE_CXX11_ABI=0")
    assert f"undefined reference to `furrow::{abi(prefix / 'include')}::with_old_strings::cpu_count(bool)'" in said


COMPONENTS = [
    ("library", "found furrow::furrow"),
    ("command", "found furrow::furrow furrow::command"),
    ("library;command", "found furrow::furrow furrow::command"),
    ("python", "the Python module belongs to a Python: install it there with pip"),
    ("scheduler", "the component scheduler is not installed in"),
]


@pytest.mark.parametrize("components, said", COMPONENTS)
def test_components_are_found_or_it_is_said_why_not(prefix, tmp_path, components, said):
    (tmp_path / "CMakeLists.txt").write_text(f"""
cmake_minimum_required(VERSION 3.22)
project(app LANGUAGES CXX)
find_package(furrow REQUIRED COMPONENTS {components})
foreach(target furrow mpi command)
  if(TARGET furrow::${{target}})
    list(APPEND targets furrow::${{target}})
  endif()
endforeach()
list(JOIN targets " " targets)
message("found ${{targets}}")
""")
    argv = ["cmake", "-S", ".", "-B", "b", f"-DCMAKE_PREFIX_PATH={prefix}"]
    result = engine.execute(argv, cwd=tmp_path, env=engine.environment(), timeout=60)
    assert said in " ".join(result.text.split()) and (result.code == 0) == said.startswith("found"), str(result)


FLAGS = {
    "the_debug_mode_of_the_standard_library": ["-O1", "-D_GLIBCXX_DEBUG"],
    "the_thread_sanitizer": ["-O1", "-fsanitize=thread"],
    "the_address_sanitizer": ["-fsanitize=address,undefined"],
}


def check_every_call(folder, *words):
    source = Path(__file__).with_name("every_call") / "main.cpp"
    run("g++", "-std=c++20", "-Wall", "-Wextra", source, "-o", "program", *words, cwd=folder)
    # Leaks are not looked for, since that fails where a debugger watches.
    out = run(folder / "program", cwd=folder, ASAN_OPTIONS="detect_leaks=0", TSAN_OPTIONS="halt_on_error=1")
    same = "20112 1326 43"
    assert out == f"serial: {same}\nprocesses: {same}\nasync: {same}\nthreads: {same}\n4\n"


@pytest.mark.parametrize("flags", FLAGS.values(), ids=FLAGS)
def test_a_program_is_built_with_flags_that_the_library_was_not_built_with(prefix, tmp_path, flags):
    variables = {"PKG_CONFIG_PATH": str(next(prefix.rglob("furrow.pc")).parent)}
    words = run("pkg-config", "--cflags", "--libs", "furrow", cwd=tmp_path, **variables).split()
    check_every_call(tmp_path, *flags, *words)


SHARED = sorted(BUILD.glob("src/libfurrow*_shared.so"))


@pytest.mark.skipif(not SHARED, reason="needs a build with FURROW_TESTS")
def test_a_program_with_hidden_names_uses_the_shared_library(prefix, tmp_path):
    (library,) = [path for path in SHARED if "mpi" not in path.name]
    check_every_call(tmp_path, "-fvisibility=hidden", "-I", prefix / "include", library, f"-Wl,-rpath,{library.parent}")


@pytest.mark.skipif(not SHARED, reason="needs a build with FURROW_TESTS")
@pytest.mark.parametrize("library", SHARED, ids=lambda path: path.name)
def test_a_shared_library_exports_only_the_public_names(library, tmp_path):
    exported = run("nm", "-DC", "--defined-only", library, cwd=tmp_path).splitlines()
    # Beside them the standard library's templates, which all libraries of a program share.
    hidden = [line for line in exported if not re.search(r"furrow::v\d+_\d+::|[ (:](std|__gnu_cxx)::", line)]
    assert not [line for line in hidden if "DW.ref." not in line], hidden
    layers = r"[ :]furrow::(pool|remote|mpi_pool|os|channel|logging)::\w+\("
    assert not [line for line in exported if re.search(layers, line)]
    assert any("furrow::v" in line for line in exported) and len(exported) < 300
    version = re.search(r"SONAME.*\[(.*)\]", run("readelf", "-d", library, cwd=tmp_path))[1]
    assert re.fullmatch(re.escape(library.name) + r"\.\d+\.\d+", version)


def test_the_component_library_is_the_library_alone(tmp_path):
    run("cmake", "--install", BUILD, "--prefix", tmp_path / "prefix", "--component", "library", cwd=tmp_path)
    names = {path.name for path in (tmp_path / "prefix").rglob("*") if path.is_file()}
    assert {"pool.hpp", "furrow.pc", "furrowConfig.cmake", "LICENSE"} <= names
    assert not (tmp_path / "prefix" / "bin").exists() and "furrowMpiTargets.cmake" not in names


@pytest.mark.parametrize("version, is_found", [("0.0", True), ("0.1", True), ("1.0", False)])
def test_the_same_major_version_is_compatible(prefix, tmp_path, version, is_found):
    text = f"cmake_minimum_required(VERSION 3.22)\nproject(app LANGUAGES NONE)\nfind_package(furrow {version} QUIET)\n"
    # The file that decides is read before the others, which need a language.
    (tmp_path / "CMakeLists.txt").write_text(text + 'message("VERSIONS ${furrow_CONSIDERED_VERSIONS} ${furrow_FOUND}")')
    shutil.copytree(next(prefix.rglob("furrowConfigVersion.cmake")).parent, tmp_path / "package")
    (tmp_path / "package" / "furrowConfig.cmake").write_text("")
    out = run("cmake", "-S", tmp_path, "-B", tmp_path / "b", f"-Dfurrow_DIR={tmp_path / 'package'}", cwd=tmp_path)
    assert re.search(r"VERSIONS 0\.\d+\.\d+ (\d)", out)[1] == str(int(is_found))


HOST = """
cmake_minimum_required(VERSION 3.22)
project(host LANGUAGES CXX)
set(flags "${CMAKE_CXX_FLAGS_RELWITHDEBINFO}")
FETCH
add_executable(host @PROJECT@/main.cpp)
target_link_libraries(host PRIVATE furrow::furrow)
get_property(type CACHE CMAKE_BUILD_TYPE PROPERTY VALUE)
foreach(leak ${type} ${CMAKE_RUNTIME_OUTPUT_DIRECTORY} ${CMAKE_CXX_COMPILER_LAUNCHER} ${CMAKE_EXPORT_COMPILE_COMMANDS})
  message(SEND_ERROR "set in this project: ${leak}")
endforeach()
if(NOT flags STREQUAL CMAKE_CXX_FLAGS_RELWITHDEBINFO)
  message(SEND_ERROR "the flags were changed")
endif()
foreach(name furrow furrow_cli furrow_mpi_library pool_tests python_module)
  if(TARGET ${name})
    message(SEND_ERROR "${name} is a target")
  endif()
endforeach()
"""
FETCHES = {
    "add_subdirectory": "add_subdirectory(@SOURCE@ furrow)",
    "FetchContent": "include(FetchContent)\nFetchContent_Declare(furrow SOURCE_DIR @SOURCE@)\n"
                    "FetchContent_MakeAvailable(furrow)",
}


@pytest.mark.parametrize("fetch", FETCHES)
def test_the_library_is_part_of_another_project_and_changes_nothing_there(tmp_path, fetch):
    text = HOST.replace("FETCH", FETCHES[fetch])
    for place, folder in (("@SOURCE@", engine.ROOT), ("@PROJECT@", PROJECT)):
        text = text.replace(place, str(folder))
    (tmp_path / "CMakeLists.txt").write_text(text)
    # Nothing that the library itself does not need is found.
    absent = [f"-DCMAKE_DISABLE_FIND_PACKAGE_{name}=ON" for name in ("yaml-cpp", "CLI11", "MPI", "GTest", "pybind11")]
    run("cmake", "-S", tmp_path, "-B", tmp_path / "b", "-G", "Ninja", *absent, cwd=tmp_path)
    if engine.LONG_TESTS:
        run("ninja", "-C", tmp_path / "b", "host", cwd=tmp_path)
        assert run(tmp_path / "b" / "host", cwd=tmp_path) == "998011 b80c61029cf23fb9 cores\n"
    elif fetch == "FetchContent":
        run("ninja", "-C", tmp_path / "b", "CMakeFiles/host.dir" + str(PROJECT / "main.cpp.o"), cwd=tmp_path)


@pytest.mark.skipif(not list(BUILD.rglob("libfurrow_mpi.*")) or not shutil.which("mpirun"),
                    reason="needs libopenmpi-dev and openmpi-bin")
def test_another_project_uses_mpi(prefix, tmp_path):
    build = tmp_path / "build"
    run("cmake", "-S", PROJECT.with_name("mpi_project"), "-B", build, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}",
        cwd=tmp_path)
    run("ninja", "-C", build, cwd=tmp_path)
    options = "--allow-run-as-root --oversubscribe --bind-to none --mca btl self,vader".split()
    assert run("mpirun", "-n", "2", *options, build / "over_mpi", cwd=tmp_path) == "1 4 9\n"


@pytest.mark.skipif(not list(BUILD.rglob("ranks.so")) or not shutil.which("mpirun"),
                    reason="needs libopenmpi-dev and openmpi-bin")
def test_the_installed_command_finds_its_mpi_plugin(prefix, tmp_path):
    options = "--allow-run-as-root --oversubscribe --bind-to none --mca btl self,vader".split()
    argv = ["mpirun", "-n", "2", *options, prefix / "bin" / "furrow", "map", "-j1", "-k", "echo", ":::", "a", "b", "c"]
    assert run(*argv, cwd=tmp_path) == "a\nb\nc\n"


def test_the_installed_command_runs_a_workflow(prefix, tmp_path):
    (tmp_path / "Snakefile").write_text("rule all:\n    output: 'out.txt'\n    shell: 'echo made > {output}'\n")
    furrow = prefix / "bin" / "furrow"
    assert re.fullmatch(r"furrow \d+\.\d+\.\d+\n", run(furrow, "--version", cwd=tmp_path))
    run(furrow, "run", cwd=tmp_path)
    assert (tmp_path / "out.txt").read_text() == "made\n"


def test_a_link_to_the_command_also_finds_its_files(prefix, tmp_path):
    (tmp_path / "Snakefile").write_text("rule all:\n    output: 'out.txt'\n    run: open(output[0], 'w').write('x')\n")
    (tmp_path / "link").symlink_to(prefix / "bin" / "furrow")
    run(tmp_path / "link", "run", cwd=tmp_path)
    assert (tmp_path / "out.txt").read_text() == "x"
