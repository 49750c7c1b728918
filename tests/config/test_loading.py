import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kelly_cli.config import BASE_URLS, SAFARICOM_ADDRESSES, Config, load
from kelly_cli.config.table import BY_NAME, SECTIONS, SETTINGS
from kelly_cli.errors import ConfigError

ORDER = ("environment", "dotenv", "toml")
SAMPLES = {
    "database.url": ("a.db", "b.db", "c.db"),
    "mpesa.environment": ("sandbox", "production", "local"),
    "mpesa.base_url": ("http://a", "http://b", "http://c"),
    "mpesa.short_code": ("111111", "222222", "333333"),
    "mpesa.api": ("v1", "v2", "v1"),
    "mpesa.certificate": ("/a.cer", "/b.cer", "/c.cer"),
    "mpesa.short_codes": ("111111", "222222", "333333"),
    "webhook.host": ("10.0.0.1", "10.0.0.2", "10.0.0.3"),
    "webhook.port": ("1", "2", "3"),
    "webhook.public_url": ("https://a", "https://b", "https://c"),
    "webhook.allowed_ips": ("10.0.0.1", "10.0.0.2", "10.0.0.3"),
    "webhook.trusted_proxies": ("10.0.0.1", "10.0.0.2", "10.0.0.3"),
    "webhook.max_body_bytes": ("1", "2", "3"),
    "webhook.validation": ("off", "warn", "strict"),
    "webhook.spool_folder": ("/a", "/b", "/c"),
    "alerts.repeat_minutes": ("1", "2", "3"),
    "business.name": ("Ann", "Ben", "Cid"),
    "business.phone": ("1", "2", "3"),
    "business.email": ("a@x", "b@x", "c@x"),
    "business.address": ("A Street", "B Street", "C Street"),
    "business.tax_number": ("P1", "P2", "P3"),
    "business.logo": ("/a.png", "/b.png", "/c.png"),
    "business.pay_note": ("Ann", "Ben", "Cid"),
}


def value_of(config: Config, name: str) -> str:
    return next(row.value_for_people for row in config.settings() if row.name == name)


def toml_line(name: str, value: str) -> str:
    section, _, key = name.partition(".")
    written = {"list": f'["{value}"]', "whole": value}.get(BY_NAME[name].form, f'"{value}"')
    return f"[{section}]\n{key} = {written}\n"


def test_the_samples_name_every_setting_that_is_no_secret():
    assert set(SAMPLES) == {row.name for row in SETTINGS if not row.secret}


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize(("first", "second"), [(0, 1), (0, 2), (1, 2)])
def test_the_first_source_wins(place, name, first, second):
    variable = BY_NAME[name].names[0]
    for winner in ({first}, {second}, {first, second}):
        environ = {variable: SAMPLES[name][0]} if 0 in winner else {}
        place.dotenv(f"{variable}={SAMPLES[name][1]}\n" if 1 in winner else "")
        place.toml(toml_line(name, SAMPLES[name][2]) if 2 in winner else "")
        config = place.load(**environ)
        best = min(winner)
        assert SAMPLES[name][best] in value_of(config, name)
        assert (
            config.origins[name]
            == (
                f"environment {variable}",
                f".env {place.folder}/.env:{variable}",
                f"kelly.toml {place.folder}/kelly.toml",
            )[best]
        )


def test_the_flag_wins_over_every_other_source(place):
    place.dotenv("KELLY_DATABASE_URL=dotenv.db\n")
    place.toml('[database]\nurl = "toml.db"\n')
    config = place.load(db="flag.db", KELLY_DATABASE_URL="environment.db")
    assert config.database.url == f"sqlite:///{place.folder}/flag.db"
    assert config.database.explicit
    assert config.origins["database.url"] == "flag --db"


@given(st.sets(st.sampled_from(ORDER)))
def test_whatever_is_given_the_first_of_the_order_wins(tmp_path_factory, sources):
    folder = tmp_path_factory.mktemp("place")
    if "toml" in sources:
        (folder / "kelly.toml").write_text("[webhook]\nport = 3\n")
    if "dotenv" in sources:
        (folder / ".env").write_text("KELLY_WEBHOOK_PORT=2\n")
    environ = {"KELLY_WEBHOOK_PORT": "1"} if "environment" in sources else {}
    config = load(config_file=None, db=None, environ=environ, cwd=folder)
    expected = [port for port, name in enumerate(ORDER, 1) if name in sources]
    assert config.webhook.port == [*expected, 8000][0]


def test_defaults_are_those_of_the_contract(place):
    config = place.load()
    assert config.mpesa.environment == "local"
    assert config.mpesa.short_code == "174379"
    assert config.mpesa.credentials().consumer_key is None
    assert (config.webhook.host, config.webhook.port) == ("127.0.0.1", 8000)
    assert config.webhook.public_url is None
    assert config.webhook.trusted_proxies == ()
    assert config.webhook.token is None
    assert config.webhook.max_body_bytes == 65536
    assert config.business.name == "My business"
    assert set(config.origins.values()) == {"default"}
    assert config.files == (None, None)
    assert config.warnings == ()


@pytest.mark.parametrize(
    ("environment", "allowed"),
    [
        ("local", ["127.0.0.0/8", "::1/128"]),
        ("sandbox", [*(f"{ip}/32" for ip in SAFARICOM_ADDRESSES), "127.0.0.0/8", "::1/128"]),
        ("production", [f"{ip}/32" for ip in SAFARICOM_ADDRESSES]),
    ],
)
def test_address_and_allowed_ips_follow_the_environment(place, environment, allowed):
    config = place.load(KELLY_MPESA_ENVIRONMENT=environment)
    assert config.mpesa.base_url == BASE_URLS[environment]
    assert [str(network) for network in config.webhook.allowed_ips] == allowed
    assert len(SAFARICOM_ADDRESSES) == 12


def test_the_default_database_stands_beside_kelly_toml(place):
    place.write("shop/kelly.toml", "")
    config = place.load(config_file=Path("shop/kelly.toml"))
    assert config.database.url == f"sqlite:///{place.folder}/shop/kelly.db"
    assert not config.database.explicit


def test_without_a_kelly_toml_the_database_is_in_the_users_data_folder(place, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert place.load().database.url == "sqlite:////data/kelly/kelly.db"


@pytest.mark.parametrize(
    ("source", "start"), [("flag", ""), ("environment", ""), ("dotenv", "shop"), ("toml", "shop")]
)
def test_relative_paths_start_where_they_are_written(place, source, start):
    place.write("shop/kelly.toml", '[database]\nurl = "sub/books.db"' if source == "toml" else "")
    place.write("shop/.env", "KELLY_DATABASE_URL=sub/books.db" if source == "dotenv" else "")
    environ = {"KELLY_DATABASE_URL": "sub/books.db"} if source == "environment" else {}
    config = place.load(
        config_file=Path("shop/kelly.toml"),
        db="sub/books.db" if source == "flag" else None,
        **environ,
    )
    assert config.database.url == f"sqlite:///{place.folder / start}/sub/books.db"


def test_lists_in_the_environment_are_separated_by_commas(place):
    config = place.load(KELLY_WEBHOOK_ALLOWED_IPS="10.0.0.0/8, 192.168.1.7,::1")
    assert [str(ip) for ip in config.webhook.allowed_ips] == [
        "10.0.0.0/8",
        "192.168.1.7/32",
        "::1/128",
    ]


def test_an_empty_list_in_the_environment_is_an_empty_list(place):
    config = place.load(KELLY_WEBHOOK_ALLOWED_IPS="")
    assert config.webhook.allowed_ips == ()
    assert config.origins["webhook.allowed_ips"] == "environment KELLY_WEBHOOK_ALLOWED_IPS"


@pytest.mark.parametrize(
    "row", [row for row in SETTINGS if row.form != "list"], ids=lambda row: row.name
)
@pytest.mark.parametrize("blank", ["", "  "])
def test_an_empty_text_counts_as_not_set(place, row, blank):
    config = place.load(**{row.names[0]: blank})
    assert config.origins[row.name] == "default"


def test_empty_text_in_kelly_toml_counts_as_not_set(place):
    place.toml('[webhook]\npublic_url = ""\n')
    assert place.load().webhook.public_url is None


def test_an_empty_flag_is_refused_and_never_the_default(place):
    with pytest.raises(ConfigError, match="flag --db"):
        place.load(db="")


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("KELLY_WEBHOOK_PORT", "http", "'http': expected a whole number from 0 to 65535"),
        ("KELLY_WEBHOOK_MAX_BODY_BYTES", "0", "'0': expected a whole number from 1"),
        ("KELLY_MPESA_ENVIRONMENT", "live", "'live': expected one of local, sandbox, production"),
        ("MPESA_PASSKEY", "one\ntwo", "******** *: expected one line"),
        ("KELLY_WEBHOOK_TOKEN", "a/b", "******** *: expected up to 128 letters"),
        ("KELLY_DATABASE_URL", "mysql://ann:pa55@h/b", "'mysql://ann:********@h/b': expected"),
    ],
)
def test_a_wrong_value_names_setting_origin_value_and_what_is_expected(
    place, variable, value, said
):
    with pytest.raises(ConfigError) as refusal:
        place.load(**{variable: value})
    name = next(row.name for row in SETTINGS if row.names[0] == variable)
    message = refusal.value.message
    assert message.startswith(f"{name} (environment {variable}) is ")
    assert said.replace(" *:", ":") in message
    assert "pa55" not in message + refusal.value.hint
    assert refusal.value.hint


def test_a_wrong_value_that_another_source_overrides_does_no_harm(place):
    place.toml("[webhook]\nport = 99999\n")
    assert place.load(KELLY_WEBHOOK_PORT="80").webhook.port == 80


def test_the_environment_is_not_touched(place):
    place.dotenv("KELLY_WEBHOOK_PORT=1\nMPESA_PASSKEY=abc\n")
    before = dict(os.environ)
    place.load()
    assert dict(os.environ) == before


def test_a_configuration_cannot_be_changed(place):
    config = place.load()
    for target, name in [(config, "webhook"), (config.webhook, "port"), (config.mpesa, "keys")]:
        with pytest.raises(AttributeError):
            setattr(target, name, 1)
    with pytest.raises(TypeError):
        config.origins["webhook.port"] = "elsewhere"  # type: ignore[index]


def test_every_setting_is_listed_with_its_origin(place):
    config = place.load()
    assert [row.name for row in config.settings()] == [row.name for row in SETTINGS]
    assert set(config.origins) == set(BY_NAME)
    assert all(row.name.partition(".")[0] in SECTIONS for row in config.settings())


def test_importing_loads_no_heavy_module():
    code = (
        "import sys, kelly_cli.config; print([n for n in ('pydantic', 'tomllib', 'dotenv',"
        " 'tomlkit', 'platformdirs', 'sqlalchemy', 'rich', 'difflib', 'hmac') if n in sys.modules])"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True
    )
    assert done.stdout.strip() == "[]"
