"""Time: a business day is a Nairobi day; M-Pesa's own times are Nairobi wall-clock, no zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

NAIROBI = ZoneInfo("Africa/Nairobi")
EARLIEST_MPESA = datetime(2007, 1, 1)  # noqa: DTZ001 - wall-clock of Nairobi, as M-Pesa sends it
"""M-Pesa began in 2007: an older TransTime is wrong."""


def nairobi_wall_clock(instant: datetime) -> datetime:
    """Return the Nairobi wall-clock time, without zone, of an aware instant."""
    return instant.astimezone(NAIROBI).replace(tzinfo=None)


def nairobi_day(instant: datetime) -> date:
    """Return the Nairobi day of an aware instant."""
    return instant.astimezone(NAIROBI).date()


def utc_range(first: date, last: date) -> tuple[datetime, datetime]:
    """Return the UTC instants at which Nairobi's ``first`` day starts and ``last`` day ends.

    The end is exclusive.
    """
    start = datetime.combine(first, time.min, NAIROBI)
    end = datetime.combine(last + timedelta(days=1), time.min, NAIROBI)
    return start.astimezone(UTC), end.astimezone(UTC)


def parse_trans_time(digits: str) -> datetime:
    """Read ``YYYYMMDDHHmmss`` as Nairobi wall-clock, without zone.

    Raises:
        ValueError: not 14 ASCII digits, or no real moment.
    """
    if len(digits) != 14 or not (digits.isascii() and digits.isdigit()):  # noqa: PLR2004
        raise ValueError("is not 14 digits (YYYYMMDDHHmmss)")
    if digits[8:10] == "24":
        raise ValueError("is no real moment")
    try:
        return datetime.fromisoformat(f"{digits[:8]}T{digits[8:]}")
    except ValueError:
        raise ValueError("is no real moment") from None


def iso_nairobi(wall_clock: datetime) -> str:
    """Write M-Pesa's wall-clock for machines: ISO 8601 with Nairobi's offset."""
    return wall_clock.replace(tzinfo=NAIROBI).isoformat()
