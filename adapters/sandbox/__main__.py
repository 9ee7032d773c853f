"""`python -m adapters.sandbox`: run the shop until it is told to stop."""

from __future__ import annotations

import argparse
import secrets
from pathlib import Path

import uvicorn

from adapters.sandbox.sender import Sender
from adapters.sandbox.server import Shop, build_app
from adapters.sandbox.store import Store
from connector.signing import Secret


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m adapters.sandbox", description=__doc__)
    options.add_argument("--host", default="127.0.0.1")
    options.add_argument("--port", type=int, default=8801)
    options.add_argument("--database", type=Path, default=Path("shop.db"))
    options.add_argument("--products", type=int, default=200, help="made if the shop is empty")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--key", default="", help="of the API; made up and shown if not given")
    options.add_argument("--webhook", default="", help="told of every change, if given")
    options.add_argument("--webhook-secret", default="")
    given = options.parse_args()
    key = given.key or secrets.token_hex(16)
    store = Store(given.database)
    store.fill(given.products, given.seed)
    if not given.key:
        print(f"key: {key}", flush=True)
    if given.webhook:
        sender = Sender(
            store, given.webhook, Secret.parse(given.webhook_secret, "--webhook-secret")
        )
        store.changed = sender.wake
        sender.start()
    uvicorn.run(
        build_app(Shop(store, key)),
        host=given.host,
        port=given.port,
        log_level="warning",
        backlog=512,
    )


if __name__ == "__main__":
    main()
