"""The one output gate: results become a table, plain text or JSON, and hostile text harmless.

stdout carries data and nothing else; everything that talks goes to stderr. Text from outside
passes ``safe`` (people, logs), ``safe_csv_cell`` (spreadsheets) or ``dump_json`` (machines). Rich
is imported only when something is drawn on a terminal: ``--json`` and pipes never pay for it.
"""

from kelly_cli.render.columns import Column, Field, Kind, cell, fields
from kelly_cli.render.harmless import (
    dump_json,
    dump_json_line,
    read_csv_cell,
    safe,
    safe_csv_cell,
)
from kelly_cli.render.progress import Progress
from kelly_cli.render.show import Show
from kelly_cli.render.streams import quiet_broken_pipe

__all__ = [
    "Column",
    "Field",
    "Kind",
    "Progress",
    "Show",
    "cell",
    "dump_json",
    "dump_json_line",
    "fields",
    "quiet_broken_pipe",
    "read_csv_cell",
    "safe",
    "safe_csv_cell",
]
