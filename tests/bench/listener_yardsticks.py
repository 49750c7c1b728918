"""The two servers that the listener is held against: listener_yardsticks.py orm DATABASE | front.

*orm*: a threaded server that keeps each request in an ORM session of its own and commits it with a
full flush; one at a time, for SQLite's busy handler among writers would make it slower still.
*front*: the HTTP server under the listener with a fixed answer: no guard, no gate and no disk.
Each prints the port that it listens on.
"""

import asyncio
import itertools
import socket
import sys
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent.parent))

ANSWER = b'{"ResultCode": 0, "ResultDesc": "Accepted"}'


def orm(database):
    from orm_way import book
    from sqlalchemy import event
    from sqlmodel import Session, create_engine

    engine = create_engine(f"sqlite:///{database}")

    @event.listens_for(engine, "connect")
    def _prepare(connection, _):
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")

    turn, numbers = threading.Lock(), itertools.count()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # One write for head and body: two would wait for each other's acknowledgement.
        wbufsize = -1

        def do_POST(self):
            raw = self.rfile.read(int(self.headers["content-length"]))
            with turn, Session(engine) as session:
                book(session, raw, f"o{next(numbers)}", datetime.now(UTC))
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(ANSWER)))
            self.end_headers()
            self.wfile.write(ANSWER)

        def log_message(self, *_):
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 2048

    server = Server(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()


def front():
    import uvicorn

    head = {
        "type": "http.response.start",
        "status": 200,
        "headers": [
            (b"content-length", str(len(ANSWER)).encode()),
            (b"content-type", b"application/json"),
        ],
    }
    body = {"type": "http.response.body", "body": ANSWER}

    async def app(_scope, receive, send):
        while (await receive()).get("more_body"):
            pass
        await send(head)
        await send(body)

    bound = socket.create_server(("127.0.0.1", 0), backlog=2048)
    config = uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
    )
    print(bound.getsockname()[1], flush=True)
    server = uvicorn.Server(config)
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(server.serve([bound]))


if __name__ == "__main__":
    {"orm": orm, "front": front}[sys.argv[1]](*sys.argv[2:])
