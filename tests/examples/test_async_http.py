"""The coroutine example sends requests to its own server."""

import os
import pathlib
import re
import subprocess

EXAMPLE = pathlib.Path(os.environ["FURROW"]).parent.parent / "examples" / "async_http"


def test_every_answer_is_right_with_many_requests_in_flight():
    done = subprocess.run([str(EXAMPLE), "2000", "200", "5"], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"one at a time: +300 requests, +300 right", done.stdout)
    assert re.search(r"200 in flight: +2000 requests, +2000 right", done.stdout)
    assert re.search(r"[0-9.]+ times as fast", done.stdout)
