"""Fixtures: a folder with a Snakefile, and an evaluator on it."""

import os
import sys
import textwrap

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "..", "python", "evaluator"))

from client import Client, Failed  # noqa: E402


class Folder:
    """A folder with files, and the evaluators started there."""

    def __init__(self, path):
        self.path = path
        self.clients = []

    def write(self, name, text):
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(text, bytes):
            path.write_bytes(text)
        else:
            path.write_text(textwrap.dedent(text))
        return path

    def start(self, **options):
        client = Client(self.path, **options)
        self.clients.append(client)
        return client

    def load(self, text, name="Snakefile", **fields):
        self.write(name, text)
        client = self.start()
        client.load(name, **fields)
        return client

    def error(self, text, name="Snakefile", **fields):
        """The ERROR that loading a Snakefile ends with."""
        with pytest.raises(Failed) as failed:
            self.load(text, name, **fields)
        return failed.value.error


@pytest.fixture
def folder(tmp_path):
    made = Folder(tmp_path)
    yield made
    for client in made.clients:
        client.close()


def job_error(client, op, job, **fields):
    with pytest.raises(Failed) as failed:
        client.one(op, job, **fields)
    return failed.value.error
