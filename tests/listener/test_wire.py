"""The wire between listener and clerk: frames come out as they went in, however they are cut."""

import random
import socket
import threading
import time

import pytest

from kelly_cli.listener import wire

FRAMES = [
    (wire.STOP,),
    (wire.TAKE, [(b"\x00\xff{}", "confirmation", "d1"), (b"", "stk", "d2")]),
    (wire.KEPT, 2),
    (
        wire.HAPPENED,
        "2026-02-03T12:00:00+00:00",
        [("processed", "RAA1", 5000, "ĩ \ud800", 1, None)],
    ),
    (wire.TAKE, [(b"x" * 300_000, "confirmation", "d3")]),
    (wire.DOUBT, None),
]


@pytest.fixture
def ends():
    ours, his = socket.socketpair()
    both = wire.Wire(ours), wire.Wire(his)
    yield both
    for end in both:
        end.close()


def test_frames_are_read_whatever_pieces_they_come_in():
    said = b"".join(wire.pack(frame) for frame in FRAMES)
    chance = random.Random(20260203)
    for most in (1, 3, 7, 1000, 200_000, len(said)):
        reader, found, place = wire.Reader(), [], 0
        while place < len(said):
            size = most if most < 8 and place < 4000 else chance.randint(1, max(most, 5000))
            found += reader.feed(said[place : place + size])
            place += size
        assert found == FRAMES


def test_all_that_came_is_received_at_once_and_nothing_when_nothing_comes(ends):
    ours, his = ends
    began_s = time.monotonic()
    assert list(his.receive(0.05)) == []
    assert time.monotonic() - began_s >= 0.04
    for number in range(50):
        ours.send(wire.SAID, str(number))
    assert list(his.receive(None)) == [(wire.SAID, str(number)) for number in range(50)]
    assert not his.is_cut


def test_a_frame_that_is_longer_than_the_line_is_waited_for(ends):
    ours, his = ends
    body = bytes(4_000_000)
    sender = threading.Thread(target=ours.send, args=(wire.TAKE, [(body, "stk", "d")]))
    sender.start()
    found = []
    while not found:
        found = list(his.receive(5))
    sender.join()
    assert found == [(wire.TAKE, [(body, "stk", "d")])]


def test_whoever_has_gone_is_noticed_on_both_ways(ends):
    ours, his = ends
    ours.send(wire.STOP)
    ours.close()
    assert list(his.receive(None)) == [(wire.STOP,)]
    assert list(his.receive(None)) == []
    assert his.is_cut
    his.send(wire.ENDED)
    assert his.is_cut


def test_two_threads_never_mix_their_frames(ends):
    ours, his = ends
    threads = [
        threading.Thread(
            target=lambda n=n: [ours.send(wire.SAID, str(n) * 9000) for _ in range(40)]
        )
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    found = []
    while len(found) < 160:
        found += his.receive(5)
    for thread in threads:
        thread.join()
    assert sorted(each[1][0] for each in found) == sorted("0123" * 40)
    assert all(set(each[1]) == {each[1][0]} and len(each[1]) == 9000 for each in found)
