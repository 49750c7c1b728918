"""Imports go down only, and what is heavy is loaded by those who need it."""

import ast
import json
import os
import subprocess
import sys

import pytest

HEAVY = {
    "PIL", "alembic", "apprise", "cryptography", "defusedxml", "dotenv", "fpdf", "httptools",
    "httpx", "jinja2", "prometheus_client", "pydantic",
    "python_calamine", "rapidfuzz", "rich", "sqlalchemy", "sqlite3", "sqlmodel",
    "starlette", "structlog", "tomlkit", "uvicorn", "uvloop", "xlsxwriter",
}  # fmt: skip

HOMES = {
    "PIL": {"render"},
    "alembic": {"store"},
    "apprise": {"listener"},
    "click": set(),
    "cryptography": {"daraja"},
    "defusedxml": {"render"},
    "dotenv": {"config"},
    "fpdf": {"render"},
    "httptools": {"listener"},
    "httpx": {"daraja"},
    "jinja2": {"render"},
    "markupsafe": {"render"},
    "platformdirs": {"config"},
    "prometheus_client": {"listener"},
    "psycopg": {"store"},
    "pydantic": {"store"},
    "pygal": {"render"},
    "python_calamine": {"services"},
    "rapidfuzz": {"services"},
    "rich": {"render"},
    "segno": {"daraja", "render"},
    "sqlalchemy": {"store"},
    "sqlite3": {"store"},
    "sqlmodel": {"store"},
    "stamina": {"daraja"},
    "starlette": {"daraja", "listener"},
    "structlog": {"listener"},
    "tomlkit": {"config"},
    "typer": {"commands", "main.py", "office.py"},
    "tzdata": set(),
    "uvicorn": {"daraja", "listener"},
    "uvloop": {"listener"},
    "xlsxwriter": {"render"},
}
"""The floors on which each package from outside may be named."""


def python(code, root):
    """Run code in an interpreter of its own; return what it wrote to stderr."""
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(root)},
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stderr


def loaded_by(code, root):
    tell = "import json, sys; sys.stderr.write(json.dumps(sorted(sys.modules)))"
    return set(json.loads(python(f"{code}\n{tell}", root)))


def packages(modules):
    return {name.partition(".")[0] for name in modules}


def test_the_import_contracts_are_kept(root):
    python(
        "import sys; from importlinter.cli import lint_imports_command as lint; "
        "sys.argv = ['lint-imports', '--no-cache', '--no-logo']; lint()",
        root,
    )


def test_help_loads_nothing_heavy(root):
    loaded = loaded_by("from kelly_cli.main import main; assert main(['--help']) == 0", root)
    assert not packages(loaded) & HEAVY
    commands = {name for name in loaded if name.startswith("kelly_cli.commands.")}
    assert commands == {"kelly_cli.commands.options"}


@pytest.mark.parametrize("word", ["customer", "invoice", "webhook", "reprocess"])
def test_the_help_of_a_command_loads_nothing_heavy(root, word):
    loaded = loaded_by(f"from kelly_cli.main import main; main([{word!r}, '--help'])", root)
    # typer itself checks options with pydantic.
    assert not packages(loaded) & HEAVY - {"pydantic"}


@pytest.mark.parametrize("floor", ["render", "config", "errors", "core.posting", "office"])
def test_a_light_floor_loads_nothing_heavy(root, floor):
    assert not packages(loaded_by(f"import kelly_cli.{floor}", root)) & HEAVY


def test_each_package_from_outside_is_named_on_its_own_floor(modules):
    strangers = []
    for path, tree in modules.items():
        for node, name, only_for_types in imported(tree):
            package = name.partition(".")[0]
            if package not in HOMES:
                known = package == "kelly_cli" or package in sys.stdlib_module_names
                strangers += [] if known else [f"{path}:{node.lineno} {name} is in no list"]
            elif path.parts[0] not in HOMES[package] and not is_a_connection(
                path, node, only_for_types
            ):
                strangers.append(f"{path}:{node.lineno} {name}")
    assert strangers == []


def is_a_connection(path, node, only_for_types):
    """A verb hands the connection of its unit of work down, and names its type alone."""
    names = [alias.name for alias in node.names]
    return path.parts[0] == "services" and only_for_types and names == ["Connection"]


def imported(tree):
    """Every import: its node, the module's name, and whether only type checkers follow it."""
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node, alias.name, id(node) in for_types
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node, node.module, id(node) in for_types
