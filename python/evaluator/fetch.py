"""Fetches a profile: `python3 fetch.py ADDRESS NAME...` prints the path of the first of these files below ADDRESS.

ADDRESS may also be the file itself. The engine calls this before it knows the workflow. An error is printed the same
way, with exit status 1.
"""

import sys

from main import add_package, check_version


def main():
    check_version()
    add_package()
    from furrow_evaluator.errors import WorkflowError
    from furrow_evaluator.source_files import infer_source_file
    from furrow_evaluator.sources import first_file

    address, names = sys.argv[1], sys.argv[2:]
    try:
        path = first_file(infer_source_file(address), [""] if address.endswith((".yaml", ".yml")) else names)
    except WorkflowError as error:
        print(error)
        return 1
    print(path or f"there is none of {', '.join(names)} below it")
    return 0 if path else 1


if __name__ == "__main__":
    sys.exit(main())
