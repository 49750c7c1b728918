"""References: folding is exact, never clever; phones in every written form; ids that grow."""

import re
import string
import unicodedata
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kelly_cli.core.refs import (
    MAX_KEY,
    dated_id,
    fold,
    parse_customer_id,
    parse_phone,
    phone_of,
)

MINUS = "\u2212"
BLANKS = " \t\n\r\v\f"
CHARACTERS = "".join(map(chr, range(0x110000)))
DASHES = "".join(char for char in CHARACTERS if unicodedata.category(char) == "Pd") + MINUS
AWAY = string.punctuation + BLANKS + DASHES
KEYS = st.text(string.ascii_uppercase + string.digits, min_size=1, max_size=MAX_KEY)
SUBSCRIBERS = st.from_regex(r"[17][0-9]{8}", fullmatch=True)


@pytest.mark.parametrize(
    ("typed", "folded"),
    [
        ("INV-20260203-0001", "INV202602030001"),
        (" inv 20260203 0001 ", "INV202602030001"),
        ("inv\u201320260203\u20140001", "INV202602030001"),
        ("Inv.20260203/0001#", "INV202602030001"),
        ("cust_001\r\n", "CUST001"),
        ("(CUST)-[001]", "CUST001"),
        ("+254 712-345678", "254712345678"),
        ("0", "0"),
    ],
)
def test_a_reference_is_known_in_any_case_and_spelling_trap_21(typed, folded):
    assert fold(typed) == folded


@pytest.mark.parametrize(
    "typed",
    [
        "", " ", "---", "%", "*",
        "CU\u0455T-001",            # Cyrillic dze for S
        "\u0421UST-001",            # Cyrillic es for C
        "CUST-\u039f01",            # Greek omicron for O
        "\uff23UST-001",            # full-width C
        "CUST-\uff10\uff10\uff11",  # full-width digits
        "CUST-\u0660\u0660\u0661",  # Arabic-Indic digits
        "CUST-00\u00b9",            # superscript one
        "CUST-\u2460",              # circled one
        "\u0131NV-1", "\u0130NV-1", # Turkish dotless and dotted i
        "CU\u017fT-001",            # long s: its upper case is S
        "\u212aELLY",               # Kelvin sign: its lower case is k
        "\ufb01x", "STRA\u00dfE", "CAF\u00c9", "CAFE\u0301",
        "CUST\u200b001", "CUST\u00ad001", "\ufeffCUST001", "CUST\u00a0001", "CUST\u202e001",
        "CUST\x00001", "CUST\x1f001", "CUST\x7f001",
        "\U0001d402UST001", "\ud800", "\U0001f600",
    ],
)  # fmt: skip
def test_a_look_alike_matches_nothing(typed):
    assert fold(typed) is None


def test_each_character_is_kept_dropped_or_refused_as_the_contract_says():
    beyond = (c for c in CHARACTERS[0x10000:] if unicodedata.normalize("NFKC", c).isascii())
    for char in (*CHARACTERS[:0x10000], *DASHES, *beyond):
        if char in string.digits or char in string.ascii_uppercase:
            expected = f"A{char}1"
        elif char in string.ascii_lowercase:
            expected = f"A{chr(ord(char) - 32)}1"
        else:
            expected = "A1" if char in AWAY else None
        assert fold(f"A{char}1") == expected, f"U+{ord(char):04X}"


@given(st.text())
def test_folding_is_idempotent_and_gives_a_plain_key_or_nothing(text):
    folded = fold(text)
    if folded is not None:
        assert re.fullmatch("[A-Z0-9]+", folded, re.ASCII)
        assert fold(folded) == folded


@given(KEYS, st.data())
def test_dressing_a_key_changes_nothing_and_another_letter_does(key, data):
    blank = st.text(AWAY, max_size=3)
    dressed = "".join(
        data.draw(blank) + data.draw(st.sampled_from([char, char.lower()])) for char in key
    )
    assert fold(dressed + data.draw(blank)) == key
    place = data.draw(st.integers(0, len(key) - 1))
    swapped = key[:place] + data.draw(KEYS)[0] + key[place + 1 :]
    assert (fold(swapped) == key) == (swapped == key)


@pytest.mark.parametrize(
    "wildcard", ["%", "_", "*", "?", "CUST%", "CUST-00_", "CUST*", "CUST-00?", ".*", "C'; --"]
)
def test_a_wildcard_is_no_wildcard(wildcard):
    assert fold(wildcard) not in {"CUST001", "CUST002"}


@given(SUBSCRIBERS)
def test_a_phone_is_known_in_every_written_form(subscriber):
    whole = f"254{subscriber}"
    operator, line = subscriber[:3], subscriber[3:]
    for start in ("0", "", "254", "+254", "+254 ", "+254-", "254 ", "(0)", "(254)"):
        for rest in (
            subscriber,
            f"{operator} {line}",
            f"{operator} {line[:3]} {line[3:]}",
            f"{operator}-{line[:3]}-{line[3:]}",
            f"{operator}.{line[:3]}.{line[3:]}",
            f"{operator}\u2011{line}",
        ):
            written = f" {start}{rest} "
            assert parse_phone(written) == whole
            assert phone_of(fold(written)) == whole


@pytest.mark.parametrize(
    "typed",
    [
        "", "+", "0", "07123456789", "071234567", "0612345678", "0812345678", "0212345678",
        "+255712345678", "+2540712345678", "254712345", "00254712345678", "712345678x",
        "25470****149", "2547 ***** 149", "07123*5678", "o712345678", "+254+712345678",
        "\uff10712345678", "0712345\u0666\u0667\u0668", "0712,345,678", "0712345678;",
        "0712345678 0722345678", "a" * 64, "0712\x00345678",
    ],
)  # fmt: skip
def test_what_is_no_mobile_number_is_refused(typed):
    with pytest.raises(ValueError, match="not a Kenyan mobile number"):
        parse_phone(typed)


@given(st.text(alphabet="0123456789+*xX- ", max_size=14))
def test_a_phone_that_is_read_has_its_digits_in_the_text(text):
    try:
        phone = parse_phone(text)
    except ValueError:
        return
    assert "*" not in text
    assert re.sub(r"\D", "", text).endswith(phone[3:])
    assert re.fullmatch("254[17][0-9]{8}", phone)


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [
        ("cust-001", "CUST-001"),
        ("  acme   1 ", "ACME 1"),
        ("shop\u20137", "SHOP-7"),
        ("a_b/c.d", "A_B/C.D"),
        ("7", "7"),
        ("INV-1", "INV-1"),
        ("A" * 20, "A" * 20),
    ],
)
def test_a_customer_id_has_one_canonical_form(typed, canonical):
    assert parse_customer_id(typed) == canonical


@pytest.mark.parametrize(
    ("typed", "wrong"),
    [
        ("", "letters, digits and dashes"),
        ("-", "letters, digits and dashes"),
        ("-A", "letters, digits and dashes"),
        ("A%", "letters, digits and dashes"),
        ("A\x00B", "letters, digits and dashes"),
        ("A\x1fB", "letters, digits and dashes"),
        ("A\u00a0B", "letters, digits and dashes"),
        ("caf\u00e9", "letters, digits and dashes"),
        ("stra\u00dfe", "letters, digits and dashes"),
        ("cu\u017ft-1", "letters, digits and dashes"),
        ("\u0131nv", "letters, digits and dashes"),
        ("\ufb01x", "letters, digits and dashes"),
        ("\uff11", "letters, digits and dashes"),
        ("A" * 21, "longer than the 20 characters"),
        ("inv 20260203 0001", "kept for invoices and sales"),
        ("POS-20260203-12345", "kept for invoices and sales"),
    ],
)
def test_what_is_no_customer_id_is_refused(typed, wrong):
    with pytest.raises(ValueError, match=wrong):
        parse_customer_id(typed)


@given(st.text(max_size=25) | st.text(string.ascii_letters + " -_/." + DASHES, max_size=25))
def test_the_canonical_id_is_stable_and_folds_as_it_was_typed(text):
    try:
        canonical = parse_customer_id(text)
    except ValueError:
        return
    assert parse_customer_id(canonical) == canonical
    assert canonical.isascii()
    assert fold(canonical) == fold(text)


@pytest.mark.parametrize(
    ("number", "public_id"),
    [
        (1, "INV-20260203-0001"),
        (9999, "INV-20260203-9999"),
        (10_000, "INV-20260203-10000"),
        (123_456_789, "INV-20260203-123456789"),
    ],
)
def test_a_dated_id_grows_past_9999(number, public_id):
    assert dated_id("INV", date(2026, 2, 3), number) == public_id
    assert len(fold(public_id)) <= MAX_KEY


DOCUMENTS = st.tuples(
    st.sampled_from(["INV", "POS"]),
    st.dates(date(2000, 1, 1), date(2999, 12, 31)),
    st.integers(1, 10**6),
)


@given(DOCUMENTS, DOCUMENTS)
def test_two_documents_never_share_a_folded_id(one, other):
    first, second = fold(dated_id(*one)), fold(dated_id(*other))
    assert (first == second) == (one == other)
    with pytest.raises(ValueError, match="kept for invoices"):
        parse_customer_id(first)
