import re
from dataclasses import replace
from pathlib import Path

import pytest

from kelly_cli.config import example_text
from kelly_cli.config.table import SETTINGS

SHIPPED = Path(__file__).parents[2] / "kelly.toml.example"


def test_the_shipped_example_is_the_one_of_the_table():
    assert SHIPPED.read_text(encoding="utf-8") == example_text()


def test_the_example_as_it_is_changes_nothing(place):
    place.toml(example_text())
    assert set(place.load().origins.values()) == {"default"}


def test_the_example_without_its_marks_says_the_defaults(place):
    place.toml(re.sub(r"^#(?=[\w\[])", "", example_text(), flags=re.MULTILINE))
    spoken = place.load()
    place.toml("")
    default = place.load()
    assert replace(spoken.mpesa, certificate=None) == default.mpesa
    assert spoken.database.url == default.database.url
    shown = {row.name: row.value_for_people for row in default.settings()}
    differing = {row.name for row in spoken.settings() if row.value_for_people != shown[row.name]}
    assert differing == {
        "mpesa.certificate",
        "webhook.public_url",
        "webhook.spool_folder",
        "business.phone",
        "business.email",
        "business.address",
        "business.tax_number",
        "business.logo",
        "business.pay_note",
    }
    given = {name for name, origin in spoken.origins.items() if origin != "default"}
    assert given == {row.name for row in SETTINGS if not row.secret}


@pytest.mark.parametrize("row", SETTINGS, ids=lambda row: row.name)
def test_every_setting_is_named_and_told(row):
    text = example_text()
    assert row.about in text
    assert (row.names[0] if row.secret else row.name.partition(".")[2]) in text


def test_no_line_of_the_example_is_long():
    assert max(map(len, example_text().splitlines())) <= 100
