"""A connector as its users have it: a configuration file, a state, a daemon of its own process.

Used by the demo and by the tests that kill, restart or measure the daemon. Knows the command line
only, never the inside.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml

from connector.demo.machine import LOOPBACK, Server, answers, free_port


@dataclass(slots=True)
class Installed:
    """A folder with connector.yaml in it. Secrets go by environment variables."""

    home: Path
    settings: Mapping[str, Any]
    secrets: Mapping[str, str] = field(repr=False)
    port: int = field(default_factory=free_port)
    daemon: Server | None = None

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        whole = {
            "state": f"sqlite:///{self.home}/state.db",
            "server": {"bind": LOOPBACK, "port": self.port},
            "log": {"format": "json"},
            **self.settings,
        }
        self.file.write_text(yaml.safe_dump(whole, sort_keys=False))

    @property
    def file(self) -> Path:
        return self.home / "connector.yaml"

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def log(self) -> Path:
        return self.home / "daemon.log"

    def start(self, *, wait: bool = True) -> Server:
        """Start the daemon, and wait until it says that it is ready."""
        self.daemon = Server.start(
            "the daemon",
            self._command("run"),
            log=self.log,
            cwd=self.home,
            env=self.secrets,
            as_service=False,
        )
        if wait:
            self.daemon.wait_until(lambda: answers(f"{self.url}/readyz"))
        return self.daemon

    def kill(self) -> None:
        """SIGKILL, as the power goes."""
        assert self.daemon is not None
        self.daemon.process.kill()
        self.daemon.process.wait()
        self.daemon.stop()
        self.daemon = None

    def stop(self) -> None:
        if self.daemon is not None:
            self.daemon.stop()
            self.daemon = None

    def command(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run one command of the command line to its end."""
        return subprocess.run(  # noqa: S603
            self._command(*words),
            cwd=self.home,
            env={**os.environ, **self.secrets},
            capture_output=True,
            text=True,
            check=check,
        )

    def ask(self, *words: str) -> Any:
        """What a command says with --json."""
        return json.loads(self.command("--json", *words, check=False).stdout)

    def waiting(self) -> int:
        """How many subjects are due, everywhere."""
        return sum(int(lane["due"]) for lane in self.ask("status")["lanes"])

    def due(self) -> int:
        """The same from the running daemon's metrics, which costs next to nothing."""
        lines = httpx.get(f"{self.url}/metrics", trust_env=False).text.splitlines()
        counts = [line for line in lines if line.startswith("connector_due{")]
        return sum(int(float(line.rpartition(" ")[2])) for line in counts)

    def _command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "connector", "--config", str(self.file), *words]
