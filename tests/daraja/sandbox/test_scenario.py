"""Scenarios are read with errors that name the place."""

import pytest

from kelly_cli.daraja.sandbox import scenario
from kelly_cli.errors import ConfigError


def refusal(read, *arguments):
    with pytest.raises(ConfigError) as caught:
        read(*arguments)
    return caught.value


@pytest.mark.parametrize("name", scenario.names())
def test_every_scenario_of_ours_is_read_and_says_what_happens(name):
    found = scenario.load(name)
    assert (found.name, found.about[-1]) == (name, ".")


def test_all_that_the_issue_names_is_there():
    named = "duplicates late out-of-order lost blackout validation-only till masked-hash"
    named += " stk-cancelled stk-timeout token-thrash waf-page spike-arrest reversal garbage"
    assert set(named.split()) | {"busy-day", "good-day"} == set(scenario.names())


def test_an_unknown_name_offers_the_nearest():
    error = refusal(scenario.load, "duplicate")
    assert (error.code, error.hint) == ("scenario_not_found", "Did you mean duplicates?")
    assert "blackout" in refusal(scenario.load, "zzz").hint


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"payer": {}}, "payer is not known: did you mean payers?"),
        ({"payers": {"cont": 5}}, "payers.cont is not known: did you mean payers.count?"),
        ({"payers": {"count": True}}, "payers.count = True, and it takes a whole number from 0"),
        ({"payers": {"count": 10**9}}, "takes a whole number from 0 to 100000"),
        (
            {"payers": {"shillings": [5, 1]}},
            "two whole numbers up to 250000, the smaller one first",
        ),
        ({"payers": {"shillings": 5}}, "two whole numbers"),
        ({"payers": {"references": []}}, "a list of texts, at least one"),
        ({"deliveries": {"order": "odd"}}, "takes one of paid, reversed, mixed"),
        ({"deliveries": {"lost_percent": 101}}, "takes a number from 0 to 100"),
        ({"deliveries": {"validation": 1}}, "takes true or false"),
        ({"deliveries": {"blackout_hours": [5, 8]}}, "the larger one first"),
        ({"prompts": "paid"}, "prompts is a table: write [prompts]"),
        ({"answers": {}}, "answers is a list of tables: write [[answers]]"),
        ({"answers": [{"says": "no"}]}, "answers[0].says = 'no'"),
        ({"answers": [{"path": 5}]}, "takes a text"),
        ({"about": 5}, "about = 5"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(document, told):
    error = refusal(scenario.read, document, "mine.toml")
    assert (error.code, error.message.startswith("scenario mine.toml: ")) == ("bad_scenario", True)
    assert told in error.message


def test_a_file_is_read_by_its_path(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('about = "Mine."\n[payers]\ncount = 3\n', encoding="utf-8")
    found = scenario.load(str(path))
    assert (found.payers.count, found.about, found.prompts) == (3, "Mine.", scenario.Prompts())


@pytest.mark.parametrize("text", [b"[payers\n", b"\xff\xfe"])
def test_a_file_that_is_not_toml_says_where(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_bytes(text)
    assert "is not TOML" in refusal(scenario.load, str(path)).message


def test_a_file_that_is_missing_or_too_large_is_told(tmp_path):
    assert refusal(scenario.load, str(tmp_path / "none.toml")).code == "scenario_not_found"
    large = tmp_path / "large.toml"
    large.write_bytes(b"#" * (scenario.MAX_BYTES + 1))
    assert "larger than 1 MiB" in refusal(scenario.load, str(large)).message


def test_changes_are_laid_over_a_scenario():
    found = scenario.load_named("busy-day", {"payers": {"count": 7}})
    assert (found.payers.count, found.payers.hours, found.deliveries.lost_percent) == (7, 24, 20)
    assert refusal(scenario.load_named, "lost", {"payers": {"count": "7"}}).code == "bad_scenario"
