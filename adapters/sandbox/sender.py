"""Tells the connector that something changed: signed webhooks, in order, until they arrive.

What was told is remembered as a sequence number of the feed, so that a restart forgets nothing:
whatever is newer is told. A short wait lets a burst become one webhook.
"""

from __future__ import annotations

import json
import threading
import time

import httpx

from adapters.sandbox.store import Store
from connector.signing import Secret, signed_headers

WINDOW_SECONDS = 0.1
MOST_CHANGES = 500
PAUSES_SECONDS = (0.25, 1, 4, 15, 60)


class Sender:
    """A thread that sends what the feed has and the receiver has not."""

    def __init__(self, store: Store, url: str, secret: Secret) -> None:
        self._store = store
        self._url = url
        self._secret = secret
        self._wanted = threading.Event()
        self._stopping = threading.Event()
        if store.fact("told") is None:
            store.remember("told", str(store.last_sequence()))
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)

    def start(self) -> None:
        self._wanted.set()
        self._thread.start()

    def wake(self) -> None:
        self._wanted.set()

    def stop(self) -> None:
        self._stopping.set()
        self._wanted.set()
        self._thread.join(5)

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            self._wanted.wait()
            self._wanted.clear()
            time.sleep(WINDOW_SECONDS)
            while not self._stopping.is_set():
                changes = self._store.changes(self._told(), MOST_CHANGES)
                if not changes:
                    break
                if self._send(changes):
                    failures = 0
                    self._store.remember("told", str(changes[-1]["sequence"]))
                else:
                    self._stopping.wait(PAUSES_SECONDS[min(failures, len(PAUSES_SECONDS) - 1)])
                    failures += 1

    def _told(self) -> int:
        return int(self._store.fact("told") or 0)

    def _send(self, changes: list[dict[str, object]]) -> bool:
        last = changes[-1]["sequence"]
        told = [
            {"kind": each["kind"], "id": each["subject"], "what": each["what"]} for each in changes
        ]
        body = json.dumps({"type": "catalogue.changed", "changes": told}).encode()
        headers = signed_headers(self._secret, f"{self._store.shop}-{last}", int(time.time()), body)
        try:
            answer = httpx.post(
                self._url,
                content=body,
                headers={**headers, "content-type": "application/json"},
                timeout=5,
                trust_env=False,
            )
        except httpx.HTTPError:
            return False
        return answer.is_success
