"""Letters: the first address that takes one is enough, and no secret is told."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from kelly_cli.errors import ConfigError
from kelly_cli.listener.channels import open_channels
from kelly_cli.listener.letters import Post

NOWHERE = "json://ann:hush@127.0.0.1:1/{phone}"


@pytest.fixture
def receiver():
    """A real HTTP server that keeps what is posted to it."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            got.append(
                (self.path, json.loads(self.rfile.read(int(self.headers["content-length"]))))
            )
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    got = []
    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.got, server.address = got, f"127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_letter_goes_to_the_phone_in_the_address(receiver):
    post = Post(f"json://{receiver.address}/sms/{{phone}}, json://{receiver.address}/alerts")
    assert post.is_direct
    assert post.send("254712345678", title="Reminder for ANN", text="you owe") is None
    ((path, got),) = receiver.got
    assert (path.rstrip("/"), got["message"]) == ("/sms/254712345678", "you owe")


def test_without_such_an_address_it_goes_where_alerts_go_with_the_phone_masked(receiver):
    post = Post(f"json://{receiver.address}/alerts")
    assert not post.is_direct
    assert post.send("254712345678", title="Reminder for ANN", text="you owe") is None
    ((_, got),) = receiver.got
    assert got["title"] == "Reminder for ANN (2547•••••678)"


def test_the_next_address_is_tried_and_only_until_one_takes_it(receiver):
    there = f"json://{receiver.address}/{{phone}}"
    assert Post(f"{NOWHERE} {there} {there}").send("254712345678", title="t", text="x") is None
    assert len(receiver.got) == 1


def test_what_no_address_took_is_said_without_a_secret(capfd):
    told = Post(NOWHERE).send("254712345678", title="t", text="x")
    assert told == "no address took it (alerts.urls, number 1)"
    assert "hush" not in "".join(capfd.readouterr())


def test_an_address_that_is_none_is_refused_by_its_number():
    with pytest.raises(ConfigError) as refused:
        Post("nowhere://ann:hush@{phone}")
    assert refused.value.code == "bad_alert_url"
    assert "hush" not in refused.value.message


def test_alerts_do_not_go_to_customers(receiver):
    assert open_channels(f"json://{receiver.address}/{{phone}}", lambda _: None) == []
