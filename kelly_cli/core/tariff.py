"""What M-Pesa should charge: bands of an operator's own file, never shipped as truth. Pure.

A file is CSV (``from,to,fee`` and, if wanted, ``short_code``) or TOML (``[[bands]]`` with the same
keys); amounts in KES. A fee is an amount, or a share of the payment (``0.55%``, in whole cents,
halves up).
"""

from __future__ import annotations

import csv
import re
import tomllib
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.money import kes, parse_kes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

KEYS = ("from", "to", "fee", "short_code")
_MOST_BANDS = 1000
_SHARE = re.compile(r"(\d{1,3})(?:\.(\d{1,4}))?\s*%", re.ASCII)
_WHOLE = 1_000_000
"""Millionths in all of a payment."""


class Band(NamedTuple):
    """What a payment from ``low_cents`` to ``high_cents`` (both included) is charged.

    ``share_millionths`` of the amount, when it is not None; else ``fee_cents``. ``short_code``
    None = of all.
    """

    low_cents: int
    high_cents: int
    fee_cents: int
    share_millionths: int | None
    short_code: str | None


class Tariff(NamedTuple):
    """Bands that do not overlap, per short code."""

    bands: tuple[Band, ...]

    def fee_cents(self, amount_cents: int, short_code: str) -> int | None:
        """Return the fee of a payment; None = no band holds it. A code's own bands win."""
        for owner in (short_code, None):
            for band in self.bands:
                if band.short_code == owner and band.low_cents <= amount_cents <= band.high_cents:
                    return _fee(band, amount_cents)
        return None


def read_tariff(text: str, *, whole: bool = True) -> Tariff:
    """Read a tariff file; TOML when its first sign is ``[`` or a key with ``=``.

    ``whole``: the text is all there is; else the file is too large.

    Raises:
        ValueError: what is wrong, with the place.
    """
    if not whole:
        raise ValueError("is larger than 1 MiB")
    rows = list(_toml(text) if _is_toml(text) else _csv(text))
    if not rows:
        raise ValueError("holds no band")
    if len(rows) > _MOST_BANDS:
        raise ValueError(f"holds more than {_MOST_BANDS} bands")
    bands = sorted((_band(place, row) for place, row in rows), key=_order)
    for one, following in pairwise(bands):
        if one.short_code == following.short_code and following.low_cents <= one.high_cents:
            raise ValueError(
                f"two bands hold {kes(following.low_cents)}: one that ends at "
                f"{kes(one.high_cents)}, and the next"
            )
    return Tariff(tuple(bands))


def _order(band: Band) -> tuple[str, int]:
    return band.short_code or "", band.low_cents


def _fee(band: Band, amount_cents: int) -> int:
    if band.share_millionths is None:
        return band.fee_cents
    return (amount_cents * band.share_millionths + _WHOLE // 2) // _WHOLE


def _is_toml(text: str) -> bool:
    for line in text.lstrip("\ufeff").splitlines():
        words = line.strip()
        if words and not words.startswith("#"):
            return words.startswith("[") or "=" in words
    return False


def _toml(text: str) -> Iterator[tuple[str, Mapping[str, object]]]:
    try:
        read = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"is no TOML: {error}") from None
    bands = read.get("bands")
    if not isinstance(bands, list) or not all(isinstance(each, dict) for each in bands):
        raise ValueError("has no [[bands]]")
    for place, each in enumerate(bands, start=1):
        yield f"band {place}", each


def _csv(text: str) -> Iterator[tuple[str, Mapping[str, object]]]:
    lines = [line for line in text.lstrip("\ufeff").splitlines() if not line.startswith("#")]
    reader = csv.DictReader(lines)
    names: Sequence[str] = [name.strip().lower() for name in reader.fieldnames or ()]
    if not {"from", "to", "fee"} <= set(names):
        raise ValueError("has no header from,to,fee")
    reader.fieldnames = names
    try:
        for row in reader:
            yield f"line {reader.line_num}", {key: row.get(key) or "" for key in KEYS}
    except csv.Error as error:
        raise ValueError(f"is no CSV: {error}") from None


def _band(place: str, row: Mapping[str, object]) -> Band:
    low, high = _amount(place, row, "from"), _amount(place, row, "to")
    if high < low:
        raise ValueError(f"{place}: ends before it begins")
    code = str(row.get("short_code") or "").strip() or None
    fee = str(row.get("fee", "")).strip()
    if not fee.endswith("%"):
        return Band(low, high, _amount(place, row, "fee"), None, code)
    found = _SHARE.fullmatch(fee)
    share = int(found[1] + (found[2] or "").ljust(4, "0")) if found else _WHOLE + 1
    if share > _WHOLE:
        raise ValueError(f"{place}: fee {fee!r} is no share from 0% to 100%")
    return Band(low, high, 0, share, code)


def _amount(place: str, row: Mapping[str, object], key: str) -> int:
    try:
        return parse_kes(str(row.get(key, "")))
    except ValueError as error:
        raise ValueError(f"{place}, {key}: {error}") from None
