"""Medusa v2 as a commerce backend: see README.md for what it reads and what the plugin adds."""

from __future__ import annotations

from adapters.medusa.carts import open_carts
from adapters.medusa.catalogue import open_catalogue
from adapters.medusa.options import problems
from adapters.medusa.words import WORDS
from connector.ports import BackendSystem

BACKEND = BackendSystem(
    name="medusa", open=open_catalogue, problems=problems, open_carts=open_carts, words=WORDS
)
