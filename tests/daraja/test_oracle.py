"""Two independent readings of contract section 7 agree on tens of thousands of bodies."""

import importlib.util
import json
import random
import sys
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from kelly_cli.daraja.messages import PaymentMessage, parse_confirmation

BODIES = 24_000
NOW = datetime(2026, 2, 3, 12, 0, 0)
LATEST = f"{NOW + timedelta(days=1):%Y%m%d%H%M%S}"
OURS = frozenset({"174379", "000123", "4000001"})

TEXTS = [
    "SB60000001", "sb6000000a", " SB60000001\t", "\u2003SB60000001\xa0", "SB600", "SB60", "A" * 32,
    "A" * 33, "SB6000-001", "SB6000 001", "\uff33\uff22\uff16\uff10\uff10\uff10", "stra\xdfe",
    "SB60000\u0131", "SB6000\u200b01", "", "1.00", "1", "0", "0.00", "0.000", "0.01", "0.010",
    "0.001", "1.005", "1.", ".5", "01.5", "1e3", "1E3", "+1", "-1", "-0", "1,000.00", "1 000", " 1",
    ".50", "1.0.00",
    "1 ", "\u0661\u0662", "\uff11", "1.\uff11", "999999999999.99", "1000000000000", "0999999999999",
    "0000000000001.00", "000000000001.00", "1.0000000", "NaN", "0x10", "20260203120000", LATEST,
    "20260204120001", "20070101000000", "20061231235959", "20240229000000", "20250229000000",
    "20260230000000", "20260203240000", "20260203126000", "20260203120060", "20261303120000",
    "20260003120000", "20260200120000", "2026020312000", "202602031200000", "00000000000000",
    "20260203T12000", "\uff12\uff10\uff12\uff160203120000", "99991231235959", "174379", "000123",
    "123", "4000001", "174379 ", "174379.0", "999", "\ud800", "\x00", "\\", '"', "null",
]  # fmt: skip
LITERALS = [
    "null", "true", "false", "{}", "[]", '{"TransID":"SB60000001"}', '["1.00"]', "0", "-0", "-1",
    "1", "1.00", "1.0", "0.01", "0.001", "1e2", "1E+2", "1e-2", "100.000000000000000000",
    "999999999999", "9999999999999", "9" * 400, "20260203120000", "20260203120000.0",
    "2.0260203120000e13", "20060203120000", "174379", "4000001", "174379.0", "999", "NaN",
    "Infinity", "-Infinity", "01", "1.", ".5", "+1", "", "'a'", "True", '"a', '"\\x"', '"\\u12g4"',
    '"\t"', '"\\ud83d"', "[1,]", '{"a":1,}', '{"a":1,"\\u0061":2}', '{"a" 1}',
]  # fmt: skip
GOOD = {
    "TransactionType": ["Pay Bill", "", "Customer Merchant Payment"],
    "TransID": ["SB60000001", "sgm0000001", " tk60708BHZ "],
    "TransTime": ["20240206175204", "20260203115959", LATEST],
    "TransAmount": ["1.00", "10", "11720.10", "999999999999.99"],
    "BusinessShortCode": ["174379", "000123", "4000001"],
    "BillRefNumber": ["INV-20260203-0001", "", "jane\x00\u202e"],
    "OrgAccountBalance": ["161.00", "", "-5.00"],
    "MSISDN": ["2547 ***** 149", "254708374149"],
    "FirstName": ["JANE"],
}
CHECKED = ("TransID", "TransAmount", "TransTime", "BusinessShortCode")


def load_oracle():
    spec = importlib.util.spec_from_file_location("oracle", Path(__file__).with_name("oracle.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def written(dice, text):
    """Write a JSON string in one of its spellings: plain, ASCII, or all escapes."""
    plain = not any("\ud800" <= sign <= "\udfff" for sign in text)
    match dice.randrange(3):
        case 0 if text.isalnum():
            return '"' + "".join(f"\\u{ord(sign):04x}" for sign in text) + '"'
        case 1 if plain:
            return json.dumps(text, ensure_ascii=False)
    return json.dumps(text)


def body(dice):
    members = [(name, written(dice, dice.choice(texts))) for name, texts in GOOD.items()]
    for _ in range(dice.choice((0, 0, 1, 1, 1, 2))):
        at = dice.randrange(len(members)) if dice.random() < 0.2 else None
        name = members[at][0] if at is not None else dice.choice(CHECKED)
        at = [known for known, _ in members].index(name) if name in dict(members) else None
        value = written(dice, dice.choice(TEXTS)) if dice.random() < 0.6 else dice.choice(LITERALS)
        match dice.randrange(12):
            case 0 if at is not None:
                del members[at]
            case 1:
                members.append((name, value))
            case 2 if at is not None:
                members[at] = (name.swapcase(), members[at][1])
            case 3:
                depth = dice.choice((30, 31, 32, 33, 500))
                members.append(("Deep", "[" * depth + "1" + "]" * depth))
            case _ if at is not None:
                members[at] = (name, value)
    dice.shuffle(members)
    gap = dice.choice(("", "", " ", "\n  ", "\u00a0" if dice.random() < 0.05 else "\t"))
    inner = f",{gap}".join(f"{written(dice, name)}{gap}:{gap}{value}" for name, value in members)
    return harm(dice, f"{{{gap}{inner}{gap}}}".encode("utf-8", "surrogatepass"))


def harm(dice, raw):
    """Now and then damage the bytes themselves."""
    match dice.randrange(16):
        case 0:
            at = dice.randrange(len(raw))
            return (
                raw[:at]
                + dice.choice((b"", b'"', b"\\", b"}", b"{", b"\xff", b"\xc3", b"\x00", b","))
                + raw[at + 1 :]
            )
        case 1:
            return raw[: dice.randrange(len(raw))]
        case 2:
            return raw + dice.choice((b"\n", b" \r\n", b"{}", b"x", b"\x00", b",", b"\xef\xbb\xbf"))
        case 3:
            return (
                dice.choice((b"\xef\xbb\xbf", b"\xef\xbb\xbf" * 2, b"\n ", b"\xff\xfe", b"[")) + raw
            )
    return raw


def read(raw):
    """Return what kelly makes of a body, in the oracle's words."""
    outcome = parse_confirmation(raw, ours=OURS, now=NOW)
    if isinstance(outcome, PaymentMessage):
        moment = f"{outcome.paid_at:%Y%m%d%H%M%S}"
        return ("ok", outcome.receipt, outcome.amount_cents, moment, outcome.short_code)
    assert outcome.error.isprintable()
    return ("refused", outcome.field)


@pytest.mark.slow
def test_an_independent_reading_agrees_on_every_generated_body():
    oracle = load_oracle()
    dice = random.Random(20260203)
    met = Counter()
    for _ in range(BODIES):
        raw = body(dice)
        expected = oracle.judge(raw, OURS, LATEST)
        assert read(raw) == expected, raw
        met[expected[0] if expected[0] == "ok" else expected[1]] += 1
    assert min(met[kind] for kind in ("ok", "body", *CHECKED)) > BODIES // 100, met


def test_an_independent_reading_agrees_on_every_literal_in_every_field():
    oracle = load_oracle()
    good = {name: json.dumps(texts[0]) for name, texts in GOOD.items()}
    for name in good:
        for literal in [*LITERALS, *(json.dumps(text) for text in TEXTS)]:
            members = ",".join(
                f'"{known}":{value}' for known, value in {**good, name: literal}.items()
            )
            raw = f"{{{members}}}".encode()
            assert read(raw) == oracle.judge(raw, OURS, LATEST), raw
