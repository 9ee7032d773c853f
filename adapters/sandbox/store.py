"""The shop's memory: one SQLite file with products, a feed of changes, carts, orders, webhooks due.

Every change to a product and its entry in the feed are one transaction, so that a reader of the
feed misses nothing. Knows no HTTP.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from adapters.sandbox import generate

Json = dict[str, Any]
_SCHEMA = """
CREATE TABLE IF NOT EXISTS products (id TEXT PRIMARY KEY, title TEXT NOT NULL, doc TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS variants (sku TEXT, id TEXT PRIMARY KEY, product TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS variants_sku ON variants (sku);
CREATE INDEX IF NOT EXISTS variants_product ON variants (product);
CREATE TABLE IF NOT EXISTS categories (place INTEGER PRIMARY KEY, id TEXT UNIQUE,
  doc TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS changes (sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  kind TEXT NOT NULL, subject TEXT NOT NULL, what TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS carts (id TEXT PRIMARY KEY, doc TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS orders (number INTEGER PRIMARY KEY AUTOINCREMENT, cart TEXT UNIQUE,
  doc TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


class Store:
    """Open one shop. Threads may share it."""

    def __init__(self, path: Path | str) -> None:
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._lock = threading.RLock()
        self.changed: Callable[[], None] = lambda: None
        """Called after each change is committed."""
        with self._lock:
            self._connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;")
            self._connection.executescript(_SCHEMA)
        if self.fact("shop") is None:
            self.remember("shop", secrets.token_hex(4))
        self.shop = str(self.fact("shop"))
        """Tells this shop's feed from that of one made anew at the same address."""

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
        self.changed()

    def _rows(self, query: str, *values: object) -> list[sqlite3.Row]:
        with self._lock:
            return self._connection.execute(query, values).fetchall()

    # ---- filling ----

    def fill(self, count: int, seed: int) -> None:
        """Make the generated catalogue, unless the shop has products already."""
        if self.count():
            return
        with self._writing() as connection:
            for place, category in enumerate(generate.categories()):
                connection.execute(
                    "INSERT INTO categories VALUES (?, ?, ?)",
                    (place, category["id"], json.dumps(category)),
                )
            for product in generate.products(count, seed):
                self._put(connection, product)

    def _put(self, connection: sqlite3.Connection, product: Json) -> None:
        title = next(iter(product["texts"].values()))["title"]
        connection.execute(
            "INSERT OR REPLACE INTO products VALUES (?, ?, ?)",
            (product["id"], title, json.dumps(product)),
        )
        connection.execute("DELETE FROM variants WHERE product = ?", (product["id"],))
        connection.executemany(
            "INSERT OR REPLACE INTO variants VALUES (?, ?, ?)",
            [(each["sku"], each["id"], product["id"]) for each in product["variants"]],
        )

    # ---- reading ----

    def count(self) -> int:
        return int(self._rows("SELECT count(*) FROM products")[0][0])

    def page(self, after: str, limit: int) -> list[Json]:
        """Products by id, after this one."""
        query = "SELECT doc FROM products WHERE id > ? ORDER BY id LIMIT ?"
        return [json.loads(row["doc"]) for row in self._rows(query, after, limit)]

    def ids(self, after: str, limit: int) -> list[str]:
        query = "SELECT id FROM products WHERE id > ? ORDER BY id LIMIT ?"
        return [row["id"] for row in self._rows(query, after, limit)]

    def products(self, ids: Sequence[str]) -> list[Json]:
        marks = ",".join("?" * len(ids))
        query = f"SELECT doc FROM products WHERE id IN ({marks}) ORDER BY id"  # noqa: S608
        return [json.loads(row["doc"]) for row in self._rows(query, *ids)]

    def search(self, text: str, limit: int = 50) -> list[Json]:
        """Products by a part of their title, or by exact SKU or id."""
        query = (
            "SELECT DISTINCT p.doc, p.id FROM products p LEFT JOIN variants v ON v.product = p.id"
            " WHERE p.title LIKE ? OR v.sku = ? OR p.id = ? ORDER BY p.id LIMIT ?"
        )
        found = self._rows(query, f"%{text}%", text, text, limit)
        return [json.loads(row["doc"]) for row in found]

    def by_sku(self, sku: str) -> list[str]:
        query = "SELECT DISTINCT product FROM variants WHERE sku = ? ORDER BY product"
        return [row["product"] for row in self._rows(query, sku)]

    def by_variant(self, variant: str) -> Json | None:
        found = self._rows("SELECT product FROM variants WHERE id = ?", variant)
        known = self.products([found[0]["product"]]) if found else []
        return known[0] if known else None

    def categories(self) -> list[Json]:
        return [
            json.loads(r["doc"]) for r in self._rows("SELECT doc FROM categories ORDER BY place")
        ]

    def changes(self, after: int, limit: int) -> list[Json]:
        """The feed after a sequence number, oldest first."""
        query = "SELECT * FROM changes WHERE sequence > ? ORDER BY sequence LIMIT ?"
        return [dict(row) for row in self._rows(query, after, limit)]

    def last_sequence(self, before: str | None = None) -> int:
        """The newest sequence number; with `before`, the newest of a time before that one."""
        if before is None:
            return int(self._rows("SELECT coalesce(max(sequence), 0) FROM changes")[0][0])
        query = "SELECT coalesce(max(sequence), 0) FROM changes WHERE at < ?"
        return int(self._rows(query, before)[0][0])

    # ---- changing ----

    def put(self, product: Json) -> None:
        """Make or replace a product."""
        with self._writing() as connection:
            self._put(connection, product)
            self._note(connection, "product", product["id"], "content")

    def remove(self, product: str) -> bool:
        with self._writing() as connection:
            gone = connection.execute("DELETE FROM products WHERE id = ?", (product,)).rowcount
            connection.execute("DELETE FROM variants WHERE product = ?", (product,))
            if gone:
                self._note(connection, "product", product, "deleted")
        return bool(gone)

    def put_words(self, product: str, locale: str, words: Json, expected: Json) -> Json | None:
        """Take words back that are still as expected, all in one. None: no such product.

        Answers what it holds then (`held`), and what somebody had changed meanwhile (`kept`).
        """
        with self._writing() as connection:
            found = self.products([product])
            if not found:
                return None
            texts = found[0]["texts"]
            text = dict(texts.get(locale) or next(iter(texts.values())))
            now = {name: text.get(name, "") for name in words}
            kept = [n for n in words if now[n] not in (expected.get(n, ""), words[n])]
            news = {n: words[n] for n in words if n not in kept and now[n] != words[n]}
            if news:
                texts[locale] = text | news
                self._put(connection, found[0])
                self._note(connection, "product", product, "content")
            return {"held": now | news, "kept": kept}

    def put_category(self, category: Json) -> None:
        with self._writing() as connection:
            known = connection.execute(
                "UPDATE categories SET doc = ? WHERE id = ?",
                (json.dumps(category), category["id"]),
            )
            if not known.rowcount:
                connection.execute(
                    "INSERT INTO categories (id, doc) VALUES (?, ?)",
                    (category["id"], json.dumps(category)),
                )
            self._note(connection, "category", category["id"], "content")

    def change_variants(
        self, what: str, changes: Iterable[tuple[str, Callable[[Json], None]]]
    ) -> list[str]:
        """Apply a change to each of these variants, all at once; the unknown ones come back."""
        unknown: list[str] = []
        with self._writing() as connection:
            for variant, change in changes:
                product = self.by_variant(variant)
                if product is None:
                    unknown.append(variant)
                    continue
                change(next(each for each in product["variants"] if each["id"] == variant))
                self._put(connection, product)
                self._note(connection, "product", product["id"], what)
        return unknown

    def _note(self, connection: sqlite3.Connection, kind: str, subject: str, what: str) -> None:
        connection.execute(
            "INSERT INTO changes (kind, subject, what) VALUES (?, ?, ?)", (kind, subject, what)
        )

    # ---- facts ----

    def fact(self, name: str) -> str | None:
        found = self._rows("SELECT value FROM facts WHERE name = ?", name)
        return str(found[0]["value"]) if found else None

    def remember(self, name: str, value: str) -> None:
        with self._lock:
            self._connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    # ---- carts and orders ----

    def new_cart(self, doc: Json) -> Json:
        doc = {**doc, "id": "cart_" + secrets.token_urlsafe(18)}
        self._save_cart(doc)
        return doc

    def cart(self, identity: str) -> Json | None:
        found = self._rows("SELECT doc FROM carts WHERE id = ?", identity)
        return json.loads(found[0]["doc"]) if found else None

    def change_cart(self, identity: str, change: Callable[[Json], Json]) -> Json | None:
        """Read, change and keep a cart; nobody else changes it meanwhile. None: there is none."""
        with self._lock:
            cart = self.cart(identity)
            if cart is None:
                return None
            changed = change(cart)
            self._save_cart(changed)
            return changed

    def _save_cart(self, doc: Json) -> None:
        with self._lock:
            self._connection.execute(
                "INSERT OR REPLACE INTO carts VALUES (?, ?)", (doc["id"], json.dumps(doc))
            )

    def order_of(self, cart: str) -> Json | None:
        found = self._rows("SELECT number, doc FROM orders WHERE cart = ?", cart)
        return {"number": found[0]["number"], **json.loads(found[0]["doc"])} if found else None

    def complete(self, identity: str, order: Callable[[Json], Json]) -> Json | None:
        """Make the order of a cart and take its pieces from stock, once: again gives the same.

        `order` makes it of the cart, or raises; nobody else sells meanwhile. None: there is none.
        """
        with self._lock:
            if (known := self.order_of(identity)) is not None:
                return known
            cart = self.cart(identity)
            if cart is None:
                return None
            made = order(cart)
            with self._writing() as connection:
                connection.execute(
                    "INSERT INTO orders (cart, doc) VALUES (?, ?)", (identity, json.dumps(made))
                )
                for line in cart["lines"]:
                    self._take(connection, line["variant"], line["quantity"])
                connection.execute(
                    "UPDATE carts SET doc = ? WHERE id = ?",
                    (json.dumps({**cart, "completed": True}), identity),
                )
            return self.order_of(identity)

    def _take(self, connection: sqlite3.Connection, variant: str, quantity: int) -> None:
        product = self.by_variant(variant)
        if product is None:
            return
        stock = next(each for each in product["variants"] if each["id"] == variant)["stock"]
        if not stock["tracked"]:
            return
        for location, level in stock["locations"].items():
            taken = min(level, quantity)
            stock["locations"][location] = level - taken
            quantity -= taken
        self._put(connection, product)
        self._note(connection, "product", product["id"], "stock")
