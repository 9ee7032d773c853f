"""A private MariaDB: its own data directory and socket, no network, no account to remember.

The socket lies in a directory that only the account of the servers may enter, which is the
whole of its access control. Crash safety is switched off unless asked for: these databases
are as short-lived as their tests.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from connector.demo import debian
from connector.demo.machine import Server, SetUpFailed, run, scratch

PACKAGES = ("mariadb-server-core", "mariadb-client-core")
THROWAWAY = ("--innodb-flush-log-at-trx-commit=0", "--skip-innodb-doublewrite", "--sync-frm=0")


@dataclass(frozen=True, slots=True)
class MariaDB:
    """A running server. `stop()` removes its data too."""

    home: Path
    server: Server

    @classmethod
    def start(cls, *, durable: bool = False) -> MariaDB:
        debian.ensure(*PACKAGES)
        home = scratch("mariadb")
        data = home / "data"
        run(
            [
                *("mariadb-install-db", "--no-defaults", f"--datadir={data}", "--skip-test-db"),
                *("--auth-root-authentication-method=normal", "--innodb-log-file-size=16M"),
            ],
            as_service=True,
        )
        options = [] if durable else list(THROWAWAY)
        command = ["mariadbd", "--no-defaults", f"--datadir={data}", f"--socket={home}/sock"]
        command += ["--skip-networking", "--skip-log-bin", "--innodb-log-file-size=16M"]
        command += [f"--pid-file={home}/pid", *options]
        started = cls(home, Server.start("MariaDB", command, log=home / "log"))
        started.server.wait_until(started.is_ready)
        return started

    @property
    def socket(self) -> Path:
        return self.home / "sock"

    def is_ready(self) -> bool:
        if not self.socket.exists():
            return False
        try:
            self.sql("SELECT 1")
        except SetUpFailed:
            return False
        return True

    def sql(self, statements: str, *, database: str = "") -> str:
        """Run statements; the rows as tab-separated lines."""
        client = ["mariadb", "--no-defaults", f"--socket={self.socket}", "--user=root"]
        client += ["--batch", "--skip-column-names", "--default-character-set=utf8mb4"]
        return run([*client, *([database] if database else [])], feed=statements, as_service=True)

    def create_database(self, name: str, *, dump: str = "") -> None:
        """A database, filled from a dump when one is given."""
        self.sql(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4")
        if dump:
            self.sql(dump, database=name)

    def drop_database(self, name: str) -> None:
        self.sql(f"DROP DATABASE IF EXISTS `{name}`")

    def stop(self) -> None:
        self.server.stop()
        shutil.rmtree(self.home, ignore_errors=True)
