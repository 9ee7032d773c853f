"""The WordPress installations that the plugin is held to, for the parameters of fixtures."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.demo.editions import NEWEST, OLDEST, USUAL
from connector.demo.mariadb import MariaDB
from connector.demo.wordpress import WordPress
from tests.conftest import WORDPRESS_PLUGIN

EDITIONS = {"oldest": OLDEST, "newest": NEWEST}
VERSIONS = ("oldest", pytest.param("newest", marks=pytest.mark.newest))


def start(kind: str, cache: Path, mariadb: MariaDB | None) -> WordPress:
    """A fresh site of a kind (sqlite, mariadb, oldest, newest) with our plugin active."""
    return WordPress.start(
        cache,
        edition=EDITIONS.get(kind, USUAL),
        database=None if kind == "sqlite" else mariadb,
        plugin=WORDPRESS_PLUGIN,
    )
