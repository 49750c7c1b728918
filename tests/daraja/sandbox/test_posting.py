"""A body is posted once, whatever comes back."""

import asyncio
import socket
import time

import pytest

from kelly_cli.daraja.sandbox.posting import Poster, is_here, post


def test_the_exact_bytes_arrive_and_the_answer_is_kept(called):
    called.answer = b"\xff" * 5000
    posted = post(f"{called.url}/a?b=c", b"\x00\xff", timeout_s=5)
    assert (posted.status, posted.taken, posted.problem) == (200, True, "")
    assert posted.body == b"\xff" * 2000
    assert called.posts == [("/a?b=c", b"\x00\xff")]


@pytest.mark.parametrize("status", [301, 404, 503])
def test_a_refusal_and_a_redirect_are_answers_and_nothing_is_sent_again(called, status):
    called.status = status
    posted = post(called.url, b"x", timeout_s=5)
    assert (posted.status, posted.taken) == (status, False)
    assert called.paths == ["/"]


def test_nobody_there_is_told():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    posted = post(f"http://127.0.0.1:{port}/", b"x", timeout_s=5)
    assert (posted.status, posted.taken, posted.problem) == (None, False, "Connection refused")


@pytest.mark.parametrize("url", ["http://127.0.0.1:99999/", "http://[x/", "http:///a"])
def test_what_is_no_url_is_told(url):
    assert post(url, b"x", timeout_s=5).problem


def test_one_who_says_nothing_is_given_up_in_time(called):
    called.delay_s = 3
    start_s = time.monotonic()
    posted = post(called.url, b"x", timeout_s=0.2)
    assert (posted.status, posted.problem) == (None, "no answer within 0.2 s")
    assert time.monotonic() - start_s < 2


def test_one_who_answers_no_http_is_told():
    with socket.create_server(("127.0.0.1", 0)) as deaf:

        async def try_it():
            poster = Poster(5)
            url = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
            sent = asyncio.create_task(poster.post(url, b"x"))
            taken, _ = await asyncio.to_thread(deaf.accept)
            taken.sendall(b"hello\r\n\r\n")
            taken.close()
            answer = await sent
            poster.close()
            return answer

        assert asyncio.run(try_it()).status is None


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:8000/x", True),
        ("http://localhost/x", True),
        ("http://[::1]:80/", True),
        ("https://pay.example.co.ke/", False),
        ("http://192.0.2.1/", False),
        ("http://127.0.0.1.example.com/", False),
        ("nonsense", False),
        ("http://[x", False),
    ],
)
def test_what_is_on_this_machine(url, here):
    assert is_here(url) is here
