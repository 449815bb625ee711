"""The contract suite of executors, which is part of the unit tests, on a real Slurm."""
import os
import subprocess
from pathlib import Path

import engine
import pytest


def test_slurm_executor_passes_the_contract_suite(slurm):
    program = Path(engine.FURROW).with_name("exec_tests")
    if not program.exists():
        pytest.skip(f"{program} was not built")
    result = subprocess.run([program, "--gtest_filter=Slurm/*"], capture_output=True, text=True, timeout=280,
                            env={**os.environ, **slurm.environment(), "FURROW_TEST_SLURM": "1"},
                            stdin=subprocess.DEVNULL)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "SKIPPED" not in result.stdout
