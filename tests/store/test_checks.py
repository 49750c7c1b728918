import importlib.util
import sys
from datetime import timedelta
from pathlib import Path
import pytest
from kelly_cli.services import checking
from kelly_cli.store.database import Database
from kelly_cli.store.schema import open_for_writing


def load(name):
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]

Story = load("checks_story").Story

def test_healthy(database):
    story = Story(database).every_kind().days(150)
    result = checking.check(database, now=story.now)
    assert result.violations == []
