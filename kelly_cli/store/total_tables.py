"""Totals that are kept beside the payments: imported with the books by ``tables``."""

from datetime import date
from typing import ClassVar

from sqlalchemy import Date, Text
from sqlmodel import Field

from kelly_cli.store.columns import Base, cents, whole


class HourTotal(Base, table=True):
    """The payments of one Nairobi hour, short code ("" = none) and status.

    Kept with every payment that comes or changes, in the same unit of work, so that reports of
    years read few rows (``hour_total_rows``). A row of no payments may be left standing.
    """

    __tablename__ = "hour_totals"
    __table_args__: ClassVar = (
        *whole("payments", "amount_cents"),
        {"sqlite_with_rowid": False},
    )

    day: date = Field(sa_type=Date, primary_key=True)
    hour: int = Field(primary_key=True)
    short_code: str = Field(sa_type=Text, primary_key=True)
    status: str = Field(sa_type=Text, primary_key=True)
    payments: int = cents()
    amount_cents: int = cents()
