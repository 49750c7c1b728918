"""kelly demo runs the main job anywhere, checks itself, and touches nothing of the user."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kelly_cli.config import load
from kelly_cli.errors import KellyError
from kelly_cli.main import main
from kelly_cli.services import demo, demo_stage

pytestmark = pytest.mark.slow

HOSTILE = {
    "KELLY_DATABASE_URL": "mine.db",
    "KELLY_CONFIG": "no-such-file.toml",
    "KELLY_JSON": "",
    "KELLY_WEBHOOK_PORT": "not a port",
    "KELLY_WEBHOOK_TOKEN": "mine",
    "KELLY_MPESA_SHORT_CODE": "600000",
    "KELLY_MPESA_ENVIRONMENT": "production",
    "MPESA_CONSUMER_KEY": "mine",
}


@dataclass
class Demo:
    """A demo that ran in ``home``, the folder of a user with settings of his own."""

    code: int
    out: str
    err: str
    home: Path


def files_in(folder):
    return {str(file.relative_to(folder)) for file in folder.rglob("*")}


def command(*arguments):
    return [sys.executable, "-m", "kelly_cli", "demo", *map(str, arguments)]


@pytest.fixture(scope="module")
def environ(pytestconfig):
    return os.environ | HOSTILE | {"PYTHONPATH": str(pytestconfig.rootpath)}


def run(home, environ, *arguments):
    (home / "tmp").mkdir()
    (home / "kelly.toml").write_text("this is = no = toml")
    (home / ".env").write_text("KELLY_MPESA_SHORT_CODE=600001\n")
    before = files_in(home)
    ran = subprocess.run(
        command(*arguments),
        cwd=home,
        env=environ | {"HOME": str(home), "TMPDIR": str(home / "tmp")},
        capture_output=True,
        text=True,
        timeout=300,
    )
    left = files_in(home) - before
    assert all(name.split("/")[0] == "kept" for name in left), left
    return Demo(ran.returncode, ran.stdout, ran.stderr, home)


PROMISED = {
    "PAID, paid 5,000.00, balance 0.00",
    "PARTIALLY_PAID, paid 3,000.00, balance 7,000.00",
    "balance 0.00",
    "balance -2,000.00",
    "PENDING, no invoice",
    "PAID, with an invoice",
    "processed",
    "duplicate",
    "failed",
    '200 {"ResultCode": 0, "ResultDesc": "Accepted"}',
}
"""What every scenario of the guide leads to, and how a repeat and a failure end."""


def test_people_see_each_command_and_its_books_can_be_kept(
    tmp_path_factory, environ, clean_environment, capsys
):
    ran = run(tmp_path_factory.mktemp("told"), environ, "--keep", "kept")
    kept = ran.home / "kept"

    assert (ran.code, ran.err) == (0, "")
    assert "$ kelly customer create 'Jane Wanjiku' --phone 0712345678\n" in ran.out
    assert "ok: CUST-003: balance -2,000.00\n" in ran.out
    assert "NOT AS PROMISED" not in ran.out
    assert "Everything came out as promised: " in ran.out
    assert f"kelly --config {kept}/kelly.toml --db {kept}/kelly.db invoice list" in ran.out
    assert main(["--config", f"{kept}/kelly.toml", "invoice", "list", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 6


@pytest.mark.long
def test_machines_get_one_document_with_every_step_and_check(tmp_path_factory, environ):
    ran = run(tmp_path_factory.mktemp("json"), environ, "--json")
    document = json.loads(ran.out)

    assert (ran.code, ran.err) == (0, "")
    assert (document["ok"], document["folder"]) == (True, None)
    assert all(step["ok"] and step["checks"] for step in document["steps"])
    assert all(step["output"] or "kill" in step["command"] for step in document["steps"])
    checks = [check for step in document["steps"] for check in step["checks"]]
    assert {check["promised"] for check in checks if check["ok"]} >= PROMISED


def test_a_folder_that_holds_something_is_not_taken(clean_environment, tmp_path, capsys):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "letter").write_text("mine")

    assert main(["demo", "--keep", "kept", "--json"]) == 1

    assert json.loads(capsys.readouterr().err)["error"]["code"] == "folder_not_empty"
    assert files_in(tmp_path / "kept") == {"letter"}


def test_a_file_is_no_folder_to_keep_it_in(clean_environment, tmp_path, capsys):
    (tmp_path / "kept").write_text("mine")

    assert main(["demo", "--keep", "kept", "--json"]) == 1
    assert json.loads(capsys.readouterr().err)["error"]["code"] == "folder_not_usable"


class Told(list):
    """A teller that keeps what it hears."""

    begins = said = lambda self, step: None

    def checked(self, check):
        self.append(check)


@pytest.fixture
def place(tmp_path, pytestconfig, monkeypatch):
    """A demo's folder, with examples of its own that a test may spoil."""
    monkeypatch.setenv("PYTHONPATH", str(pytestconfig.rootpath))
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / "kelly.toml").write_text(demo.SETTINGS)
    shutil.copytree(pytestconfig.rootpath / "examples", tmp_path / "examples")
    own = load(config_file=folder / "kelly.toml", db=None, environ={}, cwd=folder)
    return demo.Place(folder, own.database.url, tmp_path / "examples", os.environ, None)


def test_a_result_that_is_not_as_promised_ends_it_with_a_clear_message(place):
    file = place.examples / "callbacks" / "guide.json"
    file.write_text(file.read_text().replace("5000.00", "4999.99"))

    told = Told()
    with pytest.raises(KellyError) as refused:
        demo.play(place, told, datetime(2026, 2, 3, 9, tzinfo=UTC), port=0)

    assert refused.value.code == "demo_failed"
    assert refused.value.message.endswith(
        "INV-20260203-0001: promised PAID, paid 5,000.00, balance 0.00; "
        "found PARTIALLY_PAID, paid 4,999.99, balance 0.01"
    )
    assert [check.ok for check in told].count(False) == 1
    assert not told[-1].ok
    first_line = (place.folder / "listener.jsonl").read_text().splitlines()[0]
    assert_nobody_listens(json.loads(first_line)["url"])


def assert_nobody_listens(url):
    with pytest.raises(KellyError, match="does not answer"):
        demo_stage.post_callback(url, b"{}")


def test_a_listener_that_cannot_start_ends_it_with_a_clear_message(place):
    (place.folder / "kelly.toml").write_text(
        demo.SETTINGS.replace('host = "127.0.0.1"', 'host = "192.0.2.1"')
    )

    stage = demo_stage.Stage(place, Told(), "20260203")
    with pytest.raises(KellyError, match=r"the listener ended with 1: [^{]+$") as refused:
        demo_stage.listening(stage, 0).__enter__()

    assert refused.value.code == "demo_failed"


@pytest.mark.long
def test_a_request_to_end_leaves_no_listener_and_no_folder(tmp_path, environ):
    (tmp_path / "tmp").mkdir()
    running = subprocess.Popen(
        command(),
        cwd=tmp_path,
        env=environ | {"TMPDIR": str(tmp_path / "tmp")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with running:
        url = ""
        for line in running.stdout:
            if line.startswith('{"event": "ready"'):
                url = json.loads(line)["url"]
                break
        running.send_signal(signal.SIGTERM)
        running.communicate(timeout=60)
    assert running.returncode == 128 + signal.SIGTERM
    assert_nobody_listens(url)
    for _ in range(100):
        if not list((tmp_path / "tmp").iterdir()):
            return
        time.sleep(0.05)
    raise AssertionError(list((tmp_path / "tmp").iterdir()))


def test_the_examples_are_found_beside_the_package(pytestconfig):
    assert demo.examples_folder() == pytestconfig.rootpath / "examples"
