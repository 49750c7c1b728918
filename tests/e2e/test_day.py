"""examples/day.sh: a day in ten commands, run as a person runs it."""

import os
import re
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture
def environ(tmp_path, pytestconfig):
    """An environment with ``kelly`` on the PATH, and settings that must not reach the day."""
    shim = tmp_path / "bin" / "kelly"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m kelly_cli "$@"\n')
    shim.chmod(0o755)
    (tmp_path / "tmp").mkdir()
    return os.environ | {
        "PATH": f"{shim.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(pytestconfig.rootpath),
        "HOME": str(tmp_path),
        "TMPDIR": str(tmp_path / "tmp"),
        "KELLY_DATABASE_URL": str(tmp_path / "mine.db"),
        "MPESA_CONSUMER_KEY": "mine",
    }


def test_the_day_goes_through_in_ten_commands_and_leaves_nothing(environ, tmp_path, pytestconfig):
    script = pytestconfig.rootpath / "examples" / "day.sh"
    day = subprocess.run(
        ["sh", script], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=300
    )

    assert day.returncode == 0, day.stderr
    assert len(re.findall(r"^\$ kelly ", day.stdout, re.MULTILINE)) == 10
    assert "Money in\t3\t7,600.00" in day.stdout
    assert day.stdout.endswith("ok\n")
    assert not (tmp_path / "mine.db").exists()
    assert list((tmp_path / "tmp").iterdir()) == []
