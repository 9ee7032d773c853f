"""`python -m tests.faults.doomed ...` is the `connector` command that dies at a commit.

The environment says at which: CONNECTOR_FAILPOINT=receipts.keep:after (connector.testing.failpoints
knows the names). Without it, it is the command itself.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from connector.cli import main
from connector.demo.installed import Installed
from connector.testing import failpoints
from connector.testing.failpoints import Failpoint

ROOT = Path(__file__).resolve().parents[2]


@dataclass(slots=True)
class Doomed(Installed):
    """An installed connector whose daemon may be told where to die."""

    def start_doomed(self, point: Failpoint) -> int:
        """Start the daemon and wait for its death; its exit code."""
        well = self.secrets
        self.secrets = {**well, failpoints.ENVIRONMENT: str(point), "PYTHONPATH": str(ROOT)}
        try:
            return self.start(wait=False).process.wait(60)
        finally:
            self.secrets = well
            self.stop()

    def _command(self, *words: str) -> list[str]:
        command = Installed._command(self, *words)
        doomed = failpoints.ENVIRONMENT in self.secrets
        return [each if each != "connector" or not doomed else __spec__.name for each in command]


if __name__ == "__main__":
    point = os.environ.get(failpoints.ENVIRONMENT)
    with failpoints.armed(Failpoint.parse(point) if point else None):
        main()
