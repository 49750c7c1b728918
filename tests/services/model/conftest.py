"""Books for trials, made once: a sequence starts from empty ones and leaves nothing behind."""

import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from kelly_cli.store.scratch import scratch

PARTS = (
    "machine_reading",
    "machine_money",
    "machine_office",
    "books_model_hand",
    "books_model_people",
)
"""They are imported by the two that the tests use."""


def load(name):
    """Load a file beside this one."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture(scope="session")
def kit():
    """The machine, and the model that it is held against."""
    for name in PARTS:
        load(name)
    return SimpleNamespace(machine=load("machine"), model=load("books_model"))


@pytest.fixture(scope="session")
def trial_books():
    """Books to try things out on."""
    event.listen(Engine, "do_connect", keep_statements)
    with scratch() as books:
        yield books
    event.remove(Engine, "do_connect", keep_statements)


def keep_statements(dialect, record, arguments, options):
    """Let SQLite keep what it has read: the checks of each step ask more than it keeps by itself.

    To read a question takes longer than to answer it of books this small.
    """
    if dialect.name == "sqlite":
        options["cached_statements"] = 1000
