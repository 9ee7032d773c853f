"""What every adapter must keep, as pytest classes: every promise of ports.py, one test each.

An adapter's test file subclasses a suite and overrides its `bench` fixture, nothing else:

    class TestMySite(SiteConformance):
        @pytest.fixture
        def bench(self, ...) -> Iterator[SiteBench]:
            yield MyBench(...)

A bench opens the adapter and plays the other side: the merchant for a catalogue and for carts, the
editors for a site. Needs pytest; the rest of the kit does not.
"""

import pytest

pytest.register_assert_rewrite(f"{__name__}.carts", f"{__name__}.catalogue", f"{__name__}.site")

from connector.testing.conformance.carts import CartsBench, CartsConformance  # noqa: E402
from connector.testing.conformance.catalogue import (  # noqa: E402
    CatalogueBench,
    CatalogueConformance,
)
from connector.testing.conformance.site import SiteBench, SiteConformance  # noqa: E402

__all__ = [
    "CartsBench",
    "CartsConformance",
    "CatalogueBench",
    "CatalogueConformance",
    "SiteBench",
    "SiteConformance",
]
