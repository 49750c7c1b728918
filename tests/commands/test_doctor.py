"""kelly doctor: every line with its fix, exit 1 when one failed, to the end whatever is broken."""

import os
import socket
import sqlite3
from contextlib import closing

import pytest


@pytest.fixture
def database_url(tmp_path):
    return f"sqlite:///{tmp_path}/books.db"


@pytest.fixture
def doctor(kelly, monkeypatch):
    """The examination, with a listener's port that nobody stands on."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        monkeypatch.setenv("KELLY_WEBHOOK_PORT", str(free.getsockname()[1]))
    return lambda *words: kelly("doctor", *words)


def found(ran):
    return {each["check"]: each for each in ran.json["checks"]}


def test_after_init_nothing_has_failed(kelly, doctor):
    assert kelly("init", stdin="").code == 0
    ran = doctor("--json")
    assert (ran.code, ran.err, ran.json["ok"]) == (0, "", True)
    checks = found(ran)
    assert checks["dotenv mode"]["detail"].endswith("mode 0600")
    assert "schema" in checks["database"]["detail"]
    assert checks["listener"]["fix"] == "kelly webhook serve"
    assert all({"check", "ok", "level", "detail", "fix"} == set(each) for each in checks.values())


def test_people_get_a_line_for_each_and_a_count(kelly, doctor):
    kelly("init", stdin="")
    ran = doctor()
    assert ran.code == 0
    assert "passed\tdatabase\t" in ran.out
    assert "warned\tlistener\t" in ran.out
    assert " lines: 0 failed, 1 warned" in ran.out


def test_it_makes_and_changes_nothing(doctor, tmp_path):
    before = sorted(path.name for path in tmp_path.rglob("*"))
    assert doctor().code == 0
    assert sorted(path.name for path in tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("kelly.toml", "[webhook\n", "line 1"),
        ("kelly.toml", "[webhook]\nprot = 1\n", "webhook.prot"),
        ("kelly.toml", '[mpesa]\npasskey = "hush"\n', "secrets do not belong"),
        (".env", 'KELLY_WEBHOOK_PORT="8000\n', "cannot be understood"),
    ],
)
def test_a_broken_configuration_is_a_finding_and_the_rest_goes_on(
    kelly, doctor, tmp_path, name, text, words
):
    (tmp_path / name).write_text(text, encoding="utf-8")
    ran = doctor("--json")
    assert ran.code == 1
    checks = found(ran)
    assert words in checks["configuration"]["detail"]
    assert checks["configuration"]["fix"]
    assert "token" in checks
    assert "hush" not in ran.out + ran.err


def test_a_missing_config_file_is_a_finding(kelly):
    ran = kelly("--config", "missing.toml", "doctor", "--json")
    assert ran.code == 1
    assert "missing.toml" in found(ran)["configuration"]["detail"]


def test_unknown_names_are_warned_of(doctor, tmp_path, monkeypatch):
    monkeypatch.setenv("KELLY_WEBHOOK_PROT", "1")
    ran = doctor("--json")
    assert ran.code == 0
    assert "KELLY_WEBHOOK_PROT" in found(ran)["unknown names"]["detail"]


@pytest.mark.skipif(os.name != "posix", reason="no modes")
def test_an_env_that_others_may_read_fails(doctor, tmp_path):
    dotenv = tmp_path / ".env"
    dotenv.write_text("MPESA_PASSKEY=hush\n", encoding="utf-8")
    dotenv.chmod(0o640)
    ran = doctor("--json")
    assert ran.code == 1
    assert found(ran)["dotenv mode"]["fix"] == f"chmod 600 {dotenv}"
    dotenv.chmod(0o600)
    assert doctor().code == 0


@pytest.mark.parametrize(
    ("statement", "fix"),
    [
        ("UPDATE alembic_version SET version_num = '0000'", "kelly db upgrade"),
        ("UPDATE alembic_version SET version_num = '9999'", "Use the newer kelly"),
        ("DROP TABLE customers", "Name another one"),
    ],
)
def test_books_of_another_age_fail(kelly, doctor, tmp_path, statement, fix):
    kelly("customer", "create", "Ann")
    with closing(sqlite3.connect(tmp_path / "books.db")) as connection:
        connection.execute("PRAGMA foreign_keys=OFF")
        connection.execute(statement)
        connection.commit()
    ran = doctor("--json")
    assert ran.code == 1
    assert found(ran)["database"]["fix"].startswith(fix)


def test_a_damaged_database_fails_and_the_rest_goes_on(doctor, tmp_path):
    (tmp_path / "books.db").write_bytes(b"these are no books" * 100)
    ran = doctor("--json")
    assert ran.code == 1
    assert found(ran)["database"]["level"] == "failed"
    assert found(ran)["credentials"]["level"] == "passed"


def test_production_that_nobody_set_up_fails_line_by_line(kelly, doctor, monkeypatch):
    monkeypatch.setenv("KELLY_MPESA_ENVIRONMENT", "production")
    kelly("customer", "create", "Ann")
    ran = doctor("--json")
    assert ran.code == 1
    failed = {each["check"] for each in ran.json["checks"] if not each["ok"]}
    assert failed == {"urls", "listener", "credentials"}
    assert all(each["fix"] for each in ran.json["checks"] if not each["ok"])
    told = " ".join(each["detail"] for each in ran.json["checks"])
    assert "MPESA_CONSUMER_KEY is not set" in told
    assert "174379 is a short code of Safaricom's sandbox" in told


def test_the_rules_of_the_public_url_are_told(doctor, at, monkeypatch):
    at("production")
    monkeypatch.setenv("KELLY_WEBHOOK_PUBLIC_URL", "http://mpesa.acme.co.ke")
    ran = doctor("--json")
    told = [each["detail"] for each in ran.json["checks"] if each["check"] == "urls"]
    assert any("no forbidden word" in each for each in told)
    assert any("https" in each for each in told)
    assert "canary" not in ran.out


def test_what_is_registered_is_compared_with_the_settings(kelly, doctor, at, monkeypatch):
    at("sandbox")
    kelly("customer", "create", "Ann")
    assert found(doctor("--json"))["registration"]["level"] == "warned"
    assert kelly("mpesa", "register").code == 0
    assert found(doctor("--json"))["registration"]["level"] == "passed"
    monkeypatch.setenv("KELLY_WEBHOOK_TOKEN", "canaryothertokencanaryothertoken")
    changed = found(doctor("--json"))["registration"]
    assert changed["level"] == "warned"
    assert "canary" not in changed["detail"]


def test_online_takes_a_token_and_compares_clocks(doctor, at, safaricom):
    at("sandbox")
    assert doctor("--json").code == 0
    assert safaricom.requests == []
    ran = doctor("--online", "--json")
    checks = found(ran)
    assert (checks["token"]["level"], checks["clock"]["level"]) == ("passed", "passed")
    assert "good until" in checks["token"]["detail"]
    assert "off the clock of" in checks["clock"]["detail"]
    assert len(safaricom.asked("oauth")) == 1
    assert "canary" not in ran.out + ran.err


def test_online_without_a_line_fails_softly(doctor, at, monkeypatch):
    at("sandbox")
    monkeypatch.setenv("KELLY_MPESA_BASE_URL", "http://127.0.0.1:9")
    ran = doctor("--online", "--json")
    assert ran.code == 1
    checks = found(ran)
    assert (checks["token"]["level"], checks["clock"]["level"]) == ("failed", "warned")
    at("local")
    monkeypatch.setenv("KELLY_MPESA_BASE_URL", "http://127.0.0.1:9")
    ran = doctor("--online", "--json")
    assert ran.code == 0
    assert found(ran)["token"]["fix"] == "kelly mpesa sandbox"


def test_a_listener_that_answers_is_seen(kelly, safaricom, monkeypatch):
    monkeypatch.setenv("KELLY_WEBHOOK_PORT", safaricom.url.rpartition(":")[2])
    assert found(kelly("doctor", "--json"))["listener"]["level"] == "passed"


def test_support_says_where_help_is(kelly):
    ran = kelly("support")
    assert ran.code == 0
    for word in ("developer.safaricom.co.ke", "apisupport@safaricom.co.ke", "24 hours", "business"):
        assert word in ran.out
    document = kelly("support", "--json").json
    assert document["email"] == "apisupport@safaricom.co.ke"
    assert "196.201.214.200" in document["callback_addresses"]
