"""Unix sockets and inherited ones: nobody's socket is taken away, and what is left behind is."""

import os
import socket
import stat

import pytest

from kelly_cli.errors import KellyError
from kelly_cli.listener import server
from kelly_cli.listener.sockets import inherited_socket, unix_socket


def knock(path):
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(str(path))


def test_a_socket_file_is_for_owner_and_group_and_goes_with_its_listener(tmp_path):
    path = tmp_path / "kelly.sock"
    with unix_socket(path) as bound:
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        assert server.url_of(bound) == f"unix:{path}"
        knock(path)
    assert not path.exists()


def test_one_that_was_left_behind_is_replaced(tmp_path):
    path = tmp_path / "kelly.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with unix_socket(path):
        knock(path)


def test_one_that_somebody_listens_on_is_not_touched(tmp_path):
    path = tmp_path / "kelly.sock"
    with unix_socket(path):
        with pytest.raises(KellyError) as refused, unix_socket(path):
            pass
        assert refused.value.code == "address_in_use"
        knock(path)


@pytest.mark.parametrize("there", ["a file", "a folder"])
def test_anything_else_at_its_place_is_kept(tmp_path, there):
    path = tmp_path / "kelly.sock"
    path.mkdir() if there == "a folder" else path.write_text("books")
    with pytest.raises(KellyError) as refused, unix_socket(path):
        pass
    assert refused.value.code == "cannot_listen"
    assert path.exists()


def test_a_path_that_cannot_be_is_refused_in_words(tmp_path):
    for path in (tmp_path / "nowhere/kelly.sock", tmp_path / ("x" * 200)):
        with pytest.raises(KellyError) as refused, unix_socket(path):
            pass
        assert refused.value.code == "cannot_listen"


def test_a_successor_keeps_its_file(tmp_path):
    path = tmp_path / "kelly.sock"
    with unix_socket(path):
        path.unlink()
        path.write_text("somebody else's")
    assert path.exists()


def test_an_inherited_socket_is_taken_as_it_is():
    with socket.create_server(("127.0.0.1", 0)) as opened:
        descriptor = os.dup(opened.fileno())
        with inherited_socket(descriptor, check=lambda _address: None) as bound:
            assert bound.getsockname() == opened.getsockname()


def test_what_does_not_listen_is_refused_and_left_open(tmp_path):
    with socket.socket() as idle, (tmp_path / "file").open("w") as file:
        for descriptor in (idle.fileno(), file.fileno(), 9999):
            with pytest.raises(KellyError) as refused:
                inherited_socket(descriptor, check=lambda _address: None)
            assert refused.value.code == "bad_descriptor"
        os.fstat(idle.fileno())


def test_an_inherited_socket_of_a_refused_host_is_refused():
    with socket.create_server(("127.0.0.1", 0)) as opened:
        descriptor = os.dup(opened.fileno())

        def refuse(host):
            raise KellyError(f"not {host}", code="not_loopback")

        with pytest.raises(KellyError) as refused:
            inherited_socket(descriptor, check=refuse)
        assert refused.value.message == "not 127.0.0.1"
