"""A relay in memory for tests: two sites of one backend, carts in memory, the app over ASGI.

Two of them on one state stand for two processes.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from prometheus_client import CollectorRegistry, Counter
from starlette.applications import Starlette

from connector.clock import SystemClock
from connector.model import (
    BackendName,
    FieldHash,
    FieldName,
    Lane,
    Locale,
    MarketName,
    SiteName,
    Subject,
    SubjectKind,
    VariantId,
)
from connector.ports import Clock
from connector.ports_carts import Carts
from connector.relay.front import Storefront
from connector.relay.relay import Limits, Relay
from connector.relay.sealing import Sealer
from connector.relay.service import RelayService
from connector.signing import Secret, request_content, signed_headers
from connector.state.database import Database, open_database
from connector.state.mirror import MirrorRow, save_mirror
from connector.state.tables import skus
from connector.sync.diff import FieldMirror
from connector.sync.rules import Market
from connector.testing.carts import Article, MemoryCarts
from tests import openapi

SHOP = BackendName("shop")
BLOG, NEWS, OTHER = SiteName("blog"), SiteName("news"), SiteName("other")
BLOG_ORIGIN, NEWS_ORIGIN = "https://blog.example", "https://news.example"
GERMAN = Market(MarketName("de"), Locale("de-DE"), "EUR")
ENGLISH = Market(MarketName("en"), Locale("en-GB"), "EUR")
KEY = Secret(b"k" * 32)
BLOG_SECRET, NEWS_SECRET = Secret(b"b" * 32), Secret(b"n" * 32)
MUG, LAMP = VariantId("v-mug"), VariantId("v-lamp")
GENEROUS = Limits(1_000_000, 1_000_000, 1_000_000)
ADDRESS = {"first_name": "Ada", "last_name": "L", "line_1": "Weg 1", "postal_code": "10117",
           "city": "Berlin", "country": "DE"}  # fmt: skip


def articles() -> list[Article]:
    return [
        Article(MUG, "MUG-1", "A mug", 1990, 10),
        Article(LAMP, "LAMP-1", "A lamp", 4900, 3),
    ]


def storefronts(carts: Carts | None) -> dict[SiteName, Storefront]:
    return {
        BLOG: Storefront(
            BLOG,
            SHOP,
            carts,
            (GERMAN, ENGLISH),
            BLOG_ORIGIN,
            frozenset({BLOG_ORIGIN, "https://www.blog.example"}),
            (BLOG_SECRET,),
        ),
        NEWS: Storefront(
            NEWS, SHOP, carts, (ENGLISH,), NEWS_ORIGIN, frozenset({NEWS_ORIGIN}), (NEWS_SECRET,)
        ),
        OTHER: Storefront(
            OTHER,
            BackendName("elsewhere"),
            carts,
            (ENGLISH,),
            "https://other.example",
            frozenset({"https://other.example"}),
        ),
    }


@dataclass(slots=True)
class Answered:
    status: int
    body: dict[str, Any]
    headers: Mapping[str, str]

    @property
    def word(self) -> str:
        """The last word of a problem's type."""
        return str(self.body["type"]).rpartition(":")[2]


@dataclass(slots=True)
class Process:
    """One relay process, and a client that speaks to it."""

    service: RelayService
    client: httpx.AsyncClient

    async def send(self, method: str, path: str, **more: Any) -> Answered:
        answer = await self.client.request(method, path, **more)
        text = answer.text
        body = json.loads(text) if text else {}
        if text:
            openapi.check(method, path.partition("?")[0], answer.status_code, body)
        return Answered(answer.status_code, body, answer.headers)

    async def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str | None = None,
        key: str | None = None,
        origin: str | None = BLOG_ORIGIN,
        site: str = BLOG,
    ) -> Answered:
        """One request as a page of the site makes it; a fresh key for each POST."""
        headers = {}
        if origin is not None:
            headers["origin"] = origin
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        if key is None and method == "POST":
            key = secrets.token_hex(16)
        if key is not None:
            headers["idempotency-key"] = key
        content = None if body is None else json.dumps(body).encode()
        if content is not None:
            headers["content-type"] = "application/json"
        return await self.send(method, f"/v1/{site}{path}", content=content, headers=headers)

    async def begin(self, *lines: Mapping[str, object]) -> str:
        """A cart with these lines; its token."""
        made = await self.ask("POST", "/carts", {"lines": list(lines)})
        assert made.status == 201, made.body
        token: str = made.body["token"]
        return token

    async def ready(self, *lines: Mapping[str, object]) -> tuple[str, int]:
        """A cart that can be ordered; its token and total."""
        token = await self.begin(*(lines or ({"sku": "MUG-1", "quantity": 2},)))
        details = {"email": "ada@lovelace.example", "shipping_address": ADDRESS}
        current = "/carts/current"
        await self.ask("PATCH", current, details, token=token)
        await self.ask("PUT", current + "/shipping", {"option": "post"}, token=token)
        paid = await self.ask("PUT", current + "/payment", {"provider": "test"}, token=token)
        assert paid.body["cart"]["needs"] == []
        return token, paid.body["cart"]["total"]["minor"]

    async def act(
        self,
        action: str,
        *,
        identity: str | None = None,
        secret: Secret = BLOG_SECRET,
        site: str = BLOG,
        at: int | None = None,
        **more: object,
    ) -> Answered:
        """A signed action."""
        body = json.dumps({"action": action, **more}).encode()
        identity = identity or f"msg_{secrets.token_hex(8)}"
        sent_at = at or int(self.service.relay.clock.now().timestamp())
        headers = signed_headers(secret, identity, sent_at, body)
        path = f"/v1/actions?site={site}"
        kind = {"content-type": "application/json"}
        return await self.send("POST", path, content=body, headers={**headers, **kind})

    async def outcome(self, identity: str) -> Answered:
        """How far a signed action is."""
        target = f"/v1/actions/{identity}"
        sent_at = int(self.service.relay.clock.now().timestamp())
        content = request_content("GET", target, b"")
        headers = signed_headers(BLOG_SECRET, identity, sent_at, content)
        return await self.send("GET", f"{target}?site={BLOG}", headers=headers)


@dataclass(slots=True)
class RelayHouse:
    """The state, the engine and the secrets that all processes share."""

    database: Database
    carts: MemoryCarts
    clock: Clock = field(default_factory=SystemClock)
    keys: tuple[Secret, ...] = (KEY,)
    limits: Limits = GENEROUS
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    """What the last process counted."""

    @classmethod
    def build(cls, folder: Path, **more: Any) -> RelayHouse:
        house = cls(open_database(f"sqlite:///{folder}/state.db"), MemoryCarts(articles()), **more)
        house.index(MUG, "MUG-1")
        house.index(LAMP, "LAMP-1")
        return house

    def index(self, variant: str, sku: str) -> None:
        row = {"backend": SHOP, "variant": variant, "sku": sku, "product": f"p-{variant}"}
        with self.database.write() as connection:
            connection.execute(skus.insert().values(**row, title=sku))

    def confirm(self, variant: str, sku: str, minor: int, quantity: int = 5) -> None:
        """The site has confirmed this offer in its first market."""
        offer = {
            "variant": variant, "market": "de", "min_quantity": 1, "sku": sku, "amount": minor,
            "amount_text": f"{minor / 100:.2f} €", "compare_at": None, "compare_at_text": "",
            "currency": "EUR", "price_list": None, "tax_included": True,
            "availability": "in_stock", "quantity": quantity, "valid_until": None, "position": 0,
        }  # fmt: skip
        subject = Subject(SubjectKind.PRODUCT, f"p-{variant}")
        fields = {FieldName("offers"): FieldMirror(FieldHash("a"), FieldHash("b"), False)}
        row = MirrorRow(BLOG, Lane.OFFERS, subject, fields, "1.1", self.clock.now(), [offer])
        with self.database.write() as connection:
            save_mirror(connection, [row])

    @asynccontextmanager
    async def process(self, carts: Carts | None = None) -> AsyncIterator[Process]:
        """A process, started and stopped."""
        service = build_service(self, carts)
        app = Starlette(routes=[service.mount()])
        transport = httpx.ASGITransport(app, raise_app_exceptions=True)
        async with (
            service.lifespan(app),
            httpx.AsyncClient(transport=transport, base_url="http://relay.test") as client,
        ):
            yield Process(service, client)


def build_service(house: RelayHouse, carts: Carts | None = None) -> RelayService:
    """What a process has of the relay, not started yet."""
    house.registry = CollectorRegistry()
    counter = Counter("relay", "asked", ["operation", "result"], registry=house.registry)
    relay = Relay(
        house.database,
        storefronts(carts or house.carts),
        Sealer(house.keys),
        house.clock,
        counter,
        token_lifetime=timedelta(days=30),
        limits=house.limits,
    )
    return RelayService(relay)
