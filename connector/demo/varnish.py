"""A real Varnish as a full-page cache before a site, with the VCL that deploy/ ships.

Knows no site: it is told the port of whatever it stands before.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from connector.demo import debian
from connector.demo.machine import LOOPBACK, Server, answers, hand_over, scratch

PACKAGES = ("varnish",)
SHIPPED = Path(__file__).resolve().parents[2] / "deploy" / "varnish"
WORDPRESS, DRUPAL = SHIPPED / "default.vcl", SHIPPED / "drupal.vcl"
_BACKEND_PORT = '.port = "8080";'


@dataclass(frozen=True, slots=True)
class Varnish:
    """A running cache."""

    url: str
    server: Server

    @classmethod
    def start(cls, port: int, before: int, shipped: Path = WORDPRESS) -> Varnish:
        """Listen on `port`, before what listens on `before`; `shipped` is the VCL."""
        debian.ensure(*PACKAGES)
        home = scratch("varnish")
        vcl = home / "default.vcl"
        text = shipped.read_text()
        assert text.count(_BACKEND_PORT) == 1, "the example names its backend's port once"
        vcl.write_text(text.replace(_BACKEND_PORT, f'.port = "{before}";'))
        hand_over(home)
        command = ["varnishd", "-F", "-n", str(home / "work"), "-f", str(vcl)]
        command += ["-a", f"{LOOPBACK}:{port}", "-s", "malloc,64m", "-T", "none", "-j", "none"]
        started = cls(
            f"http://{LOOPBACK}:{port}", Server.start("Varnish", command, log=home / "log")
        )
        started.server.wait_until(lambda: answers(started.url))
        return started

    def stop(self) -> None:
        self.server.stop()
