"""P20: SIGTERM or SIGINT at random moments under load: what was read whole is answered, exit 0.

    python tests/proofs/p20_sigterm.py            20 moments
    python tests/proofs/p20_sigterm.py --long     1,000

The signal goes to the front alone, to each process of the listener (as systemd ends a service), or
to the process group at once (as a terminal does), in turns. Soon after the front no child lives.

A request without an answer must not be in the books: then it was read whole, and its sender was
told nothing. An answer is 200, and what was answered is in the books. With ``--postgres URL`` on
PostgreSQL as well.
"""

import os
import signal
import socket
import subprocess
import threading
import time

from harness import Books, Client, Counter, Proof, confirmation, options
from running import OUTLIVES_S

SENDERS = 8
MOST_S = 10.0
WAYS = ("front", "each", "group")


class Load:
    """Senders that post one body after another until nobody listens any more."""

    def __init__(self, port, prefix):
        self.port, self.prefix = port, prefix
        self.answers, self.kept, self.unanswered = Counter(), [], []
        self.ended = 0
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.send, args=(n,)) for n in range(SENDERS)]
        for thread in self.threads:
            thread.start()

    def send(self, place):
        client = Client(self.port)
        for number in range(1_000_000):
            body = confirmation(f"{self.prefix}{place}{number:06}")
            status = client.post(body)
            with self.lock:
                self.answers[status] += 1
                (self.kept if status == 200 else self.unanswered).append(body)
            if status is None and not self.somebody_listens():
                client.close()
                with self.lock:
                    self.ended += 1
                return

    def somebody_listens(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def join(self):
        for thread in self.threads:
            thread.join(30)


def send(listener, way, number):
    """Send a signal to the front, to each process, or to the group."""
    family = listener.members()
    if way == "front":
        listener.process.send_signal(number)
    elif way == "each":
        for member in family:
            member.send(number)
    else:
        os.killpg(listener.pid, number)


def end_once(proof, books, number):
    """Start, load, end at a random moment; return the load and the seconds the end took."""
    listener = books.start().wait()
    way = WAYS[number % len(WAYS)]
    load = Load(listener.port, f"T{number:04}")
    time.sleep(proof.chance.uniform(0, 0.5))
    began = time.monotonic()
    send(listener, way, proof.chance.choice((signal.SIGTERM, signal.SIGINT)))
    try:
        code = listener.process.wait(MOST_S + 5)
    except subprocess.TimeoutExpired:
        code = None
        listener.kill()
    took_s = time.monotonic() - began
    left = listener.outlived(OUTLIVES_S)
    load.join()
    # A sender that broke has not told what became of its last body: then nothing is proven.
    moment = f"moment {number}, to the {way}"
    proof.require(load.ended == SENDERS, f"{moment}: {load.ended} senders told all")
    proof.require(code == 0, f"{moment}: exit code {code}")
    proof.require(took_s <= MOST_S, f"{moment}: the end took {took_s:.1f} s")
    proof.require(not left, f"{moment}: {len(left)} children outlived their front")
    strange = set(load.answers) - {200, None}
    proof.require(not strange, f"{moment}: answers {dict(load.answers)}")
    return load, took_s


def end_again_and_again(proof, name, given, postgres):
    """End a listener at all moments on one kind of database; put the figures into the proof."""
    answers, longest_s = Counter(), 0.0
    kept, unanswered = Counter(), Counter()
    with Books(given.bug, postgres) as books:
        for number in range(given.count):
            load, took_s = end_once(proof, books, number)
            answers.update(load.answers)
            kept.update(load.kept)
            unanswered.update(load.unanswered)
            longest_s = max(longest_s, took_s)
        stored = books.stored()
        silent = sum((unanswered & stored).values())
        proof.require(not silent, f"{name}: {silent} requests were read whole and not answered")
        lost = sum((kept - stored).values())
        proof.require(not lost, f"{name}: {lost} acknowledged bodies are not in the logs")
        broken = books.check()
        proof.require(not broken, f"{name}: check: {broken[:3]}")
    proof.require(answers[200] > given.count, f"{name}: there was no load")
    proof.figures[name] = {
        "answered": answers[200],
        "cut_off_before_they_were_read": answers[None],
        "read_whole_without_an_answer": silent,
        "longest_end_s": round(longest_s, 2),
    }


def main():
    given = options(__doc__, short=20, long=1000)
    proof = Proof("P20", given)
    end_again_and_again(proof, "sqlite", given, "")
    if given.postgres and not given.bug:
        end_again_and_again(proof, "postgresql", given, given.postgres)
    proof.done()


if __name__ == "__main__":
    main()
