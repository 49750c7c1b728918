"""What the house looks at: every module as a tree, every command by its words."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def modules():
    """Every module of the program: its path inside the package, and its tree."""
    package = ROOT / "kelly_cli"
    return {
        path.relative_to(package): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(package.rglob("*.py"))
    }


@pytest.fixture(scope="session")
def commands():
    """Every command, by its words: ``("customer", "create")``."""
    from kelly_cli.main import COMMANDS, _loaded

    found = {}

    def walk(words, command):
        inner = getattr(command, "commands", None)
        if inner is None or command.invoke_without_command:
            found[words] = command
        for name, each in (inner or {}).items():
            # A hidden one is another name of one that is seen.
            if not each.hidden:
                walk((*words, name), each)

    for name in COMMANDS:
        walk((name,), _loaded(name))
    return found
