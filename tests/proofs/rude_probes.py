"""Requests that no honest client sends, and the answer each must get: the table of P13.

A probe is sent as it stands on a connection of its own. ``statuses`` are those of all answers, in
their order, until the connection closes; "open" in the end = it stays open instead. What is 200
here is kept in the books, everything else leaves no trace in them.
"""

import contextlib
import re
import socket
from typing import NamedTuple

BODY = b'{"TransID":"x"}'
SIZE = len(BODY)
CONFIRM = b"/c2b/confirmation"
LIMIT = 65_536


class Probe(NamedTuple):
    name: str
    raw: bytes
    statuses: tuple
    hangs_up: bool = False
    """The sender says that he has said all, and reads on."""


def post(*fields, path=CONFIRM, body=BODY, version=b"1.1", length=True, host=b"Host: x", more=b""):
    """A confirmation with these header fields."""
    head = [b"POST " + path + b" HTTP/" + version, host, *fields]
    if length:
        head.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join([*(line for line in head if line), b"", body + more])


def chunked(*pieces, fields=(), ends=b"0\r\n\r\n"):
    """A confirmation in chunks, each piece as it stands."""
    head = post(b"Transfer-Encoding: chunked", *fields, length=False, body=b"")
    return head + b"".join(pieces) + ends


ONE = b"%x\r\n%s\r\n" % (SIZE, BODY)
TINY = b"".join(b"1\r\n%c\r\n" % each for each in BODY)
FIELDS_100 = [b"X-%d: y" % n for n in range(98)]
LONG = b"10001\r\n" + b"x" * (LIMIT + 1) + b"\r\n"
PUT = post(b"X-HTTP-Method-Override: POST").replace(b"POST ", b"PUT ", 1)
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"

FRAMING = [
    Probe("two lengths", post(b"Content-Length: 3"), (400,)),
    Probe("the same length twice", post(b"Content-Length: %d" % SIZE), (400,)),
    Probe("a list of lengths", post(b"Content-Length: 15, 15", length=False), (400,)),
    Probe("length below zero", post(b"Content-Length: -1", length=False), (400,)),
    Probe("length with a sign", post(b"Content-Length: +15", length=False), (400,)),
    Probe("length with an underscore", post(b"Content-Length: 1_5", length=False), (400,)),
    Probe("length in hexadecimal", post(b"Content-Length: 0xf", length=False), (400,)),
    Probe("no length in the length", post(b"Content-Length:", length=False), (400,)),
    Probe("length with a blank in it", post(b"Content-Length: 1 5", length=False), (400,)),
    Probe("length beyond 64 bits", post(b"Content-Length: %d" % 10**20, length=False), (400,)),
    Probe("length in other digits", post("Content-Length: ١٥".encode(), length=False), (400,)),
    Probe("length and chunks", post(b"Transfer-Encoding: chunked"), (400,)),
    Probe("chunks and length", chunked(ONE, fields=[b"Content-Length: 15"]), (400,)),
    Probe("gzip, then chunks", post(b"Transfer-Encoding: gzip, chunked", length=False), (400,)),
    Probe("an unknown coding", post(b"Transfer-Encoding: identity", length=False), (400,)),
    Probe("chunks twice", chunked(ONE, fields=[b"Transfer-Encoding: chunked"]), (400,)),
    Probe("almost chunks", post(b"Transfer-Encoding: xchunked", length=False), (400,)),
    Probe("a tab before chunks", post(b"Transfer-Encoding:\x0bchunked", length=False), (400,)),
    Probe(
        "chunks in HTTP/1.0",
        post(b"Transfer-Encoding: chunked", length=False, version=b"1.0", body=ONE),
        (400,),
    ),
    Probe("bare line feeds", post().replace(b"\r\n", b"\n"), (400,)),
    Probe("one bare line feed", post(b"X: y\nZ: z"), (400,)),
    Probe("a bare carriage return", post(b"X: y\rZ: z"), (400,)),
    Probe("a folded field", post(b"X: y\r\n z"), (400,)),
    Probe("a blank before the colon", post(b"X : y"), (400,)),
    Probe("a blank before the first field", post(host=b" Host: x"), (400,)),
    Probe("no name", post(b": y"), (400,)),
    Probe("no colon", post(b"xyz"), (400,)),
    Probe("a NUL in a value", post(b"X: a\0b"), (400,)),
    Probe("a control character in a value", post(b"X: a\x01b"), (400,)),
    Probe("a NUL in a name", post(b"X\0: b"), (400,)),
    Probe("no Host", post(host=b""), (400,)),
    Probe("two Hosts", post(b"Host: x"), (400,)),
    Probe("two Hosts that differ", post(b"hOST: y"), (400,)),
    Probe("an empty Host", post(host=b"Host:"), (400,)),
    Probe("a Host with a path", post(host=b"Host: x/y"), (400,)),
    Probe("a Host with a user", post(host=b"Host: a@x"), (400,)),
    Probe("a Host with a blank", post(host=b"Host: x y"), (400,)),
    Probe("an absolute target", post(path=b"http://x" + CONFIRM), (400,)),
    Probe("a target without a slash", post(path=b"c2b/confirmation"), (400,)),
    Probe("a star for a target", b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", (400,)),
    Probe("CONNECT", b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n", (400,)),
    Probe("a fragment", post(path=CONFIRM + b"#x"), (400,)),
    Probe("a NUL in the target", post(path=CONFIRM + b"\0"), (400,)),
    Probe("bytes beyond ASCII in the target", post(path=b"/\xc3\xa9"), (400,)),
    Probe("a blank in the target", post(path=CONFIRM + b" x"), (400,)),
    Probe("HTTP/0.9", b"GET /healthz\r\n\r\n", (400,)),
    Probe("HTTP/1.2", post(version=b"1.2"), (400,)),
    Probe("HTTP/2.0", post(version=b"2.0"), (400,)),
    Probe("HTTP/2's preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400,)),
    Probe("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", (400,)),
    Probe("no method of HTTP", post().replace(b"POST", b"P0ST"), (400,)),
    Probe("a method in small letters", post().replace(b"POST", b"post"), (400,)),
    Probe("an upgrade", post(b"Connection: Upgrade", b"Upgrade: h2c"), (400,)),
    Probe(
        "an upgrade to a web socket", post(b"Connection: upgrade", b"Upgrade: websocket"), (400,)
    ),
    Probe("a chunk of no size", chunked(b"zz\r\n"), (400,)),
    Probe("a chunk below zero", chunked(b"-1\r\n"), (400,)),
    Probe("a chunk beyond 64 bits", chunked(b"f" * 17 + b"\r\n"), (400,)),
    Probe("a chunk longer than it says", chunked(b"5\r\nhello!\r\n"), (400,)),
    Probe("a chunk with a bare line feed", chunked(b"5\nhello\r\n"), (400,)),
    Probe(
        "a length among the trailers", chunked(ONE, ends=b"0\r\nContent-Length: 5\r\n\r\n"), (400,)
    ),
    Probe("a chunk's extension without end", chunked(b"5;" + b"x" * 20_000), (400,)),
]
"""Broken framing: 400, and nothing more is heard on that connection."""

TOO_LARGE = [
    Probe("a field of 16 KiB", post(b"X: " + b"y" * 16_384), (431,)),
    Probe("a field that never ends", b"POST / HTTP/1.1\r\nX: " + b"y" * 20_000, (431,)),
    Probe("a name that never ends", b"POST / HTTP/1.1\r\n" + b"y" * 20_000, (431,)),
    Probe("4 MiB of a field", post(b"X: " + b"y" * 4_194_304), (431,)),
    Probe("101 fields", post(*FIELDS_100, b"X-last: y"), (431,)),
    Probe("200 fields", post(*FIELDS_100, *FIELDS_100), (431,)),
    Probe("a target of 20 KiB", post(path=b"/" + b"x" * 20_000), (431,)),
    Probe("a target of 3 KiB", post(path=CONFIRM + b"?" + b"x" * 3_000), (431,)),
    Probe("200 trailers", chunked(ONE, ends=b"0\r\n" + b"X: y\r\n" * 200 + b"\r\n"), (431,)),
]

ORDER = [
    Probe("an unknown path before all else", post(b"Content-Encoding: gzip", path=b"/x"), (404,)),
    Probe("a path with a slash at its end", post(path=CONFIRM + b"/"), (404,)),
    Probe("an encoded path", post(path=b"/c2b%2Fconfirmation"), (404,)),
    Probe("an encoded letter", post(path=b"/c2b/confirmatio%6E"), (404,)),
    Probe("a path in capitals", post(path=CONFIRM.upper()), (404,)),
    Probe("two slashes", post(path=b"/" + CONFIRM), (404,)),
    Probe("dots in a path", post(path=b"/x/.." + CONFIRM), (404,)),
    Probe("another method", post().replace(b"POST", b"PUT"), (405,)),
    Probe("a method in a field", PUT, (405,)),
    Probe("HEAD", b"HEAD " + CONFIRM + b" HTTP/1.1\r\nHost: x\r\n\r\n", (405,)),
    Probe("a coded body", post(b"Content-Encoding: gzip"), (415,)),
    Probe("a coded body over the limit", post(b"Content-Encoding: br", body=b"x" * 70_000), (415,)),
    Probe("a declared body over the limit", post(body=b"x" * (LIMIT + 1)), (413,)),
    Probe("a body of exabytes", post(b"Content-Length: %d" % 10**18, length=False), (413,)),
    Probe("a counted body over the limit", chunked(LONG), (413,)),
]

GOOD = [
    Probe("a plain one", post(), (200, "open")),
    Probe("HTTP/1.0", post(version=b"1.0"), (200,)),
    Probe("HTTP/1.0 without Host", post(version=b"1.0", host=b""), (200,)),
    Probe("100 fields", post(*FIELDS_100), (200, "open")),
    Probe("a query", post(path=CONFIRM + b"?x=1"), (200, "open")),
    Probe("a Host with a port", post(host=b"Host: pay.example.co.ke:8443"), (200, "open")),
    Probe("a Host of IPv6", post(host=b"Host: [::1]:8000"), (200, "open")),
    Probe("line ends first", b"\r\n\r\n" + post(), (200, "open")),
    Probe("one chunk", chunked(ONE), (200, "open")),
    Probe("chunks of one byte", chunked(TINY), (200, "open")),
    Probe("a chunk with an extension", chunked(ONE.replace(b"\r", b";a=b\r", 1)), (200, "open")),
    Probe("a trailer", chunked(ONE, ends=b"0\r\nX-Sum: 1\r\n\r\n"), (200, "open")),
    Probe("the last connection", post(b"Connection: close"), (200,)),
    Probe("a body on the limit", post(body=b"x" * LIMIT), (200, "open")),
    Probe("who said all and waits", post(), (200,), hangs_up=True),
    Probe("expects to be asked", post(b"Expect: 100-continue"), (100, 200, "open")),
    Probe("two requests at once", post() + post(), (200,)),
    Probe("a request and nonsense", post(more=b"nonsense\r\n\r\n"), (200,)),
    Probe("a request and a broken one", post(more=GET.replace(b"Host", b"H st")), (200,)),
]
"""Answered once, and what follows unasked is not mixed with it."""

SHORT = [
    Probe("half a body", post()[:-1], (), hangs_up=True),
    Probe("half a head", post()[:30], (), hangs_up=True),
    Probe("half a chunk", chunked(ONE[:8], ends=b""), (), hangs_up=True),
    Probe("no last chunk", chunked(ONE, ends=b""), (), hangs_up=True),
]
"""The sender hangs up before the end: no answer, and nothing of it is kept."""

PROBES = FRAMING + TOO_LARGE + ORDER + GOOD + SHORT
KEPT = sum(200 in probe.statuses for probe in PROBES)


def statuses_of(connection, *, patience_s=1.0):
    """Read answers until the other side closes, or says nothing more for a while."""
    connection.settimeout(patience_s)
    heard, ending = b"", ()
    try:
        while piece := connection.recv(65_536):
            heard += piece
    except TimeoutError:
        ending = ("open",)
    except OSError:
        pass
    return (*(int(each) for each in re.findall(rb"HTTP/1\.1 (\d{3}) ", heard)), *ending)


def send(connection, probe):
    """Send a probe; its sender may be cut off while he speaks."""
    with contextlib.suppress(OSError):
        connection.sendall(probe.raw)
        if probe.hangs_up:
            connection.shutdown(socket.SHUT_WR)
