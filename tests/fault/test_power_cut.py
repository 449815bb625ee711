"""The power is cut: what lies on the disk at a random moment is a copy of the disk's image. The run after it, in
another boot, makes again what is not safely there. And kill -9 without a cut costs nothing that was finished.
"""
import os
import random
import shutil
import signal
import subprocess
import time
import uuid

import pytest

import engine

COUNT = 8
CUTS = 12 if engine.LONG_TESTS else 2
NAMES = [str(n) for n in range(COUNT)]
RULES = {
    "plain": """
rule all:
    input: expand("made/{n}", n=range(COUNT))
rule make:
    output: "made/{n}"
    shell: "echo first > {output}; sleep $(cat DELAY); echo last >> {output}; echo {wildcards.n} >> RAN"
""",
    "synced": """
rule all:
    input: expand("made/{n}", n=range(COUNT))
rule make:
    output: "made/{n}"
    shell: "echo first > {output}; sync {output}; sleep $(cat DELAY); echo last >> {output}; echo {wildcards.n} >> RAN"
""",
    "temp": """
rule all:
    input: expand("made/{n}", n=range(COUNT))
rule part:
    output: temp("part.{n}")
    shell: "echo first > {output}; sleep $(cat DELAY); echo last >> {output}"
rule make:
    input: "part.{n}"
    output: "made/{n}"
    shell: "cp {input} {output}; echo {wildcards.n} >> RAN"
""",
    "retries": """
rule all:
    input: expand("made/{n}", n=range(COUNT))
rule make:
    output: "made/{n}"
    retries: 1
    shell: "echo first > {output}; sleep $(cat DELAY); mkdir RAN.{wildcards.n} 2> RAN.mkdir && exit 1; "
           "echo last >> {output}; echo {wildcards.n} >> RAN"
""",
}
# What `furrow run` is asked for: the rules, its arguments, and whether all files are good before.
RUNS = {"run": ("plain", [], False), "forced": ("plain", ["-F"], True), "synced": ("synced", [], False),
        "temp": ("temp", [], False), "retries": ("retries", [], False)}
MAPS = ["log", "output", "results"]
KINDS = [*RUNS, *MAPS] if engine.LONG_TESTS else ["run", "forced", *MAPS]


def can_mount():
    return os.geteuid() == 0 and shutil.which("mkfs.ext4") and shutil.which("losetup")


# By file system: the size of its image in MiB, and the options with which it is mounted. overlay is a layer above ext4.
FILE_SYSTEMS = {
    "ext4": (24, ["-o", "loop,commit=1"]),
    "xfs": (300, ["-o", "loop,nouuid"]),
    "btrfs": (128, ["-o", "loop,commit=1"]),
    "overlay": (24, ["-o", "loop,commit=1"]),
}


class Disk:
    """An image with a file system, and where it is mounted."""

    def __init__(self, folder, image=None, kind="ext4"):
        self.kind, self.made_by = kind, "ext4" if kind == "overlay" else kind
        self.image, self.mounted = image or folder / "image", folder / "mounted"
        self.place = folder / "merged" if kind == "overlay" else self.mounted
        self.mounted.mkdir(parents=True)
        size, options = FILE_SYSTEMS[kind]
        if image is None:
            with open(self.image, "wb") as file:
                file.truncate(size << 20)
            subprocess.run([f"mkfs.{self.made_by}", "-q", self.image], check=True)
        self.mount(["mount", *options, self.image, self.mounted])
        if kind == "overlay":
            for name in ("upper", "work"):
                (self.mounted / name).mkdir(exist_ok=True)
            for path in (folder / "lower", self.place):
                path.mkdir()
            layers = f"lowerdir={folder}/lower,upperdir={self.mounted}/upper,workdir={self.mounted}/work"
            self.mount(["mount", "-t", "overlay", "overlay", "-o", layers, self.place])

    def mount(self, command):
        if subprocess.run(command, capture_output=True).returncode != 0:
            self.close()
            pytest.skip(f"{self.kind} cannot be mounted")

    def cut(self, folder):
        """The disk as it is now, as another disk."""
        folder.mkdir()
        copy = folder / "copied"
        for _ in range(10):
            subprocess.run(["cp", "--sparse=always", self.image, copy], check=True)
            if subprocess.run(["cmp", "-s", self.image, copy]).returncode == 0:
                break
        return copy

    def close(self):
        for path in {self.place, self.mounted}:
            subprocess.run(["umount", path], capture_output=True)
        subprocess.run(["umount", self.mounted], capture_output=True)


class Work:
    def __init__(self, folder, kind):
        self.folder, self.delay, self.ran = folder, folder / "delay", folder / "ran"
        self.delay.write_text("0.5")
        self.ran.touch()
        self.rules, first, self.good_before = RUNS.get(kind, ("plain", [], False))
        log = ["--joblog", "log", "--resume"]
        wait = f"sleep $(cat {self.delay})"
        job = f"echo first > made/{{}}; {wait}; echo last >> made/{{}}; echo {{}} >> {self.ran}"
        said = f"echo first; {wait}; echo last; echo {{}} >> {self.ran}"
        arguments = {"log": [*log, job], "output": ["--output", "made/{}", job],
                     "results": [*log, "--results", "made/", said]}
        if kind in MAPS:
            self.again = [engine.FURROW, "map", "-j", "2", *arguments[kind], ":::", *NAMES]
        else:
            self.again = [engine.FURROW, "run", "-q", "-c", "2"]
        self.argv = [*self.again, *first]
        self.made = "made/1/{}/stdout" if kind == "results" else "made/{}"

    def prepare(self, place):
        (place / "made").mkdir()
        rules = RULES[self.rules]
        for name, value in {"COUNT": COUNT, "DELAY": self.delay, "RAN": self.ran}.items():
            rules = rules.replace(name, str(value))
        (place / "Snakefile").write_text(rules)
        if self.good_before:
            delay = self.delay.read_text()
            self.delay.write_text("0")
            assert engine.execute(self.again, place).code == 0
            self.delay.write_text(delay)
        os.sync()

    def text(self, place, name):
        path = place / self.made.format(name)
        return path.read_text() if path.exists() else "(none)"

    def start(self, place):
        return subprocess.Popen(self.argv, cwd=place, env=engine.environment(), stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)

    def in_another_boot(self, place):
        boot = self.folder / "boot"
        boot.write_text(f"{uuid.uuid4()}\n")
        bind = f'mount --bind {boot} /proc/sys/kernel/random/boot_id && exec "$@"'
        return engine.execute(["unshare", "-m", "bash", "-c", bind, "-", *self.again], place)

    def ran_jobs(self):
        return self.ran.read_text().split()


@pytest.fixture
def disks():
    made = []
    yield made
    for disk in made:
        disk.close()


@pytest.mark.skipif(not can_mount(), reason="needs root, mkfs.ext4 and loop devices")
@pytest.mark.parametrize("file_system", FILE_SYSTEMS if engine.LONG_TESTS else ["ext4"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_power_cut_leaves_is_made_again(tmp_path, kind, file_system, disks):
    if not shutil.which(f"mkfs.{file_system}") and file_system != "overlay":
        pytest.skip(f"there is no mkfs.{file_system}")
    work = Work(tmp_path, kind)
    disk = Disk(tmp_path / "disk", kind=file_system)
    disks.append(disk)
    work.prepare(disk.place)
    seed = random.randrange(1 << 30)
    moments = sorted(random.Random(seed).uniform(0.6, 3.5) for _ in range(CUTS))
    run, begun, copies = work.start(disk.place), time.monotonic(), []
    for number, moment in enumerate(moments):
        time.sleep(max(0, begun + moment - time.monotonic()))
        copies.append(disk.cut(tmp_path / f"cut{number}"))
    assert run.wait(60) == 0
    disk.close()  # two disks with the same name would be taken for one
    work.delay.write_text("0")
    for copy, moment in zip(copies, moments):
        cut = Disk(copy.parent / "after", copy, file_system)
        disks.append(cut)
        result = work.in_another_boot(cut.place)
        assert result.code == 0, f"seed {seed}, cut after {moment} s: {result}"
        for name in NAMES:
            made = work.text(cut.place, name)
            assert made == "first\nlast\n", f"seed {seed}, cut after {moment} s, {name}: {made!r}\n{result}"
        assert work.in_another_boot(cut.place).code == 0
        cut.close()


@pytest.mark.skipif(not can_mount(), reason="needs root")
@pytest.mark.parametrize("kind", ["run", *MAPS])
def test_a_boot_after_a_clean_end_costs_nothing(tmp_path, kind):
    work = Work(tmp_path, kind)
    (tmp_path / "work").mkdir()
    work.prepare(tmp_path / "work")
    work.delay.write_text("0")
    assert work.start(tmp_path / "work").wait(60) == 0
    assert len(work.ran_jobs()) == COUNT
    result = work.in_another_boot(tmp_path / "work")
    if "mount" in result.err:
        pytest.skip("no mount namespaces")
    assert result.code == 0, result
    if engine.LONG_TESTS:  # a disk that is busy for more than a second leaves the run open
        assert len(work.ran_jobs()) == COUNT, result


@pytest.mark.parametrize("kind", ["run", *MAPS])
def test_nothing_finished_is_made_again_after_kill_9(tmp_path, kind):
    work = Work(tmp_path, kind)
    place = tmp_path / "work"
    place.mkdir()
    work.prepare(place)
    work.delay.write_text("0.2")
    run = work.start(place)
    deadline = time.monotonic() + 30
    while len(work.ran_jobs()) < COUNT // 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    work.delay.write_text("60")
    time.sleep(0.4)  # the jobs that have ended are recorded, and all others wait
    before = work.ran_jobs()
    run.send_signal(signal.SIGKILL)
    run.wait()
    work.delay.write_text("0")
    again = work.start(place)
    assert again.wait(60) == 0
    assert sorted(work.ran_jobs()) == sorted(NAMES), f"{before} had ended before the kill"
