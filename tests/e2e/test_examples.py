"""Every example does exactly what examples/README.md says of it."""

import json
import re
import shlex
import shutil
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import pytest

from kelly_cli.main import main

README = "README.md"
MASKED_HASH = "bbff37cea44ac0b2d964ee0dfb8d2df851 ***** a1b36129a929fc3fbd6dd4af4"
HASH = "bbff37cea44ac0b2d964ee0dfb8d2df8513dc7ba1b36129a929fc3fbd6dd4af4"
UNKNOWN = "unknown_account: no customer, invoice or sale is called "
NO_REFERENCE = "no_reference: the payment names no account"


class Outcome(NamedTuple):
    """What a file alone leads to. ``paid``: receipt → customer, status, free money, phone."""

    processed: int = 0
    duplicates: int = 0
    failed: int = 0
    errors: tuple[str, ...] = ()
    paid: Mapping[str, tuple[str | None, str, str, str | None]] = MappingProxyType({})
    allocated: Mapping[str, str] = MappingProxyType({})
    """Invoice → amount."""


def booked(receipt, customer, free, phone, **allocated):
    """One payment that found its place; ``i1="5000.00"`` stands for the first invoice."""
    named = {f"INV-20260203-000{name[1]}": amount for name, amount in allocated.items()}
    return Outcome(
        processed=1, paid={receipt: (customer, "COMPLETED", free, phone)}, allocated=named
    )


def waiting(receipt, amount, phone, error):
    """One payment that found no place."""
    return Outcome(failed=1, errors=(error,), paid={receipt: (None, "UNMATCHED", amount, phone)})


def refused(error):
    """One callback that breaks a rule."""
    return Outcome(failed=1, errors=(error,))


MASK = "2547 ***** 149"
OUTCOMES = {
    "guide.json": booked("QGK12XYZ9", "CUST-001", "0.00", "254712345678", i1="5000.00"),
    "paybill.json": booked("SB36000001", "CUST-002", "0.00", "25470****149", i2="3000.00"),
    "phone-hashed.json": booked("SB36000002", "CUST-003", "2000.00", HASH, i3="5000.00"),
    "phone-masked.json": booked("SB36000003", "CUST-002", "0.00", MASK, i2="7500.00"),
    "phone-masked-hash.json": booked("SB36000004", None, "0.00", MASKED_HASH, i5="100.00"),
    "sandbox.json": booked("SB36000008", "CUST-001", "0.00", HASH, i1="1.00"),
    "stk-paid-confirmation.json": booked("SB36000010", "CUST-003", "0.00", MASK, i3="250.00"),
    "till.json": waiting("SB36000007", "11720.00", MASKED_HASH, NO_REFERENCE),
    "mistyped.json": waiting("SB36000005", "2500.00", MASK, f"{UNKNOWN}'CUST-O02'"),
    "unknown-customer.json": waiting("SB36000006", "1500.00", MASK, f"{UNKNOWN}'CUST-004'"),
    "stk-paid.json": waiting("SB36000010", "250.00", "254708374149", NO_REFERENCE),
    "stk-cancelled.json": Outcome(processed=1),
    "validation.json": Outcome(processed=1),
    "bad-amount.json": refused("TransAmount '1.005' is not whole cents"),
    "bad-no-receipt.json": refused("TransID is missing"),
    "bad-short-code.json": refused(
        "BusinessShortCode '999999' is not one of ours (100001, 174379)"
    ),
    "bad-not-json.json": refused("body is not a JSON object: it starts with 'T'"),
    "bad-member-twice.json": refused("body has the member 'TransAmount' twice"),
    "several.jsonl": Outcome(
        processed=2,
        duplicates=2,
        failed=1,
        errors=("body is not JSON: Unterminated string starting at (character 143)",),
        paid={
            "SB36000015": ("CUST-003", "COMPLETED", "0.00", MASK),
            "SB36000016": ("CUST-003", "COMPLETED", "0.00", HASH),
        },
        allocated={"INV-20260203-0003": "1000.00"},
    ),
}


def fences(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def examples(pytestconfig):
    return pytestconfig.rootpath / "examples"


@pytest.fixture(scope="module")
def stage(examples, tmp_path_factory):
    """A folder with the kelly.toml and the books that examples/README.md describes."""
    folder = tmp_path_factory.mktemp("stage")
    text = (examples / README).read_text(encoding="utf-8")
    (folder / "kelly.toml").write_text(fences(text, "toml")[0], encoding="utf-8")
    for line in fences(text, "sh")[0].splitlines():
        words = shlex.split(line)
        assert main(["--config", f"{folder}/kelly.toml", *words[1:]]) == 0, line
    return folder


@pytest.fixture
def kelly(clean_environment, stage, tmp_path, capsys):
    """Run a command line with ``--json`` on a copy of those books; return code and document."""
    shutil.copy(stage / "kelly.toml", tmp_path)
    shutil.copy(stage / "kelly.db", tmp_path)

    def run(*arguments):
        capsys.readouterr()
        code = main([*map(str, arguments), "--json"])
        return code, json.loads(capsys.readouterr().out)

    return run


def ingest(kelly, file):
    kind = ("--kind", "validation") if file.name == "validation.json" else ()
    return kelly("webhook", "ingest", *kind, file)


def allocations(payments):
    found = {}
    for payment in payments:
        for each in payment["allocations"]:
            cents = int(each["amount"].replace(".", ""))
            found[each["invoice_id"]] = found.get(each["invoice_id"], 0) + cents
    return {name: f"{cents // 100}.{cents % 100:02d}" for name, cents in found.items()}


@pytest.mark.parametrize("name", OUTCOMES)
def test_an_example_has_exactly_its_outcome(kelly, examples, name):
    promised = OUTCOMES[name]
    code, tally = ingest(kelly, examples / "callbacks" / name)

    assert code == (3 if promised.failed else 0)
    counts = tuple(tally[key] for key in ("received", "processed", "duplicates", "failed"))
    assert counts == (sum(promised[:3]), *promised[:3])
    assert tuple(failure["error"] for failure in tally["failures"]) == promised.errors
    payments = kelly("payment", "list")[1]
    paid = {
        each["mpesa_receipt_number"]: (
            each["customer_id"],
            each["status"],
            each["unallocated"],
            each["msisdn"],
        )
        for each in payments
    }
    assert paid == promised.paid
    assert allocations(payments) == promised.allocated
    assert kelly("db", "check")[1]["ok"]


@pytest.mark.parametrize("name", OUTCOMES)
def test_the_readme_says_the_outcome(kelly, examples, name):
    text = (examples / README).read_text(encoding="utf-8")
    row = next(line for line in text.splitlines() if line.startswith(f"| `{name}` |"))
    said = row.split("|")[3].strip()
    promised = OUTCOMES[name]
    if sum(promised[:3]) > 1:
        assert said == (
            f"{sum(promised[:3])} received: {promised.processed} processed, "
            f"{promised.duplicates} duplicates, {promised.failed} failed"
        )
        return
    state, what = said.split(": ", 1)
    assert state == ("failed" if promised.failed else "processed")
    if promised.failed:
        assert promised.errors[0].startswith(what.partition(";")[0])
        assert ("the money is in suspense" in what) is bool(promised.paid)
    assert ("no payment" in what) is (not promised.failed and not promised.paid)
    ingest(kelly, examples / "callbacks" / name)
    for number, status in re.findall(r"((?:INV|POS)-\d+-\d+) is ([A-Z_]+)", what):
        noun = "invoice" if number.startswith("INV") else "pos"
        assert kelly(noun, "show", number)[1]["status"] == status


def test_no_example_is_without_an_outcome(examples):
    assert {file.name for file in (examples / "callbacks").iterdir()} == set(OUTCOMES)


def test_a_prompt_and_its_confirmation_are_one_payment(kelly, examples):
    ingest(kelly, examples / "callbacks" / "stk-paid.json")
    code, tally = ingest(kelly, examples / "callbacks" / "stk-paid-confirmation.json")

    assert (code, tally["duplicates"]) == (0, 1)
    assert [(log["processed"], log["is_duplicate"]) for log in kelly("webhook", "list")[1]] == [
        (False, True),
        (True, False),
    ]
    [payment] = kelly("payment", "list")[1]
    assert (payment["customer_id"], payment["status"]) == ("CUST-003", "COMPLETED")


def test_all_of_them_at_once_leave_books_that_hold(kelly, examples):
    files = sorted(examples.joinpath("callbacks").iterdir())
    kelly("webhook", "ingest", *(file for file in files if file.name != "validation.json"))
    again = kelly("webhook", "ingest", examples / "callbacks" / "guide.json")

    assert again == (0, again[1] | {"received": 1, "duplicates": 1})
    code, found = kelly("db", "check")
    assert (code, found["ok"], found["violations"]) == (0, True, [])
