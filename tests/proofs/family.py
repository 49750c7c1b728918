"""The processes of a listener: the one that was started, its front, and all that come of it.

They are found through /proc, so a proof need not know how a listener shares its work out: whatever
descends from the front is a child of it. A process is known by the moment of its birth too, because
numbers come back; and it is remembered, because one whose parent died descends from nobody.
"""

import contextlib
import os
import signal
import time
from pathlib import Path
from typing import NamedTuple

ENDED = "ZX"


class Member(NamedTuple):
    """One process. ``born``: in ticks of the kernel's clock."""

    pid: int
    born: int

    @property
    def is_alive(self):
        """Tell whether it has not ended; what waits to be buried has."""
        return any(member == self for member, _ in _read(self.pid))

    def threads(self):
        """Return its threads, the first one first; none when it has ended."""
        try:
            return sorted(int(each.name) for each in Path(f"/proc/{self.pid}/task").iterdir())
        except OSError:
            return []

    def send(self, number):
        """Send it a signal, if it lives."""
        if self.is_alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self):
        """End it at once."""
        self.send(signal.SIGKILL)


def _read(pid):
    """Give a living process and the number of its parent, or nothing."""
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        if fields[0] not in ENDED:
            yield Member(int(pid), int(fields[19])), int(fields[1])


def members(front):
    """Return the living processes of a front: itself first, then its descendants by their age."""
    running = [each.name for each in Path("/proc").iterdir() if each.name.isdigit()]
    everybody = [each for pid in running for each in _read(pid)]
    found = [member for member, _ in everybody if member.pid == front]
    known = {front}
    while more := [m for m, parent in everybody if parent in known and m.pid not in known]:
        found += more
        known |= {member.pid for member in more}
    return [*found[:1], *sorted(found[1:], key=lambda member: (member.born, member.pid))]


def memory_mib(family):
    """Return the memory of processes together."""
    return sum(_field(member, "VmRSS:") for member in family) / 1024


def _field(member, name):
    with contextlib.suppress(OSError), open(f"/proc/{member.pid}/status") as lines:
        return next((int(line.split()[1]) for line in lines if line.startswith(name)), 0)
    return 0


def descriptors(family):
    """Count the open descriptors of processes together."""
    count = 0
    for member in family:
        with contextlib.suppress(OSError):
            count += sum(1 for _ in Path(f"/proc/{member.pid}/fd").iterdir())
    return count


def attached_to(family):
    """Return strace's options that attach it to processes."""
    return [word for member in family for word in ("-p", str(member.pid))]


def wait_until_held(threads, within_s=10.0):
    """Wait until strace holds all of these threads; tell whether it does."""
    end = time.monotonic() + within_s
    while not all(is_held(thread) for thread in threads):
        if time.monotonic() > end:
            return False
        time.sleep(0.002)
    return True


def is_held(thread):
    """Tell whether somebody traces a thread, or it is gone."""
    with contextlib.suppress(OSError), open(f"/proc/{thread}/status") as lines:
        return any(line.startswith("TracerPid:") and line.split()[1] != "0" for line in lines)
    return True


def wait_until_gone(family, within_s):
    """Wait until none of them lives; return those that still do."""
    end = time.monotonic() + within_s
    while left := [member for member in family if member.is_alive]:
        if time.monotonic() > end:
            break
        time.sleep(0.01)
    return left


def find_crew(listener, as_many=None, within_s=5.0):
    """Return the threads of each process of a listener, when no more of them are starting.

    ``as_many``: how many each process had another time; then that many are waited for. None = until
    nothing changes for a second.
    """
    end, since, before = time.monotonic() + within_s, time.monotonic(), None
    while True:
        crew = [member.threads() for member in listener.members()]
        if crew != before:
            since, before = time.monotonic(), crew
        steady = as_many is None and time.monotonic() - since > 1
        if steady or [len(each) for each in crew] == as_many or time.monotonic() > end:
            return crew
        time.sleep(0.005)
