"""The ways in which a server can misbehave: status by body by timing.

Each is a script: called with ``says`` and the server, it returns what is done to a request.
"""

import gzip
import json

from kelly_cli.daraja.client import BusyError, CredentialsError, UnreachableError

WAF = b"<html><body>Request unsuccessful. Incapsula incident ID: 877000320000058396</body></html>"
FAULT = {
    "fault": {
        "faultstring": "Spike arrest violation. Allowed rate : MessageRate{messagesPerPeriod=5}",
        "detail": {"errorcode": "policies.ratelimit.SpikeArrestViolation"},
    }
}
ENVELOPE = {"Envelope": {"Body": {"Fault": {"faultstring": "Something of the back end failed"}}}}
MISMATCH = "Error Occurred - Invalid Access Token - Invalid API call as no apiproduct match found"


def error_body(code, message):
    return {"requestId": "1c5b-4ba8", "errorCode": code, "errorMessage": message}


def page(status, body=b"<!DOCTYPE html><title>Sorry</title>"):
    return lambda says, _: says(status, body, content_type="text/html; charset=utf-8")


def says_it(status, body, **more):
    return lambda says, _: says(status, body, **more)


def raw(*pieces, pause=0.0):
    """Send pieces as they are, with a pause after each, then close."""

    def made(_says, server):
        def answer(connection, _request):
            for piece in pieces:
                connection.sendall(piece)
                if pause:
                    server.pause(pause)

        return answer

    return made


def forever(first, drop, pause):
    """Never come to an end."""

    def made(_says, server):
        def answer(connection, _request):
            connection.sendall(first)
            while server._open:
                connection.sendall(drop)
                server.pause(pause)

        return answer

    return made


def echo(wrap):
    """Send what came back, secrets and all."""
    return lambda says, _: lambda connection, request: wrap(says, request)(connection, request)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
YES = b'{"ResponseCode": "0", "ResponseDescription": "Success"}'
LONG = 10 * 1024 * 1024

UNREADABLE = {
    "empty 200": says_it(200, b""),
    "empty 400": says_it(400, b""),
    "empty 500": says_it(500, b""),
    "blanks only": says_it(200, b"\r\n  \r\n"),
    "no content": raw(b"HTTP/1.1 204 No Content\r\n\r\n"),
    "page 200": page(200),
    "page 500": page(500),
    "firewall 503": page(503, WAF),
    "firewall 403": page(403, WAF),
    "firewall 200": page(200, WAF),
    "page called json": says_it(200, b"<html></html>"),
    "plain text 502": says_it(502, b"Bad Gateway", content_type="text/plain"),
    "redirect 302": says_it(302, b"", headers="Location: http://127.0.0.1:1/elsewhere\r\n"),
    "redirect 307": says_it(307, YES, headers="Location: /elsewhere\r\n"),
    "ten megabytes": says_it(200, b'{"a": "' + b"x" * LONG + b'"}'),
    "ten megabytes in chunks": raw(
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
        *[b"80000\r\n" + b"x" * 0x80000 + b"\r\n"] * 20,
    ),
    "ten megabytes packed": says_it(
        200, gzip.compress(b" " * LONG + YES), headers="Content-Encoding: gzip\r\n"
    ),
    "packed badly": says_it(200, b"no gzip", headers="Content-Encoding: gzip\r\n"),
    "packed strangely": says_it(200, YES, headers="Content-Encoding: br\r\n"),
    "cut in the body": raw(HEAD + b"Content-Length: 500\r\n\r\n" + YES[:20]),
    "cut in a chunk": raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n50\r\n" + YES[:20]),
    "cut in the head": raw(b"HTTP/1.1 200 OK\r\nContent-"),
    "closed without a word": raw(),
    "not HTTP": raw(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "endless head": raw(b"HTTP/1.1 200 OK\r\n" + b"X-More: x\r\n" * 40_000),
    "silence": raw(b"", pause=2),
    "silence in the body": raw(HEAD + b"Content-Length: 500\r\n\r\n" + YES[:9], pause=2),
    "dripping head": forever(b"HTTP/1.1 200 OK\r\n", b"X-Drip: x\r\n", 0.1),
    "dripping body": forever(HEAD + b"Content-Length: 500\r\n\r\n", b" ", 0.1),
    "invalid UTF-8": says_it(200, b'{"ResponseDescription": "\xff\xfe", "ResponseCode": "0"}'),
    "NaN": says_it(200, b'{"ResponseCode": NaN}'),
    "nested deeply": says_it(200, b'{"a":' * 50_000 + b"1" + b"}" * 50_000),
    "a list": says_it(200, [1, 2, 3]),
    "a text": says_it(200, "Success"),
    "null": says_it(200, None),
    "cut JSON": says_it(200, b'{"ResponseCode": "0", "Respon'),
    "two objects": says_it(200, YES + YES),
    "one member twice": says_it(200, b'{"ResponseCode": "0", "ResponseCode": "1"}'),
    "empty object": says_it(200, {}),
    "numbers and nulls": says_it(200, {"ResponseCode": None, "ResponseDescription": ["a"]}),
    "zero beside 500": says_it(500, {"ResponseCode": "0", "ResponseDescription": "Success"}),
    "error without words": says_it(500, {"requestId": "1"}),
    "UTF-16": says_it(200, YES.decode().encode("utf-16")),
    "page that sends all back": echo(
        lambda says, request: says(200, f"<html>{request.whole}</html>".encode())
    ),
}
"""Nobody can tell a yes or a no from these."""

REFUSED = {
    "wrong field": says_it(400, error_body("400.002.02", "Bad Request - Invalid PartyA")),
    "200 with an error": says_it(200, error_body("400.002.05", "Invalid Request Payload")),
    "200 with a code": says_it(200, {"ResponseCode": "17", "ResponseDescription": "Rule limited"}),
    "404 of a gateway": says_it(404, {"message": "no Route matched with those values"}),
    "error as text/html": says_it(
        400, error_body("400.002.02", "Bad Request"), content_type="text/html"
    ),
    "numbers for codes": says_it(400, {"errorCode": 4000202, "errorMessage": "Bad Request"}),
    "escapes for a terminal": says_it(400, error_body("400.002.02", "\x1b[2J\r\nBad\u202e")),
    "a very long message": says_it(400, error_body("400.002.02", "x" * 100_000)),
    "a very long code": says_it(400, error_body("4" * 100_000, "x")),
    "sends all back": echo(
        lambda says, request: says(400, error_body("400.002.02", f"Bad {request.whole}"))
    ),
    "sends all back in other escapes": echo(
        lambda says, request: says(
            400,
            json.dumps(error_body("400.002.02", request.whole)).replace("/", "\\/").encode(),
        )
    ),
    "sends all back as numbers of signs": echo(
        lambda says, request: says(
            400,
            b'{"errorCode": "400.002.02", "errorMessage": "%s"}'
            % "".join(f"\\u{ord(sign):04x}" for sign in request.whole).encode(),
        )
    ),
    "sends all back as a key": echo(
        lambda says, request: says(400, {"errorMessage": "Bad", request.whole: request.whole})
    ),
}
BUSY = {
    "spike arrest": says_it(500, error_body("500.003.02", "Error Occurred: Spike Arrest")),
    "spike arrest as a fault": says_it(429, FAULT),
    "fault with 500": says_it(500, FAULT),
    "429 with a page": page(429),
    "429 and nothing": says_it(429, b""),
    "quota": says_it(500, error_body("500.003.03", "Error Occurred: Quota Violation")),
    "system is busy": says_it(500, error_body("500.003.02", "System is busy. Please try again")),
}
UNCLEAR = {
    "internal error": says_it(500, error_body("500.003.1001", "Internal Server Error")),
    "envelope fault": says_it(500, ENVELOPE),
    "fault of the back end": says_it(503, {"fault": {"faultstring": "Service Unavailable"}}),
}
"""Readable, but a request that changes something may have got through."""
TOKEN_FAILURES = {
    "404.001.03": says_it(404, error_body("404.001.03", "Invalid Access Token")),
    "400.003.01": says_it(400, error_body("400.003.01", "Invalid Access Token")),
    "401.002.01": says_it(
        401, error_body("401.002.01", "Error Occurred - Invalid Access Token - x")
    ),
    "401.001": says_it(401, error_body("401.001", "Invalid Access Token")),
    "200": says_it(200, {"ResponseCode": "401.001", "ResponseDescription": "INVALID ACCESS TOKEN"}),
    "500": says_it(500, error_body("500.001.1001", "invalid access token")),
    "401 and nothing": says_it(401, b""),
    "401 with a page": page(401),
    "fault": says_it(
        401,
        {
            "fault": {
                "faultstring": "Access Token expired",
                "detail": {"errorcode": "keymanagement.service.access_token_expired"},
            }
        },
    ),
    "fault with 400": says_it(400, {"fault": {"faultstring": "Invalid access token"}}),
}
SLOW = [
    UNREADABLE[name]
    for name in ("silence", "silence in the body", "dripping head", "dripping body")
]
NOT_PASSING = {
    "redirect 302", "redirect 307", "ten megabytes", "ten megabytes in chunks",
    "ten megabytes packed", "packed strangely", "empty 400", "firewall 403",
}  # fmt: skip
"""Asking again would bring the same."""

OAUTH = {
    "wrong keys": (says_it(400, b""), CredentialsError, 1),
    "wrong way": (
        says_it(400, error_body("400.008.01", "Invalid Authentication passed")),
        CredentialsError,
        1,
    ),
    "401": (says_it(401, b""), CredentialsError, 1),
    "sends all back": (
        echo(lambda says, request: says(400, error_body("400.008.01", request.whole))),
        CredentialsError,
        1,
    ),
    "firewall 503": (page(503, WAF), UnreachableError, 3),
    "firewall 403": (page(403, WAF), UnreachableError, 1),
    "empty 200": (says_it(200, b""), UnreachableError, 1),
    "no token": (says_it(200, {"expires_in": "3599"}), UnreachableError, 1),
    "no text": (says_it(200, {"access_token": 5, "expires_in": 3599}), UnreachableError, 1),
    "a token of two lines": (
        says_it(200, {"access_token": "CANARY\r\nX: y", "expires_in": 3599}),
        UnreachableError,
        1,
    ),
    "a token cut in two": (says_it(200, b'{"access_token": "CANARYtok'), UnreachableError, 1),
    "a token beside an error": (
        says_it(500, {"access_token": "CANARYtok", "errorMessage": "CANARYtok"}),
        UnreachableError,
        3,
    ),
    "a token in a page": (
        says_it(403, b"<html>access_token=CANARYtok</html>"),
        UnreachableError,
        1,
    ),
    "redirect": (says_it(302, b"", headers="Location: /\r\n"), UnreachableError, 1),
    "silence": (raw(b"", pause=2), UnreachableError, 3),
    "closed": (raw(), UnreachableError, 3),
    "spike arrest": (says_it(429, FAULT), BusyError, 3),
}
