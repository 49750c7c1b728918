"""The first kelly.toml and .env read back as what was chosen."""

from hypothesis import given
from hypothesis import strategies as st

from kelly_cli.config.sources import parse_dotenv
from kelly_cli.config.starting import starting_dotenv, starting_toml
from kelly_cli.config.table import SETTINGS

VISIBLE = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=30)


def test_without_a_choice_everything_is_its_default(place):
    place.toml(starting_toml({}))
    assert set(place.load().origins.values()) == {"default"}


@given(VISIBLE)
def test_a_name_reads_back_letter_by_letter(name):
    import tomllib

    text = starting_toml({"business.name": name, "mpesa.environment": "sandbox"})
    read = tomllib.loads(text)
    assert read["business"] == {"name": name}
    assert read["mpesa"] == {"environment": "sandbox"}


@given(st.dictionaries(st.sampled_from([s.names[0] for s in SETTINGS if s.secret]), VISIBLE))
def test_a_secret_reads_back_letter_by_letter(secrets):
    read = parse_dotenv(starting_dotenv(secrets), ".env")
    assert read == secrets


def test_a_database_with_a_password_is_a_secret_too():
    text = starting_dotenv({"KELLY_DATABASE_URL": "postgresql://ann:pw@host/books"})
    assert parse_dotenv(text, ".env") == {"KELLY_DATABASE_URL": "postgresql://ann:pw@host/books"}
