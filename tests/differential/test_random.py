"""Random workflows with random changes between runs: both engines run the same jobs each time.

FURROW_RANDOM_CASES=200 tests more than the few cases of a usual run, or the 40 of a long one.
"""
import os
import random
import time

import pytest

import engine
from copies import Copy, RUNS

CASES = int(os.environ.get("FURROW_RANDOM_CASES", "40" if engine.LONG_TESTS else "5"))
STEPS = 6


class Workflow:
    """Rules r0, r1, ..., each of which reads files of earlier rules, and the Snakefile that defines them."""

    def __init__(self, dice):
        self.dice = dice
        self.sources = [f"s{n}" for n in range(3)]
        self.params, self.edits, self.rules = {}, {}, []
        files = list(self.sources)
        for number in range(dice.randint(4, 9)):
            inputs = dice.sample(files, min(len(files), dice.choice([1, 1, 2, 3])))
            outputs = [f"r{number}.{letter}" for letter in "ab"[: dice.choice([1, 1, 2])]]
            temp = dice.random() < 0.2
            ancient = dice.random() < 0.15
            self.rules.append((inputs, outputs, temp, ancient))
            files += outputs
        self.made = files[len(self.sources) :]
        used = {name for inputs, *_ in self.rules for name in inputs}
        self.targets = [name for name in self.made if name not in used]
        # A temp file that `all` asks for would be removed at the end and made again in every run, which tests nothing.
        self.rules = [(i, o, temp and used.issuperset(o), ancient) for i, o, temp, ancient in self.rules]

    def text(self):
        parts = [f"rule all:\n    input: {self.targets}\n"]
        for number, (inputs, outputs, temp, ancient) in enumerate(self.rules):
            given = ", ".join(f'ancient("{name}")' if ancient else f'"{name}"' for name in inputs)
            made = ", ".join(f'temp("{name}")' if temp else f'"{name}"' for name in outputs)
            edit = self.edits.get(number, 0)
            parts.append(
                f'rule r{number}:\n    input: {given}\n    output: {made}\n    params: p={self.params.get(number, 0)}\n'
                f'    shell: "echo r{number} >> $JOBLOG; cat {{input}} > {outputs[0]}.x; echo r{number} {{params.p}} '
                f'{edit} >> {outputs[0]}.x;'
                f' for f in {{output}}; do cp {outputs[0]}.x $f; done; rm {outputs[0]}.x"\n'
            )
        return "\n".join(parts)

    def disturb(self):
        """A change before the next run: a shell command, and arguments of that run."""
        dice = self.dice
        number = dice.randrange(len(self.rules))
        source, made = dice.choice(self.sources), dice.choice(self.made)
        what = dice.choice(["edit", "touch", "delete", "param", "code", "touch made", "force", "force rule", "nothing",
                            "one target"])
        if what == "edit":
            return f"echo {dice.random()} > {source}", []
        if what == "touch":
            return f"touch {source}", []
        if what == "delete":
            return f"rm -f {made}", []
        if what == "touch made":
            return f"test ! -e {made} || touch {made}", []
        if what == "param":
            self.params[number] = dice.random()
        if what == "code":
            self.edits[number] = dice.random()
        arguments = {"force": ["-f", made], "force rule": ["-R", f"r{number}"], "one target": [made]}
        return "true", arguments.get(what, [])


def compare(theirs, ours):
    """The jobs and files that differ between Snakemake and Furrow, a line each."""
    lines = [f"jobs: {ours[1]} instead of {theirs[1]}"] if ours[1] != theirs[1] else []
    for name in sorted({*theirs[2], *ours[2]}):
        if ours[2].get(name) != theirs[2].get(name):
            lines.append(f"{name}: {ours[2].get(name)!r} instead of {theirs[2].get(name)!r}")
    return "\n".join(lines)


@pytest.mark.parametrize("seed", range(CASES))
def test_random_workflow(seed, tmp_path, request):
    only = request.config.getoption("--only")
    workflow = Workflow(random.Random(seed))
    files = {name: f"{name}\n" for name in workflow.sources}
    copies = {which: Copy(tmp_path / which, run, files) for which, run in RUNS.items() if only in (None, which)}
    story, before, arguments = [], "true", []
    for _ in range(STEPS):
        story.append(f"{before}; run {' '.join(arguments)}")
        results = []
        for copy in copies.values():
            (copy.work / "Snakefile").write_text(workflow.text())
            results.append(copy.step({"before": before, "run": " ".join(arguments), "cores": 1}))
            assert results[-1][0].code == 0, "\n".join([*story, str(results[-1][0])])
        if len(results) == 2:
            difference = compare(*results)
            assert not difference, "\n".join([difference, *story, workflow.text(), str(results[0][0]),
                                              str(results[1][0])])
        before, arguments = workflow.disturb()
        time.sleep(0.01)
