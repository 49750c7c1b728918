"""kelly init: three things that are there afterwards, and nothing written over."""

import os
import stat

import pytest

from kelly_cli.config import load


@pytest.fixture
def init(kelly, monkeypatch, tmp_path):
    """kelly without the test's database in the environment, in a folder of its own."""
    monkeypatch.delenv("KELLY_DATABASE_URL")
    folder = tmp_path / "shop"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return lambda *words, **options: kelly("init", *words, **options)


@pytest.fixture
def database_url(tmp_path):
    """Set aside by ``init``: the books stand beside kelly.toml."""
    return f"sqlite:///{tmp_path}/books.db"


def settings(folder):
    return load(config_file=folder / "kelly.toml", db=None, environ={}, cwd=folder)


def test_it_writes_settings_secrets_and_books(init, tmp_path):
    ran = init("--json", stdin="")
    shop = tmp_path / "shop"
    assert ran.code == 0
    assert ran.json["kelly_toml"] == {"what": str(shop / "kelly.toml"), "state": "made"}
    assert ran.json["next"] == "kelly doctor"
    assert stat.S_IMODE((shop / ".env").stat().st_mode) == 0o600
    assert (shop / "kelly.db").stat().st_size > 0
    config = settings(shop)
    assert (config.mpesa.environment, config.mpesa.short_code) == ("local", "174379")
    assert config.webhook.token is None


@pytest.mark.skipif(not hasattr(os, "umask"), reason="no modes")
def test_the_secrets_are_nobody_elses_whatever_the_umask(init, tmp_path):
    before = os.umask(0)
    try:
        init(stdin="")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "shop/.env").stat().st_mode) == 0o600


def test_twice_changes_nothing(init, tmp_path):
    init(stdin="")
    shop = tmp_path / "shop"
    (shop / "kelly.toml").write_text('[business]\nname = "Mine"\n', encoding="utf-8")
    (shop / ".env").write_text("MPESA_PASSKEY=mine\n", encoding="utf-8")
    ran = init("--json", stdin="")
    assert ran.code == 0
    made = [ran.json[name]["state"] for name in ("kelly_toml", "dotenv", "database")]
    assert made == ["kept"] * 3
    assert (shop / "kelly.toml").read_text(encoding="utf-8") == '[business]\nname = "Mine"\n'
    assert (shop / ".env").read_text(encoding="utf-8") == "MPESA_PASSKEY=mine\n"


def test_answers_that_would_be_lost_are_refused(init, tmp_path):
    init(stdin="")
    ran = init("--environment", "sandbox", "--json", stdin="")
    assert (ran.code, ran.error["code"]) == (1, "file_exists")
    assert ran.error["hint"] == "Change it: kelly config set mpesa.environment sandbox"
    ran = init("--secrets", "-", "--json", stdin="MPESA_PASSKEY=new\n")
    assert (ran.code, ran.error["code"]) == (1, "file_exists")


def test_flags_answer_every_question(init, tmp_path):
    ran = init(
        "--environment", "production", "--short-code", "600123",
        "--business-name", 'Jane\'s "Shop" é', "--public-url", "https://pay.acme.co.ke/",
        "--secrets", "-",
        stdin="MPESA_CONSUMER_KEY=k1\nMPESA_CONSUMER_SECRET='s \"1\" #'\n",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    config = settings(tmp_path / "shop")
    assert (config.mpesa.environment, config.mpesa.short_code) == ("production", "600123")
    assert config.business.name == 'Jane\'s "Shop" é'
    assert config.webhook.public_url == "https://pay.acme.co.ke"
    assert config.mpesa.credentials().consumer_secret.reveal() == 's "1" #'
    assert len(config.webhook.token.reveal()) == 32
    assert "k1" not in ran.out + ran.err
    assert config.webhook.token.reveal() not in ran.out + ran.err


def test_a_token_is_a_choice(init, tmp_path):
    init("--token", stdin="")
    assert settings(tmp_path / "shop").webhook.token is not None
    init("other", "--environment", "sandbox", "--no-token", stdin="")
    assert settings(tmp_path / "shop/other").webhook.token is None


@pytest.mark.parametrize(
    "words",
    [
        ("--environment", "live"),
        ("--short-code", "12"),
        ("--public-url", "pay.acme.co.ke"),
        ("--business-name", " "),
    ],
)
def test_a_wrong_answer_leaves_nothing_behind(init, tmp_path, words):
    ran = init(*words, "--json", stdin="")
    assert (ran.code, ran.error["code"], ran.out) == (2, "usage", "")
    assert list((tmp_path / "shop").iterdir()) == []


def test_only_secrets_are_taken_as_secrets(init, tmp_path):
    ran = init("--secrets", "-", "--json", stdin="MPESA_PASSKY=hush\n")
    assert ran.code == 2
    assert "hush" not in ran.err
    ran = init("--secrets", "-", "--json", stdin='MPESA_PASSKEY="hush\n')
    assert (ran.code, ran.error["code"]) == (1, "broken_dotenv")
    assert "hush" not in ran.err


def test_a_link_in_the_way_is_not_followed(init, tmp_path):
    victim = tmp_path / "victim"
    (tmp_path / "shop/.env").symlink_to(victim)
    assert init(stdin="").code == 0
    assert not victim.exists()


def test_a_folder_that_cannot_be_written_is_an_error(init):
    ran = init("/proc/shop", "--json", stdin="")
    assert (ran.code, ran.error["code"]) == (1, "file_not_writable")


def test_a_named_kelly_toml_is_made_where_it_is_named(kelly, init, tmp_path, monkeypatch):
    assert kelly("--config", "here/my.toml", "init", stdin="").code == 0
    assert (tmp_path / "shop/here/my.toml").exists()
    assert (tmp_path / "shop/here/kelly.db").exists()
    monkeypatch.setenv("KELLY_CONFIG", str(tmp_path / "there/kelly.toml"))
    assert init(stdin="").code == 0
    assert (tmp_path / "there/kelly.db").exists()
    assert kelly("--config", "a.toml", "init", "b", stdin="").code == 2


def test_books_of_before_stay_in_use(kelly, init, tmp_path):
    kelly("customer", "create", "Ann")
    assert init(stdin="").code == 0
    assert not (tmp_path / "shop/kelly.db").exists()
    assert kelly("customer", "list", "--json").json[0]["name"] == "Ann"


def test_a_database_by_flag_is_remembered_and_its_password_hidden(kelly, init, tmp_path):
    assert kelly("--db", tmp_path / "elsewhere.db", "init", stdin="").code == 0
    assert settings(tmp_path / "shop").database.url == f"sqlite:///{tmp_path}/elsewhere.db"
    assert (tmp_path / "elsewhere.db").exists()


def test_people_read_what_was_made_and_what_comes_next(init):
    ran = init(stdin="")
    assert "made\t" in ran.out
    assert ran.out.endswith("Next: kelly doctor\n")
    assert ran.err == ""
