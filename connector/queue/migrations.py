"""Brings the file of an older version to the present schema, one version after the other, in one transaction each."""

import sqlite3
from collections.abc import Sequence
from typing import Final

from connector.queue.statements import SCHEMA

MIGRATIONS: Final[tuple[str, ...]] = ()
"""The script at place n makes version n + 2 of version n + 1. schema.sql is always the newest, and the first was 1."""


def newest(migrations: Sequence[str] = MIGRATIONS) -> int:
    """Say which version the schema has."""
    return len(migrations) + 1


def version_of(database: sqlite3.Connection) -> int:
    """Say which version a file has; 0 when nothing is in it."""
    (version,) = database.execute("PRAGMA user_version").fetchone()
    return int(version)


def create(database: sqlite3.Connection, *, now: float, version: int | None = None, schema: str = SCHEMA) -> None:
    """Put the newest schema into an empty file."""
    number = newest() if version is None else version
    made = f"INSERT INTO meta (name, value) VALUES ('created', '{now:.0f}'), ('ordering', 'none'), ('mark', '0');"
    _run(database, f"{schema};{made}", number)


def migrate(database: sqlite3.Connection, migrations: Sequence[str] = MIGRATIONS) -> int:
    """Bring a file to the newest version; say from which."""
    first = version_of(database)
    for version in range(first, newest(migrations)):
        _run(database, migrations[version - 1], version + 1)
    return first


def _run(database: sqlite3.Connection, script: str, version: int) -> None:
    """Run a script and set the version, both or neither, also when the process is killed in between."""
    try:
        database.executescript(f"BEGIN IMMEDIATE; {script}; PRAGMA user_version = {version}; COMMIT;")
    except sqlite3.Error:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise
