"""One token for all programs of a user: taken once, in time, and seen by nobody."""

import json
import os
import stat
import subprocess
import sys
import threading
from datetime import timedelta

import pytest

from kelly_cli.daraja.client import UnreachableError
from kelly_cli.daraja.client.tokens import LONGEST, UNSURE, lifetime
from kelly_cli.errors import ConfigError


def files(folder):
    return sorted(folder.glob("*.json"))


def test_a_token_is_taken_once_and_found_again(server, open_daraja, clock):
    first = open_daraja(server.url).token()
    second = open_daraja(server.url).token()
    assert (first.fresh, second.fresh, server.tokens) == (True, False, 1)
    assert first.taken_at == second.taken_at == clock.at
    assert second.expires_at == clock.at + timedelta(seconds=3599)


@pytest.mark.parametrize("told", ["3599", 3599, 3599.9, "3599.0"], ids=repr)
def test_expires_in_is_a_number_or_a_text_trap_06(server, says, open_daraja, clock, told):
    server.token_answer = says(200, {"access_token": "abc", "expires_in": told})
    assert open_daraja(server.url).token().expires_at == clock.at + timedelta(seconds=3599)


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("", UNSURE), ("soon", UNSURE), ("-5", UNSURE), ("1e9", UNSURE), ("٣", UNSURE),
        ("9" * 40, UNSURE), ("0", timedelta()), ("999999", LONGEST), ("60", timedelta(minutes=1)),
    ],
)  # fmt: skip
def test_an_end_that_cannot_be_read_is_near(told, kept):
    assert lifetime(told) == kept


def test_a_token_is_taken_anew_before_it_ends_trap_06(server, open_daraja, clock):
    daraja = open_daraja(server.url)
    daraja.token()
    clock.forward(seconds=3599 - 121)
    assert not daraja.token().fresh
    clock.forward(seconds=2)
    assert daraja.token().fresh
    assert server.tokens == 2


def test_a_token_from_the_future_is_not_used(server, open_daraja, clock):
    daraja = open_daraja(server.url)
    daraja.token()
    clock.forward(hours=-5)
    assert daraja.token().fresh


def test_a_short_token_is_used_for_most_of_its_life(server, says, open_daraja, clock):
    server.token_answer = says(200, {"access_token": "abc", "expires_in": 100})
    daraja = open_daraja(server.url)
    daraja.token()
    clock.forward(seconds=70)
    assert not daraja.token().fresh
    clock.forward(seconds=6)
    assert daraja.token().fresh


def test_keys_servers_and_environments_do_not_share_a_token(server, open_daraja, keys, folder):
    from dataclasses import replace

    open_daraja(server.url).token()
    open_daraja(server.url, keys=replace(keys, consumer_key="another one")).token()
    open_daraja(server.url, environment="production").token()
    open_daraja(server.url.replace("127.0.0.1", "localhost")).token()
    assert server.tokens == len(files(folder)) == 4


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_the_file_is_for_its_owner_alone_and_holds_no_key(server, open_daraja, folder, keys):
    os.umask(0o022)
    open_daraja(server.url).token()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert keys.consumer_key not in path.name + path.read_text()
        assert keys.consumer_secret not in path.read_text()
    assert [path.suffix for path in sorted(folder.iterdir())] == [".json", ".lock"]


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_a_token_that_others_could_read_is_taken_anew(server, open_daraja, folder):
    open_daraja(server.url).token()
    [path] = files(folder)
    path.chmod(0o644)
    assert open_daraja(server.url).token().fresh
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "null", '{"access_token": "a"}', "\x00\xff", "[" * 100_000,
        '{"access_token": "a\\nb", "taken_at": 1770120000, "expires_at": 1770123000}',
        '{"access_token": 5, "taken_at": 1770120000, "expires_at": 1770123000}',
        '{"access_token": "a", "taken_at": NaN, "expires_at": 1e999}',
        '{"access_token": "a", "taken_at": "x", "expires_at": []}',
    ],
    ids=range(11),
)  # fmt: skip
def test_what_is_wrong_in_the_file_counts_as_no_token(server, open_daraja, folder, text):
    daraja = open_daraja(server.url)
    daraja.token()
    [path] = files(folder)
    path.write_text(text, encoding="latin-1")
    assert daraja.token().fresh
    assert json.loads(path.read_text())["access_token"]


def test_a_left_over_of_a_killed_program_is_in_nobodys_way(server, open_daraja, folder):
    daraja = open_daraja(server.url)
    daraja.token()
    [path] = files(folder)
    path.unlink()
    path.with_suffix(".part").write_text("half a tok")
    assert daraja.token().fresh
    assert not path.with_suffix(".part").exists()


def test_a_folder_that_cannot_be_used_is_a_setting_to_correct(server, open_daraja, folder):
    folder.write_text("in the way")
    with pytest.raises(ConfigError) as caught:
        open_daraja(server.url).token()
    assert caught.value.code == "token_folder_unusable"
    assert server.requests == []


def test_who_waits_too_long_for_a_token_is_told(server, open_daraja, folder, monkeypatch):
    import fcntl

    monkeypatch.setattr("kelly_cli.daraja.client.tokens._WAIT_S", 0.1)
    daraja = open_daraja(server.url)
    daraja.token()
    [path] = files(folder)
    path.unlink()
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(UnreachableError, match="Nothing was sent"):
            daraja.token()


def test_a_refused_token_is_replaced_by_the_one_that_another_took(server, open_daraja, do, says):
    """Taking a token ends the one before: the other program's is good, and no third is taken."""
    ours, other = open_daraja(server.url), open_daraja(server.url)
    ours.token()
    yes = says(200, {"ResponseCode": "0", "ResponseDescription": "Success"})
    no = says(404, {"errorCode": "404.001.03", "errorMessage": "Invalid Access Token"})

    def while_the_other_takes_one(connection, request):
        if server.tokens == 1:
            other._asking.tokens.instead_of(request.headers["authorization"].split()[1])
            no(connection, request)
        else:
            yes(connection, request)

    server.answer = while_the_other_takes_one
    assert do("register", ours).code == "0"
    assert (server.tokens, len(server.asked)) == (2, 2)


def test_threads_that_need_a_token_at_once_take_one(server, open_daraja):
    start = threading.Barrier(8)

    def need():
        daraja = open_daraja(server.url)
        start.wait()
        daraja.token()

    threads = [threading.Thread(target=need) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert server.tokens == 1


PROGRAM = """
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from kelly_cli.daraja.client import Keys, Place
from kelly_cli.daraja.client.daraja import Daraja

at = datetime(2026, 2, 3, 12, tzinfo=UTC)
place = Place("sandbox", sys.argv[1], Path(sys.argv[2]))
with Daraja(place, Keys("key", "secret"), lambda: at) as daraja:
    print("ready", flush=True)
    for line in sys.stdin:
        at = datetime(2026, 2, 3, 12, tzinfo=UTC) + timedelta(seconds=int(line))
        wall = at.replace(tzinfo=None)
        daraja.pull_query(short_code="600984", start=wall, end=wall, offset=0)
        print("done", flush=True)
"""


def test_eight_processes_take_two_tokens_an_hour_trap_06(server, says, folder):
    """Each token ends the one before, as Safaricom says; nobody is ever refused."""
    yes = says(200, {"ResponseCode": "1000", "ResponseMessage": "Success", "Response": [[]]})
    no = says(401, {"errorCode": "401.001", "errorMessage": "Invalid Access Token"})

    def answer(connection, request):
        newest = request.headers["authorization"].endswith(f"token{server.tokens}")
        (yes if newest else no)(connection, request)

    server.answer = answer
    crowd = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, server.url, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(8)
    ]
    try:
        for each in crowd:
            assert each.stdout.readline() == "ready\n"
        moments = [0, 1, *range(300, 3301, 600), 3470, 3478, 3479, 3480, 3540, 3599]
        for second in moments:
            for each in crowd:
                each.stdin.write(f"{second}\n")
                each.stdin.flush()
            for each in crowd:
                assert each.stdout.readline() == "done\n"
    finally:
        for each in crowd:
            each.communicate(timeout=20)
    assert server.tokens == 2
    assert len(server.asked) == 8 * len(moments)
