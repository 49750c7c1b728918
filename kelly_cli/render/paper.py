"""A paper: what an invoice, a receipt or a statement says, before anyone has drawn it.

One model serves every way out: the page for browser and print (``paper_page``), the PDF (``pdf``),
the till's strip (``till``) and the terminal draw the same value and decide nothing about it. A PDF
is drawn from the model and not from the page, because a browser is no part of kelly.

Text in a paper is as it came: each way out makes it harmless.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from kelly_cli.render.columns import Column


class Logo(NamedTuple):
    """A picture that was read and proven to be one."""

    media_type: str
    data: bytes

    @property
    def data_uri(self) -> str:
        """The picture as an address that a page carries in itself."""
        return f"data:{self.media_type};base64,{base64.b64encode(self.data).decode('ascii')}"


class Letterhead(NamedTuple):
    """Who writes. ``lines``: address, phone, e-mail; ``tax_number`` "" = none."""

    name: str
    lines: tuple[str, ...] = ()
    tax_number: str = ""
    logo: Logo | None = None


class Table(NamedTuple):
    """Rows under a title ("" = none). ``empty``: said instead when there are none."""

    title: str
    columns: tuple[Column, ...]
    rows: Sequence[Mapping[str, object]]
    empty: str = ""


class Total(NamedTuple):
    """A sum under the tables; ``strong``: the one that matters."""

    name: str
    cents: int
    strong: bool = False


class HowToPay(NamedTuple):
    """The steps on a phone, the words of a QR code, and what else is to be said."""

    steps: tuple[str, ...]
    qr_words: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Paper:
    """One document. ``stamp`` "" = nothing to shout; ``alarm``: the stamp is bad news.

    ``made_at`` is of the document itself, never of the run: the same paper, the same bytes.
    """

    title: str
    number: str
    letterhead: Letterhead
    to: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    tables: tuple[Table, ...]
    totals: tuple[Total, ...]
    how_to_pay: HowToPay | None
    notes: tuple[str, ...]
    made_at: datetime
    stamp: str = ""
    alarm: bool = False


def paper_page(paper: Paper) -> str:
    """Draw a paper as one HTML page that asks nothing of the network."""
    from kelly_cli.render.page import page
    from kelly_cli.render.qr import qr_data_uri

    pay = paper.how_to_pay
    return page(
        "paper.html",
        title=f"{paper.title} {paper.number}".strip(),
        paper=paper,
        logo=paper.letterhead.logo.data_uri if paper.letterhead.logo else "",
        qr=qr_data_uri(pay.qr_words) if pay else "",
    )
