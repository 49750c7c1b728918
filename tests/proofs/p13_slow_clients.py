"""P13: slow and rude clients beside genuine callbacks.

    python tests/proofs/p13_slow_clients.py            300 slow connections
    python tests/proofs/p13_slow_clients.py --long     5,000, from 127.0.0.9 too

Half of the slow ones drip a head, half a body, a byte at a time; some say nothing at all. Meanwhile
a genuine client posts five callbacks a second, and every raw probe is sent once. Each slow
connection must have ended 15 s after it began, the genuine p99 must be at most 1 s and all its
answers 200, the memory may grow by 64 MiB, and each probe gets exactly what its table says.
One JSON line of figures; exit 1 on a violation.
"""

import argparse
import asyncio
import contextlib
import json
import os
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import rude_probes
from family import members, memory_mib, wait_until_gone

ROOT = Path(__file__).resolve().parents[2]
HEAD = b"POST /c2b/confirmation HTTP/1.1\r\nHost: x\r\n"
ENDS_AFTER_S = 15.0
DRIP_S = 2.0
WATCH_S = 20.0


START = "\nfrom kelly_cli.main import run\nrun()\n"
BUGS = {"no_deadline": "from kelly_cli.listener import guard\nguard.WHOLE_S = 1e6"}


class Watched:
    """A listener in a process of its own."""

    def __init__(self, folder, bug):
        environ = {k: v for k, v in os.environ.items() if not k.startswith(("KELLY_", "MPESA_"))}
        environ |= {"HOME": folder, "PYTHONPATH": str(ROOT)}
        self.books = f"{folder}/books.db"
        program = ["-c", BUGS[bug] + START] if bug else ["-m", "kelly_cli"]
        command = [sys.executable, *program, "--db", self.books, "webhook", "serve"]
        self.process = subprocess.Popen(
            [*command, "--port", "0", "--json"],
            env=environ,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        ready = json.loads(self.process.stdout.readline())
        self.port = int(ready["url"].rsplit(":", 1)[1])

    def memory_mib(self):
        """Return the memory of all its processes."""
        self.family = members(self.process.pid)
        return memory_mib(self.family)

    def end(self):
        family = members(self.process.pid)
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            code = None
        for child in (left := wait_until_gone(family, 2)):
            child.kill()
        return f"{code}, and {len(left)} children lived on" if left else code


async def slow(port, number, peer):
    """Drip until cut off; return how long that took (None = it was turned away at the door)."""
    loop = asyncio.get_running_loop()
    connection = socket.socket()
    connection.setblocking(False)
    connection.bind((peer, 0))
    try:
        await loop.sock_connect(connection, ("127.0.0.1", port))
        began = time.monotonic()
        if number % 3 == 1:
            await loop.sock_sendall(connection, HEAD + b"Content-Length: 60000\r\n\r\n{")
        elif number % 3 == 2:
            await loop.sock_sendall(connection, HEAD[:5])
        listening = asyncio.ensure_future(_heard_out(loop, connection))
        while not listening.done() and time.monotonic() - began < WATCH_S:
            await asyncio.wait([listening], timeout=DRIP_S)
            if number % 3 and not listening.done():
                with contextlib.suppress(OSError):
                    await loop.sock_sendall(connection, b"S")
        listening.cancel()
        return time.monotonic() - began
    except OSError:
        return None
    finally:
        connection.close()


async def _heard_out(loop, connection):
    with contextlib.suppress(OSError):
        while await loop.sock_recv(connection, 4096):
            pass


def genuine_once(port, number):
    body = json.dumps(
        {
            "TransID": f"RP13{number:06}",
            "TransTime": "20260203143022",
            "TransAmount": "10",
            "BusinessShortCode": "174379",
            "BillRefNumber": "nobody",
        }
    ).encode()
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=15) as connection:
        connection.sendall(rude_probes.post(b"Connection: close", body=body))
        statuses = rude_probes.statuses_of(connection, patience_s=15)
    return time.monotonic() - began, statuses


async def genuine(port, until_s, told):
    number = 0
    while time.monotonic() < until_s:
        told.append(await asyncio.to_thread(genuine_once, port, number))
        number += 1
        await asyncio.sleep(0.2)


def probe_all(port):
    wrong = []
    for probe in rude_probes.PROBES:
        with socket.create_connection(("127.0.0.1", port), timeout=15) as connection:
            rude_probes.send(connection, probe)
            patience_s = 0.5 if "open" in probe.statuses else 5.0
            got = rude_probes.statuses_of(connection, patience_s=patience_s)
        if got != probe.statuses:
            wrong.append([probe.name, list(got), list(probe.statuses)])
    return wrong


async def run(listener, number, peers):
    told, most_mib = [], 0.0
    until_s = time.monotonic() + WATCH_S
    slow_ones = [
        asyncio.ensure_future(slow(listener.port, each, peers[each % len(peers)]))
        for each in range(number)
    ]
    posting = asyncio.ensure_future(genuine(listener.port, until_s, told))
    await asyncio.sleep(1)
    probing = asyncio.ensure_future(asyncio.to_thread(probe_all, listener.port))
    while not posting.done():
        await asyncio.sleep(0.5)
        most_mib = max(most_mib, listener.memory_mib())
    await posting
    return await asyncio.gather(*slow_ones), told, await probing, most_mib


def prove(number, peers, bug):
    """Return the figures, with every promise that was broken."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, number + 500)), hard))
    with tempfile.TemporaryDirectory() as folder:
        listener = Watched(folder, bug)
        try:
            at_first_mib = listener.memory_mib()
            lasted, told, wrong, most_mib = asyncio.run(run(listener, number, peers))
        finally:
            code = listener.end()
        with contextlib.closing(sqlite3.connect(listener.books)) as books:
            kept = books.execute("SELECT count(*) FROM webhook_logs").fetchone()[0]
    waits = sorted(wait for wait, _ in told)
    longest = max((each for each in lasted if each is not None), default=0.0)
    figures = {
        "proof": "P13",
        "slow_connections": number,
        "longest_s": round(longest, 2),
        "genuine": len(told),
        "genuine_not_200": sum(statuses != (200,) for _, statuses in told),
        "genuine_p99_s": round(waits[int(len(waits) * 0.99)], 3),
        "genuine_max_s": round(waits[-1], 3),
        "processes": len(listener.family),
        "memory_grew_mib": round(most_mib - at_first_mib, 1),
        "probes": len(rude_probes.PROBES),
        "probes_wrong": wrong,
        "kept": kept,
        "kept_expected": len(told) + rude_probes.KEPT,
        "exit_code": code,
    }
    promises = {
        "every slow connection ends in time": longest <= ENDS_AFTER_S,
        "every genuine callback gets a 200": not figures["genuine_not_200"],
        "genuine p99 is at most 1 s": figures["genuine_p99_s"] <= 1,
        "memory grows by at most 64 MiB": figures["memory_grew_mib"] <= 64,
        "each probe gets what its table says": not wrong,
        "what was answered is kept, and nothing else": kept == figures["kept_expected"],
        "it ends with 0": code == 0,
    }
    figures["violations"] = [f"broken: {name}" for name, holds in promises.items() if not holds]
    return figures


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--fraction", type=Fraction, default=1, help="of the long form: 1/30")
    parser.add_argument("--seed", type=int, help="nothing here is by chance")
    parser.add_argument("--bug", choices=sorted(BUGS), help="plant a mistake; it must be found")
    given = parser.parse_args()
    # 127.0.0.0/8 is allowed by default: none of them is a stranger, which is the harder case.
    peers = ["127.0.0.1", "127.0.0.9"] if given.long else ["127.0.0.1"]
    figures = prove(round(5_000 * given.fraction) if given.long else 300, peers, given.bug)
    print(json.dumps(figures))
    return 1 if figures["violations"] else 0


if __name__ == "__main__":
    sys.exit(main())
