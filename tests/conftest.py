"""Real systems as fixtures, brought up when the first test asks for them.

A system that cannot be brought up is an error that says what is missing, never a skip;
`-m "not live"` leaves those tests out on purpose.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from connector.demo.machine import cache_dir
from connector.demo.mariadb import MariaDB
from connector.demo.medusa import Medusa
from connector.demo.postgres import Postgres
from connector.demo.wordpress import WordPress

settings.register_profile("steady", deadline=None)
settings.load_profile("steady")
ROOT = Path(__file__).resolve().parents[1]
WORDPRESS_PLUGIN = ROOT / "adapters" / "wordpress" / "plugin"
MEDUSA_PLUGIN = ROOT / "adapters" / "medusa" / "plugin"
REAL_SYSTEMS = {"mariadb", "postgres", "postgres_url", "wordpress_on_sqlite", "medusa"}
REAL_SYSTEMS |= {"wordpress_on_mariadb", "wordpress", "wordpress_without_plugin", "fresh_medusa"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that uses a real system, so that none is forgotten."""
    for item in items:
        if REAL_SYSTEMS & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.live)


@pytest.fixture(scope="session")
def cache() -> Path:
    """Where downloads and templates of real systems are kept."""
    place = cache_dir()
    place.mkdir(parents=True, exist_ok=True)
    return place


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDB]:
    """One MariaDB for all tests; each site in it has a database of its own."""
    server = MariaDB.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One PostgreSQL for all tests."""
    server = Postgres.start()
    yield server
    server.stop()


_numbers = itertools.count(1)


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """The address of an empty database, this test's own (SQLAlchemy: replace the scheme)."""
    name = f"test_{next(_numbers)}"
    yield postgres.create_database(name)
    postgres.drop_database(name)


@pytest.fixture
def wordpress_on_sqlite(cache: Path) -> Iterator[WordPress]:
    """A fresh site with our plugin active, this test's own."""
    site = WordPress.start(cache, plugin=WORDPRESS_PLUGIN)
    yield site
    site.stop()


@pytest.fixture
def wordpress_on_mariadb(cache: Path, mariadb: MariaDB) -> Iterator[WordPress]:
    """A fresh site with our plugin active, this test's own."""
    site = WordPress.start(cache, database=mariadb, plugin=WORDPRESS_PLUGIN)
    yield site
    site.stop()


@pytest.fixture(params=["sqlite", "mariadb"])
def wordpress(request: pytest.FixtureRequest) -> WordPress:
    """A fresh site with our plugin active, once on each database."""
    site: WordPress = request.getfixturevalue(f"wordpress_on_{request.param}")
    return site


@pytest.fixture
def wordpress_without_plugin(cache: Path) -> Iterator[WordPress]:
    """A fresh site as WordPress comes, for plain mode."""
    site = WordPress.start(cache)
    yield site
    site.stop()


@pytest.fixture(scope="session")
def medusa(cache: Path, postgres: Postgres) -> Iterator[Medusa]:
    """One server with 20 products for all tests that only read, or clean up after themselves."""
    server = Medusa.start(cache, postgres)
    yield server
    server.stop()


@pytest.fixture
def fresh_medusa(cache: Path, postgres: Postgres) -> Iterator[Medusa]:
    """A server with 20 untouched products, this test's own; takes about five seconds."""
    server = Medusa.start(cache, postgres)
    yield server
    server.stop()
