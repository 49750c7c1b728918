from pathlib import Path

import pytest

from kelly_cli.config import Config
from kelly_cli.config.table import SETTINGS
from kelly_cli.errors import ConfigError

SECRETS = [row for row in SETTINGS if row.secret]


def secrets_of(config: Config) -> dict[str, str | None]:
    keys = config.mpesa.credentials()
    found = {f"mpesa.{name}": getattr(keys, name) for name in keys.__slots__}
    found["webhook.token"] = config.webhook.token
    found["alerts.urls"] = config.alerts.urls
    return {name: value and value.reveal() for name, value in found.items()}


# --- which files ------------------------------------------------------------------------------


def test_kelly_toml_is_searched_in_the_order_of_the_contract(place):
    user = place.write("home/.config/kelly/kelly.toml", "")
    xdg = place.write("xdg/kelly/kelly.toml", "")
    home = {"HOME": str(place.folder / "home")}
    assert place.load().files.kelly_toml is None
    assert place.load(**home).files.kelly_toml == user
    home["XDG_CONFIG_HOME"] = str(place.folder / "xdg")
    assert place.load(**home).files.kelly_toml == xdg
    assert place.load(**home | {"XDG_CONFIG_HOME": "xdg"}).files.kelly_toml == user

    here = place.toml("")
    assert place.load(**home).files.kelly_toml == here

    named = place.write("named.toml", "")
    assert place.load(**home, KELLY_CONFIG="named.toml").files.kelly_toml == named

    flagged = place.write("flagged.toml", "")
    config = place.load(config_file=Path("flagged.toml"), KELLY_CONFIG="missing.toml", **home)
    assert config.files.kelly_toml == flagged


def test_a_named_file_that_does_not_exist_is_refused_by_name(place):
    place.toml("")
    missing = place.folder / "missing.toml"
    with pytest.raises(ConfigError, match=f"--config names {missing}"):
        place.load(config_file=missing)
    with pytest.raises(ConfigError, match=f"KELLY_CONFIG names {missing}"):
        place.load(KELLY_CONFIG="missing.toml")
    with pytest.raises(ConfigError, match="--config names"):
        place.load(config_file=Path())


def test_dotenv_is_read_beside_kelly_toml_else_in_the_working_directory(place):
    here = place.dotenv("")
    assert place.load().files.dotenv == here
    place.write("shop/kelly.toml", "")
    assert place.load(config_file=Path("shop/kelly.toml")).files.dotenv == here
    beside = place.write("shop/.env", "")
    assert place.load(config_file=Path("shop/kelly.toml")).files.dotenv == beside


def test_a_folder_called_dotenv_is_no_dotenv(place):
    (place.folder / ".env").mkdir()
    assert place.load().files.dotenv is None


def test_dotenv_values_are_taken_literally(place):
    place.dotenv("\ufeffexport MPESA_PASSKEY='a${HOME}b#c'\nKELLY_WEBHOOK_ALLOWED_IPS\n")
    config = place.load()
    assert secrets_of(config)["mpesa.passkey"] == "a${HOME}b#c"
    assert config.origins["webhook.allowed_ips"] == "default"


def test_a_dotenv_line_that_cannot_be_understood_is_named(place):
    path = place.dotenv("KELLY_WEBHOOK_PORT=1\nMPESA_PASSKEY='abc\n")
    with pytest.raises(ConfigError, match=f"{path}, line 2") as refusal:
        place.load()
    assert "abc" not in refusal.value.message


def test_a_file_that_is_not_text_is_refused_by_name(place):
    (place.folder / "kelly.toml").write_bytes(b"[webhook]\n\xff")
    with pytest.raises(ConfigError, match=r"kelly\.toml cannot be read: it is not UTF-8"):
        place.load()


# --- kelly.toml -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("[webhook]\nport 80\n", 2, 6),
        ("[business]\nphone = 0712345678\n", 2, 10),
        ('[business]\nname = "', 2, 9),
    ],
)
def test_a_broken_toml_names_file_line_and_column(place, text, line, column):
    path = place.toml(text)
    with pytest.raises(ConfigError) as refusal:
        place.load()
    assert refusal.value.message.startswith(f"{path}, line {line}, column {column}: ")
    assert refusal.value.code == "broken_toml"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[webhook]\nprot = 1\n", r"webhook\.prot \(did you mean webhook\.port\?\)"),
        ("[webhok]\nport = 1\n", r"webhok\.port \(did you mean webhook\.port\?\)"),
        ("port = 1\n", r"port \(did you mean webhook\.port\?\)"),
        ("[zzz]\n", "zzz"),
        ("[webhook.port]\nnumber = 1\n", r"webhook\.port\.number"),
        ('[[mpesa.short_codes]]\ncoed = "1"\n', r"short_codes\.coed \(did you mean .*\.code\?\)"),
    ],
)
def test_an_unknown_key_names_the_nearest_known_one(place, text, said):
    place.toml(text)
    with pytest.raises(ConfigError, match=said) as refusal:
        place.load()
    assert refusal.value.code == "unknown_setting"


def test_all_unknown_keys_are_told_at_once(place):
    place.toml("aaa = 1\n[webhook]\nbbb = 1\n")
    with pytest.raises(ConfigError, match=r"aaa.*; webhook\.bbb"):
        place.load()


def test_a_section_written_as_a_value_is_refused(place):
    place.toml("webhook = 80\n")
    with pytest.raises(ConfigError, match=r"webhook in .* is no section"):
        place.load()


@pytest.mark.parametrize("row", SECRETS, ids=lambda row: row.name)
def test_a_secret_in_kelly_toml_says_where_to_move_it(place, row):
    section, _, key = row.name.partition(".")
    place.toml(f'[{section}]\n{key} = "canary"\n')
    with pytest.raises(ConfigError) as refusal:
        place.load(**{row.names[0]: "given-here-too"})
    assert refusal.value.code == "secret_in_config"
    assert row.names[0] in refusal.value.hint
    assert f"{place.folder}/.env" in refusal.value.hint
    assert "canary" not in str(refusal.value.as_dict())


@pytest.mark.parametrize(
    ("text", "variable"),
    [
        ('passkey = "canary"', "MPESA_PASSKEY"),
        ('[daraja]\nconsumer_secret = "canary"', "MPESA_CONSUMER_SECRET"),
        ('[mpesa]\nMPESA_PASSKEY = "canary"', "MPESA_PASSKEY"),
        ('[mpesa.600000]\nconsumer_key = "canary"', "MPESA_CONSUMER_KEY"),
        ('[[mpesa.short_codes]]\ncode = "600000"\npasskey = "canary"', "MPESA_CODE_PASSKEY"),
    ],
)
def test_a_secret_anywhere_in_kelly_toml_is_recognised(place, text, variable):
    place.toml(text)
    with pytest.raises(ConfigError) as refusal:
        place.load()
    assert refusal.value.code == "secret_in_config"
    assert variable in refusal.value.hint
    assert "canary" not in str(refusal.value.as_dict())


@pytest.mark.parametrize(
    "url", ["postgresql://ann:canary@h/b", "postgresql://h/b?user=a&password=canary"]
)
def test_a_password_in_a_url_in_kelly_toml_says_where_to_move_it(place, url):
    place.toml(f'[database]\nurl = "{url}"\n')
    with pytest.raises(ConfigError) as refusal:
        place.load()
    assert refusal.value.code == "secret_in_config"
    assert "KELLY_DATABASE_URL" in refusal.value.hint
    assert "canary" not in str(refusal.value.as_dict())


def test_a_url_without_password_may_stand_in_kelly_toml(place):
    place.toml('[database]\nurl = "postgresql://ann@h:5432/b"\n')
    assert place.load().database.url == "postgresql://ann@h:5432/b"


# --- secrets ----------------------------------------------------------------------------------


@pytest.mark.parametrize("row", SECRETS, ids=lambda row: row.name)
def test_a_secret_is_read_from_environment_dotenv_or_the_file_it_points_to(place, row):
    name, file_name = row.names
    assert secrets_of(place.load(**{name: "from-environment"}))[row.name] == "from-environment"

    place.write("run/secret", "from-file\r\n")
    config = place.load(**{file_name: "run/secret"})
    assert secrets_of(config)[row.name] == "from-file"
    assert config.origins[row.name].startswith(f"environment {file_name} (")

    place.dotenv(f"{name}=from-dotenv\n")
    assert secrets_of(place.load())[row.name] == "from-dotenv"


def test_a_file_that_dotenv_points_to_is_found_from_the_dotenv(place):
    place.write("shop/kelly.toml", "")
    place.write("shop/.env", "MPESA_PASSKEY_FILE=secret\n")
    place.write("shop/secret", "abc\n")
    config = place.load(config_file=Path("shop/kelly.toml"))
    assert secrets_of(config)["mpesa.passkey"] == "abc"


def test_the_database_url_may_come_from_a_file_because_it_may_hold_a_password(place):
    place.write("run/url", "postgresql://ann:canary@h/b\n")
    config = place.load(KELLY_DATABASE_URL_FILE="run/url")
    assert config.database.url == "postgresql://ann:canary@h/b"
    assert config.warnings == ()


@pytest.mark.parametrize("row", SECRETS, ids=lambda row: row.name)
def test_a_secret_given_twice_is_refused(place, row):
    name, file_name = row.names
    place.write("secret", "one")
    with pytest.raises(ConfigError, match=f"{name} and {file_name} are both set"):
        place.load(**{name: "two", file_name: "secret"})
    assert secrets_of(place.load(**{name: "", file_name: "secret"}))[row.name] == "one"


def test_a_secret_file_that_cannot_be_read_or_is_empty_is_refused_by_name(place):
    with pytest.raises(ConfigError, match=r"gone .*MPESA_PASSKEY_FILE.* cannot be read: No such"):
        place.load(MPESA_PASSKEY_FILE="gone")
    place.write("empty", "\n")
    with pytest.raises(ConfigError, match=r"empty .*MPESA_PASSKEY_FILE.* is empty"):
        place.load(MPESA_PASSKEY_FILE="empty")


def test_the_environment_decides_between_a_file_and_a_dotenv_value(place):
    place.dotenv("MPESA_PASSKEY=dotenv\n")
    place.write("secret", "file")
    config = place.load(MPESA_PASSKEY_FILE="secret")
    assert secrets_of(config)["mpesa.passkey"] == "file"


def test_secrets_are_masked_wherever_configuration_is_shown(place):
    environ = {row.names[0]: f"canary-{place.folder.name}" for row in SECRETS}
    environ["MPESA_174379_PASSKEY"] = "canary-own"
    config = place.load(**environ, KELLY_DATABASE_URL="postgresql://ann:canary@h/b")
    rows = {row.name: row for row in config.settings()}
    assert "canary" not in repr(config) + str(config) + repr(config.settings())
    assert all(rows[row.name].value_for_people == "********" for row in SECRETS)
    assert all(rows[row.name].secret for row in SECRETS)
    assert rows["database.url"].value_for_people == "postgresql://ann:********@h/b"
    assert rows["mpesa.174379.passkey"].value_for_people == "********"
    assert {row.value_for_people for row in place.load().settings() if row.secret} == {"not set"}


# --- unknown names ----------------------------------------------------------------------------


def test_an_unknown_name_is_a_warning_with_the_nearest_known_one(place):
    place.dotenv("KELLY_DATABSE_URL=x\n")
    config = place.load(KELLY_WEBHOK_PORT="1", KELLY_MPESA_CONSUMER_KEY="x")
    told = [warning.partition(" is no setting of kelly ") for warning in config.warnings]
    assert [(name, near) for name, _, near in told] == [
        ("environment KELLY_WEBHOK_PORT", "(did you mean KELLY_WEBHOOK_PORT?)"),
        ("environment KELLY_MPESA_CONSUMER_KEY", "(did you mean MPESA_CONSUMER_KEY?)"),
        (f".env {place.folder}/.env:KELLY_DATABSE_URL", "(did you mean KELLY_DATABASE_URL?)"),
    ]


def test_names_that_are_known_or_of_other_software_are_no_warning(place):
    place.toml("")
    config = place.load(
        KELLY_CONFIG="kelly.toml",
        KELLY_DEBUG="1",
        KELLY_JSON="1",
        KELLY_TEST_POSTGRES_URL="x",
        MPESA_SOMETHING="x",
        PATH="/bin",
    )
    assert config.warnings == ()


def test_a_name_without_effect_in_dotenv_is_a_warning(place):
    place.dotenv("KELLY_CONFIG=other.toml\n")
    assert "read from the environment only" in place.load().warnings[0]


def test_a_short_code_of_nobody_is_a_warning(place):
    warnings = place.load(MPESA_600000_PASSKEY="canary").warnings
    assert warnings == ("environment MPESA_600000_PASSKEY: 600000 is not among our short codes",)
