"""A listener that runs beside a proof, in a process of its own."""

import json
import signal
import subprocess
import time
import uuid

READY_S = 60.0


class Listener:
    """A running listener. ``port`` is where it listens."""

    def __init__(self, command, environ, folder, child=None):
        number = uuid.uuid4().hex[:8]
        self.out, self.err = folder / f"{number}.out", folder / f"{number}.err"
        if child is not None:
            self.process = child(command, environ, folder, self.out, self.err)
            self.pid = self.process.pid
            return
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen(
                command, env=environ, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=err
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
                    return self
            time.sleep(0.01)
        raise RuntimeError(f"no listener: {self.err.read_text()[-2000:]}")

    def kill(self):
        """End it at once, as a power cut does to a process."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        """Ask it to end; return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(12)
        except subprocess.TimeoutExpired:
            self.kill()
            return None
