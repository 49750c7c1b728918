"""P6: strange bodies over HTTP, held against the oracle of contract section 7.

Whatever comes, within the limit it is a 200, its bytes are in the log, and it became what the
oracle says: a receipt that any body names soundly is one payment, with the amount of the first such
body; nothing else is. Validation requests are never money, and a body over the limit is refused,
never cut short.
"""

import json
import threading
import time

from broken_ledger import bytes_of
from family import memory_mib
from harness import Books, Client, Counter, Proof, confirmation, options, read

CLIENTS = 4
MOST_BYTES = 65536
AMOUNTS = (
    "10", "10.00", "1.15", "0.29", "4.35", "1.1", "1.10", "0.01", "1.005", "0", "0.00", "-5", "+5",
    "1e3", "1,000", "1 000", " 10", "10 ", "٣", "NaN", "Infinity", ".5", "5.", "0x10", "1_000",
    "999999999999.99", "1000000000000", "10.001", "10.100", "00010", "", "ten", "1O0",
)  # fmt: skip
TIMES = (
    "20260203143022", "20260229000000", "20240229235959", "20061231235959", "20070101000000",
    "29990101000000", "2026020314302", "20260203 43022", "20260203240000", "20260203143060",
    "20261301000000", "٢٠٢٦٠٢٠٣١٤٣٠٢٢", "",
)  # fmt: skip
CODES = ("174379", "0174379", "174379 ", "600000", "", "１７４３７９")
TEXTS = (
    "JANE",
    "\x1b[31m",
    "\u202e",
    "[bold]",
    "=1+1",
    "\x00",
    "\ud800",
    "Ω" * 50,
    "a'; DROP TABLE",
)
ODD = (
    None,
    True,
    False,
    0,
    1,
    -1,
    1.5,
    10**30,
    "",
    " ",
    [],
    {},
    ["x"],
    {"a": 1},
    "\x00",
    "x" * 300,
)
FIELDS = ("TransID", "TransAmount", "TransTime", "BusinessShortCode", "BillRefNumber", "MSISDN")


class Fuzz:
    """A stream of (path, body), the same for the same seed."""

    def __init__(self, chance):
        self.chance, self.number, self.bodies = chance, 0, [confirmation("QGK12XYZ91")]

    def next(self):
        """Return the path and the bytes of one request."""
        kind = self.chance.random()
        if kind < 0.30:
            raw = self._valid()
        elif kind < 0.55:
            raw = self._one_rule()
        elif kind < 0.75:
            raw = self._bent()
        elif kind < 0.90:
            raw = self._shaped()
        else:
            raw = self._again()
        self.bodies = [*self.bodies[-300:], raw]
        if self.chance.random() < 0.03:
            return "/c2b/validation", confirmation(f"VALID{self._fresh()}")
        return "/c2b/confirmation", raw

    def _fresh(self):
        self.number += 1
        return f"{self.number:07}"

    def _receipt(self):
        """A receipt: mostly a fresh one, sometimes one that came before in whatever body."""
        if self.chance.random() < 0.3 and self.number:
            return f"P6{self.chance.randrange(1, self.number + 1):07}"
        return f"P6{self._fresh()}"

    def _valid(self):
        cents = self.chance.randrange(1, 10**7)
        amount = self.chance.choice(
            [f"{cents // 100}.{cents % 100:02}", str(cents), "1.15", "0.29"]
        )
        body = json.loads(confirmation(self._receipt(), amount))
        for name in ("FirstName", "MSISDN", "BillRefNumber", "Extra"):
            body[name] = self.chance.choice(TEXTS)
        return json.dumps(body, ensure_ascii=True).encode()

    def _one_rule(self):
        body = json.loads(confirmation(self._receipt()))
        choice = self.chance.choice
        twist = self.chance.randrange(6)
        if twist == 0:
            body["TransAmount"] = choice(AMOUNTS)
        elif twist == 1:
            body["TransTime"] = choice(TIMES)
        elif twist == 2:
            body["BusinessShortCode"] = choice(CODES)
        elif twist == 3:
            name = body["TransID"]
            odd = (
                name.lower(),
                f" {name}\t",
                name[:4],
                name * 4,
                f"{name}-",
                f"{name}é",
                "",
                f"\u2003{name}",
            )
            body["TransID"] = choice(odd)
        elif twist == 4:
            body[choice(FIELDS)] = choice(ODD)
        else:
            del body[choice(FIELDS)]
        raw = json.dumps(body).encode()
        if self.chance.random() < 0.3:
            number = choice(
                [b"10", b"10.50", b"1.15", b"1E2", b"-1", b"0.1e1", b"010", b"1.", b"NaN"]
            )
            raw = raw.replace(b'"10.00"', number)
        return raw

    def _bent(self):
        raw, other = (bytearray(self.chance.choice(self.bodies)) for _ in range(2))
        for _ in range(self.chance.randrange(1, 4)):
            at = self.chance.randrange(len(raw) + 1)
            twist = self.chance.randrange(5)
            if twist == 0 and at < len(raw):
                raw[at] ^= 1 << self.chance.randrange(8)
            elif twist == 1:
                del raw[at:]
            elif twist == 2:
                raw[at:at] = other[self.chance.randrange(len(other) + 1) :]
            elif twist == 3:
                raw[at:at] = raw[max(0, at - 9) : at]
            else:
                raw[at : at + 1] = bytes([self.chance.randrange(256)])
        return bytes(raw[:MOST_BYTES])

    def _shaped(self):
        raw = confirmation(self._receipt())
        deep = self.chance.choice([1, 30, 31, 32, 33, 500])
        pick = self.chance.choice
        return pick(
            [
                b"\xef\xbb\xbf" + raw,
                raw + b" \r\n",
                raw + b"{}",
                b"[" + raw + b"]",
                raw[:-1] + b',"TransID":"X"}',
                raw[:-1] + b',"Trans\\u0041mount":"1"}',
                raw[:-1] + b',"deep":' + b"[" * deep + b"]" * deep + b"}",
                raw[:-1] + b',"long":"' + b"x" * 60_000 + b'"}',
                raw.decode().encode("utf-16"),
                raw[:-1] + b',"n":' + b"9" * 5000 + b"}",
                b"",
                b"null",
                b"{}",
                b"[]",
                raw.replace(b'"', b"'"),
                raw[:-1] + b',"x":"\\ud800"}',
                raw[:-1] + b',"x":"\xff"}',
                raw[:-1] + b",}",
                raw.replace(b":", b"="),
            ]
        )

    def _again(self):
        raw = self.chance.choice(self.bodies)
        return self.chance.choice(
            [raw, raw.lower(), raw.replace(b"1", b"2", 1), raw.replace(b": ", b":")]
        )


def judge_books(proof, books):
    """Hold every log and payment against the oracle."""
    rows = books.rows(
        "SELECT id, raw_payload, raw_encoding, processed, is_duplicate, error, payment_id "
        "FROM webhook_logs ORDER BY id"
    )
    first, wrong = {}, []
    for log, payload, encoding, processed, duplicate, error, payment in rows:
        said = read(bytes_of(payload, encoding))
        if said[0] == "ok":
            known = said[1] in first
            first.setdefault(said[1], said[2])
            # A failed log may be one whose money found no owner.
            good = duplicate if known else (not duplicate and payment is not None)
        else:
            good = not processed and payment is None and error
            good = good and (bool(books.bug) or said[1] in error or said[1] == "body")
        if not good:
            wrong.append((log, said, processed, duplicate, error))
    proof.require(not wrong, f"{len(wrong)} logs against the oracle: {wrong[:3]}")
    booked = dict(books.payments())
    lost = [receipt for receipt in first if receipt not in booked]
    proof.require(not lost, f"{len(lost)} sound receipts have no payment: {lost[:3]}")
    odd = [(r, cents) for r, cents in booked.items() if first.get(r) != cents]
    proof.require(not odd, f"{len(odd)} payments against the oracle: {odd[:3]}")
    return first


def oversized(proof, port, sent):
    """Bodies over the limit, declared and chunked, are refused; one at the limit is taken."""
    client = Client(port)
    for number in range(10):
        extra = 0 if number < 2 else number
        raw = confirmation(f"BIG{number:07}", Pad="")
        pad = MOST_BYTES + extra - len(raw)
        raw = raw.replace(b'"Pad": ""', b'"Pad": "' + b"x" * pad + b'"')
        status = client.post(raw, chunked=number % 2 == 0)
        if extra == 0:
            sent[raw] += 1
        wanted = {200} if extra == 0 else {413, None}
        proof.require(status in wanted, f"{len(raw)} bytes: {status}")


def main():
    given = options(__doc__, short=20_000, long=1_000_000)
    proof = Proof("P6", given)
    fuzz, lock = Fuzz(proof.chance), threading.Lock()
    sent, statuses, slow = Counter(), Counter(), [0.0]
    left = [given.count]
    with Books(given.bug, given.postgres if not given.bug else "") as books:
        listener = books.start().wait()

        def run():
            client = Client(listener.port)
            while True:
                with lock:
                    if left[0] == 0:
                        return
                    left[0] -= 1
                    path, raw = fuzz.next()
                start = time.monotonic()
                status = client.post(raw, path, chunked=len(raw) % 7 == 0)
                with lock:
                    slow[0] = max(slow[0], time.monotonic() - start)
                    statuses[status] += 1
                    if path == "/c2b/confirmation":
                        sent[raw] += 1

        threads = [threading.Thread(target=run) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        proof.require(statuses == {200: given.count}, f"answers {dict(statuses)}")
        oversized(proof, listener.port, sent)
        proof.require(books.settle() is not None, "logs are still pending")
        first = judge_books(proof, books)
        proof.compare(books, sent, sent, first)
        rss_mib = memory_mib(listener.members())
        proof.require(listener.stop() == 0, "it did not end in order")
        proof.figures |= {
            "bodies": given.count,
            "payments": len(first),
            "slowest_answer_s": round(slow[0], 3),
            "rss_mib": round(rss_mib, 1),
        }
    proof.done()


if __name__ == "__main__":
    main()
