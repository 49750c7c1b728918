"""What a list is to become: for people, JSON, CSV or XLSX; on stdout or in a file; which keys.

Decides from the options alone; writes nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

from kelly_cli.errors import UsageError

Form = Literal["json", "csv", "xlsx", "text"]

_BY_NAME: dict[str, Form] = {
    ".json": "json",
    ".csv": "csv",
    ".xlsx": "xlsx",
    ".txt": "text",
    ".tsv": "text",
}


class Wanted(NamedTuple):
    """``form`` None: what stdout and ``--json`` decide. ``file`` None: stdout.

    ``known``: the keys that one object may have, against which ``fields`` were checked; () = none
    were told beforehand.
    """

    form: Form | None = None
    file: Path | None = None
    fields: tuple[str, ...] = ()
    known: tuple[str, ...] = ()


AS_EVER = Wanted()


def wanted(*, json: bool, csv: bool, xlsx: bool, output: str | None, fields: str | None) -> Wanted:
    """Read the options of a list.

    Without a form the file's name decides: ``.csv``, ``.json``, ``.xlsx``, ``.txt`` or ``.tsv``.

    Raises:
        UsageError: two forms, a name that says another form, a form that nothing says, XLSX
            without a place, or ``fields`` without a name in it.
    """
    forms: dict[Form, bool] = {"json": json, "csv": csv, "xlsx": xlsx}
    asked = [form for form, given in forms.items() if given]
    if asked[1:]:
        raise UsageError(f"--{asked[0]} and --{asked[1]}: give one of them")
    form = asked[0] if asked else None
    file = None if output in {None, "-"} else Path(output or "")
    if file is not None:
        form = _form_of_file(file, form)
    elif form == "xlsx" and output is None:
        raise UsageError("--xlsx: give a file too", hint="-o list.xlsx (or: -o - into a pipe)")
    elif form == "json":
        form = None  # on stdout that is what --json means anyway
    return Wanted(form, file, () if fields is None else names_in(fields))


def _form_of_file(file: Path, asked: Form | None) -> Form:
    if file.name in {"", ".."}:
        raise UsageError(f"-o: {str(file)!r} is no file's name", hint="-o list.csv")
    named = _BY_NAME.get(file.suffix.lower())
    if asked is None and named is None:
        raise UsageError(
            f"-o: {file} does not say what to write",
            hint="Name it .csv, .json, .xlsx or .txt, or give --csv, --json or --xlsx",
        )
    if asked is not None and named is not None and asked != named:
        raise UsageError(f"--{asked} and -o {file}: the name says another form", hint="Give one")
    return asked or named or "text"


def names_in(given: str) -> tuple[str, ...]:
    """Read the names of ``--fields``.

    Raises:
        UsageError: it names none.
    """
    names = tuple(dict.fromkeys(name.strip() for name in given.split(",") if name.strip()))
    if not names:
        raise UsageError("--fields: names no field", hint="--fields customer_id,name")
    return names
