"""A client over a server of the test's own, and secrets that must turn up nowhere."""

import base64
import importlib.util
import json
import logging
import ssl
import traceback
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import respx
import stamina

from kelly_cli.daraja.client import Keys, Place
from kelly_cli.daraja.client.daraja import Daraja
from kelly_cli.daraja.client.transport import Limits


def load(name):
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


pretended = load("pretended")
AT = datetime(2026, 2, 3, 15, 0, 0)

KEYS = Keys(
    consumer_key="CANARY/consumer+key",
    consumer_secret="CANARY/consumer&secret",
    passkey="CANARYpasskey0123456789",
    initiator_name="CANARYoperator",
    initiator_password="CANARY#pass%word",
)


@pytest.fixture(autouse=True)
def no_waiting_between_tries():
    stamina.set_testing(True, attempts=3)
    yield
    stamina.set_testing(False)


@pytest.fixture
def keys():
    return KEYS


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self):
        self.at = datetime(2026, 2, 3, 12, 0, 0, tzinfo=UTC)

    def __call__(self):
        return self.at

    def forward(self, **by):
        self.at += timedelta(**by)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "tokens"


@pytest.fixture
def open_daraja(clock, folder):
    """Make a client: ``open_daraja(base_url)``; closed in the end."""
    opened = []

    def make(base_url, *, environment="sandbox", keys=KEYS, certificate=None, limits=None):
        place = Place(environment, base_url, folder, certificate)
        client = Daraja(place, keys, clock, limits=limits or Limits(2, 2, 5))
        opened.append(client)
        return client

    yield make
    for client in opened:
        client.close()


@pytest.fixture(name="says")
def says_fixture():
    return pretended.says


@pytest.fixture
def server():
    serving = pretended.Server()
    yield serving
    serving.close()


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    return pretended.self_made(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def certificate(made):
    return made.pem


@pytest.fixture
def make_certificate(tmp_path):
    return lambda **wanted: pretended.self_made(tmp_path, **wanted)


@pytest.fixture
def tls_server(made):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.pem, made.private)
    serving = pretended.Server(context)
    yield serving
    serving.close()


BASE = "https://daraja.example"


@pytest.fixture
def wire():
    """Everything that goes out is caught; the token is answered."""
    with respx.mock(base_url=BASE, assert_all_called=False) as router:
        router.get("/oauth/v1/generate").respond(json={"access_token": "abc", "expires_in": "3599"})
        yield router


@pytest.fixture
def daraja(open_daraja, certificate):
    return open_daraja(BASE, certificate=certificate)


@pytest.fixture
def answered(wire):
    """Answer all POSTs with this; return the route."""

    def answer(status=200, body=None, **more):
        if body is not None:
            more["json"] = body
        return wire.post(url__startswith=BASE).respond(status, **more)

    return answer


def canaries(server):
    """Every secret that was sent, in the forms in which it travels."""
    pair = base64.b64encode(f"{KEYS.consumer_key}:{KEYS.consumer_secret}".encode()).decode()
    found = {"CANARY", pair}
    for request in server.requests:
        found.add(request.headers.get("authorization", "Basic CANARY").partition(" ")[2])
        try:
            body = json.loads(request.body or b"{}")
        except ValueError:
            continue
        found |= {body[key] for key in ("Password", "SecurityCredential") if key in body}
    return found


@pytest.fixture
def no_leak(caplog, capfd):
    """Check that nothing said, logged or held in an error is a secret."""
    caplog.set_level(logging.DEBUG)

    def check(server, error=None, *more):
        said = list(more)
        if error is not None:
            said += [str(error), repr(error), repr(vars(error)), json.dumps(error.as_dict())]
            said += traceback.format_exception(error)
        said += [record.getMessage() for record in caplog.records]
        said += [str(vars(record)) for record in caplog.records]
        said += capfd.readouterr()
        for canary in canaries(server):
            for text in said:
                assert canary not in text
                assert canary not in text.replace("\\/", "/")

    return check


def prompt(daraja):
    return daraja.stk_push(
        short_code="174379", party_b="174379", amount_cents=100_00, phone="254708374149",
        reference="INV-1", description="Invoice", callback_url="https://pay.example.co.ke/cb",
        buy_goods=False, at=AT,
    )  # fmt: skip


def register(daraja):
    return daraja.register_urls(
        short_code="600984", confirmation_url="https://pay.example.co.ke/c",
        validation_url="https://pay.example.co.ke/v", response_type="Completed", api="v2",
    )  # fmt: skip


def pull_page(daraja):
    return daraja.pull_query(short_code="600984", start=AT - timedelta(days=1), end=AT, offset=0)


def status(daraja):
    return daraja.payment_status(
        short_code="600984", receipt="QGK12XYZ91", original_conversation_id=None,
        result_url="https://pay.example.co.ke/r", timeout_url="https://pay.example.co.ke/t",
        remarks="status",
    )  # fmt: skip


def query(daraja):
    return daraja.stk_query(short_code="174379", checkout_request_id="ws_CO_1", at=AT)


def simulate(daraja):
    return daraja.simulate(
        short_code="600984", amount_cents=500, msisdn="254708374149", bill_ref="INV-1",
        buy_goods=False, api="v1",
    )  # fmt: skip


def balance(daraja):
    return daraja.account_balance(
        short_code="600984", result_url="https://pay.example.co.ke/r",
        timeout_url="https://pay.example.co.ke/t", remarks="balance",
    )  # fmt: skip


def reverse(daraja):
    return daraja.reversal(
        short_code="600984", receipt="QGK12XYZ91", amount_cents=500,
        result_url="https://pay.example.co.ke/r", timeout_url="https://pay.example.co.ke/t",
        remarks="wrong one",
    )  # fmt: skip


def pull_register(daraja):
    return daraja.pull_register(
        short_code="600984", nominated_number="254722000000",
        callback_url="https://pay.example.co.ke/p",
    )  # fmt: skip


def qr(daraja):
    return daraja.qr(
        merchant_name="Shop", reference="INV-1", amount_cents=500, kind="PB", cpi="600984",
        size_px=300,
    )  # fmt: skip


DO = {
    "prompt": prompt,
    "register": register,
    "pull": pull_page,
    "status": status,
    "query": query,
    "simulate": simulate,
    "balance": balance,
    "reverse": reverse,
    "pull_register": pull_register,
    "qr": qr,
}


@pytest.fixture
def do():
    """``do("prompt", daraja)``: send one kind of request."""
    return lambda what, daraja: DO[what](daraja)
