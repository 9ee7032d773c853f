"""The real systems that the parts share, each brought up when first needed, all taken down at the
end. Measures nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path

from connector.demo.installed import Installed
from connector.demo.machine import cache_dir
from connector.demo.mariadb import MariaDB
from connector.demo.medusa import Medusa
from connector.demo.postgres import Postgres
from connector.demo.wordpress import WordPress
from tests.conftest import MEDUSA_PLUGIN, WORDPRESS_PLUGIN
from tests.live.pair import MedusaPair, pair_with, site_settings, until

PROOF_SECONDS = 600


@dataclass(slots=True)
class Systems:
    """What a run of the bench works on."""

    home: Path
    products: int
    database: MariaDB
    _stack: ExitStack
    _medusa: MedusaPair | None = None
    _pair: MedusaPair | None = None
    _imported: bool = False
    _numbers: Iterator[int] = field(default_factory=count)

    @classmethod
    @contextmanager
    def open(cls, home: Path, products: int) -> Iterator[Systems]:
        with ExitStack() as stack:
            database = MariaDB.start()
            stack.callback(database.stop)
            opened = cls(home, products, database, stack)
            stack.callback(opened._close_pair)
            yield opened

    def site(self) -> WordPress:
        """A fresh WordPress on MariaDB with our plugin; whoever asks for it stops it."""
        return WordPress.start(cache_dir(), database=self.database, plugin=WORDPRESS_PLUGIN)

    def fresh_pair(self) -> MedusaPair:
        """Medusa and an empty site, the daemon not yet started. The pair before it is gone then."""
        self._close_pair()
        self._imported = False
        home, site = self.home / f"pair-{next(self._numbers)}", self.site()
        if self._medusa is None:
            self._medusa = MedusaPair.lay_out(home, self._start_medusa, site)
            self._pair = self._medusa
        else:
            self._pair = _again(self._medusa, home, site)
        return self._pair

    def imported_pair(self) -> MedusaPair:
        """A pair whose first import is through and proved; its daemon is idle."""
        pair = self._pair if self._imported and self._pair else self.fresh_pair()
        if pair.installed.daemon is None:
            pair.installed.start()
        until(partial(proved, pair.installed), "the proof of the first import", PROOF_SECONDS)
        self._imported = True
        return pair

    def keep(self) -> None:
        """The present pair's import is through: let the next part have it."""
        self._imported = True

    def _start_medusa(self, settings: dict[str, str]) -> Medusa:
        postgres = Postgres.start()
        self._stack.callback(postgres.stop)
        medusa = Medusa.start(
            cache_dir(), postgres, products=self.products, plugin=MEDUSA_PLUGIN, settings=settings
        )
        self._stack.callback(medusa.stop)
        return medusa

    def _close_pair(self) -> None:
        if self._pair is not None:
            self._pair.installed.stop()
            self._pair.site.stop()
            self._pair = None


def _again(pair: MedusaPair, home: Path, site: WordPress) -> MedusaPair:
    """The same Medusa with another site and a new state, at the address that Medusa calls."""
    before = pair.installed
    settings = {**before.settings, "sites": {"blog": site_settings(site.url)}}
    environment = {**before.secrets, "SITE_SECRET": pair_with(site)}
    return MedusaPair(pair.medusa, site, Installed(home, settings, environment, before.port))


def proved(installed: Installed) -> bool:
    """Whether nothing is due and a reconcile has proved the first import."""
    if installed.due():
        return False
    runs = installed.ask("status")["runs"]
    return any(run["kind"] == "reconcile" and run["outcome"] == "done" for run in runs)
