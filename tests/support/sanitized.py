"""Runs a test on a build with the address and undefined-behaviour sanitizers: sanitized.py [--preload LIBRARIES] COMMAND...

A report about memory by any process of the test fails it: also by one that was to die, or whose output nobody reads.
Undefined behaviour is told on standard error (its library takes no path beside the other's), and ends the process.

--preload  what to load into every process, for tests in which an interpreter without sanitizers loads furrow's module.
           A crash is left to the signal then, since the tests crash interpreters to see what pools make of it.
"""
import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

FAULT = "ERROR: AddressSanitizer"  # the rest are warnings: that an allocation was refused, say, which a test may be about


def environment(reports, preload):
    address = {"detect_leaks": 0, "detect_stack_use_after_return": 1, "strict_string_checks": 1, "log_path": reports / "report"}
    undefined = {"halt_on_error": 1, "print_stacktrace": 1}
    more = {}
    if preload:
        address |= {"handle_segv": 0, "handle_abort": 0, "allocator_may_return_null": 1}
        # Each object of Python's is a piece of malloc's, so that a use of one that is gone is seen.
        more = {"LD_PRELOAD": preload, "PYTHONMALLOC": "malloc"}
    return {**os.environ, "ASAN_OPTIONS": joined(address), "UBSAN_OPTIONS": joined(undefined), **more}


def joined(options):
    return ":".join(f"{name}={value}" for name, value in options.items())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preload")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        code = subprocess.run(options.command, env=environment(Path(folder), options.preload)).returncode
        texts = [path.read_text(errors="replace") for path in sorted(Path(folder).iterdir())]
    reports = [text for text in texts if FAULT in text]
    for report in reports:
        print(report)
    if reports:
        print(f"reports by sanitizers: {len(reports)}")
    return code or bool(reports)


if __name__ == "__main__":
    sys.exit(main())
