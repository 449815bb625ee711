"""One command line and its input."""
import shlex
from dataclasses import dataclass, field


@dataclass
class Case:
    name: str
    arguments: list
    stdin: bytes = b""
    files: dict = field(default_factory=dict)
    any_order: bool = False  # the lines on standard output may come in any order
    stderr: bool = False  # standard error is compared too

    def __str__(self):
        return self.name


def case(name, line, stdin="", **rest):
    """A Case with a command line as in a shell, and a text as standard input."""
    arguments = shlex.split(line) if isinstance(line, str) else line
    return Case(name, arguments, stdin.encode() if isinstance(stdin, str) else stdin, **rest)
