"""The relay as one part of a process: its routes, and what runs from start to stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from starlette.applications import Starlette
from starlette.routing import Mount

from connector.relay.actions import Actions
from connector.relay.api import relay_app
from connector.relay.offers import Offers
from connector.relay.relay import Relay
from connector.state import actions as inbox

KEEP = timedelta(hours=24)
"""How long an answer is given again to whoever repeats the request."""


class RelayService:
    """Lives in the event loop that serves it, from `lifespan` on."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self.offers = Offers(relay.database, relay.limits)
        self.actions = Actions(relay)
        self._loop: asyncio.AbstractEventLoop | None = None

    def mount(self) -> Mount:
        return Mount("/v1", app=relay_app(self.relay, self.offers, self.actions))

    @asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        self._loop = asyncio.get_running_loop()
        self.actions.start()
        try:
            yield
        finally:
            self.offers.end()
            await self.actions.stop()
            await self.relay.close()

    def stopping(self) -> None:
        """The process is about to stop: streams end now, or they would be waited for."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.offers.end)

    def prune(self) -> None:
        """Forget what nobody asks for any more."""
        self.relay.prune(KEEP)
        now = self.relay.clock.now()
        with self.relay.database.write() as connection:
            inbox.prune(connection, now - KEEP)
