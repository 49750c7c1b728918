"""The first minute on a terminal: init asks, doctor looks, and both leave a person further on."""

import os
import pty
import subprocess
import sys
from select import select

import pytest

STARTS_ITS_TERMINAL = """\
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from kelly_cli.main import main
sys.exit(main(sys.argv[1:]))
"""


class Terminal:
    """A terminal of 80 columns with one command on it."""

    def __init__(self, root, folder, environ, *words):
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", STARTS_ITS_TERMINAL, *words],
            stdin=theirs, stdout=theirs, stderr=theirs, cwd=folder, start_new_session=True,
            env={**environ, "PYTHONPATH": str(root), "COLUMNS": "80", "TERM": "xterm"},
        )  # fmt: skip
        os.close(theirs)
        self.said = ""

    def until(self, words):
        while words not in self.said and select([self._ours], [], [], 30)[0]:
            try:
                self.said += os.read(self._ours, 4096).decode()
            except OSError:  # the command has ended
                break
        assert words in self.said, self.said

    def answer(self, question, text):
        self.until(question)
        self.said = self.said.partition(question)[2]
        os.write(self._ours, text.encode() + b"\n")

    def ends(self):
        while select([self._ours], [], [], 30)[0]:
            try:
                got = os.read(self._ours, 4096).decode()
            except OSError:
                break
            if not got:
                break
            self.said += got
        os.close(self._ours)
        return self.process.wait(30)


@pytest.fixture
def terminal(clean_environment, pytestconfig, tmp_path):
    shop = tmp_path / "shop"
    shop.mkdir()
    return lambda *words: Terminal(pytestconfig.rootpath, shop, os.environ, *words)


def test_init_asks_again_until_it_understands_and_hides_secrets(terminal, tmp_path):
    screen = terminal("init")
    screen.answer("sandbox or production [local]: ", "live")
    screen.answer("sandbox or production [local]: ", "sandbox")
    screen.answer("Your paybill or till [174379]: ", "600984")
    screen.answer("name of your business [My business]: ", "")
    screen.answer("(empty: later): ", "https://pay.acme.co.ke")
    screen.answer("Consumer key (empty: later): ", "canary-key")
    screen.answer("Consumer secret (empty: later): ", "canary-secret")
    screen.answer("Passkey of payment prompts (empty: later): ", "")
    assert screen.ends() == 0
    assert "Next: kelly doctor" in screen.said
    assert "canary" not in screen.said
    dotenv = (tmp_path / "shop/.env").read_text(encoding="utf-8")
    assert "\nMPESA_CONSUMER_KEY=canary-key\n" in dotenv
    assert "\n#MPESA_PASSKEY=\n" in dotenv
    toml = (tmp_path / "shop/kelly.toml").read_text(encoding="utf-8")
    assert 'environment = "sandbox"' in toml
    assert 'public_url = "https://pay.acme.co.ke"' in toml


def test_offline_asks_only_what_offline_needs(terminal, tmp_path):
    screen = terminal("init", "--business-name", "Duka")
    screen.answer("[local]: ", "")
    screen.answer("[174379]: ", "")
    assert screen.ends() == 0
    assert "Consumer" not in screen.said
    assert 'name = "Duka"' in (tmp_path / "shop/kelly.toml").read_text(encoding="utf-8")
    again = terminal("init")
    assert again.ends() == 0
    assert "[local]" not in again.said
    look = terminal("doctor")
    assert look.ends() == 0
    assert " failed, " in look.said


def test_whoever_gives_up_leaves_nothing_behind(terminal, tmp_path):
    screen = terminal("init")
    screen.answer("[local]: ", "\x03")
    assert screen.ends() == 130
    assert list((tmp_path / "shop").iterdir()) == []
