"""kelly webhook service: texts that systemd itself accepts; nothing is installed."""

import shutil
import subprocess

import pytest

from kelly_cli.commands.service_files import Place, files

UNIT, SOCKET = "/etc/systemd/system/kelly.service", "/etc/systemd/system/kelly.socket"


def test_json_is_one_object_of_files(kelly):
    ran = kelly("webhook", "service", "--json")
    assert ran.code == 0
    assert list(ran.json) == [
        UNIT,
        SOCKET,
        "/etc/nginx/conf.d/kelly.conf",
        "/etc/caddy/Caddyfile",
    ]
    assert "DynamicUser=yes" in ran.json[UNIT]
    assert "ListenStream=/run/kelly/kelly.sock" in ran.json[SOCKET]


def test_people_get_each_text_under_its_place(kelly):
    ran = kelly("webhook", "service", "--user", "shop", "--name", "kelly-2")
    assert ran.code == 0
    assert "# ---- /etc/systemd/system/kelly-2.service ----" in ran.out
    assert "User=shop" in ran.out
    assert "DynamicUser" not in ran.out
    assert "server unix:" not in ran.out
    assert "proxy_pass http://unix:/run/kelly-2/kelly-2.sock;" in ran.out


def test_the_settings_that_the_proxy_must_know_are_in_its_block(kelly, monkeypatch):
    monkeypatch.setenv("KELLY_WEBHOOK_PUBLIC_URL", "https://pay.shop.co.ke")
    monkeypatch.setenv("KELLY_WEBHOOK_MAX_BODY_BYTES", "1000")
    block = kelly("webhook", "service", "--json").json["/etc/nginx/conf.d/kelly.conf"]
    assert "server_name pay.shop.co.ke;" in block
    assert "client_max_body_size 1000;" in block


@pytest.mark.parametrize(
    "words", [("--name", "../x"), ("--name", ""), ("--user", "a b"), ("--user", "x\nUser=root")]
)
def test_a_name_that_would_break_out_is_refused(kelly, words):
    ran = kelly("webhook", "service", *words, "--json")
    assert (ran.code, ran.out) == (2, "")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze")
@pytest.mark.parametrize("user", [None, "daemon"])
def test_systemd_finds_nothing_to_object_to(tmp_path, user):
    texts = files(Place("kelly", shutil.which("true"), user, "pay.example.co.ke", 65536))
    for path in (UNIT, SOCKET):
        (tmp_path / path.rpartition("/")[2]).write_text(texts[path])
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", tmp_path / "kelly.service"],
        capture_output=True,
        text=True,
    )
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")
    graded = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--threshold=20"]
        + [tmp_path / "kelly.service"],
        capture_output=True,
        text=True,
    )
    assert graded.returncode == 0, graded.stdout[-500:]
