"""A shop and editors at pages, and all that comes between them: faults, deaths, restarts, late
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
from connector.model import (
    FieldName,
    JsonValue,
    Lane,
    Product,
    ProductId,
    Subject,
    SubjectKind,
)
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
from connector.state import conflicts, leases, todo
from connector.state.conflicts import OpenConflict
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


# ---- one page ----


class Page:
    """One product and its page: what each side has written, and who had seen what."""

    def __init__(self, catalogue: MemoryCatalogue, editor: Editor, number: int) -> None:
        self.catalogue, self.by_editor = catalogue, editor
        self.subject = generate.product_subject(number)
        self.shop = [f"shop {place} as begun" for place in range(PLACES)]
        self.editor = [f"editor's place {place}" for place in range(PLACES)]
        self.titles = Lineage()
        self.steps = self.edits = 0
        self.catalogue.put(generate.product(number))
        self.say(title="shop 0", description=self.text())
        self.titles.write("shop 0")

    def write(self, dice: random.Random) -> None:
        """One of the two saves one of their texts."""
        self.steps += 1
        place = dice.randrange(PLACES)
        match dice.randrange(4):
            case 0:
                title = f"shop {self.steps}"
                self.titles.write(title, self.said(TITLE))
                self.say(title=title)
            case 1:
                text, new = self.said(DESCRIPTION), f"shop {place} at {self.steps}"
                assert f"<p>{self.shop[place]}</p>" in text, f"{self.shop[place]!r} is lost"
                self.say(description=text.replace(self.shop[place], new))
                self.shop[place] = new
            case 2 if (there := self.shown(TITLE)) is not None:
                title = f"editor {self.steps}"
                self.titles.write(title, there)
                self.edit(TITLE, title)
            case 3 if (there := self.shown(DESCRIPTION)) is not None:
                old, new = self.editor[place], f"editor {place} at {self.steps}"
                assert f"<p>{old}</p>" in there, f"{old!r} is not on the page any more"
                self.editor[place] = new
                self.edit(DESCRIPTION, there.replace(old, new))

    def edit(self, name: FieldName, text: str) -> None:
        self.edits += 1
        self.by_editor.edit(self.subject, name, text)

    def shown(self, name: FieldName) -> str | None:
        """What the page holds."""
        return self.by_editor.read(self.subject, name)

    def say(self, **words: str) -> None:
        """The merchant saves."""
        old = self._product()
        text = replace(old.texts[old.default_locale], **words)
        self.catalogue.put(replace(old, texts={old.default_locale: text}))

    def said(self, name: FieldName) -> str:
        """What the shop holds."""
        product = self._product()
        return str(getattr(product.texts[product.default_locale], name))

    def _product(self) -> Product:
        id_ = ProductId(self.subject.id)
        return self.catalogue.fetch([id_]).products[id_]

    def text(self) -> str:
        """The description with both sides' last words."""
        return "".join(
            f"<p>{shops}</p>\n<p>{editors}</p>\n"
            for shops, editors in zip(self.shop, self.editor, strict=True)
        )

    def check(self, open_here: Sequence[OpenConflict], two_way: bool) -> None:
        """Both sides' last words stand, and of titles nothing is lost that nobody had seen."""
        here, there = self.shown(TITLE), self.said(TITLE)
        lines = self.text().strip().split("\n")
        assert str(self.shown(DESCRIPTION)).strip().split("\n") == lines
        assert not two_way or self.said(DESCRIPTION).strip().split("\n") == lines
        standing = {str(here)}
        if open_here:
            (one,) = open_here
            sides = one.contested.conflict
            assert (sides.site, sides.backend) == (here, there)
            standing.add(there)
        elif two_way:
            assert here == there
        written = {value for value in self.titles.seen if not value.startswith("third")}
        lost = written - self.titles.behind(*standing)
        assert not lost, f"{lost} lost; {here!r} stands on the page, {there!r} in the shop"


# ---- one life ----


class Desk:
    """One life of some pages, by a seed. Every second one's words are two-way."""

    def __init__(
        self,
        folder: Path,
        seed: int,
        site: Site,
        editor: Editor,
        numbers: Sequence[int],
        database: Database | None = None,
    ) -> None:
        self.dice = random.Random(seed)
        self.clock = FakeClock()
        self.plans = tuple(_faults(seed + place) for place in range(2))
        self.catalogue = MemoryCatalogue()
        self.pages = [Page(self.catalogue, editor, number) for number in numbers]
        self.two_way = bool(seed % 2)
        owner = Owner.TWO_WAY if self.two_way else Owner.MERGE
        owners = {**DEFAULT_OWNERS, "title": owner, "description": owner}
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
        self.shown: dict[tuple[Subject, JsonValue, JsonValue], set[datetime]] = {}
        """Conflicts, and when each was found."""
        self.depth = self.crossings = self.deaths = self.seconds = 0

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
        """At about every page something is saved."""
        for page in self.pages:
            if len(self.pages) == 1 or self.dice.random() < 0.8:
                page.write(self.dice)

    def meanwhile(self) -> None:
        """What happens while a call is on its way."""
        if self.depth < DEEPEST and self.dice.random() < 0.15 + 0.35 * (len(self.pages) > 1):
            self.depth += 1
            for page in self.pages:
                if len(self.pages) == 1 or self.dice.random() < 0.2:
                    self.crossings += 1
                    page.write(self.dice)
            self.depth -= 1

    def decide(self) -> None:
        """Somebody who has both sides of conflicts before them says what holds."""
        choice = self.dice.choice(list(Choice))
        self.seconds += 1
        third = f"third {self.seconds}"
        with self.house.database.write() as connection:
            open_ = conflicts.list_conflicts(connection, undecided=True)
            decided = conflicts.decide(
                connection,
                [one for one in open_ if self.dice.random() < 0.6],
                choice,
                value=third,
                asked_by="me",
                now=self.clock.now(),
            )
            todo.mark(
                connection,
                [todo.Due(SITE, Lane.CONTENT, one.subject) for one in decided],
                priority=todo.Priority.PERSON,
                now=self.clock.now(),
                why=todo.Why("trace", "decided"),
            )
        titles = {page.subject: page.titles for page in self.pages}
        for one in decided:
            sides = one.contested.conflict
            here, there = str(sides.site), str(sides.backend)
            match choice:
                case Choice.SITE:
                    titles[one.subject].write(here, there)
                case Choice.BACKEND:
                    titles[one.subject].write(there, here)
                case Choice.VALUE:
                    titles[one.subject].write(third, here, there)

    # ---- what machines do ----

    def restart(self) -> None:
        """A daemon that died with claims in its hands; sometimes nobody knows that it did."""
        if self.dice.random() < 0.7:
            with self.house.database.write() as connection:
                leases.release_all(connection)
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

    def open_conflicts(self) -> list[OpenConflict]:
        with self.house.database.read() as connection:
            return conflicts.list_conflicts(connection)

    def look(self) -> None:
        """Every conflict that is shown, with when it was found; none is of the description."""
        for one in self.open_conflicts():
            sides = one.contested.conflict
            assert one.field == TITLE, f"{sides} need no person"
            key = (one.subject, sides.backend, sides.site)
            self.shown.setdefault(key, set()).add(one.found_at)

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
        """Nothing is lost or echoed, every conflict was shown once, nothing is left to do."""
        open_ = self.open_conflicts()
        for page in self.pages:
            page.check([one for one in open_ if one.subject == page.subject], self.two_way)
        twice = {key: moments for key, moments in self.shown.items() if len(moments) > 1}
        assert not twice, twice
        back = [each.words.get("title", "") for each in self.catalogue.taken]
        assert not [title for title in back if title.startswith("shop")], back
        assert not self.catalogue.taken or self.two_way
        assert self.house.due() == 0
        assert self.house.parked() == []
        self._check_rest()

    def _check_rest(self) -> None:
        """Looking again writes nothing anywhere."""
        before, stands = self._written(), self._stands()
        self.work()
        self.reconcile()
        self.work()
        assert self._written() == before
        assert self._stands() == stands

    def _written(self) -> tuple[int, int]:
        """Writes that reached the site, where it can tell, and the shop."""
        inner = self.seen_site.inner
        here = len(inner.written()) if isinstance(inner, MemorySite) else 0
        return here, len(self.catalogue.taken)

    def _stands(self) -> list[object]:
        names = (TITLE, DESCRIPTION)
        return [(page.shown(name), page.said(name)) for page in self.pages for name in names]

    def close(self) -> None:
        self.house.database.close()


def _faults(seed: int) -> Seeded:
    faults = [refused(), throttled(), lost_answer(), broken_off()]
    faults += [fatal(When.BEFORE), fatal(When.AFTER)]
    return Seeded(seed, rate=0.2, faults=faults)
