"""A Safaricom that says what a test tells it to, over real HTTP; nothing of kelly's is in it."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

KEYS = {
    "MPESA_CONSUMER_KEY": "canary-consumer-key",
    "MPESA_CONSUMER_SECRET": "canary-consumer-secret",
    "MPESA_PASSKEY": "canary-passkey",
    "KELLY_WEBHOOK_TOKEN": "canarypathtokencanarypathtoken22",
}
TOKEN = {"access_token": "canary-access-token", "expires_in": "3599"}
SUCCESS = {
    "OriginatorCoversationID": "6e86-45dd-91ac-fd5d4178ab523408729",
    "ResponseCode": "0",
    "ResponseDescription": "Success",
}


class Safaricom:
    """The answers to give, and the requests that came: (path, body as JSON or None)."""

    def __init__(self):
        self.answer = (200, SUCCESS)
        self.requests = []
        self.on_request = None
        server = type("Server", (ThreadingHTTPServer,), {"daemon_threads": True})
        self._server = server(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def asked(self, part):
        return [body for path, body in self.requests if part in path]

    def close(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self):
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.requests.append((self.path, None))
                self._answer(200, TOKEN)

            def do_POST(self):
                length = int(self.headers["Content-Length"])
                outer.requests.append((self.path, json.loads(self.rfile.read(length))))
                if outer.on_request is not None:
                    outer.on_request()
                self._answer(*outer.answer)

            def _answer(self, status, body):
                raw = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_):
                pass

        return Handler


@pytest.fixture
def safaricom():
    server = Safaricom()
    yield server
    server.close()


@pytest.fixture
def at(clean_environment, safaricom, monkeypatch):
    """Set the machine up for one of the environments, with keys, talking to ``safaricom``."""

    def set_up(environment):
        monkeypatch.setenv("KELLY_MPESA_ENVIRONMENT", environment)
        monkeypatch.setenv("KELLY_MPESA_BASE_URL", safaricom.url)
        monkeypatch.setenv("KELLY_MPESA_SHORT_CODE", "600123")
        for name, value in KEYS.items():
            monkeypatch.setenv(name, value)
        if environment != "local":
            monkeypatch.setenv("KELLY_WEBHOOK_PUBLIC_URL", "https://pay.acme.co.ke")

    return set_up
