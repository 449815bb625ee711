"""The Debian packages that CPack makes are as Debian wants them, and install and work on a Debian 12."""
import shutil
import subprocess

import bare_system
import building
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
    system = bare_system.new_system(root, "python3", "man-db", packages["furrow"])
    yield system
    shutil.rmtree(root)


def test_each_component_is_a_package(packages):
    assert {"furrow", "libfurrow-dev"} <= set(packages)
    assert set(packages) <= {"furrow", "libfurrow-dev", "furrow-mpi", "libfurrow-mpi-dev"}


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
