"""P7: steady load in an open loop: callbacks come when they are due, however slow the answers are.

    python tests/proofs/p7_steady_load.py            20 s at 200/s, then 20 s at 500/s
    python tests/proofs/p7_steady_load.py --long     an hour at 200/s, memory and descriptors flat

Latency counts from the moment a callback was due, so that a slow answer cannot hide the queue
behind it. Memory and descriptors are those of all of the listener's processes together. ``--count``
is the number of seconds. With ``--postgres URL`` on PostgreSQL as well.
"""

import asyncio
import contextlib
import time
from collections import deque

from family import descriptors, memory_mib
from harness import Books, Counter, Proof, confirmation, options

P99_S, MOST_S = 0.25, 2.0
RATES, LONG_RATES = (200, 500), (200,)
LOOK_EVERY_S = 30.0
WARM = 0.1
"""The part of a long run after which memory counts."""
FLAT_S = 600
"""In a shorter run nothing is said of memory: it is still being taken for the first time."""
GROWTH = 1.2
MORE_DESCRIPTORS = 20
REST_S = 10.0
"""A sender does not use a connection that rested longer: the listener ends those after 15 s."""


class Senders:
    """As many connections as are needed, each for one request at a time."""

    def __init__(self, port):
        self.port, self.idle, self.opened = port, deque(), 0
        self.waits_s, self.statuses = [], Counter()

    async def send(self, body, due_s):
        status = None
        with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
            status = await asyncio.wait_for(self.exchange(body), 15)
        self.waits_s.append(time.perf_counter() - due_s)
        self.statuses[status] += 1

    async def exchange(self, body):
        while self.idle and time.perf_counter() - self.idle[0][2] > REST_S:
            self.idle.popleft()[1].close()
        if self.idle:
            reader, writer, _ = self.idle.pop()
        else:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            self.opened += 1
        head = f"POST /c2b/confirmation HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        answer = (await reader.readuntil(b"\r\n\r\n")).lower()
        await reader.readexactly(int(answer.split(b"content-length: ")[1].split(b"\r\n")[0]))
        if b"connection: close" in answer:
            writer.close()
        else:
            self.idle.append((reader, writer, time.perf_counter()))
        return int(answer.split(b" ")[1])

    def close(self):
        for _, writer, _ in self.idle:
            writer.close()


async def steadily(senders, rate, seconds, prefix, look):
    """Send ``rate`` a second for ``seconds``, each when it is due."""
    start_s, tasks, next_look_s = time.perf_counter(), set(), LOOK_EVERY_S
    for number in range(rate * seconds):
        due_s = start_s + number / rate
        if (early_s := due_s - time.perf_counter()) > 0:
            await asyncio.sleep(early_s)
        task = asyncio.create_task(senders.send(confirmation(f"{prefix}{number:07}"), due_s))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        if due_s - start_s > next_look_s:
            next_look_s += LOOK_EVERY_S
            await asyncio.to_thread(look)
    await asyncio.gather(*tasks)
    senders.close()


def look_at(listener):
    """Return the memory in MiB, the open descriptors and the number of a listener's processes."""
    family = listener.members()
    return memory_mib(family), descriptors(family), len(family)


def run_one(proof, name, port, rate, seconds, look):
    """Hold one rate; return its figures."""
    senders = Senders(port)
    asyncio.run(steadily(senders, rate, seconds, f"L{rate:03}", look))
    waits = sorted(senders.waits_s)
    p50, p99, most = waits[len(waits) // 2], waits[len(waits) * 99 // 100], waits[-1]
    not_200 = sum(n for status, n in senders.statuses.items() if status != 200)
    proof.require(not not_200, f"{name}: answers {dict(senders.statuses)}")
    proof.require(p99 <= P99_S, f"{name}: p99 is {p99 * 1000:.0f} ms")
    proof.require(most <= MOST_S, f"{name}: the longest is {most * 1000:.0f} ms")
    return {
        "sent": len(waits),
        "not_200": not_200,
        "p50_ms": round(p50 * 1000, 1),
        "p99_ms": round(p99 * 1000, 1),
        "max_ms": round(most * 1000, 1),
        "connections": senders.opened,
    }


def hold(proof, name, given, postgres):
    """Hold all rates on one kind of database; put the figures into the proof."""
    looks, figures, total = [], {}, 0
    with Books(given.bug, postgres) as books:
        listener = books.start().wait()
        looks.append(look_at(listener))
        for rate in LONG_RATES if given.long else RATES:
            found = run_one(
                proof,
                f"{name} {rate}/s",
                listener.port,
                rate,
                given.count,
                lambda: looks.append(look_at(listener)),
            )
            figures[f"{rate}_per_s"] = found
            total += found["sent"]
        proof.require(books.settle() is not None, f"{name}: logs are still pending")
        looks.append(look_at(listener))
        proof.require(len(books.payments()) == total, f"{name}: payments are missing")
        broken = books.check()
        proof.require(not broken, f"{name}: check: {broken[:3]}")
        proof.require(listener.stop() == 0, f"{name}: it did not end in order")
    figures["memory_mib"] = [round(looks[0][0], 1), round(looks[-1][0], 1)]
    figures["descriptors"] = [looks[0][1], looks[-1][1]]
    figures["processes"] = looks[-1][2]
    if given.long and given.count >= FLAT_S:
        memory, opened, _ = looks[int(len(looks) * WARM)]
        told = f"{name}: memory grows: {looks[:: max(1, len(looks) // 9)]}"
        proof.require(looks[-1][0] <= memory * GROWTH, told)
        more = looks[-1][1] <= opened + MORE_DESCRIPTORS
        proof.require(more, f"{name}: descriptors grow")
    proof.figures[name] = figures


def main():
    given = options(__doc__, short=20, long=3600)
    proof = Proof("P7", given)
    hold(proof, "sqlite", given, "")
    if given.postgres and not given.bug:
        hold(proof, "postgresql", given, given.postgres)
    proof.done()


if __name__ == "__main__":
    main()
