"""A shop and an editor at one page, and all that comes between them: faults, deaths, restarts, late
signals, writes that cross. For any site that can be edited and read.

Both write the title, each time anew, so that whoever writes has seen one value and replaces it; a
value is lost when it is none of those that stand at the end, and none of their writers had seen it.
Each has paragraphs of its own in the description, where nothing may ever clash.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import cast

from connector.errors import ConnectorError
from connector.model import FieldName, JsonValue, Lane, ProductId, Subject, SubjectKind
from connector.ports import (
    Catalogue,
    ContentWrite,
    Fetched,
    Receipt,
    Site,
    StoredDocument,
    WordsReceipt,
    WordsWrite,
)
from connector.reconcile import reconcile
from connector.state import conflicts, todo
from connector.state.database import Database
from connector.sync.edits import Choice
from connector.sync.owners import DEFAULT_OWNERS, Owner
from connector.sync.rules import SiteRules
from connector.testing import generate
from connector.testing.catalogue import MemoryCatalogue
from connector.testing.clock import FakeClock
from connector.testing.faults import (
    Fault,
    FaultyCatalogue,
    FaultySite,
    Seeded,
    When,
    broken_off,
    lost_answer,
    refused,
    throttled,
)
from connector.testing.site import MemorySite
from connector.work.retry import RetryPolicy
from tests.house import EUROS, SITE, House

TITLE, DESCRIPTION = FieldName("title"), FieldName("description")
PLACES = 3
DEEPEST = 2
"""How many writes may be under way within each other."""


class Death(BaseException):
    """The daemon dies here."""


def fatal(when: When) -> Fault:
    return Fault(cast(ConnectorError, Death()), when)


# ---- both hands ----


@dataclass(frozen=True)
class Editor:
    """How a page is changed and read at a site; None: there is no page yet."""

    edit: Callable[[Subject, FieldName, str], None]
    read: Callable[[Subject, FieldName], str | None]


def editor_of(site: MemorySite) -> Editor:
    def read(subject: Subject, name: FieldName) -> str | None:
        page = site.page(subject)
        return None if page is None else str(page.fields[name])

    return Editor(site.edit, read)


@dataclass(slots=True)
class Lineage:
    """Which values the writer of each value had seen."""

    seen: dict[str, set[str]] = field(default_factory=dict)

    def write(self, value: str, *replaced: str) -> None:
        self.seen.setdefault(value, set()).update(replaced)

    def behind(self, *values: str) -> set[str]:
        """These, and all that was seen on the way to them."""
        found: set[str] = set()
        waiting = list(values)
        while waiting:
            value = waiting.pop()
            if value not in found:
                found.add(value)
                waiting.extend(self.seen.get(value, ()))
        return found


class CrossedSite(FaultySite):
    """Things happen between a decision and its write, and before its answer."""

    meanwhile: Callable[[], None] = staticmethod(lambda: None)

    def write_content(self, batch: Sequence[ContentWrite]) -> Sequence[Receipt]:
        self.meanwhile()
        receipts = super().write_content(batch)
        self.meanwhile()
        return receipts

    def documents(self, kind: SubjectKind, ids: Sequence[str]) -> Sequence[StoredDocument]:
        documents = super().documents(kind, ids)
        self.meanwhile()
        return documents


class CrossedCatalogue(FaultyCatalogue):
    meanwhile: Callable[[], None] = staticmethod(lambda: None)

    def fetch(self, ids: Sequence[ProductId]) -> Fetched:
        fetched = super().fetch(ids)
        self.meanwhile()
        return fetched

    def write_words(self, write: WordsWrite) -> WordsReceipt:
        self.meanwhile()
        receipt = super().write_words(write)
        self.meanwhile()
        return receipt


# ---- one life ----


class Desk:
    """One life of one page, by a seed. Every second one's words are two-way."""

    def __init__(
        self,
        folder: Path,
        seed: int,
        site: Site,
        editor: Editor,
        number: int,
        database: Database | None = None,
    ) -> None:
        self.dice = random.Random(seed)
        self.clock = FakeClock()
        self.plans = tuple(_faults(seed + place) for place in range(2))
        self.catalogue = MemoryCatalogue()
        self.page = editor
        self.number, self.subject = number, generate.product_subject(number)
        self.owner = Owner.TWO_WAY if seed % 2 else Owner.MERGE
        owners = {**DEFAULT_OWNERS, "title": self.owner, "description": self.owner}
        self.seen_site = CrossedSite(site, self.plans[1], self.clock)
        self.seen_catalogue = CrossedCatalogue(self.catalogue, self.plans[0], self.clock)
        self.house = House(
            folder,
            self.catalogue,
            seen_catalogue=cast(Catalogue, self.seen_catalogue),
            seen_site=self.seen_site,
            rules=SiteRules(markets=(EUROS,), owners=owners, media=False),
            clock=self.clock,
            policy=RetryPolicy(park_after=10**6),
            database=database,
        )
        self.shop = [f"shop {place} as begun" for place in range(PLACES)]
        self.editor = [f"editor's place {place}" for place in range(PLACES)]
        self.titles = Lineage()
        self.shown: dict[tuple[JsonValue, JsonValue], set[datetime]] = {}
        """Conflicts, and when each was found."""
        self.steps = self.depth = self.edits = self.crossings = self.deaths = 0
        self.catalogue.put(generate.product(number))
        self.say(title="shop 0", description=self._text())
        self.titles.write("shop 0")

    def live(self, steps: int) -> None:
        """A first import, so many steps, and an end without faults."""
        self.seen_site.meanwhile = self.seen_catalogue.meanwhile = self.meanwhile
        self.attempt(self.house.fill)
        for _ in range(steps):
            self.step()
        self.end()

    def step(self) -> None:
        kind = self.dice.randrange(12)
        match kind:
            case 0 | 1 | 2:
                self.write()
            case 3:
                self.attempt(self.house.detector.poll)
            case 4 | 5:
                self.attempt(self.house.step)
            case 6:
                self.clock.advance(seconds=self.dice.randrange(40))
            case 7 | 8:
                self.attempt(self.house.work.read_edits)
            case 9:
                self.attempt(self.decide)
            case 10 if self.dice.random() < 0.3:
                self.attempt(self.reconcile)
            case 11 if self.dice.random() < 0.3:
                self.restart()
        self.look()

    # ---- what people do ----

    def write(self) -> None:
        """One of the two saves one of their texts."""
        self.steps += 1
        place = self.dice.randrange(PLACES)
        match self.dice.randrange(4):
            case 0:
                title = f"shop {self.steps}"
                self.titles.write(title, self.said(TITLE))
                self.say(title=title)
            case 1:
                text, new = self.said(DESCRIPTION), f"shop {place} at {self.steps}"
                assert f"<p>{self.shop[place]}</p>" in text, f"{self.shop[place]!r} is lost"
                self.say(description=text.replace(self.shop[place], new))
                self.shop[place] = new
            case 2 if (title_there := self.page.read(self.subject, TITLE)) is not None:
                title = f"editor {self.steps}"
                self.titles.write(title, title_there)
                self.edit(TITLE, title)
            case 3 if (text_there := self.page.read(self.subject, DESCRIPTION)) is not None:
                old, new = self.editor[place], f"editor {place} at {self.steps}"
                assert f"<p>{old}</p>" in text_there, f"{old!r} is not on the page any more"
                self.editor[place] = new
                self.edit(DESCRIPTION, text_there.replace(old, new))

    def edit(self, name: FieldName, text: str) -> None:
        self.edits += 1
        self.page.edit(self.subject, name, text)

    def say(self, **words: str) -> None:
        """The merchant saves."""
        found = self.catalogue.fetch([ProductId(self.subject.id)]).products
        old = found[ProductId(self.subject.id)]
        text = replace(old.texts[old.default_locale], **words)
        self.catalogue.put(replace(old, texts={old.default_locale: text}))

    def said(self, name: FieldName) -> str:
        """What the shop holds."""
        found = self.catalogue.fetch([ProductId(self.subject.id)]).products
        product = found[ProductId(self.subject.id)]
        return str(getattr(product.texts[product.default_locale], name))

    def decide(self) -> None:
        """Somebody who has both sides of a conflict before them says what holds."""
        choice = self.dice.choice(list(Choice))
        third = f"third {self.steps}"
        with self.house.database.write() as connection:
            open_ = conflicts.list_conflicts(connection, undecided=True)
            decided = conflicts.decide(
                connection, open_, choice, value=third, asked_by="me", now=self.clock.now()
            )
            todo.mark(
                connection,
                [todo.Due(SITE, Lane.CONTENT, self.subject)] if decided else [],
                priority=todo.Priority.PERSON,
                now=self.clock.now(),
                why=todo.Why("trace", "decided"),
            )
        for one in decided:
            sides = one.contested.conflict
            here, there = str(sides.site), str(sides.backend)
            match choice:
                case Choice.SITE:
                    self.titles.write(here, there)
                case Choice.BACKEND:
                    self.titles.write(there, here)
                case Choice.VALUE:
                    self.titles.write(third, here, there)

    def meanwhile(self) -> None:
        """What happens while a call is on its way."""
        if self.depth < DEEPEST and self.dice.random() < 0.15:
            self.depth += 1
            self.crossings += 1
            self.write()
            self.depth -= 1

    # ---- what machines do ----

    def restart(self) -> None:
        """A daemon that died with claims in its hands; sometimes nobody knows that it did."""
        if self.dice.random() < 0.7:
            with self.house.database.write() as connection:
                todo.release_all(connection)
        self.house.work._open = None

    def attempt(self, work: Callable[[], object]) -> None:
        try:
            work()
        except ConnectorError:
            self.clock.advance(seconds=1)
        except Death:
            self.deaths += 1
            self.depth = 0
            self.restart()

    def reconcile(self) -> None:
        reconcile(self.house.database, self.house.work.target(), self.clock, "desk")

    def look(self) -> None:
        """Every conflict that is shown, with when it was found; none is of the description."""
        with self.house.database.read() as connection:
            found = conflicts.list_conflicts(connection)
        for one in found:
            sides = one.contested.conflict
            assert one.field == TITLE, f"{sides} need no person"
            self.shown.setdefault((sides.backend, sides.site), set()).add(one.found_at)

    def end(self) -> None:
        for plan in self.plans:
            plan.stop()
        self.seen_site.meanwhile = self.seen_catalogue.meanwhile = lambda: None
        self.clock.advance(seconds=600)
        self.house.detector.poll()
        self.house.detector.import_new_sites()
        self.work()
        self.reconcile()
        self.work()
        self.look()

    def work(self) -> None:
        self.house.work.read_edits()
        self.house.settle(hours=48)
        self.house.detector.poll()
        self.house.settle(hours=48)

    # ---- what must be true then ----

    def check(self) -> None:
        """Both sides' last words stand, no echo goes on, and nothing else is left to do."""
        two_way = self.owner is Owner.TWO_WAY
        page = [self.page.read(self.subject, name) for name in (TITLE, DESCRIPTION)]
        shop = [self.said(name) for name in (TITLE, DESCRIPTION)]
        lines = self._text().strip().split("\n")
        assert str(page[1]).strip().split("\n") == lines
        assert not two_way or shop[1].strip().split("\n") == lines
        self._check_titles(str(page[0]), shop[0], two_way)
        assert all(len(moments) == 1 for moments in self.shown.values()), self.shown
        merchants = [each.words.get("title", "") for each in self.catalogue.taken]
        assert not [title for title in merchants if title.startswith("shop")], merchants
        assert not self.catalogue.taken or two_way
        assert self.house.due() == 0
        assert self.house.parked() == []
        self._check_rest(page, shop)

    def _check_titles(self, here: str, there: str, two_way: bool) -> None:
        with self.house.database.read() as connection:
            found = conflicts.list_conflicts(connection)
        standing = {here}
        if found:
            (one,) = found
            sides = one.contested.conflict
            assert (sides.site, sides.backend) == (here, there)
            standing.add(there)
        elif two_way:
            assert here == there
        written = {value for value in self.titles.seen if not value.startswith("third")}
        lost = written - self.titles.behind(*standing)
        assert not lost, f"{lost} lost; {here!r} stands on the page, {there!r} in the shop"

    def _check_rest(self, page: Sequence[object], shop: Sequence[object]) -> None:
        """Looking again writes nothing anywhere."""
        before, taken = len(self.seen_site_writes()), len(self.catalogue.taken)
        self.work()
        self.reconcile()
        self.work()
        assert len(self.seen_site_writes()) == before
        assert len(self.catalogue.taken) == taken
        assert page == [self.page.read(self.subject, name) for name in (TITLE, DESCRIPTION)]
        assert shop == [self.said(name) for name in (TITLE, DESCRIPTION)]

    def seen_site_writes(self) -> Sequence[object]:
        """Writes that reached the site, where it can tell."""
        inner = self.seen_site.inner
        return inner.written() if isinstance(inner, MemorySite) else ()

    def close(self) -> None:
        self.house.database.close()

    def _text(self) -> str:
        return "".join(
            f"<p>{shops}</p>\n<p>{editors}</p>\n"
            for shops, editors in zip(self.shop, self.editor, strict=True)
        )


def _faults(seed: int) -> Seeded:
    faults = [refused(), throttled(), lost_answer(), broken_off()]
    faults += [fatal(When.BEFORE), fatal(When.AFTER)]
    return Seeded(seed, rate=0.15, faults=faults)
