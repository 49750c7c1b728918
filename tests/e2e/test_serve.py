"""kelly webhook serve as it is run: a process of its own, a real socket, real HTTP."""

import contextlib
import json
import signal
import socket
import threading
import time

import pytest

ACCEPTED = b'{"ResultCode": 0, "ResultDesc": "Accepted"}'
VALID = b'{"ResultCode": "0", "ResultDesc": "Accepted"}'
CONFIRM = "/c2b/confirmation"


def rows(database, sql):
    with database.reading() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(sql).fetchall()]


def all_booked_within(seconds, database, kept):
    """Whether all of these receipts are in the books in time, each once.

    What a busy machine did not commit within a second came into the spool, and out of it in a while
    after the next start.
    """
    end = time.monotonic() + seconds
    while True:
        booked = [row[0] for row in rows(database, "SELECT mpesa_receipt_number FROM payments")]
        assert len(booked) == len(set(booked))
        if kept <= set(booked) or time.monotonic() > end:
            return kept <= set(booked)
        time.sleep(0.1)


def stk(receipt):
    items = {"Amount": 10, "MpesaReceiptNumber": receipt, "TransactionDate": 20260203143022}
    metadata = {"Item": [{"Name": name, "Value": value} for name, value in items.items()]}
    inner = {"CheckoutRequestID": "ws_1", "ResultCode": 0, "ResultDesc": "ok"}
    return json.dumps({"Body": {"stkCallback": {**inner, "CallbackMetadata": metadata}}}).encode()


RESULT = json.dumps({"Result": {"ResultCode": 0, "ResultDesc": "The balance"}}).encode()


def test_each_path_keeps_what_it_says(serve, database, callback):
    listener = serve()
    posts = [
        ("/api/webhooks/mpesa", callback("RAA0000001"), "confirmation"),
        (CONFIRM, callback("RAA0000002"), "confirmation"),
        ("/stk/callback", stk("RAA0000003"), "stk"),
    ]
    for asked in ("status", "balance", "reversal"):
        posts.append((f"/results/{asked}", RESULT, "result"))
        posts.append((f"/timeouts/{asked}", RESULT, "timeout"))
    for path, body, _ in posts:
        answer = listener.post(path, body)
        assert (answer.status, answer.body, answer.type) == (200, ACCEPTED, "application/json")
    logged = rows(database, "SELECT raw_payload, kind, source FROM webhook_logs ORDER BY id")
    assert logged == [(body.decode(), kind, "http") for _, body, kind in posts]
    assert rows(database, "SELECT count(*) FROM payments") == [(3,)]


def test_validation_is_answered_kept_apart_and_never_money_trap_17(serve, database, callback):
    listener = serve()
    for body in (callback("RAA0000001"), b"", b"\xff nonsense"):
        answer = listener.post("/c2b/validation", body)
        assert (answer.status, answer.body) == (200, VALID)
    listener.stop()
    assert rows(database, "SELECT trans_id FROM validation_requests ORDER BY id") == [
        ("RAA0000001",),
        (None,),
        (None,),
    ]
    for table in ("payments", "webhook_logs"):
        assert rows(database, f"SELECT count(*) FROM {table}") == [(0,)]


def test_the_answer_is_the_same_whatever_becomes_of_it(serve, callback):
    listener = serve()
    good = callback("RAA0000001")
    bodies = [good, good, callback("RAA0000001", amount=11), b"{}", b"", b"\x00\xff", b"[" * 9000]
    answers = {listener.post(CONFIRM, body).without_date for body in bodies}
    assert len(answers) == 1
    told = [listener.line()["outcome"] for _ in bodies]
    assert told == ["unmatched", "duplicate", "conflict", "failed", "failed", "failed", "failed"]


REFUSALS = [
    ("POST", "/c2b/confirmation/", {}, b"{}", 404),
    ("POST", "/c2b%2Fconfirmation", {}, b"{}", 404),
    ("POST", "//c2b/confirmation", {}, b"{}", 404),
    ("POST", "/C2B/confirmation", {}, b"{}", 404),
    ("POST", "/results/other", {}, b"{}", 404),
    ("POST", "/hooks/anything/c2b/confirmation", {}, b"{}", 404),
    ("GET", "/", {"Content-Encoding": "gzip"}, b"", 404),
    ("DELETE", "/nowhere", {}, b"x" * 70_000, 404),
    ("GET", CONFIRM, {"Content-Encoding": "gzip"}, b"", 405),
    ("PUT", CONFIRM, {}, b"x" * 70_000, 405),
    ("POST", "/healthz", {}, b"", 405),
    ("POST", CONFIRM, {"Content-Encoding": "gzip"}, b"x" * 70_000, 415),
    ("POST", CONFIRM, {}, b"x" * 65_537, 413),
    ("POST", CONFIRM, {}, b"x" * 9_000_000, 413),
]


def test_refusals_come_in_their_order_and_leave_nothing(serve, database):
    listener = serve()
    for method, path, headers, body, status in REFUSALS:
        answer = listener.ask(method, path, body, headers)
        assert (answer.status, answer.body) == (status, b""), (method, path)
        allow = "GET" if path == "/healthz" else "POST"
        assert answer.headers.get("allow") == (allow if status == 405 else None)
    assert rows(database, "SELECT count(*) FROM webhook_logs") == [(0,)]
    assert listener.post(CONFIRM, b"x" * 65_536).status == 200
    assert listener.post(CONFIRM, b"{}", {"Content-Encoding": "identity"}).status == 200


def test_a_counted_body_over_the_limit_is_refused(serve, database):
    listener = serve()
    with listener.connect() as raw:
        raw.sendall(b"POST /c2b/confirmation HTTP/1.1\r\nHost: x\r\n")
        raw.sendall(b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(5):
            raw.sendall(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
        assert raw.recv(1000).startswith(b"HTTP/1.1 413 ")
    assert rows(database, "SELECT count(*) FROM webhook_logs") == [(0,)]


def test_a_short_body_is_never_processed_and_a_whole_one_is_without_its_sender(
    serve, database, callback
):
    listener = serve()
    body = callback("RAA0000001")
    head = f"POST {CONFIRM} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with listener.connect() as raw:
        raw.sendall(head + body[:-1])
    with listener.connect() as raw:
        raw.sendall(head + body)
    assert listener.line()["trans_id"] == "RAA0000001"
    assert rows(database, "SELECT raw_payload FROM webhook_logs") == [(body.decode(),)]


@pytest.mark.parametrize("framing", ["Content-Length: 2\r\n\r\n{}", "chunked"])
def test_a_body_that_the_parser_leaves_unread_is_never_processed(sqlite_serve, tmp_path, framing):
    listener = sqlite_serve(tmp_path / "books.db")
    if framing == "chunked":
        framing = "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    upgrade = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    with listener.connect() as raw:
        raw.sendall(f"POST {CONFIRM} HTTP/1.1\r\nHost: x\r\n{upgrade}{framing}".encode())
        assert raw.recv(1000).startswith(b"HTTP/1.1 400 ")
    assert listener.metric('kelly_callbacks_total{outcome="failed"}') == 0


def test_with_a_token_the_callback_paths_exist_only_under_it_trap_33(serve, database, callback):
    listener = serve(env={"KELLY_WEBHOOK_TOKEN": "s3cret-Token_1"})
    unknown = listener.post("/nowhere", b"{}").without_date
    for path in (CONFIRM, f"/hooks/s3cret-Token_2{CONFIRM}", f"/hooks/s3cret-Token_1{CONFIRM}/"):
        assert listener.post(path, callback("RAA0000001")).without_date == unknown
    assert rows(database, "SELECT count(*) FROM webhook_logs") == [(0,)]
    assert listener.post(f"/hooks/s3cret-Token_1{CONFIRM}", callback("RAA0000001")).status == 200
    assert listener.ask("GET", "/healthz").status == 200
    assert listener.ask("GET", "/metrics").status == 200
    listener.stop()
    assert "s3cret" not in listener.out + listener.err


def test_a_line_tells_what_became_of_each(serve, callback):
    listener = serve()
    listener.post(CONFIRM, callback("raa0000001", amount="1250.5", reference="X-1"))
    line = listener.line()
    assert set(line) == {"at", "outcome", "trans_id", "amount", "where", "log_id", "error"}
    assert (line["trans_id"], line["amount"], line["log_id"]) == ("RAA0000001", "1250.50", 1)
    assert line["outcome"] == "unmatched"
    assert line["where"] == line["error"]
    assert line["at"].endswith("+00:00")


def test_hostile_text_is_harmless_in_a_line(serve, callback):
    listener = serve(json_lines=False)
    listener.post(CONFIRM, callback("RAA0000001", reference="\x1b[31m\u202e\nX"))
    line = listener.text_line()
    assert "RAA0000001\t10.00\t" in line
    assert not {"\x1b", "\u202e"} & set(line)


def test_health_and_metrics(serve, callback):
    listener = serve()
    assert listener.ask("GET", "/healthz").status == 200
    listener.post(CONFIRM, callback("RAA0000001"))
    listener.post(CONFIRM, callback("RAA0000001"))
    listener.line(), listener.line()
    assert listener.metric('kelly_callbacks_total{outcome="unmatched"}') == 1
    assert listener.metric('kelly_callbacks_total{outcome="duplicate"}') == 1


def test_what_a_crash_left_unfinished_is_finished_at_the_start(serve, database, callback):
    from kelly_cli.store import inbox_rows

    left = [(f"left-{n}", "confirmation", "http", callback(f"RAB00000{n:02}")) for n in range(20)]
    with database.writing() as connection:
        from datetime import UTC, datetime

        inbox_rows.add_pending_logs(connection, left, datetime(2026, 2, 3, tzinfo=UTC))
    listener = serve()
    assert {listener.line()["trans_id"] for _ in left} == {f"RAB00000{n:02}" for n in range(20)}
    pending = "NOT processed AND NOT is_duplicate AND error IS NULL"
    assert rows(database, f"SELECT count(*) FROM webhook_logs WHERE {pending}") == [(0,)]
    assert rows(database, "SELECT count(*) FROM payments") == [(20,)]


def test_many_at_once_share_commits(serve, database, flood):
    listener = serve()
    flooding = flood(listener, connections=64, each=30)
    assert flooding.statuses == {200: 64 * 30}
    assert rows(database, "SELECT count(*) FROM payments") == [(64 * 30,)]
    assert listener.metric("kelly_commits_total") < 64 * 30 / 4


@pytest.mark.slow
@pytest.mark.parametrize("state", ["quick", "slow"])
def test_after_kill_9_everything_answered_is_there_once_trap_41(
    serve, database, flood, hold, state
):
    listener = serve()

    def kill():
        # Slow: no commit ends in time, and what is answered meanwhile is in the spool.
        with hold() if state == "slow" else contextlib.nullcontext():
            time.sleep(2.5 if state == "slow" else 0)
            # Some seconds are not the same load on every machine: a number of answers is.
            end_s = time.monotonic() + 20
            while time.monotonic() < end_s and listener.metric("kelly_ack_seconds_count") < 60:
                time.sleep(0.05)
            listener.process.kill()
            listener.process.wait()

    def end():
        threading.Thread(target=kill).start()

    flooding = flood(listener, connections=16, each=10_000, during=1.0, then=end)
    assert len(flooding.kept) > 20
    again = serve()
    again.post(CONFIRM, b"{}")
    assert all_booked_within(15, database, flooding.kept)
    again.stop()
    pending = "NOT processed AND NOT is_duplicate AND error IS NULL"
    assert rows(database, f"SELECT count(*) FROM webhook_logs WHERE {pending}") == [(0,)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_under_load_ends_it_with_0_and_loses_nothing(serve, database, flood, number):
    listener = serve()

    def end():
        listener.process.send_signal(number)

    flooding = flood(listener, connections=16, each=10_000, during=0.7, then=end)
    began = time.monotonic()
    assert listener.process.wait(10) == 0
    assert time.monotonic() - began < 10
    assert flooding.kept
    serve()
    assert all_booked_within(15, database, flooding.kept)
    assert set(flooding.statuses) == {200}
    assert "Traceback" not in listener.err


def test_two_listeners_on_one_database_book_once(serve, database, callback):
    first, second = serve(), serve()
    bodies = [callback(f"RAC00000{n:02}") for n in range(30)]
    connections = [each.client() for each in (first, second)]
    for body in bodies:
        for connection in connections:
            connection.request("POST", CONFIRM, body)
        for connection in connections:
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (200, ACCEPTED)
    for connection in connections:
        connection.close()
    assert rows(database, "SELECT count(*) FROM payments") == [(30,)]
    assert rows(database, "SELECT count(*) FROM webhook_logs") == [(60,)]


@pytest.mark.slow
def test_a_callback_beside_a_bulk_ingest_waits_less_than_two_seconds(
    serve, database, database_url, callback, tmp_path, run_kelly
):
    saved = tmp_path / "bulk.jsonl"
    saved.write_bytes(b"\n".join(callback(f"RBULK{n:06}") for n in range(50_000)))
    listener = serve()
    waits = []
    with run_kelly("webhook", "ingest", str(saved), "--json") as bulk:
        while bulk.poll() is None:
            began = time.monotonic()
            assert listener.post(CONFIRM, callback(f"RLIVE{len(waits):06}")).status == 200
            waits.append(time.monotonic() - began)
        assert bulk.returncode == 3
    print(f"\n{len(waits)} callbacks, the longest wait {max(waits):.3f} s")
    assert max(waits) < 2
    assert rows(database, "SELECT count(*) FROM payments") == [(50_000 + len(waits),)]


def test_a_taken_port_is_one_clear_error(kelly):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = kelly("webhook", "serve", "--port", port, "--json")
    assert (ran.code, ran.error["code"]) == (1, "address_in_use")
    assert str(port) in ran.error["message"]


def test_people_are_told_where_it_listens(serve, database):
    listener = serve(json_lines=False)
    assert listener.greeting.startswith(
        f"Listening on http://127.0.0.1:{listener.port} (local), database "
    )
    listener.stop()
    assert [each["event"] for each in listener.log] == ["started", "stopped"]
    assert len(listener.err.splitlines()) == 3


@pytest.mark.slow
def test_callbacks_go_on_when_nobody_reads_their_lines(sqlite_serve, tmp_path, flood):
    listener = sqlite_serve(tmp_path / "books.db", reads=False)
    flooding = flood(listener, connections=16, each=100)
    assert flooding.statuses == {200: 1600}
    assert listener.stop() == 0


@pytest.mark.slow
def test_a_half_sent_request_does_not_hold_up_the_end(sqlite_serve, tmp_path, callback):
    listener = sqlite_serve(tmp_path / "books.db")
    with listener.connect() as raw:
        raw.sendall(b"POST /c2b/confirmation HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n{")
        assert listener.post(CONFIRM, callback("RAA0000001")).status == 200
        began = time.monotonic()
        assert listener.stop() == 0
        assert time.monotonic() - began < 10
        assert raw.recv(1000).startswith(b"HTTP/1.1 408 ")


def test_callbacks_go_on_when_stdout_is_closed(sqlite_serve, tmp_path, callback):
    listener = sqlite_serve(tmp_path / "books.db", reads=False)
    listener.close_stdout()
    for n in range(5):
        assert listener.post(CONFIRM, callback(f"RAA000000{n}")).status == 200
        time.sleep(0.05)
    assert listener.stop() == 0
    events = {each["event"] for each in listener.log}
    assert events - {"alert"} == {"started", "callback", "stopped"}
