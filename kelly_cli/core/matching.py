"""Who does a payment belong to? The rules, in order; automatic only when exact.

Each rule is a pure function from what the payment says and what the books hold to a ``Match`` with
its reason, or None. Adding a rule is adding a function and a line in ``RULES``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from kelly_cli.core.books import Target
from kelly_cli.core.refs import fold, phone_of


class Claim(NamedTuple):
    """What a payment says about where it belongs.

    ``reference``: folded, None = can match nothing. ``prompt``: the CheckoutRequestID, None = the
    payment answers no prompt that it names.
    """

    reference: str | None
    prompt: str | None = None


class Match(NamedTuple):
    """Where a payment belongs, by which rule."""

    rule: str
    target: Target


@dataclass(slots=True)
class Directory:
    """What the books know of a batch's references: keys, phones and prompts that were found."""

    keys: dict[str, Target] = field(default_factory=dict)
    phones: dict[str, list[int]] = field(default_factory=dict)
    prompts: dict[str, Target] = field(default_factory=dict)


def by_prompt(claim: Claim, directory: Directory) -> Match | None:
    """It answers a payment prompt that we sent."""
    if claim.prompt is None:
        return None
    target = directory.prompts.get(claim.prompt)
    return Match("prompt", target) if target else None


def by_invoice(claim: Claim, directory: Directory) -> Match | None:
    """Its reference is an invoice."""
    target = directory.keys.get(claim.reference or "")
    return Match("invoice", target) if target and target.invoice is not None else None


def by_sale(claim: Claim, directory: Directory) -> Match | None:
    """Its reference is a POS sale."""
    target = directory.keys.get(claim.reference or "")
    return Match("sale", target) if target and target.sale is not None else None


def by_customer(claim: Claim, directory: Directory) -> Match | None:
    """Its reference is a customer id."""
    target = directory.keys.get(claim.reference or "")
    return Match("customer", target) if target and target.customer is not None else None


def by_phone(claim: Claim, directory: Directory) -> Match | None:
    """Its reference is the phone of exactly one customer, in any written form."""
    phone = phone_of(claim.reference) if claim.reference else None
    owners = directory.phones.get(phone, ()) if phone else ()
    return Match("phone", Target(customer=owners[0])) if len(owners) == 1 else None


Rule = Callable[[Claim, Directory], Match | None]
RULES: tuple[Rule, ...] = (by_prompt, by_invoice, by_sale, by_customer, by_phone)


def match(claim: Claim, directory: Directory, rules: Sequence[Rule] = RULES) -> Match | None:
    """Return the first rule's match, or None: the payment waits for a person."""
    for rule in rules:
        found = rule(claim, directory)
        if found is not None:
            return found
    return None


def why_unmatched(text: str | None, claim: Claim, directory: Directory) -> str:
    """Say, in one sentence with a code in front, why nothing matched.

    ``text``: the reference as it was typed, already harmless to show; None = none was given.
    """
    if text is None or not text.strip():
        return "no_reference: the payment names no account"
    if claim.reference is None:
        return f"unreadable_reference: {text!r} holds no reference that kelly could know"
    phone = phone_of(claim.reference)
    if phone and len(directory.phones.get(phone, ())) > 1:
        return f"ambiguous_phone: {text!r} is the phone of more than one customer"
    return f"unknown_account: no customer, invoice or sale is called {text!r}"


def claim_of(reference: str | None, prompt: str | None = None) -> Claim:
    """Fold a typed reference into a claim."""
    return Claim(fold(reference) if reference else None, prompt)
