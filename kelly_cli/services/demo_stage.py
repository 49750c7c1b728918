"""The stage of ``kelly demo``: processes and HTTP in a folder of their own, results checked.

No setting of the user reaches a process: it gets a clean environment and a folder with its own
kelly.toml. Results are read from the books and held to what was promised. Must not know the story,
nor the screen: a ``Teller`` hears what happens, as it happens.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol
from urllib.parse import urlsplit

import kelly_cli
from kelly_cli.core.money import kes_for_people
from kelly_cli.errors import KellyError
from kelly_cli.services import customers, invoices, logs, sales
from kelly_cli.store.database import Database
from kelly_cli.store.log_rows import LogFilter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import TextIO

    from kelly_cli.store.log_rows import LogView

EXAMPLES_DAY = "20260203"
"""The day of the examples, in their times and references; the demo plays them today."""

PATH = "/c2b/confirmation"
ACCEPTED = '{"ResultCode": 0, "ResultDesc": "Accepted"}'
PATIENCE_S = 60.0
"""How long one command, or one callback, may take on a slow machine."""


class Check(NamedTuple):
    """One result: what was promised, and what the books say."""

    what: str
    promised: str
    found: str

    @property
    def ok(self) -> bool:
        """Tell whether the promise was kept."""
        return self.promised == self.found


@dataclass(slots=True)
class Step:
    """One step of the demo. ``output`` is empty when it went to the screen directly."""

    title: str
    command: str
    output: str = ""
    checks: list[Check] = field(default_factory=list)


class Teller(Protocol):
    """Who hears what happens, in this order for each step."""

    def begins(self, step: Step) -> None:
        """Hear what is about to be done."""

    def said(self, step: Step) -> None:
        """Hear what it printed or answered."""

    def checked(self, check: Check) -> None:
        """Hear one result that was checked."""


class Place(NamedTuple):
    """Where the demo runs. ``folder`` holds its kelly.toml, ``books_url`` is what that says.

    ``environ`` is this process's environment; ``screen`` None = output of commands is caught.
    """

    folder: Path
    books_url: str
    examples: Path
    environ: Mapping[str, str]
    screen: TextIO | None


class Stage:
    """Does the steps and holds their results to what was promised. ``day``: ``20260203``."""

    def __init__(self, place: Place, teller: Teller, day: str) -> None:
        self.place = place
        self.teller = teller
        self.books = Database(place.books_url)
        self._day = day
        self._sent: dict[str, int] = {}
        self._environ = clean_environment(place.environ, caught=place.screen is None)

    # What is done

    def kelly(self, title: str, *arguments: str) -> None:
        """Run a kelly command that must exit 0."""
        step = self.begin(title, shlex.join(["kelly", *arguments]))
        screen = self.place.screen
        try:
            ran = subprocess.run(  # noqa: S603 - this program, with arguments written above
                [*_PROGRAM, *arguments],
                cwd=self.place.folder,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=screen or subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=PATIENCE_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise failed(f"`{step.command}` took longer than {PATIENCE_S:.0f} s") from None
        step.output = "" if screen else ran.stdout.decode(errors="replace")
        self.teller.said(step)
        self.promise("exit code", "0", str(ran.returncode))

    def post(self, title: str, url: str, file: str, outcome: str) -> None:
        """Send an example callback, and promise its answer and what becomes of it."""
        body = (self.place.examples / "callbacks" / file).read_text(encoding="utf-8")
        body = body.replace(EXAMPLES_DAY, self._day)
        facts = json.loads(body)
        step = self.begin(title, f"POST {url}{PATH} < {file}")
        status, answer = post_callback(url, body.encode())
        receipt, account = facts["TransID"], facts["BillRefNumber"]
        amount, name = facts["TransAmount"], facts["FirstName"]
        step.output = (
            f"{name} paid KES {amount} to account {account}, receipt {receipt}\n{status} {answer}\n"
        )
        self.teller.said(step)
        self.promise("answer", f"200 {ACCEPTED}", f"{status} {answer}")
        self._sent[receipt] = self._sent.get(receipt, 0) + 1
        self.promise_callback(receipt, outcome)

    def tell_commands(self, **environ: str) -> None:
        """Give all commands from now on these variables."""
        self._environ.update(environ)

    def begin(self, title: str, command: str) -> Step:
        """Begin a step."""
        self._step = Step(title, command)
        self.teller.begins(self._step)
        return self._step

    def start(self, *arguments: str, log: Path) -> subprocess.Popen[bytes]:
        """Start a kelly command that stays; stdout goes to ``log``, stderr beside it."""
        with log.open("wb") as out, log.with_suffix(".err").open("wb") as err:
            return subprocess.Popen(  # noqa: S603 - this program, with arguments written above
                [*_PROGRAM, *arguments],
                cwd=self.place.folder,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )

    # What is promised

    def promise(self, what: str, promised: str, found: str) -> None:
        """Hold a result to its promise.

        Raises:
            KellyError: it is another one.
        """
        check = Check(what, promised, found)
        self._step.checks.append(check)
        self.teller.checked(check)
        if not check.ok:
            raise failed(
                f"after `{self._step.command}`, {what}: promised {promised}; found {found}"
            )

    def promise_invoice(self, number: str, promised: str) -> None:
        """Promise status, paid and balance of an invoice of today."""
        name = f"INV-{self._day}-{number}"
        found = invoices.show_invoice(self.books, name)[0]
        paid, balance = kes_for_people(found.paid_cents), kes_for_people(found.balance_cents)
        self.promise(name, promised, f"{found.status}, paid {paid}, balance {balance}")

    def promise_customer(self, name: str, balance: str) -> None:
        """Promise a customer's balance: owed is positive, credit negative."""
        found = kes_for_people(customers.show_customer(self.books, name).balance_cents)
        self.promise(name, f"balance {balance}", f"balance {found}")

    def promise_sale(self, number: str, promised: str) -> None:
        """Promise the status of a sale of today, and whether it has its invoice."""
        name = f"POS-{self._day}-{number}"
        found = sales.show_sale(self.books, name)
        has = "with an invoice" if found.invoice_id else "no invoice"
        self.promise(name, promised, f"{found.status}, {has}")

    def promise_callback(self, receipt: str, outcome: str) -> None:
        """Promise what became of the last callback of a receipt."""
        self.promise(f"callback {receipt}", outcome, self._last_callback(receipt).outcome)

    def _last_callback(self, receipt: str) -> LogView:
        end_s = time.monotonic() + PATIENCE_S
        while True:
            found = logs.list_logs(self.books, LogFilter(receipt=receipt))
            if len(found) == self._sent[receipt] and found[0].outcome != "pending":
                return found[0]
            if time.monotonic() > end_s:
                raise failed(f"callback {receipt} was answered, and is not in the books")
            time.sleep(0.05)


_PROGRAM = (sys.executable, "-m", "kelly_cli")


def clean_environment(environ: Mapping[str, str], *, caught: bool) -> dict[str, str]:
    """Return the environment without any setting of kelly, for a process in another folder.

    ``caught``: its output is read here, as UTF-8.
    """
    clean = {
        name: value for name, value in environ.items() if not name.startswith(("KELLY_", "MPESA_"))
    }
    # This very package, also when it is found only because of the folder that we stand in.
    package = Path(kelly_cli.__file__).resolve().parent.parent
    given = [
        Path(path).absolute() for path in clean.get("PYTHONPATH", "").split(os.pathsep) if path
    ]
    clean["PYTHONPATH"] = os.pathsep.join(map(str, [package, *given]))
    if caught:
        clean["PYTHONIOENCODING"] = "utf-8"
    return clean


@contextmanager
def listening(stage: Stage, port: int) -> Iterator[str]:
    """Run the listener; give its address, and end it whatever happens."""
    arguments = ("webhook", "serve", "--port", str(port), "--json")
    step = stage.begin("The listener starts", shlex.join(["kelly", *arguments]))
    log = stage.place.folder / "listener.jsonl"
    process = stage.start(*arguments, log=log)
    try:
        line = _first_line(process, log)
        step.output = line
        stage.teller.said(step)
        ready = json.loads(line)
        stage.promise("first line", "ready", str(ready.get("event")))
        yield str(ready["url"])
        step = stage.begin("The listener stops", f"kill -TERM {process.pid}")
        process.terminate()
        process.wait(PATIENCE_S)
        stage.teller.said(step)
        stage.promise("exit code", "0", str(process.returncode))
    except subprocess.TimeoutExpired:
        raise failed(f"the listener did not stop within {PATIENCE_S:.0f} s") from None
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _first_line(process: subprocess.Popen[bytes], log: Path) -> str:
    end_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < end_s:
        ended = process.poll() is not None
        text = log.read_text(encoding="utf-8", errors="replace")
        if "\n" in text:
            return text[: text.index("\n") + 1]
        if ended:
            raise failed(f"the listener ended with {process.returncode}: {_complaint(log)}")
        time.sleep(0.05)
    raise failed(f"the listener was not ready within {PATIENCE_S:.0f} s")


def _complaint(log: Path) -> str:
    """Return the message of the error that the listener ended with."""
    said = log.with_suffix(".err").read_text(encoding="utf-8", errors="replace").strip()
    try:
        return str(json.loads(said.splitlines()[-1])["error"]["message"])
    except (ValueError, LookupError, TypeError):
        return said or "it said nothing"


def post_callback(url: str, body: bytes) -> tuple[int, str]:
    """Send one callback; return the status and the body of the answer.

    Raises:
        KellyError: ``demo_failed``, nobody answers.
    """
    host = urlsplit(url)
    with closing(HTTPConnection(str(host.hostname), host.port, timeout=PATIENCE_S)) as connection:
        try:
            connection.request("POST", PATH, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, response.read().decode(errors="replace")
        except (OSError, HTTPException) as error:
            raise failed(f"{url}{PATH} does not answer: {error}") from error


def failed(what: str) -> KellyError:
    """Return the error that ends the demo."""
    return KellyError(
        f"the demo did not go as promised: {what}",
        hint="Look at its books: kelly demo --keep FOLDER",
        code="demo_failed",
    )
