"""A private PostgreSQL on a loopback port: for Medusa, and for the connector's own state.

Every instance has a password of its own, because any account of the machine reaches a
loopback port. Databases come from templates or dumps within a second.
"""

from __future__ import annotations

import secrets
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from connector.demo import debian
from connector.demo.machine import (
    LOOPBACK,
    Server,
    SetUpFailed,
    free_port,
    hand_over,
    run,
    scratch,
    write_private,
)

PACKAGES = ("postgresql",)
INSTALLED = Path("/usr/lib/postgresql")
THROWAWAY = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


def install() -> Path:
    """The directory of PostgreSQL's programs; the newest version when there are several."""
    if not is_installed():
        with debian.no_database_cluster():
            debian.ensure(*PACKAGES)
    versions = _versions()
    if not versions:
        raise SetUpFailed(f"The package postgresql brought no initdb below {INSTALLED}.")
    return versions[-1]


def is_installed() -> bool:
    return bool(_versions())


def _versions() -> list[Path]:
    found = [program.parent for program in INSTALLED.glob("*/bin/initdb")]
    return sorted(found, key=lambda place: int(place.parent.name))


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server. `stop()` removes its data too."""

    home: Path
    programs: Path
    port: int
    server: Server
    password: str = field(repr=False)

    @classmethod
    def start(
        cls, *, durable: bool = False, port: int | None = None, also_at: str | None = None
    ) -> Postgres:
        """`also_at`: a second address of this machine to listen on, for what is next to it."""
        programs = install()
        home, password = scratch("postgres"), secrets.token_hex(16)
        _initialise(programs, home, password)
        if also_at:
            with (home / "data" / "pg_hba.conf").open("a") as access:
                access.write(f"host all all {also_at}/24 scram-sha-256\n")
        port = port or free_port()
        settings = [
            f"port={port}",
            f"listen_addresses={','.join(filter(None, (LOOPBACK, also_at)))}",
            f"unix_socket_directories={home}",
        ]
        settings += ["max_connections=200", "jit=off", *([] if durable else THROWAWAY)]
        command: list[str | Path] = [programs / "postgres", "-D", home / "data"]
        command += [part for setting in settings for part in ("-c", setting)]
        server = Server.start("PostgreSQL", command, log=home / "log")
        started = cls(home, programs, port, server, password)
        server.wait_until(started.is_ready)
        return started

    def url(self, database: str = "postgres") -> str:
        """The address with the password in it, as libpq, SQLAlchemy's psycopg and Node take it."""
        return f"postgresql://postgres:{self.password}@{LOOPBACK}:{self.port}/{database}"

    def is_ready(self) -> bool:
        try:
            self._call("pg_isready", "--quiet")
        except SetUpFailed:
            return False
        return True

    def create_database(self, name: str, *, template: str = "template0") -> str:
        """A database copied from a template that nobody is connected to; its address."""
        self._call("createdb", "--template", template, name)
        return self.url(name)

    def drop_database(self, name: str) -> None:
        self._call("dropdb", "--if-exists", "--force", name)

    def dump(self, database: str, into: Path) -> None:
        self._call("pg_dump", "--format=custom", f"--file={into}", database)

    def restore(self, dump: Path, database: str) -> str:
        """A new database with what a dump holds; its address."""
        address = self.create_database(database)
        self._call("pg_restore", "--no-owner", "--exit-on-error", f"--dbname={database}", str(dump))
        return address

    def stop(self) -> None:
        self.server.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def _call(self, program: str, *arguments: str) -> str:
        where = {"PGHOST": LOOPBACK, "PGPORT": str(self.port), "PGUSER": "postgres"}
        environment = where | {"PGPASSWORD": self.password}
        return run([self.programs / program, *arguments], env=environment)


def _initialise(programs: Path, home: Path, password: str) -> None:
    secret = home / "password"
    write_private(secret, password)
    hand_over(home)
    options = [
        "-A",
        "scram-sha-256",
        "-U",
        "postgres",
        "--locale=C.UTF-8",
        "-E",
        "UTF8",
        "--no-sync",
    ]
    run([programs / "initdb", "-D", home / "data", f"--pwfile={secret}", *options], as_service=True)
    secret.unlink()
