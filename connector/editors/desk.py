"""Who looks after the people at one site: hears what they did and asked, and tells them how it is.

One thread a site, so that a slow site keeps no other waiting. It looks every ten seconds, at once
when the site nudges, and follows what editors asked several times a second until it is done. Of
several daemons the one that leads looks by itself; one that was nudged sees its errand through.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

LOOK_SECONDS = 10.0
FOLLOW_SECONDS = 0.15


class Desk:
    """`look` hears and tells and answers whether requests are under way; `follow` sees to those
    alone. Neither raises. `leads` says whether this process is the one that looks by itself."""

    def __init__(
        self,
        name: str,
        look: Callable[[], bool],
        follow: Callable[[], bool],
        leads: Callable[[], bool],
    ) -> None:
        self._look = look
        self._follow = follow
        self._leads = leads
        self._nudged = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"desk {name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def nudge(self) -> None:
        """Look now."""
        self._nudged.set()

    def stop(self, seconds: float = 5.0) -> None:
        """End; what is under way at the site is left, and taken up again later."""
        self._stop.set()
        self._nudged.set()
        if self._thread.ident is not None:
            self._thread.join(seconds)

    def _work(self) -> None:
        busy, next_look = False, time.monotonic()
        while True:
            rest = FOLLOW_SECONDS if busy else max(0.0, next_look - time.monotonic())
            nudged = self._nudged.wait(rest)
            if self._stop.is_set():
                return
            self._nudged.clear()
            due = time.monotonic() >= next_look
            if due:
                next_look = time.monotonic() + LOOK_SECONDS
            if nudged or (due and self._leads()):
                busy = self._look()
            elif busy:
                busy = self._follow()
