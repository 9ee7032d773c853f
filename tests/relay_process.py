"""`python -m tests.relay_process STATE SHOP KEY PORT LEASE`: one relay process, to kill or measure.

LEASE is in seconds: short, so that what a dead process held is free again soon.
"""

from __future__ import annotations

import signal
import sys
import threading
from datetime import timedelta

from connector.clock import SystemClock
from connector.compose_relay import compose_relay
from connector.config import Config, loads
from connector.memory import collect_rarely, keep_even
from connector.ops.metrics import Metrics
from connector.relay import once
from connector.serve import HttpServer, build_app
from connector.signing import format_secret
from connector.state.database import open_database

SECRET = format_secret(b"k" * 32)
TEXT = """
state: {state}
backends: {{shop: {{system: sandbox, url: '{shop}', credential: {{env: SHOP_KEY}}}}}}
sites:
  blog:
    system: wordpress
    url: https://blog.example
    backend: shop
    secrets: [{{env: RELAY_KEY}}]
    markets: [{{name: de, locale: de-DE, currency: EUR}}]
relay:
  keys: [{{env: RELAY_KEY}}]
  client_per_minute: 1000000
  cart_per_minute: 1000000
"""


def configured(state: str, shop: str, key: str, more: str = "") -> Config:
    """A relay before a sandbox shop, for one site; `more` is further YAML."""
    text = TEXT.format(state=state, shop=shop) + more
    return loads(text, env={"SHOP_KEY": key, "RELAY_KEY": SECRET})


def main() -> None:
    collect_rarely()
    state, shop, key, port, lease_seconds = sys.argv[1:]
    once.LEASE = timedelta(seconds=float(lease_seconds))
    once.DEADLINE_SECONDS = float(lease_seconds) * 0.8
    config, clock = configured(state, shop, key), SystemClock()
    database = open_database(state, migrate=True)
    metrics = Metrics(database, [], [], clock)
    service = compose_relay(config, database, clock, metrics)
    assert service is not None
    app = build_app({}, metrics, dict, service)
    server = HttpServer(app, "127.0.0.1", int(port), service.stopping)
    server.start()
    keep_even()
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    ended.wait()
    server.stop()
    database.close()


if __name__ == "__main__":
    main()
