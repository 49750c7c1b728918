"""One payment through everything: sandbox, listener, register, simulate, books."""

import json
import os
import subprocess
import sys
import time

import pytest

LIMIT_S = 3.0
"""Issue 4: the whole loop over real HTTP, in one process group, in under 3 s for one payment."""
TRIES = 3
"""The best counts: this machine may be busy with other things."""


@pytest.fixture
def database_url(tmp_path):
    return f"sqlite:///{tmp_path}/books.db"


@pytest.fixture
def pretend_safaricom(environ, tmp_path):
    """Start ``kelly mpesa sandbox`` in a process; give what waits for its address."""
    started = []

    def start():
        command = [sys.executable, "-m", "kelly_cli", "mpesa", "sandbox", "--port", "0", "--json"]
        process = subprocess.Popen(
            command, env=environ, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        started.append(process)
        return lambda: json.loads(process.stdout.readline())["url"]

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def test_one_payment_goes_through_the_whole_loop_in_three_seconds(
    serve, pretend_safaricom, kelly, monkeypatch
):
    taken_s = []
    while len(taken_s) < TRIES and min(taken_s, default=LIMIT_S) >= LIMIT_S:
        began_s = time.monotonic()
        sandbox_url = pretend_safaricom()
        listener = serve(cold=True)
        monkeypatch.setenv("KELLY_MPESA_BASE_URL", sandbox_url())
        monkeypatch.setenv("KELLY_WEBHOOK_PORT", str(listener.port))
        registered = kelly("mpesa", "register", "--json")
        assert (registered.code, registered.json["outcome"]) == (0, "accepted"), registered.err
        amount = str(700 + len(taken_s))
        paid = ("--amount", amount, "--msisdn", "254708374149", "--bill-ref", "CUST-001")
        assert kelly("mpesa", "simulate", *paid, "--json").code == 0
        told = listener.line()
        taken_s.append(time.monotonic() - began_s)
        [booked, *_] = kelly("payment", "list", "--json").json
        assert booked["mpesa_receipt_number"] == told["trans_id"]
        assert booked["amount"] == f"{amount}.00"
        listener.stop()
    assert kelly("db", "check", "--json").json["violations"] == []
    if min(taken_s) >= LIMIT_S and os.getloadavg()[0] > 2 * os.cpu_count():
        pytest.skip(f"{min(taken_s):.2f} s, on a machine too busy for the figure to say anything")
    spent = ", ".join(f"{each:.2f} s" for each in taken_s)
    assert min(taken_s) < LIMIT_S, f"{spent}; issue 4 wants less than {LIMIT_S} s"
