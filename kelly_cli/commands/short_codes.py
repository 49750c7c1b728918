"""Which paybill or till: the option ``--short-code`` read the same way by every list and report.

A code is one of ours when the settings name it, or when the books hold it from earlier. A till's
money may come under its store or head-office number; those under it are picked with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.errors import NotFoundError
from kelly_cli.render import Column

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kelly_cli.office import Office

ENVIRONMENT = Column("environment", "Environment", "status")
MIXED = "mixed"


class Place(NamedTuple):
    """One short code. ``under``: the till or head office whose money comes by it, "" = its own."""

    code: str
    kind: str
    environment: str
    under: str


class Places:
    """All short codes that are or were ours, by code."""

    def __init__(self, office: Office) -> None:
        from kelly_cli.services import short_codes

        listed = office.config.mpesa.short_codes
        known = short_codes.known(office.books_to_read())
        self._office = office
        self._places = {
            each.code: Place(each.code, each.kind, each.environment, each.under) for each in listed
        }
        for each in known:
            now = self._places.get(each.code)
            if now is None:
                self._places[each.code] = Place(each.code, each.kind, each.environment, "")
            elif now.environment != each.environment:
                self._moved(each.environment, now)

    def _moved(self, before: str, now: Place) -> None:
        """Money is of where it came from: the books keep what the code was when it first came."""
        self._office.show.warning(
            f"{now.code} is {now.environment} in the settings and {before} in the books: "
            "money of both may stand under it"
        )
        self._places[now.code] = now._replace(environment=before)

    @property
    def columns(self) -> tuple[Column, Column]:
        """Return the two columns of a list: among the last to give way where there is a choice."""
        codes, places = len(self._places), {each.environment for each in self._places.values()}
        return (
            Column("short_code", "Paid to", "id", priority=1 if codes > 1 else 5),
            Column("environment", "Environment", "status", priority=1 if len(places) > 1 else 6),
        )

    def picked(self, code: str | None) -> tuple[str, ...] | None:
        """Return the codes to look at; None = all of them.

        Raises:
            NotFoundError: ``unknown_short_code``: it is none of ours.
        """
        if code is None:
            return None
        if code.strip() not in self._places:
            raise NotFoundError(
                f"{code} is not one of our short codes ({', '.join(sorted(self._places))})",
                hint="Add it as [[mpesa.short_codes]] in kelly.toml, or to KELLY_MPESA_SHORT_CODES",
                code="unknown_short_code",
            )
        return (
            code.strip(),
            *(each.code for each in self._places.values() if each.under == code.strip()),
        )

    def environment(self, code: str | None) -> str | None:
        """Return local, sandbox or production; None = no short code (cash), or not known."""
        place = self._places.get(code or "")
        return place.environment if place else None

    def marks(self, code: str | None) -> dict[str, str | None]:
        """Return the two keys that every row with money shows."""
        return {"short_code": code, "environment": self.environment(code)}

    def joined(self, codes: Iterable[str | None]) -> dict[str, str | None]:
        """Return the environment of the money of several codes: one, ``mixed``, or None."""
        found = {where for code in codes if (where := self.environment(code)) is not None}
        return {"environment": MIXED if len(found) > 1 else next(iter(found), None)}


def warn_mixed(office: Office, environment: str | None) -> None:
    """Say of a total that it is of money from more than one environment."""
    if environment == MIXED:
        office.show.warning(
            "These totals mix money of different environments: one at a time with --short-code CODE"
        )
