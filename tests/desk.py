"""A shop and an editor at one description, each with paragraphs of its own, and all that comes
between them: faults, restarts, reconciles. For any site that can be edited and read.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from connector.errors import ConnectorError
from connector.model import FieldName, ProductId, Subject
from connector.ports import Site
from connector.reconcile import reconcile
from connector.state import conflicts, todo
from connector.sync.rules import SiteRules
from connector.testing import generate
from connector.testing.catalogue import MemoryCatalogue
from connector.testing.clock import FakeClock
from connector.testing.faults import FaultyCatalogue, FaultySite, Seeded
from connector.testing.site import MemorySite
from connector.work.retry import RetryPolicy
from tests.house import EUROS, House

DESCRIPTION = FieldName("description")
PLACES = 3


@dataclass(frozen=True)
class Editor:
    """How a page is changed and read at a site; None: there is no page yet."""

    edit: Callable[[Subject, str], None]
    read: Callable[[Subject], str | None]


def editor_of(site: MemorySite) -> Editor:
    def read(subject: Subject) -> str | None:
        page = site.page(subject)
        return None if page is None else str(page.fields[DESCRIPTION])

    return Editor(lambda subject, text: site.edit(subject, DESCRIPTION, text), read)


class Desk:
    """One life of one page, by a seed."""

    def __init__(self, folder: Path, seed: int, site: Site, editor: Editor, number: int) -> None:
        self.dice = random.Random(seed)
        self.clock = FakeClock()
        self.plans = (Seeded(seed), Seeded(seed + 1))
        self.catalogue = MemoryCatalogue()
        self.page = editor
        self.number = number
        self.subject = generate.product_subject(number)
        self.house = House(
            folder,
            self.catalogue,
            seen_catalogue=FaultyCatalogue(self.catalogue, self.plans[0], self.clock),
            seen_site=FaultySite(site, self.plans[1], self.clock),
            rules=SiteRules(markets=(EUROS,), media=False),
            clock=self.clock,
            policy=RetryPolicy(park_after=10**6),
        )
        self.shop = [f"shop {place} as begun" for place in range(PLACES)]
        self.editor: dict[int, str] = {}
        self.steps = 0
        self.say()

    def say(self) -> None:
        """The merchant saves the description."""
        words = "".join(
            f"<p>{each}</p>\n<p>editor's place {place}</p>\n"
            for place, each in enumerate(self.shop)
        )
        found = self.catalogue.fetch([ProductId(self.subject.id)]).products
        old = found.get(ProductId(self.subject.id)) or generate.product(self.number)
        text = replace(old.texts[old.default_locale], description=words)
        self.catalogue.put(replace(old, texts={old.default_locale: text}))

    def live(self, steps: int) -> None:
        """A first import, so many steps, and an end without faults."""
        self.attempt(self.house.fill)
        for _ in range(steps):
            self.step()
        self.end()

    def step(self) -> None:
        self.steps += 1
        place, kind = self.dice.randrange(PLACES), self.dice.randrange(7)
        match kind:
            case 0:
                self.shop[place] = f"shop {place} at {self.steps}"
                self.say()
            case 1:
                self.edit(place)
            case 2:
                self.attempt(self.house.detector.poll)
            case 3:
                self.attempt(self.house.step)
            case 4:
                self.clock.advance(seconds=self.dice.randrange(40))
            case 5 if self.dice.random() < 0.2:
                self.attempt(self.reconcile)
            case 6 if self.dice.random() < 0.2:
                self.restart()

    def edit(self, place: int) -> None:
        text = self.page.read(self.subject)
        if text is None:
            return
        old = self.editor.get(place, f"editor's place {place}")
        assert f"<p>{old}</p>" in text, f"{old!r} is not on the page any more"
        self.editor[place] = f"editor {place} at {self.steps}"
        self.page.edit(self.subject, text.replace(old, self.editor[place]))

    def restart(self) -> None:
        """A daemon that died with claims in its hands."""
        with self.house.database.write() as connection:
            todo.release_all(connection)
        self.house.work._open = None

    def attempt(self, work: Callable[[], object]) -> None:
        try:
            work()
        except ConnectorError:
            self.clock.advance(seconds=1)

    def reconcile(self) -> None:
        reconcile(self.house.database, self.house.work.target(), self.clock, "desk")

    def end(self) -> None:
        for plan in self.plans:
            plan.stop()
        self.clock.advance(seconds=600)
        self.house.detector.poll()
        self.house.detector.import_new_sites()
        self.house.settle(hours=48)
        self.reconcile()
        self.house.settle(hours=48)

    def check(self) -> None:
        """Both sides' last words are on the page, and nothing else is left to do."""
        words = [
            f"<p>{each}</p>"
            for place, shops in enumerate(self.shop)
            for each in (shops, self.editor.get(place, f"editor's place {place}"))
        ]
        text = self.page.read(self.subject)
        assert text is not None
        assert text.strip().split("\n") == words
        with self.house.database.read() as connection:
            assert conflicts.list_conflicts(connection) == []
        assert self.house.due() == 0
        assert self.house.parked() == []
        self.house.database.close()
