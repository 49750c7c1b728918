"""README.md and CHANGELOG.md say what is true: commands run, in order, and none is left out."""

import contextlib
import os
import re
import shlex
import signal
import socket
import subprocess
import sys

import pytest

from kelly_cli import __version__
from kelly_cli.main import COMMANDS, _loaded, main

SEE = (
    "python3 -m venv .venv && .venv/bin/pip install -q -c constraints.txt -e . "
    "&& .venv/bin/kelly demo"
)
TEST = (
    "python3 -m venv .venv && .venv/bin/pip install -q -c constraints.txt -e '.[dev]' "
    "&& .venv/bin/python -m pytest -q -n 4"
)


@pytest.fixture
def root(pytestconfig):
    return pytestconfig.rootpath


@pytest.fixture
def readme(root):
    return (root / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def stack():
    with contextlib.ExitStack() as stack:
        yield stack


def fences(text):
    return re.findall(r"^```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def all_commands():
    for name, (kind, _) in COMMANDS.items():
        if kind == "group":
            yield from leaves(f"kelly {name}", _loaded(name))
        else:
            yield f"kelly {name}"


def leaves(words, command):
    inner = getattr(command, "commands", {})
    if not inner or command.invoke_without_command:
        yield words
    for name, each in inner.items():
        if not each.hidden:
            yield from leaves(f"{words} {name}", each)


def test_the_two_commands_stand_first_and_are_one_line_each(readme):
    assert fences(readme)[:2] == [f"{SEE}\n", f"{TEST}\n"]
    assert readme.index(TEST) < readme.index("\n## ")


def test_every_command_line_of_the_readme_runs_in_order(
    readme, root, clean_environment, tmp_path, capfd, start_sandbox, stack, monkeypatch
):
    (tmp_path / "examples").symlink_to(root / "examples")
    lines = [
        line for fence in fences(readme) for line in fence.splitlines() if line.startswith("kelly ")
    ]
    assert len(lines) > 20
    for line in lines:
        promised = re.search(r"# exit (\d+)", line)
        words = shlex.split(line, comments=True)
        if words == ["kelly", "mpesa", "sandbox"]:
            monkeypatch.setenv("KELLY_MPESA_BASE_URL", start_sandbox().url)
            monkeypatch.setenv("KELLY_WEBHOOK_PORT", str(free_port()))
            continue
        if words == ["kelly", "webhook", "serve"]:
            stays = "KELLY_MPESA_BASE_URL" in os.environ
            stack.enter_context(serving(root)) if stays else serve_and_stop(root)
            continue
        code = main(words[1:])
        assert code == (int(promised[1]) if promised else 0), f"{line}\n{capfd.readouterr().err}"


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def serve_and_stop(root):
    with serving(root):
        pass


@contextlib.contextmanager
def serving(root):
    environ = {"KELLY_WEBHOOK_PORT": "0"} | os.environ | {"PYTHONPATH": str(root)}
    listener = subprocess.Popen(
        [sys.executable, "-m", "kelly_cli", "webhook", "serve"],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with listener:
        assert listener.stderr.readline().startswith("Listening on http://127.0.0.1:")
        yield
        listener.send_signal(signal.SIGTERM)
        assert listener.wait(60) == 0


def test_the_readme_names_every_command_and_no_other(readme):
    table = readme.partition("\n## Commands")[2].partition("\n## ")[0]
    rows = "\n".join(line for line in table.splitlines() if line.startswith("| `kelly "))
    assert sorted(re.findall(r"`(kelly [^`]+)`", rows)) == sorted(all_commands())


def test_the_readme_names_every_path_that_takes_posts(readme):
    from kelly_cli.listener.routes import Routes

    routes = Routes(type("Desk", (), {"__getattr__": lambda *_: None})(), None)
    for path in re.findall(r"(?:POST|GET) (/[^`]+)`", readme):
        assert routes.find(path.replace("{kind}", "status").encode()) is not None, path


def test_the_changelog_and_the_version_agree(root):
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.findall(r"^## \[(\d[^\]]*)\] - \d{4}-\d\d-\d\d$", text, re.MULTILINE)[0]
    assert newest == __version__
