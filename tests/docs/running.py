"""Runs the blocks of a page, each as its language needs. The functions return the faults that they found, as texts."""
import json
import os
import re
import shutil
from pathlib import Path

import engine
import session

BUILD = Path(engine.FURROW).resolve().parents[1]
PYTHON = "/usr/bin/python3"
SECONDS = 60  # for one block
FRAGMENT_HEADERS = "#include <furrow/pool.hpp>\n#include <iostream>\n#include <string>\n#include <vector>\n"
# A fragment need not use what it makes.
UNUSED = ["-Wno-unused-variable", "-Wno-unused-but-set-variable", "-Wno-unused-function"]
WARNINGS = ["-Wall", "-Wextra", "-Werror", *UNUSED]
# Open MPI refuses root, and more ranks than cores, unless it is told otherwise.
OPEN_MPI = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
            "OMPI_MCA_rmaps_base_oversubscribe": "1", "OMPI_MCA_btl": "self,vader"}
LIBRARIES = ["-lfurrow", "-lfmt", "-lxxhash", "-lhwloc", "-pthread"]


class Runner:
    def __init__(self, folder, prefix):
        self.folder = folder
        self.prefix = prefix
        (folder / "bin").mkdir()
        path = os.pathsep.join([str(folder / "bin"), str(BUILD / "bin"), engine.environment()["PATH"]])
        self.environment = engine.environment(
            PATH=path, PYTHONPATH=str(BUILD / "python"), CMAKE_PREFIX_PATH=str(prefix), BUILD=str(BUILD),
            SOURCE=str(engine.ROOT), SHELL="/bin/bash", **OPEN_MPI)

    def run_page(self, page):
        faults = self._bash(page.setup, "the page's set-up") if page.setup else []
        faults += self._cpp_fragments([block for block in page.blocks if block.runs and is_fragment(block)])
        if page.one_session:
            with session.Session(PYTHON, self.folder, self.environment, SECONDS) as python:
                return faults + self._run_in_session(page.blocks, python)
        for block in page.blocks:
            if block.runs and not is_fragment(block):
                faults += self._run(block)
        return faults

    def _run_in_session(self, blocks, python):
        """A text block right after a block of Python is what that must print."""
        faults, printed = [], None
        for block in blocks:
            is_output = block.language == "text" and printed is not None
            if is_output and not re.fullmatch(session.expected(block.code), printed):
                faults.append(f"{block.where}: this was printed:\n{printed}")
            in_session = block.language == "python" and block.runs and "file" not in block.marks
            if in_session:
                printed, good = python.run(block.marks.get("setup", "") + block.code, block.where)
                faults += [] if good else [f"{block.where}: {printed}"]
            else:
                printed = None
                if block.runs and not is_fragment(block):
                    faults += self._run(block)
        return faults

    def _run(self, block):
        if "file" in block.marks:
            path = self.folder / block.marks["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.code)
            return []
        runners = {"bash": self._shell, "sh": self._shell, "console": self._console, "python": self._python,
                   "cpp": self._cpp, "snakemake": self._snakemake, "yaml": parse, "json": parse, "toml": parse}
        run = runners.get(block.language)
        if run is None:
            return [f"{block.where}: nothing can run {block.language}: name a file, or mark the block as not run"]
        return run(block)

    def _execute(self, argv, where, cwd=None):
        """The result, and the faults that it amounts to."""
        try:
            result = engine.execute([str(word) for word in argv], cwd or self.folder, self.environment, SECONDS)
        except AssertionError as slow:
            return None, [f"{where}: {slow}"]
        return result, [] if result.code == 0 else [f"{where}: {result}"]

    def _bash(self, text, where):
        return self._execute(["bash", "-euo", "pipefail", "-c", text], where)[1]

    def _shell(self, block):
        return self._bash(block.marks.get("setup", "") + block.code, block.where)

    def _console(self, block):
        lines = block.code.splitlines()
        commands = "\n".join(line[2:] for line in lines if line.startswith("$ "))
        expected = [line for line in lines if not line.startswith("$ ")]
        script = block.marks.get("setup", "") + "exec 2>&1\n" + commands
        result, faults = self._execute(["bash", "-euo", "pipefail", "-c", script], block.where)
        if not faults and not re.fullmatch(pattern(expected), result.out):
            faults = [f"{block.where}: this was printed:\n{result.out}"]
        return faults

    def _python(self, block):
        setup = block.marks.get("setup", "")
        if ">>> " not in block.code:
            return self._execute([PYTHON, self._program(block, "py", setup + block.code)], block.where)[1]
        examples = self._program(block, "txt", block.code)
        text = f"""{setup}
import doctest, sys
sys.exit(doctest.testfile({str(examples)!r}, False, globs=dict(globals()), optionflags=doctest.ELLIPSIS).failed)
"""
        return self._execute([PYTHON, self._program(block, "py", text)], block.where)[1]

    def _program(self, block, suffix, text):
        path = self.folder / f"block_{block.line}.{suffix}"
        path.write_text(text)
        return path

    def _cpp(self, block):
        return self._compile_and_run(block.marks.get("setup", "") + block.code, f"block_{block.line}", block.where)

    def _cpp_fragments(self, fragments):
        """All of a page's in one program, with a function for each."""
        if not fragments:
            return []
        text, calls = FRAGMENT_HEADERS, ""
        for block in fragments:
            headers, setup = split_includes(block.marks.get("setup", ""))
            more, body = split_includes(block.code)
            name = f"block_{block.line}"
            text += f"{headers}{more}namespace {name} {{\n{setup}\nvoid run() {{\n"
            text += f'#line {block.line} "{block.page}"\n{body}}}\n}}\n'
            calls += f'  std::cerr << "{block.where}\\n";\n  {name}::run();\n'
        return self._compile_and_run(f"{text}int main() {{\n{calls}}}\n", "fragments", fragments[0].where)

    def _compile_and_run(self, text, name, where):
        over_mpi = re.search(r"<furrow/(mpi|partitioned)\.hpp>", text)
        if over_mpi and not shutil.which("mpicxx"):
            return []
        source, program = self.folder / f"{name}.cpp", self.folder / name
        source.write_text(text)
        compiler = ["mpicxx"] if over_mpi else ["g++"]
        libraries = ["-lfurrow_mpi", *LIBRARIES] if over_mpi else LIBRARIES
        (library,) = {path.parent for path in self.prefix.rglob("libfurrow.*")}
        command = [*compiler, "-std=c++20", "-O0", *WARNINGS, f"-I{self.prefix / 'include'}", source, "-o", program,
                   f"-L{library}", f"-Wl,-rpath,{library}", *libraries]
        _, faults = self._execute(command, where)
        return faults or self._execute([program], where)[1]

    def _snakemake(self, block):
        folder = self.folder / f"workflow_{block.line}"
        folder.mkdir()
        (folder / "Snakefile").write_text(block.code)
        script = block.marks.get("setup", "") + "furrow run --cores 2"
        return self._execute(["bash", "-euo", "pipefail", "-c", script], block.where, folder)[1]


def is_fragment(block):
    has_main = re.search(r"^int main\(", block.code, re.MULTILINE)
    return block.language == "cpp" and "file" not in block.marks and not has_main


def split_includes(text):
    lines = text.splitlines(keepends=True)
    is_include = [line.startswith("#include") for line in lines]
    # An empty line keeps the numbers of those that follow.
    return ("".join(line for line, included in zip(lines, is_include) if included),
            "".join("\n" if included else line for line, included in zip(lines, is_include)))


def parse(block):
    try:
        if block.language == "json":
            json.loads(block.code)
        elif block.language == "toml":
            import tomllib

            tomllib.loads(block.code)
        else:
            import yaml

            list(yaml.safe_load_all(block.code))
    except Exception as fault:
        return [f"{block.where}: {fault}"]
    return []


def pattern(lines):
    """What the output must match as a whole."""
    return "".join("(.*\n)*?" if line.strip() == "..." else ".*".join(map(re.escape, line.split("..."))) + "\n"
                   for line in lines)
