"""What the relay knows of one site: whose carts it sells from, to whom, and who may ask. Values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from connector.model import BackendName, MarketName, SiteName
from connector.ports_carts import Carts, MarketTerms
from connector.signing import Secret
from connector.sync.rules import Market


@dataclass(frozen=True, slots=True)
class Storefront:
    """One site."""

    name: SiteName
    backend: BackendName
    carts: Carts | None
    """None: its backend sells nothing through us."""
    markets: Sequence[Market]
    home: str
    """The origin of the site's own address."""
    origins: frozenset[str]
    """Whose pages may ask, each like https://blog.example."""
    secrets: Sequence[Secret] = field(repr=False, default=())
    """What its server signs actions with."""

    def market(self, name: str | None) -> Market | None:
        """A market by its name; the first one where none is named; None: no such market."""
        if name is None:
            return self.markets[0]
        return next((each for each in self.markets if each.name == MarketName(name)), None)

    def market_like(self, other: Market) -> Market | None:
        """The market in which a cart of another site's market can go on."""
        alike = [each for each in self.markets if each.currency == other.currency]
        same = [each for each in alike if each.region == other.region]
        return next(iter(same or alike), None)

    def may_return_to(self, url: str) -> bool:
        """Whether an address leads to one of the site's own origins, and cannot be misread."""
        if not url.isascii() or not url.isprintable() or any(each in url for each in " \\\"'<>"):
            return False
        try:
            parts = urlsplit(url)
        except ValueError:
            return False
        if parts.username is not None or parts.password is not None or "@" in parts.netloc:
            return False
        return origin_of(url) in self.origins


def terms_of(market: Market) -> MarketTerms:
    """What a cart of this market is priced by."""
    return MarketTerms(market.currency, market.region, market.locale)


def origin_of(url: str) -> str | None:
    """The origin of a web address as browsers write it; None: it has none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    usual = {"http": 80, "https": 443}[parts.scheme]
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + ("" if port in (None, usual) else f":{port}")
