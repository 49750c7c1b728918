"""Channels: alerts arrive over real HTTP, and a dead channel holds up nobody."""

import json
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from kelly_cli.core.alerting import Alert
from kelly_cli.errors import ConfigError
from kelly_cli.listener import channels
from kelly_cli.listener.channels import Channel, open_channels

FAILED = Alert("failed", 3)


def within(seconds, holds):
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.02)
    return holds()


@pytest.fixture
def receiver():
    """A real HTTP server that keeps what is posted to it; the first ``refuses`` get 500."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            refused = len(server.refusals) < server.refuses
            (server.refusals if refused else server.got).append(json.loads(body))
            self.send_response(500 if refused else 200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.got, server.refusals, server.refuses = [], [], 0
    server.address = f"127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def opened():
    """Open and start channels; they end with the test."""
    notes, started = [], []

    def run(urls):
        made = open_channels(urls, notes.append)
        for channel in made:
            channel.start()
        started.extend(made)
        return made

    run.notes = notes
    yield run
    for channel in started:
        channel.stop(timeout_s=0.1)


def test_an_alert_arrives_with_its_title_and_text(opened, receiver):
    (channel,) = opened(f"json://{receiver.address}/alerts")
    channel.send(FAILED)
    assert within(10, lambda: receiver.got)
    (got,) = receiver.got
    assert (got["title"], got["message"]) == (FAILED.title, FAILED.text)


def test_a_refused_alert_is_sent_again(opened, receiver, monkeypatch):
    monkeypatch.setattr(channels, "AGAIN_S", (0.05,))
    receiver.refuses = 2
    (channel,) = opened(f"json://{receiver.address}")
    channel.send(FAILED)
    assert within(10, lambda: receiver.got)
    assert len(receiver.got) == 1
    assert [note.event for note in opened.notes] == ["alert_not_sent"]


def test_a_black_hole_delays_neither_the_sender_nor_another_channel_nor_the_end(opened, receiver):
    with socket.create_server(("127.0.0.1", 0)) as hole:
        port = hole.getsockname()[1]
        made = opened(f"json://127.0.0.1:{port}, json://{receiver.address}")
        began = time.monotonic()
        for _ in range(1000):
            for channel in made:
                channel.send(FAILED)
        assert time.monotonic() - began < 0.5
        assert within(10, lambda: receiver.got)
        began = time.monotonic()
        made[0].stop(timeout_s=0.1)
        assert time.monotonic() - began < 1
        assert len(made[0]._queue) <= channels.MOST_WAITING


def test_the_oldest_gives_way_when_the_queue_is_full():
    channel = Channel("one", lambda *_: True, lambda _: None)
    for number in range(1, 101):
        channel.send(Alert("failed", number))
    assert [alert.number for _, alert in channel._queue] == list(range(51, 101))


def test_a_channel_that_breaks_goes_on(monkeypatch):
    monkeypatch.setattr(channels, "AGAIN_S", (0.01,))
    tried = []

    def deliver(title, _text):
        tried.append(title)
        if len(tried) == 1:
            raise RuntimeError("odd")
        return True

    channel = Channel("one", deliver, lambda _: None)
    channel.start()
    channel.send(FAILED)
    assert within(5, lambda: len(tried) == 2)
    channel.stop(timeout_s=5)


@pytest.mark.parametrize(
    "urls", ["nowhere://u:hush@host", "just text hush", "json://127.0.0.1,x://y"]
)
def test_an_address_that_apprise_does_not_know_is_refused_without_telling_it(urls):
    with pytest.raises(ConfigError) as refused:
        open_channels(urls, print)
    assert refused.value.code == "bad_alert_url"
    assert "hush" not in refused.value.message


def test_without_the_extra_the_way_to_it_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "apprise", None)
    monkeypatch.setattr(channels, "find_spec", lambda _name: None)
    with pytest.raises(ConfigError) as refused:
        open_channels("json://127.0.0.1", print)
    assert refused.value.code == "missing_extra"
    assert "kelly-cli[alerts]" in refused.value.hint
