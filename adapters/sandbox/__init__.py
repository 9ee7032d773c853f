"""An embedded shop, and its adapter: demo, fast backend for tests, example for adapter authors."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.sandbox.carts import open_carts
from adapters.sandbox.catalogue import WORDS, open_catalogue
from connector.errors import Problem
from connector.ports import BackendSettings, BackendSystem


def problems(settings: BackendSettings) -> Sequence[Problem]:
    """What is wrong with a sandbox shop's settings."""
    found = [
        Problem(f"options.{name}", "is unknown", "Remove it; the sandbox takes no options")
        for name in sorted(settings.options)
    ]
    if not settings.credential:
        fix = "Put the key there that the shop printed at its start"
        found.append(Problem("credential", "is missing", fix))
    return found


BACKEND = BackendSystem(
    name="sandbox", open=open_catalogue, problems=problems, open_carts=open_carts, words=WORDS
)
