"""P19: `db upgrade`, `db restore` and `db backup` killed at every write, flush, rename and unlink.

    python tests/proofs/p19_upgrade_killed.py            every third point
    python tests/proofs/p19_upgrade_killed.py --long     all of them

After each kill the books are those of before or those of after, to the row; a backup under its
name is whole; once the books are new, what was there before stands in a file beside them; `db
check` is clean; the same command again finishes. What a kill leaves beside the books is hidden, for
its owner alone, and never read. Flushes are judged by a trace, since a kill loses none: no file
takes another's name before all of it is on disk. On PostgreSQL (a server of this proof's own, where
its programs are installed) kelly is killed, then pg_dump and pg_restore are, and then the server
ends kelly's connection at each statement.

The upgrade goes from the oldest revision to the newest; while there is only one, from an older one
made up for the proof. ``--count`` is the step from point to point.
"""

import re
import shutil
import sys
from itertools import count

import crash_postgres
import p19_bugs
from crash_stage import KILLED, Command, Killer, SqlitePlace, Trace, points_of, read_in
from harness import Proof, confirmation, options
from older_books import make_older

STEP = 3
SPARSER = 10
"""The short form takes so many times longer steps on PostgreSQL, where a point costs seconds."""
OURS = re.compile(r"books\.db(-wal|-shm|-journal|\.turn|\.lock)?|saved\.\w+|said\.(out|err)")
KEPT = re.compile(r"kelly-\d{8}-\d{6}(-\d+)?\.(db|dump)")
HIDDEN = re.compile(r"\.(saved|kelly-).*\.partial(-journal|-wal|-shm)?")


class Scene:
    """A command, the books it starts from, and what books and backup hold before and after."""

    def __init__(self, name, kept, *words):
        self.name, self.kept, self.words = name, kept, words
        self.before = self.after = self.saved_before = self.saved_after = ""

    def command(self, folder, ending):
        """Return its words for the books of a folder."""
        return [str(each).replace("SAVED", f"{folder}/saved{ending}") for each in self.words]


SCENES = (
    ("upgrade", "older", "db", "upgrade", "--json"),
    ("restore", "books", "db", "restore", "SAVED", "--yes", "--json"),
    ("backup", "books", "db", "backup", "SAVED", "--force", "--json"),
)


def run(words, url, folder, **options):
    """Run one command to its end; it must succeed."""
    code = Command(words, url, folder, **options).go()
    if code != 0:
        said = (folder / "said.err").read_text()[-600:]
        raise RuntimeError(f"{words} ended with {code}: {said}")


def build(place):
    """Make the books once: a backup, then more business; and the same books of an older schema."""
    folder, url = place.new("build")
    lines = [
        ["customer", "create", "Ann", "--phone", "0712345678"],
        *(["invoice", "create", "--customer", "CUST-001", "--amount", 900 + n] for n in range(4)),
    ]
    for words in lines:
        run(words, url, folder)
    for part, name in enumerate(("first", "second")):
        bodies = [confirmation(f"P19{part}{n:05}", "75.50", "CUST-001") for n in range(30)]
        (folder / name).write_bytes(b"\n".join(bodies))
        run(["webhook", "ingest", folder / name], url, folder)
        (folder / name).unlink()
        if part == 0:
            run(["db", "backup", folder / f"saved{place.ending}"], url, folder)
    run(["customer", "create", "Ben"], url, folder)
    place.keep("books", folder)
    revisions = make_older(place)
    return lambda: p19_bugs.use_revisions(revisions)


class Sweep:
    """All scenes on one kind of database."""

    def __init__(self, proof, place, bug, step):
        self.proof, self.place, self.step = proof, place, step
        read_in()
        self.plain = build(place)
        self.bug = p19_bugs.BUGS.get(bug)
        self.points, self.missed, self.leftovers, self.refused = {}, 0, 0, 0

    def prepare(self):
        """Run in the child before the command: the revisions, and the bug if one is planted."""
        self.plain()
        if self.bug:
            self.bug()

    def start(self, scene, **more):
        """Give fresh books and the command on them, held before its first step."""
        folder, url = self.place.fresh(scene.kept)
        words = scene.command(folder, self.place.ending)
        return folder, url, Command(words, url, folder, prepare=self.prepare, **more)

    def scenes(self):
        """Give each scene, with what an undisturbed run does to books and backup."""
        for parts in SCENES:
            scene = Scene(*parts)
            folder, url, command = self.start(scene)
            scene.before, scene.saved_before = self.look(folder)
            self.note(scene.before, folder, url)
            code = command.go()
            told = (folder / "said.err").read_text()[-300:]
            scene.after, scene.saved_after = self.look(folder)
            self.note(scene.after, folder, url)
            self.proof.require(code == 0, f"{scene.name}: it ends with {code}: {told}")
            changes = scene.before != scene.after or scene.saved_before != scene.saved_after
            self.proof.require(changes, f"{scene.name}: it changes nothing")
            yield scene

    def note(self, state, folder, url):
        """Learn what a backup of these books looks like."""
        file = self.place.folder / "noted"
        run(["db", "backup", file, "--force"], url, folder, prepare=self.plain)
        self.place.saved_as[state] = self.place.state_of(file)

    def look(self, folder):
        saved = folder / f"saved{self.place.ending}"
        return self.place.state(folder), self.place.state_of(saved)

    def sweep(self, scene, way, points, strike):
        """Strike at one point after the other; ``points`` None = until there is no next."""
        done = 0
        for point in points or count(1, self.step):
            if self.proof.violations:
                return
            where = f"{self.place.name} {scene.name} {way} {point}"
            folder, url, struck = strike(scene, point)
            self.place.rest()
            if struck is not None:
                done += 1
                self.judge(scene, folder, url, where, struck)
            elif points is None:
                break
            else:
                self.missed += 1
        self.points[f"{scene.name}_{way}"] = done

    def killed(self, scene, point):
        """Kill kelly at one of its calls."""
        folder, url, command = self.start(scene)
        killer = Killer(command.pid, point, follow=False)
        code = command.go()
        killer.stop()
        return folder, url, code if code == KILLED else None

    def judge(self, scene, folder, url, where, struck):
        """Hold the books and all beside them to the promise, repeat, and hold them again."""
        require = self.proof.require
        self.refused += struck == 1
        told = (folder / "said.err").read_text()
        require(struck in {KILLED, 0, 1}, f"{where}: it ended with {struck}: {told[-300:]}")
        require("Traceback" not in told and '"bug"' not in told, f"{where}: {told[-300:]}")
        state = self.whole(scene, folder, where)
        if state == scene.after or scene.name != "upgrade":
            self.check(folder, url, f"{where}, check")
        words = scene.command(folder, self.place.ending)
        code = Command(words, url, folder, prepare=self.plain).go()
        told = (folder / "said.err").read_text()[-300:]
        require(code == 0, f"{where}, again: it ended with {code}: {told}")
        state = self.whole(scene, folder, f"{where}, again")
        require(state == scene.after, f"{where}, again: the books are not those of after")
        _, saved = self.look(folder)
        require(saved == scene.saved_after, f"{where}, again: the backup is not that of after")
        self.check(folder, url, f"{where}, check at the end")

    def whole(self, scene, folder, where):
        """Require that nothing in the folder is half; return the state of the books."""
        require = self.proof.require
        state, saved = self.look(folder)
        require(state in {scene.before, scene.after}, f"{where}: the books are neither: {state}")
        fine = saved in {scene.saved_before, scene.saved_after}
        require(fine, f"{where}: the backup is neither the old nor the new one: {saved}")
        kept = []
        hidden = 0
        for file in sorted(folder.iterdir()):
            if KEPT.fullmatch(file.name):
                kept.append(self.place.state_of(file))
                fine = kept[-1] in {self.file_state(scene.before), self.file_state(scene.after)}
                require(fine, f"{where}: {file.name} is neither: {kept[-1]}")
            elif HIDDEN.fullmatch(file.name):
                hidden += 1
                require(not file.stat().st_mode & 0o077, f"{where}: others may read {file.name}")
            else:
                require(OURS.fullmatch(file.name), f"{where}: left behind: {file.name}")
        if state == scene.after != scene.before:
            there = self.file_state(scene.before) in kept
            require(there, f"{where}: the books are new, and what was there is in no file")
        self.leftovers = max(self.leftovers, hidden)
        return state

    def file_state(self, state):
        """Return what a backup of these books looks like."""
        return self.place.saved_as[state]

    def check(self, folder, url, where):
        code = Command(["db", "check", "--json"], url, folder).go()
        told = (folder / "said.out").read_text()[-300:] + (folder / "said.err").read_text()[-300:]
        self.proof.require(code == 0, f"{where}: {told}")

    def traced(self, scene):
        """Trace one run and judge its flushes; return the points of kelly itself."""
        folder, _, command = self.start(scene)
        trace = Trace([command.pid], self.place.folder / "trace")
        code = command.go()
        lines = trace.stop()
        wrong = p19_bugs.unflushed(lines, folder)
        where = f"{self.place.name} {scene.name}"
        self.proof.require(code == 0, f"{where}: under a trace it ended with {code}")
        self.proof.require(not wrong, f"{where}: {wrong}")
        return points_of(lines)[command.pid]


def prove(proof, place, step):
    """Sweep one kind of database; put its figures into the proof."""
    sweep = Sweep(proof, place, proof.given.bug, step)
    for scene in sweep.scenes():
        sweep.sweep(scene, "killed", sweep.traced(scene)[::step], sweep.killed)
        for way, strike in place.ways(sweep):
            sweep.sweep(scene, way, None, strike)
    points = sum(sweep.points.values())
    proof.require(sweep.missed <= points // 10, f"{sweep.missed} points were not met")
    proof.figures[place.name] = {
        "points": points,
        "points_missed": sweep.missed,
        **sweep.points,
        "refused_plainly": sweep.refused,
        "most_leftovers_hidden": sweep.leftovers,
    }


def main():
    given = options(__doc__, short=STEP, long=1, are_steps=True)
    proof = Proof("P19", given)
    if shutil.which("strace") is None:
        sys.exit("P19 needs strace")
    if given.bug not in p19_bugs.ON_POSTGRESQL:
        with SqlitePlace() as place:
            prove(proof, place, given.count)
    if not given.bug and not crash_postgres.is_installed():
        proof.figures["postgresql"] = "not installed"
    elif given.bug in {None, *p19_bugs.ON_POSTGRESQL}:
        with crash_postgres.PostgresPlace() as place:
            prove(proof, place, given.count * (1 if given.long else SPARSER))
    proof.done()


if __name__ == "__main__":
    main()
