"""The shop's two kinds of pages: where a merchant changes price and stock, and the checkout.

Plain HTML that works without JavaScript; everything that comes from data is escaped.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from html import escape
from typing import Any

Json = dict[str, Any]
_STYLE = (
    "body{font:16px system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}td,th{padding:.4rem;border-bottom:1px solid #ccc;"
    "text-align:left}input{font:inherit;padding:.3rem}button{font:inherit;padding:.3rem 1rem}"
)
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": f"default-src 'none'; style-src 'sha256-{_HASH}';"
    " base-uri 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
"""What every page is served with: nothing runs in it, and its address, a secret, goes nowhere."""


def page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>{body}</body></html>"
    )


def products(found: Sequence[Json], text: str, token: str) -> str:
    """The list with its search."""
    rows = "".join(
        f"<tr><td><a href='/admin/products/{escape(p['id'])}?key={escape(token)}'>"
        f"{escape(p['texts']['en-US']['title'])}</a></td><td>{escape(p['id'])}</td>"
        f"<td>{len(p['variants'])}</td></tr>"
        for p in found
    )
    return page(
        "Sandbox shop",
        f"<form><input type='hidden' name='key' value='{escape(token)}'>"
        f"<label>Search <input name='q' value='{escape(text)}'></label>"
        "<button>Find</button></form>"
        f"<table><tr><th>Product</th><th>Id</th><th>Variants</th></tr>{rows}</table>",
    )


def product(found: Json, token: str, saved: bool) -> str:
    """One product with a form for each variant's price and stock."""
    forms = "".join(_variant(each, token) for each in found["variants"])
    note = "<p role='status'>Saved.</p>" if saved else ""
    back = f"<p><a href='/admin?key={escape(token)}'>All products</a></p>"
    return page(
        found["texts"]["en-US"]["title"],
        f"{back}{note}<table><tr><th>SKU</th><th>EUR</th><th>In stock</th><th></th></tr>"
        f"{forms}</table>",
    )


def _variant(variant: Json, token: str) -> str:
    euros = next(row["amount"] for row in variant["prices"] if row["currency"] == "EUR")
    pieces = sum(variant["stock"]["locations"].values())
    form = f"f-{escape(variant['id'])}"
    return (
        f"<tr><td>{escape(variant['sku'])}</td>"
        f"<td><input form='{form}' name='euros' value='{escape(euros)}' size='8'"
        f" aria-label='Price in EUR'></td>"
        f"<td><input form='{form}' name='pieces' value='{pieces}' size='5'"
        f" aria-label='Pieces in stock'></td>"
        f"<td><form id='{form}' method='post'><input type='hidden' name='key'"
        f" value='{escape(token)}'><input type='hidden' name='variant'"
        f" value='{escape(variant['id'])}'><button>Save</button></form></td></tr>"
    )


def checkout(cart: Json, problem: str = "") -> str:
    """The hosted checkout. The test payment takes no card."""
    lines = "".join(
        f"<tr><td>{escape(line['sku'])}</td><td>{line['quantity']}</td>"
        f"<td>{escape(line['unit_price'])}</td></tr>"
        for line in cart["lines"]
    )
    alert = f"<p role='alert'>{escape(problem)}</p>" if problem else ""
    return page(
        "Checkout",
        f"{alert}<table><tr><th>Article</th><th>Quantity</th><th>Price</th></tr>{lines}</table>"
        f"<p>Total {escape(cart['total'])} {escape(cart['currency'])}</p>"
        "<form method='post'>"
        "<p><label>E-mail <input name='email' type='email' required></label></p>"
        "<p><label>Address <input name='address' required></label></p>"
        "<p><label><input type='radio' name='shipping' value='post' checked> Post</label> "
        "<label><input type='radio' name='shipping' value='pickup'> Pick up</label></p>"
        "<button>Pay (test payment, no card needed)</button></form>",
    )


def thanks(order: Json) -> str:
    return page(
        f"Thank you: order {order['number']}",
        f"<p>Total {escape(order['total'])} {escape(order['currency'])}</p>",
    )
