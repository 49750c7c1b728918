"""A server that misbehaves: status by body by timing, over real HTTP.

Whatever it does: a typed error, one line with a next step, no secret anywhere, and no request that
changes something sent twice.
"""

import importlib.util
import socket
import time
from pathlib import Path

import pytest

from kelly_cli.daraja.client import (
    BadAnswerError,
    BusyError,
    CredentialsError,
    DarajaError,
    DarajaRefusedError,
    OutcomeUnknownError,
    ProductMismatchError,
    UnreachableError,
)
from kelly_cli.daraja.client.transport import Limits

SHORT = Limits(connect_s=1, silence_s=0.25, whole_s=0.6)


def load(name):
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


bad = load("misbehaviours")


def failed(server, daraja, do, what, no_leak):
    with pytest.raises(DarajaError) as caught:
        do(what, daraja)
    error = caught.value
    no_leak(server, error)
    assert "\n" not in error.message
    assert len(error.message) < 700
    assert error.hint
    return error


@pytest.fixture
def misbehaving(server, open_daraja, certificate, says):
    """A client and a server that answers everything but tokens in one strange way."""

    def make(script):
        server.answer = script(says, server)
        limits = SHORT if script in bad.SLOW else None
        return open_daraja(server.url, certificate=certificate, limits=limits)

    return make


@pytest.mark.parametrize("name", bad.UNREADABLE)
def test_a_prompt_without_a_readable_answer_is_unknown_and_sent_once_trap_07(
    server, misbehaving, do, no_leak, name
):
    error = failed(server, misbehaving(bad.UNREADABLE[name]), do, "prompt", no_leak)
    assert type(error) is OutcomeUnknownError
    assert "check with kelly mpesa prompt" in error.hint
    assert len(server.asked) == 1


@pytest.mark.parametrize("what", ["register", "simulate", "reverse", "pull_register"])
@pytest.mark.parametrize("name", ["empty 500", "firewall 503", "closed without a word", "NaN"])
def test_what_changes_something_is_never_repeated(server, misbehaving, do, no_leak, what, name):
    error = failed(server, misbehaving(bad.UNREADABLE[name]), do, what, no_leak)
    assert type(error) is OutcomeUnknownError
    assert "check with kelly" in error.hint
    assert len(server.asked) == 1


@pytest.mark.parametrize("what", ["status", "balance"])
@pytest.mark.parametrize("name", ["silence", "firewall 503", "cut in the body"])
def test_what_starts_an_answer_is_not_repeated_once_it_went_out(
    server, misbehaving, do, no_leak, what, name
):
    error = failed(server, misbehaving(bad.UNREADABLE[name]), do, what, no_leak)
    assert type(error) is OutcomeUnknownError
    assert len(server.asked) == 1


@pytest.mark.parametrize("name", bad.UNREADABLE)
def test_a_pull_without_a_readable_answer_is_a_bad_answer(server, misbehaving, do, no_leak, name):
    error = failed(server, misbehaving(bad.UNREADABLE[name]), do, "pull", no_leak)
    assert type(error) is BadAnswerError
    assert len(server.asked) == (3 if error.retryable else 1)
    assert not (name in bad.NOT_PASSING and error.retryable)
    assert error.retryable or bad.UNREADABLE[name] not in bad.SLOW


@pytest.mark.parametrize("what", ["prompt", "pull", "status"])
@pytest.mark.parametrize("name", bad.REFUSED)
def test_a_readable_no_is_told_with_its_code_and_sent_once(
    server, misbehaving, do, no_leak, what, name
):
    error = failed(server, misbehaving(bad.REFUSED[name]), do, what, no_leak)
    assert type(error) is DarajaRefusedError
    assert len(server.asked) == 1
    assert (error.error_code or "HTTP") in error.message


@pytest.mark.parametrize(("what", "times"), [("prompt", 1), ("pull", 3), ("status", 3)])
@pytest.mark.parametrize("name", bad.BUSY)
def test_busy_is_repeated_only_where_it_is_safe(
    server, misbehaving, do, no_leak, what, times, name
):
    error = failed(server, misbehaving(bad.BUSY[name]), do, what, no_leak)
    assert type(error) is BusyError
    assert len(server.asked) == times


@pytest.mark.parametrize("name", bad.UNCLEAR)
def test_an_error_inside_safaricom_leaves_a_prompt_unknown(server, misbehaving, do, no_leak, name):
    daraja = misbehaving(bad.UNCLEAR[name])
    assert type(failed(server, daraja, do, "prompt", no_leak)) is OutcomeUnknownError
    assert type(failed(server, daraja, do, "pull", no_leak)) is DarajaRefusedError
    assert len(server.asked) == 2


@pytest.mark.parametrize("what", ["prompt", "pull", "status", "register", "reverse", "qr"])
@pytest.mark.parametrize("name", bad.TOKEN_FAILURES)
def test_any_token_failure_costs_one_refresh_then_is_told(
    server, misbehaving, do, no_leak, what, name
):
    error = failed(server, misbehaving(bad.TOKEN_FAILURES[name]), do, what, no_leak)
    assert type(error) is CredentialsError
    assert (server.tokens, len(server.asked)) == (2, 2)


@pytest.mark.parametrize("what", ["prompt", "pull", "status", "register"])
@pytest.mark.parametrize("code", [400, 401, 500])
def test_a_missing_product_costs_exactly_one_refresh_trap_04(
    server, misbehaving, do, no_leak, what, code
):
    daraja = misbehaving(bad.says_it(code, bad.error_body("401.003.01", bad.MISMATCH)))
    error = failed(server, daraja, do, what, no_leak)
    assert type(error) is ProductMismatchError
    assert (server.tokens, len(server.asked)) == (2, 2)
    if what == "register":
        assert "C2B register URL v2" in error.message
        assert "--api v1" in error.hint


@pytest.mark.parametrize("name", bad.OAUTH)
def test_without_a_token_nothing_else_is_sent_trap_07(server, misbehaving, says, do, no_leak, name):
    script, kind, times = bad.OAUTH[name]
    daraja = misbehaving(bad.SLOW[0] if name == "silence" else bad.says_it(200, bad.YES))
    server.token_answer = script(says, server)
    error = failed(server, daraja, do, "prompt", no_leak)
    assert type(error) is kind
    assert (len(server.requests), server.asked) == (times, [])
    assert (
        "not sent" in error.message
        or "Nothing was" in error.message + error.hint
        or (kind is CredentialsError)
    )


@pytest.mark.parametrize("what", ["prompt", "pull", "status"])
def test_a_refresh_that_fails_means_that_nothing_was_done(
    server, misbehaving, says, do, no_leak, what
):
    daraja = misbehaving(bad.TOKEN_FAILURES["404.001.03"])
    daraja.token()
    server.token_answer = says(503, b"")
    error = failed(server, daraja, do, what, no_leak)
    assert type(error) is UnreachableError
    assert (len(server.asked), len(server.requests)) == (1, 1 + 1 + 3)


def test_a_strange_certificate_ends_it_before_anything_is_said(
    tls_server, open_daraja, do, no_leak
):
    error = failed(tls_server, open_daraja(tls_server.url), do, "prompt", no_leak)
    assert type(error) is UnreachableError
    assert "certificate is not trusted" in error.message
    assert tls_server.requests == []


def test_a_certificate_that_the_machine_trusts_is_enough(
    tls_server, open_daraja, do, monkeypatch, certificate, no_leak
):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    # Nothing on this machine's own address is asked by the environment: say it is elsewhere.
    monkeypatch.setattr("kelly_cli.daraja.client.transport._is_here", lambda _: False)
    monkeypatch.setenv("NO_PROXY", "*")
    assert do("register", open_daraja(tls_server.url)).code == "0"
    no_leak(tls_server)


def test_a_server_that_speaks_no_tls_is_told_apart(server, open_daraja, do, no_leak):
    url = server.url.replace("http:", "https:")
    error = failed(server, open_daraja(url, limits=SHORT), do, "prompt", no_leak)
    assert type(error) is UnreachableError


@pytest.mark.parametrize("what", ["prompt", "pull", "status", "register"])
def test_nobody_at_home_means_nothing_was_sent(server, open_daraja, certificate, do, no_leak, what):
    daraja = open_daraja(server.url, certificate=certificate)
    daraja.token()
    server.close()
    error = failed(server, daraja, do, what, no_leak)
    assert type(error) is UnreachableError
    assert "Nothing was sent" in error.message
    assert server.asked == []


@pytest.mark.parametrize("url", ["http://kelly.invalid", "http://127.0.0.1:99999", "http://[::1"])
def test_an_address_that_leads_nowhere_means_nothing_was_sent(
    server, open_daraja, do, no_leak, url
):
    assert type(failed(server, open_daraja(url), do, "prompt", no_leak)) is UnreachableError


def test_a_connection_that_nobody_takes_ends_in_time(open_daraja, server, do, no_leak):
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        crowd = [socket.socket() for _ in range(4)]
        for each in crowd:
            each.setblocking(False)
            each.connect_ex(address)
        limits = Limits(connect_s=0.3, silence_s=0.3, whole_s=0.8)
        daraja = open_daraja(f"http://127.0.0.1:{address[1]}", limits=limits)
        started = time.monotonic()
        assert type(failed(server, daraja, do, "prompt", no_leak)) is UnreachableError
        assert time.monotonic() - started < 5
        for each in crowd:
            each.close()


def test_a_request_that_nobody_waits_for_any_more_does_not_go_out(
    server, open_daraja, do, no_leak, monkeypatch
):
    """A name that takes long to look up must not send the prompt after the error was told."""
    daraja = open_daraja(server.url, limits=Limits(connect_s=5, silence_s=5, whole_s=0.3))
    daraja.token()
    look_up = socket.getaddrinfo

    def slowly(*arguments, **named):
        time.sleep(0.7)
        return look_up(*arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", slowly)
    assert type(failed(server, daraja, do, "prompt", no_leak)) is UnreachableError
    time.sleep(0.8)
    assert server.asked == []
