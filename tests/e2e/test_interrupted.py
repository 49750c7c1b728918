"""Ctrl-C is exit 130, at any moment and however kelly was started."""

import os
import subprocess
import sys

import pytest

MOMENTS = {
    "in a line": "signal.raise_signal(signal.SIGINT)",
    "in a text that Python evaluates": "eval('signal.raise_signal(signal.SIGINT)')",
}


@pytest.mark.parametrize("how", [["-m", "started"], ["started.py"]])
@pytest.mark.parametrize("moment", MOMENTS)
def test_an_interrupt_is_130_and_what_was_said_stays(tmp_path, pytestconfig, how, moment):
    (tmp_path / "started.py").write_text(
        "import signal\n"
        "from kelly_cli import main\n"
        "def work(words):\n"
        "    print('begun')\n"
        f"    {MOMENTS[moment]}\n"
        "main.main = work\n"
        "main.run()\n"
    )
    ran = subprocess.run(
        [sys.executable, *how],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(pytestconfig.rootpath)},
        capture_output=True,
        text=True,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (130, "begun\n", "")
