"""Runs a test on a build with the sanitizers of addresses and undefined behaviour.

    sanitized.py [--preload LIBRARIES] COMMAND...

A report about memory by any process of the test fails the test, even if the process was meant to die or its output is
not read. Undefined behaviour is reported on standard error and ends the process: that sanitizer's library takes no
log path when the address sanitizer's has one.

--preload  libraries to load into every process, for tests in which an interpreter without sanitizers loads furrow's
           module. Crashes are then left to their signal, since these tests crash interpreters on purpose.
"""
import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

FAULT = "ERROR: AddressSanitizer"  # others are warnings, as of a refused allocation that a test causes on purpose


def environment(reports, preload):
    address = {"detect_leaks": 0, "detect_stack_use_after_return": 1, "strict_string_checks": 1,
               "log_path": reports / "report"}
    undefined = {"halt_on_error": 1, "print_stacktrace": 1}
    more = {}
    if preload:
        address |= {"handle_segv": 0, "handle_abort": 0, "allocator_may_return_null": 1}
        # Python then gets each object from malloc, so that a use of a freed object is noticed.
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
