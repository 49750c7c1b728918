import pytest
from hypothesis import given
from hypothesis import strategies as st

from kelly_cli.config import Secret, ShortCode, mask
from kelly_cli.errors import ConfigError

CODES = """
[mpesa]
environment = "sandbox"
[[mpesa.short_codes]]
code = "600000"
kind = "till"
name = "Shop"
[[mpesa.short_codes]]
code = 700000
environment = "production"
"""


# --- the database -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("books.db", "sqlite:///{here}/books.db"),
        ("./a b.db", "sqlite:///{here}/a b.db"),
        ("50%?.db", "sqlite:///{here}/50%25%3F.db"),
        ("/var/books.db", "sqlite:////var/books.db"),
        ("sqlite:///books.db", "sqlite:///{here}/books.db"),
        ("sqlite+pysqlite:///books.db", "sqlite:///{here}/books.db"),
        ("sqlite:////var/books.db", "sqlite:////var/books.db"),
        ("postgresql://ann@h/b", "postgresql://ann@h/b"),
        ("postgresql+psycopg://ann:pw@h/b?sslmode=require", None),
    ],
)
def test_the_database_is_a_url_or_a_path(place, given, url):
    found = place.load(db=given).database.url
    assert found == (url or given).format(here=place.folder)


def test_a_path_may_start_at_home(place, monkeypatch):
    monkeypatch.setenv("HOME", "/home/ann")
    assert place.load(db="~/books.db").database.url == "sqlite:////home/ann/books.db"


def test_postgres_is_a_one_line_error_with_the_fix(place):
    with pytest.raises(ConfigError) as refusal:
        place.load(db="postgres://ann:canary@h/b")
    assert "\n" not in refusal.value.message
    assert refusal.value.hint == "Write postgresql://ann:********@h/b"
    assert "canary" not in refusal.value.message


@pytest.mark.parametrize(
    "url",
    ["sqlite://", "sqlite:///", "sqlite:///:memory:", ":memory:", "sqlite://books.db",
     "sqlite:///b.db?mode=ro", "mysql://h/b", "postgresql+psycopg2://h/b", " "],
)  # fmt: skip
def test_other_databases_are_refused(place, url):
    with pytest.raises(ConfigError, match=r"database\.url \(flag --db\) is"):
        place.load(db=url)


# --- numbers, words, addresses ----------------------------------------------------------------


@pytest.mark.parametrize("port", ["0", "65535", " 80 "])
def test_ports_are_allowed_from_0_to_65535(place, port):
    assert place.load(KELLY_WEBHOOK_PORT=port).webhook.port == int(port)


@pytest.mark.parametrize("port", ["-1", "65536", "8_0", "80.0", "٨٠", "1" * 5000])
def test_other_ports_are_refused(place, port):
    with pytest.raises(ConfigError, match="from 0 to 65535"):
        place.load(KELLY_WEBHOOK_PORT=port)


@pytest.mark.parametrize("port", ["true", "80.0", "1979-05-27"])
def test_toml_values_of_another_type_are_refused(place, port):
    place.toml(f"[webhook]\nport = {port}\n")
    with pytest.raises(ConfigError, match=r"webhook\.port \(kelly\.toml .*\) is"):
        place.load()


@pytest.mark.parametrize(
    ("entry", "hint"),
    [
        ("196. 201.213.44", "This entry is neither: '196. 201.213.44'"),
        ("10.0.0.1/8", "the range is 10.0.0.0/8"),
        ("example.com", "'example.com'"),
        ("10.0.0.1,", "''"),
        (",", "''"),
    ],
)
def test_an_address_that_is_none_is_shown(place, entry, hint):
    with pytest.raises(ConfigError, match="addresses and CIDR") as refusal:
        place.load(KELLY_WEBHOOK_TRUSTED_PROXIES=entry)
    assert hint in refusal.value.hint


@pytest.mark.parametrize("value", ['"10.0.0.1"', '""', "[5]", "3"])
def test_a_list_in_kelly_toml_is_a_list_of_texts(place, value):
    place.toml(f"[webhook]\nallowed_ips = {value}\n")
    with pytest.raises(ConfigError, match="a list of addresses"):
        place.load()


def test_urls_lose_the_slash_at_their_end(place):
    config = place.load(KELLY_WEBHOOK_PUBLIC_URL="https://pay.example.co.ke/shop/")
    assert config.webhook.public_url == "https://pay.example.co.ke/shop"


@pytest.mark.parametrize(
    "url", ["pay.example.co.ke", "ftp://h", "https://a:b@h", "https://h/?a=1", "https://h/a b"]
)
def test_other_urls_are_refused(place, url):
    with pytest.raises(ConfigError, match="an http or https URL"):
        place.load(KELLY_WEBHOOK_PUBLIC_URL=url)


@pytest.mark.parametrize("host", ["a b", "http://h", "[::1]"])
def test_a_host_is_an_address_or_a_name(place, host):
    assert place.load(KELLY_WEBHOOK_HOST="::").webhook.host == "::"
    with pytest.raises(ConfigError, match="a host name"):
        place.load(KELLY_WEBHOOK_HOST=host)


@pytest.mark.parametrize("token", ["..", ".", "a/b", "a b", "a%2F", "x" * 129, "schlüssel"])
def test_a_token_is_one_plain_path_segment(place, token):
    with pytest.raises(ConfigError) as refusal:
        place.load(KELLY_WEBHOOK_TOKEN=token)
    assert "********: expected" in refusal.value.message


def test_control_characters_are_refused_and_shown_harmlessly(place):
    with pytest.raises(ConfigError) as refusal:
        place.load(KELLY_BUSINESS_NAME="a\x1b[31mb")
    assert "\x1b" not in refusal.value.message


# --- short codes ------------------------------------------------------------------------------


def test_several_short_codes_are_ours_the_main_one_first(place):
    place.toml(CODES)
    mpesa = place.load().mpesa
    assert mpesa.short_codes == (
        ShortCode("174379", "paybill", "", "sandbox"),
        ShortCode("600000", "till", "Shop", "sandbox"),
        ShortCode("700000", "paybill", "", "production"),
    )
    assert mpesa.our_codes == {"174379", "600000", "700000"}


def test_a_table_may_describe_the_main_code(place):
    place.toml('[[mpesa.short_codes]]\ncode = "174379"\nkind = "till"\n')
    assert place.load().mpesa.short_codes == (ShortCode("174379", "till", "", "local"),)


def test_the_environment_names_more_codes_by_commas(place):
    place.toml(CODES)
    mpesa = place.load(KELLY_MPESA_SHORT_CODES="111111, 0222222").mpesa
    assert [str(code) for code in mpesa.short_codes] == [
        "174379 paybill (sandbox)",
        "111111 paybill (sandbox)",
        "0222222 paybill (sandbox)",
    ]


@pytest.mark.parametrize(
    ("codes", "said"),
    [
        ('[{code = "600000"}, {code = 600000}]', "each code once"),
        ('[{kind = "till"}]', "tables with a code"),
        ('[{code = "6000x0"}]', "4 to 12 digits as code, not '6000x0'"),
        ('[{code = "600000", kind = "shop"}]', "paybill, till, store as kind, not 'shop'"),
        ("[true]", "4 to 12 digits"),
        ("600000", "tables"),
    ],
)
def test_wrong_short_codes_are_refused(place, codes, said):
    place.toml(f"[mpesa]\nshort_codes = {codes}\n")
    with pytest.raises(ConfigError, match=said):
        place.load()


def test_a_number_as_short_code_becomes_text(place):
    place.toml("[mpesa]\nshort_code = 600638\n")
    assert place.load().mpesa.short_code == "600638"


def test_a_short_code_has_its_own_credentials_or_the_plain_ones(place):
    place.toml(CODES)
    place.dotenv("MPESA_600000_CONSUMER_KEY=own\n")
    place.write("passkey", "own too\n")
    config = place.load(
        MPESA_CONSUMER_KEY="plain", MPESA_PASSKEY="plain", MPESA_600000_PASSKEY_FILE="passkey"
    )
    own = config.mpesa.credentials("600000")
    assert (own.consumer_key, own.passkey) == (Secret("own"), Secret("own too"))
    assert own.consumer_secret is None
    assert config.mpesa.credentials("700000").consumer_key == Secret("plain")
    assert config.mpesa.credentials().consumer_key == Secret("plain")
    assert "mpesa.600000.consumer_key" in config.origins
    assert config.warnings == ()


def test_a_code_that_is_not_ours_has_no_credentials(place):
    with pytest.raises(ConfigError, match="999999 is not one of our short codes"):
        place.load().mpesa.credentials("999999")


# --- secrets ----------------------------------------------------------------------------------


@given(st.text(min_size=1))
def test_a_secret_prints_as_the_same_stars_whatever_it_is(value):
    secret = Secret(value)
    assert {repr(secret), str(secret), f"{secret}", f"{secret!r}"} == {"********"}
    assert secret.reveal() == value


def test_secrets_compare_by_value():
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1


@given(
    st.text("abc%._-", max_size=5),
    st.text(st.characters(exclude_categories=("Cs",)), min_size=1).map(lambda text: f"~{text}~"),
    st.sampled_from(["host/db", "[::1]:5432/db?sslmode=require", "/db"]),
)
def test_no_password_of_a_url_is_shown(user, password, rest):
    assert mask(f"postgresql://{user}:{password}@{rest}") == f"postgresql://{user}:********@{rest}"


@given(st.text("abc/:.?=&", max_size=20))
def test_text_without_a_password_is_shown_as_it_is(text):
    assert mask(f"postgresql://{text}") == f"postgresql://{text}"
