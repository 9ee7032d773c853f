"""Whether what a configuration names can be reached at all: for `connector config check`.

Opens a connection to every backend and site and closes it again; sends nothing.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from connector.config import Config
from connector.errors import Problem

TIMEOUT_SECONDS = 3.0


def unreachable(config: Config) -> list[Problem]:
    """The addresses that do not answer, each with its path and what to do; asked all at once."""
    addresses = dict(_addresses(config))
    with ThreadPoolExecutor(16) as pool:
        answers = pool.map(_try, addresses.values())
    return [
        Problem(path, what, "Is it running, and is the address right? --offline does not ask")
        for path, what in zip(addresses, answers, strict=True)
        if what is not None
    ]


def _addresses(config: Config) -> Iterator[tuple[str, str]]:
    for name, backend in config.backends.items():
        yield f"backends.{name}.url", backend.url
    for name, site in config.sites.items():
        yield f"sites.{name}.url", site.url


def _try(url: str) -> str | None:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        with socket.create_connection((parts.hostname or "", port), TIMEOUT_SECONDS):
            return None
    except (OSError, UnicodeError) as error:
        return f"{parts.hostname}:{port} cannot be reached ({error})"
