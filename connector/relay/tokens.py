"""Cart tokens: the engine's cart id, sealed for one site and one origin until one moment.

A token is all that a session is: any relay process with the keys can serve it. It is bound to the
backend, to the site (its audience) and to the origin that it was made for, and works nowhere else.
One that is damaged, expired or somebody else's opens as None, all alike.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from connector.model import BackendName, CartId, MarketName, SiteName
from connector.relay.sealing import Sealer

PREFIX = "cct_"
LONGEST = 2048
NO_ORIGIN = ""
"""Made by a client that is no browser; it works only without an Origin header."""
_PURPOSE = "cart token"


@dataclass(frozen=True, slots=True)
class CartToken:
    """What a token says once it is opened."""

    backend: BackendName
    site: SiteName
    market: MarketName
    cart: CartId = field(repr=False)
    origin: str
    expires_at: datetime

    def renewed(self, now: datetime, lifetime: timedelta) -> CartToken | None:
        """The same token with a whole life before it, once half of it is over; else None."""
        if self.expires_at - now > lifetime / 2:
            return None
        return replace(self, expires_at=now + lifetime)


def seal_token(sealer: Sealer, token: CartToken) -> str:
    """The text that a client keeps."""
    parts = [
        token.backend,
        token.market,
        token.cart,
        token.origin,
        int(token.expires_at.timestamp()),
    ]
    plain = json.dumps(parts, separators=(",", ":")).encode()
    sealed = sealer.seal(_PURPOSE, plain, token.site)
    return PREFIX + base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def open_token(
    sealer: Sealer, text: str, site: SiteName, origins: Collection[str], now: datetime
) -> CartToken | None:
    """What a text says, if it is this site's, for one of these origins, and has not expired."""
    sealed = _unwrap(text)
    plain = sealer.open(_PURPOSE, sealed, site) if sealed else None
    if plain is None:
        return None
    backend, market, cart, made_for, expires = json.loads(plain)
    expires_at = datetime.fromtimestamp(expires, now.tzinfo)
    if made_for not in origins or expires_at <= now:
        return None
    return CartToken(
        BackendName(backend), site, MarketName(market), CartId(cart), made_for, expires_at
    )


def _unwrap(text: str) -> bytes | None:
    if not text.startswith(PREFIX) or len(text) > LONGEST or not text.isascii():
        return None
    body = text.removeprefix(PREFIX)
    try:
        sealed = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return None
    canonical = base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()
    return sealed if canonical == body else None
