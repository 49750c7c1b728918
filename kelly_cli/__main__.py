"""Run kelly as ``python -m kelly_cli``."""

from kelly_cli.main import run

run()
