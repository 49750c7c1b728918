import tomllib

import pytest

from kelly_cli.config import set_value
from kelly_cli.errors import ConfigError

FILE = """\
# our shop
[webhook]   # where callbacks arrive
port = 8000 # the old one
host = "127.0.0.1"

[mpesa]
short_code = "600000"

[[mpesa.short_codes]]
code = "700000" # the till
kind = "till"
"""


def test_comments_and_order_are_kept(place):
    path = place.toml(FILE)
    set_value(path, "webhook.port", "9000", place.folder)
    assert path.read_text() == FILE.replace("8000", "9000")


@pytest.mark.parametrize(
    ("name", "value", "written"),
    [
        ("webhook.host", "0.0.0.0", "0.0.0.0"),
        ("webhook.max_body_bytes", "1000", 1000),
        ("webhook.allowed_ips", "10.0.0.0/8, ::1", ["10.0.0.0/8", "::1"]),
        ("webhook.trusted_proxies", "", []),
        ("mpesa.base_url", "http://127.0.0.1:1", "http://127.0.0.1:1"),
        ("mpesa.short_code", "012345", "012345"),
        ("business.name", 'Wanjikũ "Duka"', 'Wanjikũ "Duka"'),
        ("database.url", "books.db", "books.db"),
        ("database.url", "postgresql://ann@h/b", "postgresql://ann@h/b"),
    ],
)
@pytest.mark.parametrize("before", ["", FILE, "# only a comment\n[business]\n#name = 1\n"])
def test_a_value_is_written_and_nothing_else_changes(place, name, value, written, before):
    path = place.toml(before)
    set_value(path, name, value, place.folder)
    expected = tomllib.loads(before)
    section, _, key = name.partition(".")
    expected.setdefault(section, {})[key] = written
    assert tomllib.loads(path.read_text(encoding="utf-8")) == expected
    assert place.load().origins[name] == f"kelly.toml {path}"
    assert [line for line in before.splitlines() if line.startswith("#")] == [
        line for line in path.read_text().splitlines() if line.startswith("#")
    ]


def test_a_missing_file_is_made(place):
    path = place.folder / "kelly.toml"
    set_value(path, "webhook.port", "9000", place.folder)
    assert path.read_text() == "[webhook]\nport = 9000\n"
    assert [entry.name for entry in place.folder.iterdir()] == ["kelly.toml"]


def test_a_new_file_names_the_books_in_use_so_that_they_stay(place):
    books = place.write("data/my books.db", "")
    path = place.folder / "kelly.toml"
    set_value(path, "webhook.port", "1", place.folder, keep_database=f"sqlite:///{books}")
    assert place.load().database.url == f"sqlite:///{books}"
    path.unlink()
    books.unlink()
    set_value(path, "webhook.port", "1", place.folder, keep_database=f"sqlite:///{books}")
    assert not place.load().database.explicit


def test_the_mode_of_the_file_is_kept(place):
    path = place.toml(FILE)
    path.chmod(0o640)
    set_value(path, "webhook.port", "9000", place.folder)
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_link_to_the_file_stays_a_link(place):
    path = place.write("real.toml", FILE)
    link = place.folder / "kelly.toml"
    link.symlink_to(path)
    set_value(link, "webhook.port", "9000", place.folder)
    assert link.is_symlink()
    assert "9000" in path.read_text()


def test_a_path_typed_elsewhere_means_what_it_meant_there(place):
    path = place.write("shop/kelly.toml", "")
    set_value(path, "database.url", "books.db", place.folder)
    assert place.load(config_file=path).database.url == f"sqlite:///{place.folder}/books.db"


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("webhook.prot", "1", "unknown_setting"),
        ("webhook", "1", "unknown_setting"),
        ("webhook.port", "http", "bad_config"),
        ("webhook.port", "", "bad_config"),
        ("webhook.allowed_ips", "a b", "bad_config"),
        ("mpesa.passkey", "canary", "secret_in_config"),
        ("webhook.token", "canary", "secret_in_config"),
        ("database.url", "postgresql://ann:canary@h/b", "secret_in_config"),
        ("mpesa.short_codes", "111111", "bad_config"),
    ],
)
def test_what_is_refused_changes_nothing(place, name, value, code):
    path = place.toml(FILE)
    with pytest.raises(ConfigError) as refusal:
        set_value(path, name, value, place.folder)
    assert refusal.value.code == code
    assert refusal.value.hint
    assert "canary" not in str(refusal.value.as_dict())
    assert path.read_text() == FILE


def test_an_unknown_name_names_the_nearest(place):
    with pytest.raises(ConfigError, match=r"did you mean webhook\.port\?"):
        set_value(place.folder / "kelly.toml", "webhook.prot", "1", place.folder)


def test_a_secret_is_sent_to_dotenv(place):
    with pytest.raises(ConfigError) as refusal:
        set_value(place.folder / "kelly.toml", "mpesa.passkey", "x", place.folder)
    assert f"MPESA_PASSKEY=... into {place.folder}/.env (mode 0600)" in refusal.value.hint


@pytest.mark.parametrize("text", ["[webhook\n", "webhook = 3\n"])
def test_a_file_that_cannot_be_understood_is_left_alone(place, text):
    path = place.toml(text)
    with pytest.raises(ConfigError):
        set_value(path, "webhook.port", "1", place.folder)
    assert path.read_text() == text


def test_a_folder_that_is_not_there_is_named(place):
    with pytest.raises(ConfigError, match=r"gone/kelly\.toml cannot be written: No such"):
        set_value(place.folder / "gone" / "kelly.toml", "webhook.port", "1", place.folder)
