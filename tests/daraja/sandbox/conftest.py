"""Who is called by the pretend Safaricom: a server that keeps what it gets."""

import http.server
import json
import threading
import time

import pytest


class Called:
    """A server with an answer of its own, and what was posted to it."""

    def __init__(self):
        self.posts = []
        self.status, self.answer, self.delay_s = 200, b'{"ResultCode": 0}', 0
        called = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                called.posts.append((self.path, body))
                time.sleep(called.delay_s)
                self.send_response(called.status)
                self.send_header("content-length", str(len(called.answer)))
                self.end_headers()
                self.wfile.write(called.answer)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            request_queue_size = 512  # nobody is turned away, however busy the machine is

        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def bodies(self, path):
        return [json.loads(body) for where, body in self.posts if where == path]

    @property
    def paths(self):
        return [where for where, _ in self.posts]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def called():
    server = Called()
    yield server
    server.close()
