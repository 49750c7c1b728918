"""kelly's command line in a process of its own that has imported everything already.

A server, one for each run of tests, imports the program and forks a child for each command line.
The child has its own process id, streams, folder and environment, runs ``kelly_cli.__main__`` and
ends with its threads joined, its last calls made and its streams flushed. Only the start and the
taking apart are missing: a test of the start itself, of what is imported when, or of the installed
script starts ``python -m kelly_cli`` as a user does.
"""

import atexit
import gc
import inspect
import io
import json
import os
import pkgutil
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
READ_AT_THE_START = ("PYTHON", "LC_", "LANG", "LD_", "MALLOC_", "SSL", "OPENSSL_")
"""Variables that count before any code of ours runs: with others, a process starts afresh."""
NOT_READ = {"PYTHONPATH"}
"""It says only where the program lies, and that is known."""
SHARED = {"cwd", "env", "stdin", "stdout", "stderr", "text", "encoding", "errors", "bufsize"}
"""What a start may ask for; with anything else, a process starts afresh."""
PIPES = ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")
STARTS = inspect.signature(subprocess.Popen._execute_child)
BY_LIBRARIES = (
    "asyncio",
    "psycopg",
    "rich.live",
    "rich.table",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite",
    "typer._adapters",
    "typer._click._textwrap",
    "typer._click.decorators",
    "uvicorn.protocols.http.httptools_impl",
    "uvloop",
)
"""What libraries import only when they are at work."""


class Program:
    """Starts ``kelly WORDS...`` as ``subprocess`` would start it."""

    def __init__(self):
        self.environ = {**os.environ, "PYTHONPATH": str(ROOT)}
        self._one_by_one = threading.Lock()
        self._control, theirs = socket.socketpair()
        with theirs:
            self._server = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno())],
                env=self.environ,
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )

    def start(self, *words, **options):
        """Do what ``subprocess.Popen`` does."""
        environ = os.environ if options.get("env") is None else options["env"]
        if options.keys() <= SHARED and at_the_start(environ) == at_the_start(self.environ):
            return Forked(self._fork, command_line(words), **options)
        return self.start_cold(*words, **options)

    def start_cold(self, *words, **options):
        """Start it as a user does, with a new interpreter."""
        return subprocess.Popen(command_line(words), **options)

    def run(self, *words, input=None, timeout=None, **options):  # noqa: A002 - its name there
        """Do what ``subprocess.run`` does, with ``capture_output``."""
        pipes = dict.fromkeys(("stdout", "stderr"), subprocess.PIPE)
        if input is not None:
            pipes["stdin"] = subprocess.PIPE
        with self.start(*words, **{**pipes, **options}) as process:
            try:
                out, err = process.communicate(input, timeout=timeout)
            except BaseException:
                process.kill()
                raise
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def _fork(self, words, cwd, environ, streams):
        asked = json.dumps([words, os.fspath(cwd), dict(environ)]).encode()
        told, theirs = socket.socketpair()
        with theirs, self._one_by_one:
            head = len(asked).to_bytes(8, "big")
            socket.send_fds(self._control, [head], [*streams, theirs.fileno()])
            self._control.sendall(asked)
        pid = told.recv(8)
        if not pid:
            raise RuntimeError("the server of the tests is gone")
        return int.from_bytes(pid, "big"), told

    def close(self):
        """End the server, and with it all that it still runs."""
        self._control.close()
        self._server.wait(60)


def command_line(words):
    """Return the words with which a user's shell would start it."""
    return [sys.executable, "-m", "kelly_cli", *map(str, words)]


def at_the_start(environ):
    """Return what an interpreter reads of an environment before any code of ours."""
    return {
        name: value
        for name, value in environ.items()
        if name.startswith(READ_AT_THE_START) and name not in NOT_READ
    }


class Forked(subprocess.Popen):
    """A Popen whose process is the server's child: its end is told through a socket."""

    def __init__(self, fork, command, **options):
        self._fork = fork
        super().__init__(command, **options)

    def _execute_child(self, *given):
        asked = STARTS.bind(self, *given).arguments
        streams = [asked["p2cread"], asked["c2pwrite"], asked["errwrite"]]
        streams = [number if end == -1 else end for number, end in enumerate(streams)]
        environ = os.environ if asked["env"] is None else asked["env"]
        try:
            self.pid, self._told = self._fork(
                self.args[3:], asked["cwd"] or Path.cwd(), environ, streams
            )
            self._child_created = True
        finally:
            self._close_pipe_fds(*(asked[name] for name in PIPES))

    def _internal_poll(self, **_):
        return self._hear(0)

    def wait(self, timeout=None):
        if self._hear(timeout) is None:
            raise subprocess.TimeoutExpired(self.args, timeout)
        return self.returncode

    def _hear(self, timeout):
        if self.returncode is None:
            self._told.settimeout(None if timeout is None else max(0, timeout))
            try:
                told = self._told.recv(8)
            except (BlockingIOError, TimeoutError):
                return None
            self._told.close()
            self.returncode = int(told)
        return self.returncode


class Server:
    """Forks a child for each request, and tells how it ended."""

    def __init__(self, control):
        self.control = control
        self.children = {}
        """pidfd → (process id, the socket that is told)."""
        self.waiting = selectors.DefaultSelector()
        self.waiting.register(control, selectors.EVENT_READ)

    def serve(self):
        """Return True in a child, where the command line begins; False when no more will come."""
        while True:
            for key, _ in self.waiting.select():
                if key.fileobj is not self.control:
                    self._tell_end(key.fileobj)
                    continue
                head, streams, *_ = socket.recv_fds(self.control, 8, 4)
                if not head:
                    self._end_all()
                    return False
                if self._forked(json.loads(self._read(int.from_bytes(head, "big"))), streams):
                    return True

    def _read(self, size):
        parts = bytearray()
        while len(parts) < size:
            parts += self.control.recv(size - len(parts))
        return parts

    def _forked(self, asked, descriptors):
        *streams, told = descriptors
        pid = os.fork()
        if pid == 0:
            self._let_go()
            os.close(told)
            become(*asked, streams)
            return True
        for stream in streams:
            os.close(stream)
        told = socket.socket(fileno=told)
        told.sendall(pid.to_bytes(8, "big"))
        ends = os.pidfd_open(pid)
        self.children[ends] = pid, told
        self.waiting.register(ends, selectors.EVENT_READ)
        return False

    def _tell_end(self, ends):
        pid, told = self.children.pop(ends)
        self.waiting.unregister(ends)
        os.close(ends)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        with told:
            told.sendall(b"%d" % code)

    def _end_all(self):
        for pid, _ in self.children.values():
            os.kill(pid, signal.SIGKILL)
        for ends in list(self.children):
            self._tell_end(ends)

    def _let_go(self):
        """In a child: keep nothing of the server's."""
        self.waiting.close()
        self.control.close()
        for ends, (_, told) in self.children.items():
            os.close(ends)
            told.close()


def become(words, cwd, environ, streams):
    """Make this process what a fresh interpreter would be for this command line."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(environ)
    time.tzset()
    os.chdir(cwd)
    sys.argv[1:] = words
    sys.path[0] = cwd
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        opened = as_at_the_start(number, getattr(sys, name))
        setattr(sys, name, opened)
        setattr(sys, f"__{name}__", opened)


def as_at_the_start(number, before):
    """Open a standard stream as an interpreter does."""
    writes = number > 0
    unbuffered = writes and before.write_through
    how = ("wb" if writes else "rb", 0 if unbuffered else -1)
    raw = open(number, *how, closefd=False)  # noqa: SIM115 - it stays open
    return io.TextIOWrapper(
        raw,
        before.encoding,
        before.errors,
        "\n",
        line_buffering=not unbuffered and (number == 2 or raw.isatty()),
        write_through=unbuffered,
    )


def read_in():
    """Import all that a command might, except what it does at once."""
    import kelly_cli

    for found in pkgutil.walk_packages(kelly_cli.__path__, "kelly_cli."):
        if not found.name.endswith("__main__") and ".migrations" not in found.name:
            import_module(found.name)
    for name in BY_LIBRARIES:
        import_module(name)
    import_module("sqlalchemy.orm").configure_mappers()
    gc.collect()
    gc.freeze()


def run():
    """Run the command line of this process to its end."""
    try:
        runpy.run_module("kelly_cli", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if not isinstance(end.code, int):
            raise
        threading._shutdown()
        atexit._run_exitfuncs()
        # What cannot be flushed is the interpreter's: it has a word and a code for that.
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except OSError:
            raise end from None
        os._exit(end.code)


if __name__ == "__main__":
    sys.path[0] = str(ROOT)
    with socket.socket(fileno=int(sys.argv.pop(1))) as control:
        read_in()
        is_child = Server(control).serve()
    if is_child:
        run()
