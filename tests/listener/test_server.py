"""The server: an address to listen on, and signals that end it in order."""

import asyncio
import logging
import os
import signal
import socket

import pytest

from kelly_cli.errors import KellyError
from kelly_cli.listener import server


@pytest.mark.parametrize("host", ["127.0.0.1", "127.4.5.6", "localhost", "LOCALHOST"])
def test_it_binds_to_any_address_of_this_machine(host):
    with server.listening_socket(server.address_of(host), 0) as bound:
        address, port = bound.getsockname()
        assert address.startswith("127.")
        assert server.url_of(bound) == f"http://{address}:{port}"


def test_it_binds_to_the_ipv6_loopback():
    try:
        bound = server.listening_socket("::1", 0)
    except KellyError as error:
        pytest.skip(error.message)
    with bound:
        assert server.url_of(bound).startswith("http://[::1]:")


@pytest.mark.parametrize("host", ["no-such-host.invalid", "x" * 300, "192.0.2.1"])
def test_an_address_of_another_machine_or_none_is_refused(host):
    with pytest.raises(KellyError) as refused:
        server.listening_socket(server.address_of(host), 0)
    assert refused.value.code == "cannot_listen"
    assert "--host" in refused.value.hint


def test_a_taken_address_names_the_port_and_the_way_out():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(KellyError) as refused:
            server.listening_socket("127.0.0.1", port)
    assert refused.value.code == "address_in_use"
    assert str(port) in refused.value.message
    assert "--port" in refused.value.hint


def test_signals_are_heard_for_the_block_only():
    before = signal.getsignal(signal.SIGTERM)
    with server.stopped_by_signals() as stop:
        assert not stop.asked
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.asked
    assert signal.getsignal(signal.SIGTERM) is before


def test_what_the_server_logs_is_told_in_one_line_without_a_traceback():
    from kelly_cli.listener.telling import Teller

    said = []
    teller = Teller(ready=lambda: None, line=str, out=said.append, err=said.append)
    logger = logging.getLogger("uvicorn.error")
    with server._logs_told_by(teller):
        for error in (ValueError("odd"), asyncio.CancelledError()):
            logger.error("Exception in ASGI application\n", exc_info=error)
    teller.start()
    teller.stop(timeout_s=5)
    assert said == ["Warning: Exception in ASGI application: ValueError: odd"]
