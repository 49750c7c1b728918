"""A listener's parts over real books, driven without a socket."""

import asyncio
import json
import socket
import threading
from collections import deque

import pytest


@pytest.fixture
def callback():
    """The bytes of a confirmation: ``callback(receipt)``."""

    def body(receipt, amount="10"):
        told = {
            "TransID": receipt,
            "TransTime": "20260203143022",
            "TransAmount": amount,
            "BusinessShortCode": "174379",
            "BillRefNumber": "nobody",
        }
        return json.dumps(told).encode()

    return body


@pytest.fixture
def intake(database, inbox, hand):
    from kelly_cli.services.serving import Intake

    return Intake(database, inbox, lambda: hand.at)


@pytest.fixture
def desk_over():
    """Make a desk over books of the test's own."""
    return Desk


@pytest.fixture
def desk(intake):
    return Desk(intake)


class HiredClerk:
    """A clerk in a thread. ``dies`` is what a kill does to a process: his end of the line shuts."""

    def __init__(self, intake, *, opened):
        from kelly_cli.listener.clerk import Clerk
        from kelly_cli.listener.wire import Wire

        self.end, his = socket.socketpair()
        self._his = his
        self._wire = Wire(his)
        self._clerk = Clerk(intake, self._wire, opened=opened)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        self._clerk.run()
        self._wire.close()

    def dies(self):
        self._his.shutdown(socket.SHUT_RDWR)

    def leave(self):
        self._thread.join(10)
        return "in a test"


class Desk:
    """A writer with everything behind it; ``told`` and ``complaints`` are what it said.

    ``clerks``: all that were started, the last one first.
    """

    def __init__(self, intake, shelf=None):
        from kelly_cli.listener.counts import Counts
        from kelly_cli.listener.doubt import Doubt
        from kelly_cli.listener.health import Health
        from kelly_cli.listener.writer import Writer
        from kelly_cli.services.serving import Shelf
        from kelly_cli.store.schema import open_for_reading

        self.counts = Counts()
        self.doubt = Doubt()
        self.told = []
        self.complaints = []
        self.clerks = []
        self._intake = intake
        self.writer = Writer(
            shelf or Shelf(None, intake._clock),
            self.counts,
            open_clerk=self._open,
            doubt=self.doubt,
            tell=self.told.extend,
            complain=self.complaints.append,
        )
        self.health = Health(lambda: open_for_reading(intake._database), self.writer)

    def _open(self, *, first):
        self.clerks.insert(0, HiredClerk(self._intake, opened=first))
        return self.clerks[0]

    def gate(self, *, token=None, max_body_bytes=65536, allowed=("127.0.0.0/8",), trusted=()):
        from ipaddress import ip_network

        from kelly_cli.listener.entrance import Entrance
        from kelly_cli.listener.gate import Gate
        from kelly_cli.listener.keeper import Keeper
        from kelly_cli.listener.routes import Desk as Behind
        from kelly_cli.listener.routes import Routes

        behind = Behind(self.writer, self.health, self.counts)
        self.keeper = Keeper(lambda _: None, self.counts, self.complaints.append)
        self.aside = []
        self.keeper.offer = self.aside.append
        return Gate(
            Routes(behind, token),
            self.counts,
            max_body_bytes=max_body_bytes,
            entrance=Entrance(
                allowed=[ip_network(each) for each in allowed],
                trusted=[ip_network(each) for each in trusted],
            ),
            keeper=self.keeper,
        )

    def run(self, story):
        """Run ``story()`` in a loop with the writer at work; return what it returns."""

        async def whole():
            await self.writer.start()
            try:
                return await story()
            finally:
                await self.writer.finish(timeout_s=10)

        return asyncio.run(whole())


@pytest.fixture
def ask():
    """Send one request through an ASGI application; return (status, headers, body)."""

    async def sent(
        app, method, path, *parts, headers=(), hangs_up=False, waits=False, peer="127.0.0.1"
    ):
        messages = deque(
            {"type": "http.request", "body": part, "more_body": number < len(parts)}
            for number, part in enumerate(parts or (b"",), 1)
        )
        if hangs_up or waits:
            messages[-1]["more_body"] = True
        answers = []

        async def receive():
            if messages:
                return messages.popleft()
            if waits:
                await asyncio.Event().wait()
            return {"type": "http.disconnect"}

        async def send(message):
            answers.append(message)

        scope = {
            "type": "http",
            "method": method,
            "raw_path": path.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in headers],
            "client": (peer, 1),
        }
        await app(scope, receive, send)
        if not answers:
            return None
        found = {name.decode(): value.decode() for name, value in answers[0]["headers"]}
        return answers[0]["status"], found, b"".join(each["body"] for each in answers[1:])

    return sent
