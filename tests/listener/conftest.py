"""A listener's parts over real books, driven without a socket."""

import asyncio
import json
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


class Desk:
    """A writer with everything behind it; ``told`` and ``complaints`` are what it said."""

    def __init__(self, intake):
        from kelly_cli.listener.counts import Counts
        from kelly_cli.listener.health import Health
        from kelly_cli.listener.writer import Writer

        self.counts = Counts()
        self.told = []
        self.complaints = []
        self.writer = Writer(
            intake, self.counts, tell=self.told.extend, complain=self.complaints.append
        )
        self.health = Health(intake, self.writer)

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
            self.writer.start(asyncio.get_running_loop())
            try:
                return await story()
            finally:
                await asyncio.to_thread(self.writer.stop, timeout_s=10)

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
