"""A listener that runs beside a proof, in processes of its own."""

import json
import signal
import subprocess
import time
import uuid

from family import members, wait_until_gone

READY_S = 60.0
STOP_S = 12.0
OUTLIVES_S = 2.0
"""How long a child may take to end after its front ended in order."""


class Listener:
    """A running listener. ``port`` is where it listens, ``pid`` the process that was started."""

    def __init__(self, command, environ, folder, child=None):
        number = uuid.uuid4().hex[:8]
        self.out, self.err = folder / f"{number}.out", folder / f"{number}.err"
        self.known = set()
        if child is not None:
            self.process = child(command, environ, folder, self.out, self.err)
            self.pid = self.process.pid
            return
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen(
                command,
                env=environ,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                process_group=0,
            )
        self.pid = self.process.pid

    def wait(self):
        """Wait until it listens, and return it."""
        end = time.monotonic() + READY_S
        while time.monotonic() < end and self.process.poll() is None:
            told = self.out.read_bytes() if self.out.exists() else b""
            for line in told.splitlines(keepends=True):
                if b'"ready"' in line and line.endswith(b"\n"):
                    self.port = int(json.loads(line)["url"].rsplit(":", 1)[1])
                    self.members()
                    return self
            time.sleep(0.01)
        raise RuntimeError(f"no listener: {self.err.read_text()[-2000:]}")

    # Its processes

    def members(self):
        """Return its living processes, the front first. All that were seen once are remembered."""
        found = members(self.pid)
        self.known.update(found)
        return [*found, *sorted(each for each in self.known - set(found) if each.is_alive)]

    def children(self):
        """Return its living processes without the front."""
        return [member for member in self.members() if member.pid != self.pid]

    def kill(self):
        """End all of it at once, as a power cut does."""
        if self.process.poll() is not None and not any(each.is_alive for each in self.known):
            return
        for _ in range(2):  # a child may be born while others are killed
            for member in self.members():
                member.kill()
        self.process.wait()

    def stop(self):
        """Ask the front to end; return its exit code, or what else came of it."""
        self.members()
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()
            return None
        left = self.outlived(OUTLIVES_S)
        return f"{code}, and {len(left)} children lived on" if left else code

    def outlived(self, within_s):
        """Return the children that still live so long after their front ended; end them."""
        left = wait_until_gone(self.known, within_s)
        for member in left:
            member.kill()
        return left
