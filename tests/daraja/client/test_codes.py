"""The catalogue: every code that the facts know, and nothing made up."""

import pytest

from kelly_cli.daraja.client.codes import CATALOGUE, UNKNOWN_HINT, explain, hint_for

KNOWN = {
    "400.002.02", "400.002.05", "400.003.01", "400.003.02", "400.008.01", "400.008.02", "401.001",
    "401.002.01", "401.003.01", "404.001.01", "404.002.01", "404.003.01", "404.001.03",
    "404.001.04", "405.001", "500.001.1001", "500.002.1001", "00.002.1001", "500.003.1001",
    "500.003.02", "500.003.03", "26", "100000001", "100000002", "100000011",
    "0", "1", "2", "3", "4", "8", "17", "1001", "1019", "1025", "9999", "1031", "1032", "1036",
    "1037", "2001", "2028", "4999", "8006", "SFC_IC0003", "TP40087", "E3008",
    "11", "21", "25", "2006", "R000001", "R000002", "1000",
    "C2B00011", "C2B00012", "C2B00013", "C2B00014", "C2B00015", "C2B00016",
}  # fmt: skip


@pytest.mark.parametrize("code", sorted(KNOWN))
def test_every_known_code_is_explained(code):
    for known in explain(code.lower()):
        assert known.meaning
        assert known.action
    assert explain(code)


def test_the_catalogue_says_each_thing_once():
    said = [(known.code, known.place, known.words) for known in CATALOGUE]
    assert len(said) == len(set(said))
    assert {known.code for known in CATALOGUE} == KNOWN


def test_an_unknown_code_gets_no_made_up_meaning():
    assert explain("31415") == ()
    assert hint_for("31415", "Something") == UNKNOWN_HINT


@pytest.mark.parametrize("code", ["4999", "500.001.1001"])
def test_pending_is_told_apart_from_failed_trap_37(code):
    told = explain(code, message="The transaction is being processed")[0]
    assert "neither paid nor refused" in told.meaning


def test_the_words_decide_where_a_code_says_little():
    url = "Bad Request - Invalid ValidationURL - URL has the word MPESA"
    assert "kelly mpesa urls check" in hint_for("400.003.02", url)
    assert "passkey" in hint_for("500.001.1001", "[MerchantValidate] - Wrong credentials").lower()
    assert "inside Safaricom" in hint_for("500.003.1001", "Internal Server Error")
