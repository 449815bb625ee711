"""The example programs of the library, run as a user would."""

import os
import pathlib
import subprocess

EXAMPLES = pathlib.Path(os.environ["FURROW"]).parent.parent / "examples"


def run(*command):
    return subprocess.run(
        [str(EXAMPLES / command[0]), *command[1:]], capture_output=True, timeout=60, check=True
    ).stdout


def test_the_estimate_has_the_same_bits_on_every_backend():
    serial = run("monte_carlo", "serial", "1", "40000")
    assert serial.startswith(b"5.")
    for backend in ("threads", "processes"):
        for workers in ("1", "2", "5"):
            assert run("monte_carlo", backend, workers, "40000") == serial


def test_an_unknown_backend_is_named():
    asked = subprocess.run([str(EXAMPLES / "monte_carlo"), "gpus"], capture_output=True, timeout=60)
    assert asked.returncode == 2
    assert b"gpus" in asked.stderr


def test_the_picture_is_whole():
    picture = run("mandelbrot", "90", "60")
    head = b"P5 90 60 255\n"
    assert picture.startswith(head)
    pixels = picture[len(head) :]
    assert len(pixels) == 90 * 60
    assert pixels[30 * 90 + 60] == 255  # the origin is in the set
    assert pixels[0] < 5  # the corner is far out
    assert all(max(pixels[row * 90 : (row + 1) * 90]) > 0 for row in range(60))
