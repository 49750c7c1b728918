"""What a question costs SQLite, in its own steps: the same on every machine."""

import sqlite3
from contextlib import contextmanager

from sqlalchemy import event

EVERY = 100


class Cost:
    """Steps of SQLite's machine, and statements."""

    def __init__(self):
        self.steps = 0
        self.statements = 0


@contextmanager
def counted(database):
    """Count what everything inside the block costs."""
    cost = Cost()

    def step():
        cost.steps += EVERY

    def statement(_):
        cost.statements += 1

    def begun(connection):
        raw = connection.connection.dbapi_connection
        assert isinstance(raw, sqlite3.Connection)
        raw.set_progress_handler(step, EVERY)
        raw.set_trace_callback(statement)

    event.listen(database.engine, "begin", begun)
    try:
        yield cost
    finally:
        event.remove(database.engine, "begin", begun)
        with database.engine.connect() as connection:
            raw = connection.connection.dbapi_connection
            raw.set_progress_handler(None, 0)
            raw.set_trace_callback(None)
