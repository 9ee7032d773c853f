"""Pictures: each downloaded and sent once, ever; on every page that shows it; a dead one stops
nobody."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from connector.errors import Rejected, TryAgain
from connector.model import FieldName, Media, Product
from connector.net.pictures import PictureFile, PictureRules
from connector.reconcile import reconcile
from connector.state import pictures, tables
from connector.testing import generate
from connector.testing.catalogue import MemoryCatalogue
from connector.testing.clock import FakeClock
from connector.testing.faults import Fault, FaultySite, Script, lost_answer, refused, throttled
from connector.testing.site import MemorySite
from tests.house import SITE, House

SUBJECT = generate.product_subject
MEDIA = FieldName("media")


class Pictures:
    """Plays the backend's pictures: by address their bytes, or what goes wrong with them."""

    def __init__(self) -> None:
        self.downloads: Counter[str] = Counter()
        self.bytes: dict[str, bytes] = {}
        self.broken: dict[str, Callable[[], Exception]] = {}
        self._lock = threading.Lock()

    def fetch(self, url: str, _rules: PictureRules) -> PictureFile:
        with self._lock:
            self.downloads[url] += 1
        if url in self.broken:
            raise self.broken[url]()
        body = b"\x89PNG\r\n\x1a\n" + self.bytes.get(url, url.encode())
        return PictureFile(hashlib.sha256(body).hexdigest(), "image/png", "png", body)


def showing(number: int, *urls: str) -> Product:
    return replace(generate.product(number), media=tuple(Media(url) for url in urls))


def address(name: object) -> str:
    return f"https://shop.example/{name}.png"


@pytest.fixture
def seen() -> Pictures:
    return Pictures()


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def house(tmp_path: Path, seen: Pictures, script: Script) -> Iterator[House]:
    site, clock = MemorySite("blog"), FakeClock()
    house = House(
        tmp_path,
        MemoryCatalogue(),
        site,
        seen_site=FaultySite(site, script, clock),
        clock=clock,
    )
    house.work.fetch = seen.fetch
    yield house
    house.database.close()


def fill(house: House, *products: Product) -> None:
    for product in products:
        house.catalogue.put(product)
    house.fill()


def shown(house: House, number: int) -> list[object]:
    page = house.site.page(SUBJECT(number))
    assert page is not None
    listed = page.fields[MEDIA]
    assert isinstance(listed, list)
    return [each["id"] for each in listed if isinstance(each, dict)]


def test_a_picture_of_many_products_is_fetched_and_sent_once_and_is_on_every_page(
    house: House, seen: Pictures
) -> None:
    count = 35
    fill(house, *[showing(n, address("logo"), address(n)) for n in range(count)])
    assert seen.downloads == Counter({address("logo"): 1} | {address(n): 1 for n in range(count)})
    assert house.site.counts["upload_media"] == count + 1
    ids = [shown(house, n) for n in range(count)]
    assert all(len(each) == 2 for each in ids)
    assert len({each[0] for each in ids}) == 1
    assert len({each[1] for each in ids}) == count


def test_a_product_that_comes_later_shows_a_known_picture_without_fetching_it(
    house: House, seen: Pictures
) -> None:
    fill(house, showing(1, address("logo")))
    house.catalogue.put(showing(2, address("logo")))
    house.poll()
    assert shown(house, 1) == shown(house, 2) != []
    assert seen.downloads[address("logo")] == 1


def test_nothing_is_fetched_or_sent_again_when_all_is_looked_at_again(
    house: House, seen: Pictures
) -> None:
    fill(house, *[showing(n, address(n)) for n in range(3)])
    for number in range(3):
        house.catalogue.put(replace(showing(number, address(number)), tags=("again",)))
    house.poll()
    assert set(seen.downloads.values()) == {1}
    assert house.site.counts["upload_media"] == 3


def test_the_same_bytes_under_other_addresses_are_sent_once(house: House, seen: Pictures) -> None:
    seen.bytes = {address("a"): b"same", address("b"): b"same", address("c"): b"same"}
    fill(house, showing(1, address("a"), address("b")), showing(2, address("c")))
    assert house.site.counts["upload_media"] == 1
    assert len({*shown(house, 1), *shown(house, 2)}) == 1


def test_a_picture_sent_by_a_lost_state_is_found_and_not_sent_again(
    house: House, seen: Pictures
) -> None:
    fill(house, showing(1, address(1)))
    with house.database.write() as connection:
        connection.execute(tables.pictures.delete())
    house.catalogue.put(showing(2, address(1)))
    house.poll()
    assert house.site.counts["upload_media"] == 1
    assert shown(house, 1) == shown(house, 2)


def test_a_dead_picture_leaves_its_product_whole_and_is_tried_so_often_and_no_more(
    house: House, seen: Pictures
) -> None:
    seen.broken[address("dead")] = lambda: TryAgain("no answer in time")
    fill(house, showing(1, address("dead"), address("alive")))
    assert house.due() == 0
    assert house.parked() == []
    assert seen.downloads[address("dead")] == pictures.MAX_ATTEMPTS
    assert seen.downloads[address("alive")] == 1
    assert len(shown(house, 1)) == 1
    assert len(house.site.offers(SUBJECT(1))) == 2
    house.catalogue.put(replace(showing(1, address("dead"), address("alive")), tags=("x",)))
    house.poll()
    assert seen.downloads[address("dead")] == pictures.MAX_ATTEMPTS
    assert any("left out" in step.message for step in house.story(SUBJECT(1)))


def test_a_picture_that_was_given_up_is_tried_again_once_an_hour_when_it_is_looked_at(
    house: House, seen: Pictures
) -> None:
    seen.broken[address(1)] = lambda: TryAgain("no answer in time")
    seen.broken[address(2)] = lambda: Rejected("not found")
    fill(house, showing(1, address(1), address(2)))
    assert shown(house, 1) == []
    tried = seen.downloads.copy()
    house.clock.advance(hours=2)
    reconcile(house.database, house.work.target(), house.clock, "test")
    house.settle()
    assert seen.downloads == {url: count + 1 for url, count in tried.items()}
    assert house.due() == 0
    seen.broken.clear()
    house.clock.advance(hours=2)
    reconcile(house.database, house.work.target(), house.clock, "test")
    house.settle()
    assert len(shown(house, 1)) == 2


def test_a_picture_that_the_site_lost_is_brought_again(house: House, seen: Pictures) -> None:
    fill(house, showing(1, address(1), address(2)), showing(2, address(2)))
    before = shown(house, 2)
    lost = [hash_ for hash_, held in house.site._media.items() if held.cms_id == before[0]]
    house.site._media.pop(lost[0])
    reconcile(house.database, house.work.target(), house.clock, "test")
    house.settle()
    assert len(shown(house, 1)) == 2
    assert shown(house, 2) != before
    assert house.site._media[lost[0]].cms_id == shown(house, 2)[0]
    reconcile(house.database, house.work.target(), house.clock, "test")
    assert house.due() == 0


def test_a_site_that_denies_its_pictures_loses_none_from_its_pages(
    house: House, seen: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(house, showing(1, address(1)))
    before, written = shown(house, 1), house.site.counts["write_content"]
    with monkeypatch.context() as denying:
        denying.setattr(house.site, "find_media", lambda _: {})
        reconcile(house.database, house.work.target(), house.clock, "test")
    house.settle()
    assert shown(house, 1) == before
    assert house.site.counts["write_content"] == written


def test_what_is_no_picture_is_tried_once(house: House, seen: Pictures) -> None:
    seen.broken[address("page")] = lambda: Rejected("what stands there is no picture")
    fill(house, showing(1, address("page")))
    assert seen.downloads[address("page")] == 1
    assert shown(house, 1) == []
    assert house.parked() == []


def test_a_new_address_gets_a_new_chance(house: House, seen: Pictures) -> None:
    seen.broken[address("page")] = lambda: Rejected("what stands there is no picture")
    fill(house, showing(1, address("page")))
    house.catalogue.put(showing(1, address("better")))
    house.poll()
    assert len(shown(house, 1)) == 1


def test_a_picture_that_comes_at_the_second_try_is_shown(house: House, seen: Pictures) -> None:
    failures = iter([TryAgain("busy")])

    def once() -> Exception:
        seen.broken.clear()
        return next(failures)

    seen.broken[address(1)] = once
    fill(house, showing(1, address(1)))
    assert len(shown(house, 1)) == 1
    assert seen.downloads[address(1)] == 2


@pytest.mark.parametrize("fault", [lost_answer(), throttled(), refused()])
def test_a_failed_upload_is_repeated_without_a_second_picture(
    house: House, script: Script, fault: Fault
) -> None:
    script.on("upload_media", fault)
    fill(house, showing(1, address(1)), showing(2, address(2)))
    assert len(shown(house, 1)) == len(shown(house, 2)) == 1
    assert shown(house, 1) != shown(house, 2)
    assert len(house.site._media) == 2


def test_a_picture_that_the_site_breaks_on_holds_nothing_else_up(
    house: House, script: Script, seen: Pictures
) -> None:
    script.always("upload_media", Fault(TryAgain("the site answered 500")))
    began = house.clock.now()
    fill(house, showing(1, address(1)), showing(2))
    assert (house.clock.now() - began).total_seconds() < 120
    assert house.due() == 0
    assert house.parked() == []
    assert house.site.counts["check"] < 10
    assert len(house.site.offers(SUBJECT(1))) == 2
    assert shown(house, 1) == []


def test_a_picture_that_the_site_refuses_is_left_out(house: House, script: Script) -> None:
    script.always("upload_media", Fault(Rejected("the site takes no PNG")))
    fill(house, showing(1, address(1)))
    assert house.due() == 0
    assert shown(house, 1) == []
    with house.database.read() as connection:
        (known,) = pictures.load_pictures(connection, SITE, [address(1)]).values()
    assert known.error == "the site takes no PNG"
