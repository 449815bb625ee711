"""One command line, and what it is given."""
import shlex
from dataclasses import dataclass, field


@dataclass
class Case:
    name: str
    arguments: list
    stdin: bytes = b""
    files: dict = field(default_factory=dict)
    any_order: bool = False  # of the lines on standard output
    stderr: bool = False  # compared too

    def __str__(self):
        return self.name


def case(name, line, stdin="", **rest):
    """A Case whose command line is written as for a shell, and whose standard input is a text."""
    arguments = shlex.split(line) if isinstance(line, str) else line
    return Case(name, arguments, stdin.encode() if isinstance(stdin, str) else stdin, **rest)
