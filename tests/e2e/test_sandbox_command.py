"""kelly mpesa sandbox, webhook trigger and replay, as they are typed."""

import json
import signal
import socket
import subprocess
from http.client import HTTPConnection

import pytest


@pytest.fixture
def process(environ, tmp_path, program):
    """Start ``kelly mpesa sandbox ...``; give the process."""
    started = []

    def run(*more):
        words = ("mpesa", "sandbox", "--port", "0", *more)
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        started.append(program.start(*words, env=environ, cwd=tmp_path, **pipes))
        return started[-1]

    yield run
    for each in started:
        each.kill()
        each.wait()
        each.stdout.close()
        each.stderr.close()


def ask(url, method, path):
    connection = HTTPConnection(url.removeprefix("http://"), timeout=10)
    connection.request(method, path)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_stands_and_ends_with_0(process, number):
    running = process("--json", "--seed", "7", "--scenario", "lost")
    ready = json.loads(running.stdout.readline())
    assert list(ready) == ["event", "url", "scenario", "seed", "next"]
    assert (ready["event"], ready["scenario"], ready["seed"]) == ("ready", "lost", 7)
    assert ready["next"][0] == f"kelly config set mpesa.base_url {ready['url']}"
    assert ask(ready["url"], "GET", "/oauth/v1/generate")[0] == 400
    told = json.loads(running.stdout.readline())
    assert (told["what"], told["name"], told["outcome"]) == (
        "request",
        "GET /oauth/v1/generate",
        "400",
    )
    running.send_signal(number)
    assert running.wait(10) == 0
    assert running.stdout.read() + running.stderr.read() == ""


def test_people_are_told_what_to_do_next_and_no_token_is_shown(process, environ):
    environ["KELLY_WEBHOOK_TOKEN"] = "hush-hush-hush-hush-hush"
    running = process("--scenario", "busy-day")
    lines = [running.stderr.readline() for _ in range(8)]
    running.terminate()
    assert running.wait(10) == 0
    text = "".join(lines)
    assert "A pretend Safaricom on http://127.0.0.1:" in text
    assert "Scenario busy-day" in text
    assert "It deals 2000 payments once URLs are registered" in text
    assert "kelly mpesa register --confirmation-url http://127.0.0.1:8000/hooks/TOKEN/c2b" in text
    assert "hush" not in text


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--scenario", "duplicate"), "scenario_not_found"),
        (("--scenario", "broken.toml"), "bad_scenario"),
        (("--host", "0.0.0.0"), "not_loopback"),
        (("--host", "::"), "not_loopback"),
        (("--port", "TAKEN"), "address_in_use"),
    ],
)
def test_it_refuses_before_it_stands(kelly, tmp_path, words, code):
    (tmp_path / "broken.toml").write_text("[payers]\ncount = -1\n", encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ran = kelly(
            "mpesa", "sandbox", *(port if each == "TAKEN" else each for each in words), "--json"
        )
    assert (ran.code, ran.out, ran.error["code"]) == (1, "", code)
    assert "kelly webhook serve" not in ran.error["hint"]


@pytest.mark.parametrize(
    "words",
    [("mpesa", "sandbox"), ("webhook", "trigger", "--ref", "A", "--amount", "5")],
)
def test_nothing_is_pretended_in_production(kelly, monkeypatch, words):
    monkeypatch.setenv("KELLY_MPESA_ENVIRONMENT", "production")
    ran = kelly(*words, "--json")
    assert (ran.code, ran.error["code"]) == (1, "not_in_production")


@pytest.fixture
def listener(serve, kelly, monkeypatch):
    """A listener with a token, and commands that know it."""
    token = "hush-hush-hush-hush-hush"
    started = serve(env={"KELLY_WEBHOOK_TOKEN": token})
    monkeypatch.setenv("KELLY_WEBHOOK_TOKEN", token)
    monkeypatch.setenv("KELLY_WEBHOOK_PORT", str(started.port))
    return started


def trigger(kelly, *more):
    return kelly("webhook", "trigger", "--ref", "CUST-001", "--amount", "10.50", *more, "--json")


def test_a_finger_pays_over_http_and_the_books_have_it(listener, kelly):
    kelly("customer", "create", "Ann")
    ran = trigger(kelly, "--times", 3, "--phone", "0712345678")
    assert (ran.code, ran.json["posted"], ran.json["total"]) == (0, 3, "31.50")
    booked = kelly("payment", "list", "--json").json
    assert {each["mpesa_receipt_number"] for each in booked} == {
        each["receipt"] for each in ran.json["payments"]
    }
    assert {(each["amount"], each["customer_id"], each["msisdn"]) for each in booked} == {
        ("10.50", "CUST-001", "2547 ***** 678")
    }
    assert kelly("db", "check").code == 0
    assert "hush" not in ran.out + ran.err


@pytest.mark.parametrize(
    ("name", "payments", "duplicates"),
    [("duplicates", 4, 4), ("lost", 2, 0), ("validation-only", 0, 0), ("till", 4, 0)],
)
def test_a_scenario_says_how_they_come(listener, kelly, name, payments, duplicates):
    assert trigger(kelly, "--times", 4, "--scenario", name).code == 0
    assert len(kelly("payment", "list", "--json").json) == payments
    assert len(kelly("webhook", "list", "--duplicates", "--json").json) == duplicates


def test_a_scenario_without_payers_is_no_way_for_callbacks_to_come(kelly):
    ran = trigger(kelly, "--scenario", "waf-page")
    assert (ran.code, "kelly mpesa sandbox --scenario waf-page" in ran.error["hint"]) == (2, True)


def test_nobody_who_listens_and_a_wrong_path_are_told(listener, kelly, monkeypatch):
    wrong = trigger(kelly, "--to", f"http://127.0.0.1:{listener.port}/c2b/confirmation")
    assert (wrong.code, wrong.error["code"]) == (1, "callback_not_taken")
    assert "it answered 404" in wrong.error["message"]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setenv("KELLY_WEBHOOK_PORT", str(port))
    gone = trigger(kelly)
    assert (gone.code, gone.error["code"]) == (1, "callback_not_taken")


@pytest.mark.parametrize("url", ["ftp://a/b", "127.0.0.1", "http://", "http://a b/", "http://[x"])
def test_what_is_no_url_is_a_usage_error(kelly, url):
    assert trigger(kelly, "--to", url).code == 2
    assert kelly("webhook", "replay", 1, "--to", url).code == 2


def test_the_port_that_the_system_chose_has_to_be_told(kelly, monkeypatch):
    monkeypatch.setenv("KELLY_WEBHOOK_PORT", "0")
    assert "--to http://127.0.0.1:PORT" in trigger(kelly).error["hint"]


def test_a_stored_callback_is_sent_on_byte_for_byte(listener, kelly, tmp_path):
    raw = b'\xef\xbb\xbf{"TransID": "QGK12XYZ91",   "TransAmount": 5, "x": "\xff"}'
    hooks = f"http://127.0.0.1:{listener.port}/hooks/hush-hush-hush-hush-hush"
    listener.post("/hooks/hush-hush-hush-hush-hush/c2b/confirmation", raw)
    [log] = kelly("webhook", "list", "--json").json
    ran = kelly("webhook", "replay", log["id"], "--to", f"{hooks}/c2b/confirmation", "--json")
    assert (ran.code, ran.json["status"], ran.json["bytes"]) == (0, 200, len(raw))
    shown = [
        kelly("webhook", "show", each["id"], "--json").json
        for each in kelly("webhook", "list", "--json").json
    ]
    assert len(shown) == 2
    assert len({(each["raw_payload"], each["raw_encoding"]) for each in shown}) == 1
    refused = kelly("webhook", "replay", log["id"], "--to", f"{hooks}/nowhere", "--json")
    assert (refused.code, refused.error["code"]) == (1, "callback_not_taken")
    assert kelly("webhook", "replay", 99, "--to", hooks, "--json").error["code"] == "log_not_found"
    assert kelly("db", "check").code == 0


def test_without_a_scenario_nobody_pays_by_himself(process, kelly, monkeypatch):
    running = process("--json")
    url = json.loads(running.stdout.readline())["url"]
    monkeypatch.setenv("KELLY_MPESA_BASE_URL", url)
    base = "http://127.0.0.1:9/c2b"
    urls = ("--confirmation-url", f"{base}/confirmation", "--validation-url", f"{base}/validation")
    assert kelly("mpesa", "register", *urls).code == 0
    assert json.loads(ask(url, "GET", "/sandbox/truth")[1])["count"] == 0
