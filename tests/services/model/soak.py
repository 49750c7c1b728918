"""The long form of the proof, in this folder: python soak.py [SEQUENCES] [STEPS] [--url URL].

Random sequences of everything that kelly can do, against the model, with a whole check after each
step; --rebuild makes the books again at the end of each. Prints one JSON line; a failure prints the
seed that does it again (--seed N). With --url: PostgreSQL, a schema of its own.
"""

import argparse
import json
import os
import random
import sys
import time
from contextlib import contextmanager

import books_model
import machine

from kelly_cli.services import rebuilding
from kelly_cli.store.schema import open_for_writing
from kelly_cli.store.scratch import Scratch, scratch


@contextmanager
def own_schema(url):
    """Make empty books in a schema of PostgreSQL, and drop it after."""
    import psycopg

    schema = f"kelly_soak_{os.getpid()}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
        books = Scratch(f"{url}{'&' if '?' in url else '?'}options=-csearch_path%3D{schema}")
        try:
            open_for_writing(books)
            yield books
        finally:
            books.close()
            connection.execute(f"DROP SCHEMA {schema} CASCADE")


def sequence(books, seed, steps, *, rebuild=False):
    """Run one sequence in a trial of its own."""
    chance = random.Random(seed)
    with books.trial():
        running = machine.Machine(books, books_model)
        for act in ["customer", "invoice", "customer", "callback"]:
            running.step(act, chance.random())
        for _ in range(steps):
            (act,) = chance.choices(list(machine.ACTS), list(machine.ACTS.values()))
            running.step(act, chance.random())
            running.check()
        if rebuild:
            done = rebuilding.rebuild(books, now=running.now)
            assert done.result.ok, f"{done.result.violations} after {running.said}"


def main():
    """Run all sequences and print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("sequences", nargs="?", type=int, default=2_000)
    parser.add_argument("steps", nargs="?", type=int, default=50)
    parser.add_argument("--url", help="a database of PostgreSQL (default: a SQLite file)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rebuild", action="store_true")
    wanted = parser.parse_args()
    started = time.monotonic()
    with own_schema(wanted.url) if wanted.url else scratch() as books:
        for number in range(wanted.sequences):
            seed = wanted.seed + number
            try:
                sequence(books, seed, wanted.steps, rebuild=wanted.rebuild)
            except AssertionError as difference:
                print(json.dumps({"ok": False, "seed": seed, "difference": str(difference)}))
                return 1
    seconds = time.monotonic() - started
    figures = {"sequences": wanted.sequences, "steps": wanted.steps, "seconds": round(seconds, 1)}
    print(json.dumps({"ok": True, **figures, "database": "postgresql" if wanted.url else "sqlite"}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
