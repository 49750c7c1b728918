import json
import sys

import pytest

from kelly_cli.services.inbox import Delivery


@pytest.fixture
def shop(kelly):
    kelly("customer", "create", "Jane Wanjiku", "--phone", "0712345678")
    return kelly


@pytest.fixture
def come(inbox):
    """Let a confirmation come in: receipt, amount, reference."""

    def take(receipt, amount, reference, msisdn="254733000999"):
        body = {
            "TransID": receipt,
            "TransTime": "20260203143022",
            "TransAmount": amount,
            "BusinessShortCode": "174379",
            "BillRefNumber": reference,
            "MSISDN": msisdn,
            "FirstName": "BRIAN",
        }
        inbox.take([Delivery(json.dumps(body).encode(), None, "file", receipt)])

    return take


def test_an_alias_is_added_listed_used_and_removed(shop, come):
    made = shop(
        "customer",
        "alias",
        "add",
        "cust-001",
        "--phone",
        "0733 000 999",
        "--amount",
        "50",
        "--json",
    )
    assert made.code == 0
    assert made.json | {"created_at": ""} == {
        "alias": 1,
        "customer_id": "CUST-001",
        "kind": "phone",
        "value": "254733000999",
        "usual_amount": "50.00",
        "learnt_from": None,
        "created_at": "",
        "removed_at": None,
    }
    assert shop("customer", "alias", "list", "--json").json == [made.json]
    come("QGK12XYZ91", "50.00", "rent")
    (found,) = shop("suspense", "suggest", "qgk12xyz91", "--json").json
    assert (found["target"], found["score"]) == ("CUST-001", 75)
    gone = shop("customer", "alias", "remove", "1", "--reason", "moved out", "--json")
    assert gone.json["removed_at"]
    assert shop("customer", "alias", "list", "CUST-001", "--json").json == []
    assert len(shop("customer", "alias", "list", "--removed", "--json").json) == 1
    assert shop("suspense", "suggest", "QGK12XYZ91", "--json").json == []


def test_remember_teaches_it(shop, come):
    come("QGK12XYZ91", "50.00", "rent")
    ran = shop("suspense", "assign", "QGK12XYZ91", "--to", "CUST-001", "--remember", "--json")
    assert ran.code == 0
    kinds = [each["kind"] for each in shop("customer", "alias", "list", "--json").json]
    assert kinds == ["reference", "phone"]
    come("QGK12XYZ92", "50.00", "Rent")
    (found,) = shop("suspense", "suggest", "QGK12XYZ92", "--json").json
    assert found["target"] == "CUST-001"
    assert [reason.split(":")[0] for reason in found["reasons"][:2]] == ["remembered"] * 2


def test_tried_dry_nothing_is_kept(shop):
    ran = shop("customer", "alias", "add", "CUST-001", "--name", "Brian Otieno", "--dry-run")
    assert (ran.code, "nothing was kept" in ran.err) == (0, True)
    assert shop("customer", "alias", "list", "--json").json == []


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["add", "CUST-404", "--phone", "0733000999"], "customer_not_found"),
        (["add", "CUST-001", "--phone", "12"], "bad_alias"),
        (["add", "CUST-001", "--name", "Jane"], "bad_alias"),
        (["add", "CUST-001", "--reference", "..."], "bad_alias"),
        (["add", "CUST-001"], "usage"),
        (["add", "CUST-001", "--phone", "0733000999", "--name", "A B"], "usage"),
        (["add", "CUST-001", "--phone", "0733000999", "--amount", "0"], "usage"),
        (["add", "CUST-001", "--phone", "0733000999", "--reason", "\n"], "usage"),
        (["remove", "1"], "alias_not_found"),
        (["remove", "0"], "usage"),
        (["list", "CUST-404"], "customer_not_found"),
    ],
)
def test_wrong_words_are_refused_plainly(shop, words, code):
    ran = shop("customer", "alias", *words, "--json")
    assert (ran.code, ran.out, ran.error["code"]) == (2 if code == "usage" else 1, "", code)
    assert shop("customer", "alias", "list", "--json").json == []


def test_an_alias_of_a_masked_phone_is_kept_as_a_mask(shop):
    ran = shop("customer", "alias", "add", "CUST-001", "--phone", "2547 ***** 999", "--json")
    assert (ran.json["kind"], ran.json["value"]) == ("masked", "2547*999")


def test_suggestions_are_objects_of_three_keys_and_say_what_they_are(shop, come):
    come("QGK12XYZ91", "50.00", "CUST-OO1")
    ran = shop("suspense", "suggest", "QGK12XYZ91", "--limit", "1", "--json")
    assert ran.json == [
        {
            "target": "CUST-001",
            "score": 58,
            "reasons": ["look-alike signs: O for 0"],
        }
    ]
    ran = shop("suspense", "suggest", "QGK12XYZ91")
    assert "kelly suspense assign QGK12XYZ91 --to ID" in ran.err
    come("QGK12XYZ92", "50.00", "zzz")
    assert "Nothing in the books is like it" in shop("suspense", "suggest", "QGK12XYZ92").err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["suggest", "QGK12XYZ99"], "payment_not_found"),
        (["suggest", "QGK12XYZ92"], "not_in_suspense"),
        (["suggest", "QGK12XYZ91", "--limit", "0"], "usage"),
        (["suggest"], "usage"),
        (["note", "QGK12XYZ92", "x"], "not_in_suspense"),
        (["note", "QGK12XYZ99", "x"], "payment_not_found"),
        (["note", "QGK12XYZ91"], "usage"),
        (["note", "QGK12XYZ91", "\x07"], "usage"),
    ],
)
def test_wrong_questions_are_refused_plainly(shop, come, words, code):
    come("QGK12XYZ91", "50.00", "x")
    come("QGK12XYZ92", "50.00", "CUST-001")
    ran = shop("suspense", *words, "--json")
    assert (ran.code, ran.out, ran.error["code"]) == (2 if code == "usage" else 1, "", code)


def test_a_note_is_shown_in_the_list(shop, come):
    come("QGK12XYZ91", "50.00", "x")
    ran = shop("suspense", "note", "QGK12XYZ91", "calls back", "--json")
    assert (ran.json["mpesa_receipt_number"], ran.json["note"]) == ("QGK12XYZ91", "calls back")
    shop("suspense", "note", "QGK12XYZ91", "never", "--dry-run")
    (waiting,) = shop("suspense", "list", "--json").json
    assert waiting["note"] == "calls back"


def test_at_80_columns_the_target_and_its_reasons_are_whole(shop, come, monkeypatch):
    come("QGK12XYZ91", "50.00", "CUST-OO1")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda _: True)
    ran = shop("suspense", "suggest", "QGK12XYZ91")
    assert "CUST-001" in ran.out
    assert "look-alike signs: O for 0" in ran.out


def test_a_purge_empties_removed_aliases_and_leaves_the_others(shop, time_machine):
    time_machine.move_to("2020-01-01T12:00:00+00:00")
    for phone in ("0733000999", "0733000888"):
        shop("customer", "alias", "add", "CUST-001", "--phone", phone)
    shop("customer", "alias", "remove", "1")
    time_machine.move_to("2026-01-01T12:00:00+00:00")
    ran = shop("db", "purge", "--older-than", "5y", "--yes", "--json")
    assert (ran.code, ran.json["aliases"]) == (0, 1)
    listed = shop("customer", "alias", "list", "--removed", "--json").json
    assert [each["value"] for each in listed] == ["254733000888", "\u2022" * 5]
    assert shop("db", "purge", "--older-than", "5y", "--yes", "--json").json["aliases"] == 0
