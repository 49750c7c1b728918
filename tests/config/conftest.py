"""A folder to work in, and a short way to load from it."""

from pathlib import Path

import pytest

from kelly_cli.config import Config, load


class Place:
    """A working directory without anything in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def toml(self, text: str) -> Path:
        return self.write("kelly.toml", text)

    def dotenv(self, text: str) -> Path:
        return self.write(".env", text)

    def load(
        self, *, config_file: Path | None = None, db: str | None = None, **environ: str
    ) -> Config:
        return load(config_file=config_file, db=db, environ=environ, cwd=self.folder)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)
