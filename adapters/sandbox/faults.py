"""What can go wrong with a backend, on demand: PUT /admin/faults {"name": argument, ...}.

empty: true               every listing and fetch answers 200 with nothing
half: true                listings name only the first half, counts too
past_end: true            every page after the first is empty, although more was counted
broken_json: true         200 with half a JSON document
html: true                200 with an HTML page
repeat: true              a page is answered twice
status: 429 or 500 ...    this status, with Retry-After: 1 for 429 and 503
latency_ms: 200           every answer so much later
lost: 1                   so many writes (of carts and words) are done and answered 504
refuse_words: "why"       words of editors are refused, with this reason
poison: "p0000007"        this product has a price that no currency can hold
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
NAMES = frozenset(
    """empty half past_end broken_json html repeat status latency_ms lost poison
    refuse_words""".split()  # noqa: SIM905
)
POISON_PRICE = {"amount": "12.345", "currency": "EUR", "tax_included": True}


class Faults:
    """The faults that are switched on."""

    def __init__(self) -> None:
        self._on: Json = {}

    def switch(self, wanted: Json) -> list[str]:
        """Switch on exactly these; the unknown names come back."""
        self._on = {name: value for name, value in wanted.items() if name in NAMES and value}
        return sorted(set(wanted) - NAMES)

    def __getitem__(self, name: str) -> Any:
        return self._on.get(name)

    def loses_an_answer(self) -> bool:
        left = int(self._on.get("lost", 0))
        if left:
            self._on["lost"] = left - 1
        return left > 0

    def poisoned(self, product: Json) -> Json:
        if product["id"] != self._on.get("poison"):
            return product
        variants = [{**each, "prices": [POISON_PRICE]} for each in product["variants"]]
        return {**product, "variants": variants}
