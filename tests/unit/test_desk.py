"""Who looks after the people at a site: when it looks, and how a site nudges it."""

from __future__ import annotations

import threading
from pathlib import Path

from starlette.applications import Starlette
from starlette.testclient import TestClient

from connector import signing
from connector.compose import nudge_url
from connector.config import Config
from connector.editors.desk import Desk
from connector.relay.nudge import Bell, nudge_route
from connector.signing import Secret
from connector.testing.clock import FakeClock

SECRET = Secret(b"s" * 32)
HOPELESS_SECONDS = 30


class Counted:
    """What a desk does, counted; `busy` times it answers that something is under way."""

    def __init__(self, busy: int = 0) -> None:
        self.looks = 0
        self.follows = 0
        self.busy = busy
        self.changed = threading.Condition()

    def look(self) -> bool:
        with self.changed:
            self.looks += 1
            self.changed.notify_all()
        return self.busy > 0

    def follow(self) -> bool:
        with self.changed:
            self.follows += 1
            self.changed.notify_all()
        return self.follows < self.busy

    def wait(self, looks: int, follows: int = 0) -> None:
        with self.changed:
            assert self.changed.wait_for(
                lambda: self.looks >= looks and self.follows >= follows, HOPELESS_SECONDS
            )


def test_it_looks_at_once_and_when_it_is_nudged() -> None:
    counted = Counted(busy=3)
    desk = Desk("blog", counted.look, counted.follow, lambda: True)
    desk.start()
    counted.wait(1, 3)
    desk.nudge()
    counted.wait(2, 4)
    desk.stop()
    assert (counted.looks, counted.follows) == (2, 4)


def test_one_that_does_not_lead_only_sees_its_errands_through() -> None:
    counted = Counted(busy=2)
    desk = Desk("blog", counted.look, counted.follow, lambda: False)
    desk.start()
    desk.nudge()
    counted.wait(1, 2)
    desk.stop()
    assert (counted.looks, counted.follows) == (1, 2)


def test_a_desk_that_never_began_stops() -> None:
    counted = Counted()
    Desk("blog", counted.look, counted.follow, lambda: True).stop()
    assert counted.looks == 0


# ---- nudges ----


def nudge(client: TestClient, site: str, secret: Secret, clock: FakeClock, body: bytes) -> int:
    content = signing.request_content("POST", f"/nudge/{site}", b"{}")
    headers = signing.signed_headers(secret, "msg_1", int(clock.now().timestamp()), content)
    return client.post(f"/nudge/{site}", content=body, headers=dict(headers)).status_code


def test_only_a_site_that_proves_itself_rings() -> None:
    clock, rung = FakeClock(), []
    bells = {"blog": Bell((SECRET,), lambda: rung.append("blog"))}
    client = TestClient(Starlette(routes=[nudge_route(bells, clock)]))
    assert nudge(client, "blog", SECRET, clock, b"{}") == 202
    assert nudge(client, "blog", SECRET, clock, b"{}") == 202
    assert nudge(client, "blog", Secret(b"x" * 32), clock, b"{}") == 401
    assert nudge(client, "blog", SECRET, clock, b"{ }") == 401
    assert nudge(client, "other", SECRET, clock, b"{}") == 401
    assert nudge(client, "blog", SECRET, clock, b"x" * 2000) == 413
    assert client.post("/nudge/blog", content=b"{}").status_code == 401
    assert rung == ["blog", "blog"]


def test_where_a_site_nudges(tmp_path: Path) -> None:
    def told(url: str, **server: object) -> str | None:
        market = {"name": "main", "locale": "en-US", "currency": "EUR"}
        secret = signing.format_secret(b"s" * 32)
        site = {
            "system": "wordpress",
            "url": url,
            "backend": "shop",
            "secrets": [secret],
            "markets": [market],
        }
        backend = {"system": "sandbox", "url": "http://127.0.0.1:1", "credential": "key"}
        config = Config.model_validate(
            {
                "state": f"sqlite:///{tmp_path}/state.db",
                "server": server,
                "backends": {"shop": backend},
                "sites": {"blog": site},
            }
        )
        return nudge_url(config, "blog")

    assert told("https://site.example") is None
    assert told("http://127.0.0.1:8000", port=81) == "http://127.0.0.1:81/nudge/blog"
    public = "https://connector.example/base/"
    wanted = "https://connector.example/base/nudge/blog"
    assert told("https://site.example", public_url=public) == wanted
    assert told("https://site.example", public_url=public, enabled=False) is None
