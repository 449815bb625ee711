"""The Debian packages that CPack makes are as Debian wants them, and install and work on a Debian 12."""
import re
import shutil
import subprocess

import bare_system
import building
import engine
import pytest

pytestmark = bare_system.marks
# Debian gives packages a number of a bug that asked for them. CPack runs ldconfig for each shared object. Whoever wants
# Debian's folder for this machine's libraries configures with CMAKE_INSTALL_PREFIX=/usr, as ./dev deb does.
NOT_OURS = ["initial-upload-closes-no-bugs", "maintscript-calls-ldconfig", "pkg-config-multi-arch-wrong-dir",
            "pkg-config-unavailable-for-cross-compilation"]


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("deb")
    building.run("cpack", "-G", "DEB", "-B", folder, cwd=building.BUILD)
    return {path.name.split("_")[0]: path for path in folder.glob("*.deb")}


@pytest.fixture(scope="module")
def system(packages, tmp_path_factory):
    root = tmp_path_factory.mktemp("with_deb") / "root"
    system = bare_system.new_system(root, "python3", "man-db", packages["furrow"], packages["python3-furrow"])
    yield system
    shutil.rmtree(root)


def test_each_component_is_a_package(packages):
    needed = {"furrow", "libfurrow-dev", "python3-furrow"}
    assert needed <= set(packages) <= needed | {"furrow-mpi", "libfurrow-mpi-dev", "python3-furrow-mpi"}


@pytest.mark.skipif(not shutil.which("lintian"), reason="needs lintian")
def test_lintian_finds_nothing(packages):
    done = subprocess.run(["lintian", "--no-cfg", "--allow-root", "--fail-on", "error,warning", "--suppress-tags",
                           ",".join(NOT_OURS), *packages.values()], capture_output=True, text=True)
    assert done.returncode == 0 and not done.stdout, done.stdout + done.stderr


def test_the_command_works_with_its_files(system):
    (system.root / "work").mkdir()
    (system.root / "work/Snakefile").write_text(building.SNAKEFILE)
    assert system.run("furrow map -k echo ::: a b") == "a\nb\n"
    system.run("cd /work; furrow run -c2 again")
    assert (system.root / "work/again").read_text() == "again"
    assert system.run("man -w furrow") == "/usr/share/man/man1/furrow.1.gz\n"


def test_completions_lie_where_shells_look(packages):
    listed = building.run("dpkg-deb", "-c", packages["furrow"], cwd=packages["furrow"].parent)
    for path in ("bash-completion/completions/furrow", "zsh/site-functions/_furrow",
                 "fish/vendor_completions.d/furrow.fish"):
        assert f"./usr/share/{path}\n" in listed


def test_the_module_works_and_is_known_to_python(system):
    use = """
import importlib.metadata, furrow
with furrow.Pool(2) as pool:
    print(pool.map(abs, [-1, -2]), pool.apply_async(pow, (2, 3)).get())
print(furrow.map_command("echo", ["a"])[0].stdout.strip(), importlib.metadata.version("furrow"), furrow.__file__)
try: furrow.MPIPool()
except ImportError as problem: print("python3-furrow-mpi" in str(problem))
"""
    (system.root / "use.py").write_text(use)
    version = re.search(r"project\(furrow VERSION ([0-9.]+)", (engine.ROOT / "CMakeLists.txt").read_text())[1]
    assert system.run("python3 /use.py").splitlines() == [
        "[1, 2] 8", f"a {version} /usr/lib/python3/dist-packages/furrow/__init__.py", "True"]


def test_its_metadata_agree_with_the_package_for_pip(system):
    (made,) = (system.root / "usr/lib/python3/dist-packages").glob("furrow-*.dist-info/METADATA")
    project = (engine.ROOT / "pyproject.toml").read_text()
    for name, field in {"description": "Summary", "requires-python": "Requires-Python"}.items():
        assert f"{field}: {re.search(rf'^{name} = .(.*).$', project, re.M)[1]}\n" in made.read_text()


def test_the_module_is_compiled_for_all_users_and_removed_as_a_whole(system):
    package = system.root / "usr/lib/python3/dist-packages/furrow"
    assert (package / "__pycache__").is_dir()
    system.run("PATH=/usr/sbin:/sbin:$PATH dpkg --remove python3-furrow >/dev/null 2>&1")
    assert not package.exists()
