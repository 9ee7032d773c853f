"""One site at work: opened when first needed, its deliveries, its probes. What the engine calls.

A site that cannot be opened now is no reason for the others to wait: opening is tried again when
its suspension ends.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from connector.deliver import Delivery
from connector.editors.log import EditLog
from connector.editors.notes import EditorNotes
from connector.editors.requests import EditorRequests
from connector.editors.summary import SiteSummary
from connector.editors.write_back import WriteBack
from connector.errors import ConnectorError, blaming
from connector.media import Fetch, MediaDelivery
from connector.model import BackendName, Lane, SiteName
from connector.net.pictures import PictureRules, fetch_picture
from connector.pacer import Pacer
from connector.ports import Catalogue, Clock, Site, SiteFacts
from connector.receipts import Receipts
from connector.state import asked, targets
from connector.state.database import Database
from connector.state.leases import Claimed
from connector.sync.rules import SiteRules
from connector.target import Target
from connector.work.pace import Limits
from connector.work.retry import RetryPolicy


@dataclass(slots=True)
class SiteWork:
    """Implements work.embedded.Handler for one site."""

    database: Database
    name: SiteName
    backend: BackendName
    site: Site
    catalogue: Catalogue
    rules: SiteRules
    clock: Clock
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    picture_rules: PictureRules = field(default_factory=PictureRules)
    limits: Limits = field(default_factory=Limits)
    sharers: Callable[[], int] = lambda: 1
    """How many processes work for the site."""
    fresh_seconds: float = 60.0
    """Older changes count as late."""
    nudge: str | None = None
    """Where the site can say that its editors wait."""
    wake: Callable[[], None] = lambda: None
    """Lets the engine look for what is due."""
    fetch: Fetch = fetch_picture
    chance: Callable[[], float] = random.random
    _opening: threading.Lock = field(default_factory=threading.Lock)
    _open: tuple[Delivery, MediaDelivery] | None = None
    _summary: SiteSummary | None = None

    def deliver(self, claims: Sequence[Claimed]) -> None:
        """Carry out claims, all of the media or the words lane, or none."""
        try:
            delivery, media = self.opened()
        except ConnectorError as error:
            self._receipts().give_back(claims, error)
            raise
        match claims[0].lane if claims else None:
            case Lane.MEDIA:
                media.deliver(claims)
            case Lane.WORDS:
                receipts = self._receipts()
                WriteBack(self.database, delivery.target, self.clock, receipts).deliver(claims)
            case _:
                delivery.deliver(claims)

    def crashed(self, claims: Sequence[Claimed], error: Exception) -> None:
        """A bug of ours: each claim counts as failed, and is parked when that repeats."""
        what = ConnectorError(
            f"something unforeseen happened ({type(error).__name__}); the log has the details."
            " Please report it, then `connector parked retry`"
        )
        receipts = self._receipts()
        receipts.doubt(claims)
        receipts.fail(claims, what)

    def probe(self, target: str) -> None:
        """Call the backend or the site once. Raises while it cannot be worked with."""
        if target == targets.backend_target(self.backend):
            with blaming(target):
                self.catalogue.check()
        else:
            self._check()

    def read_edits(self) -> int:
        """Take over what people did at the site. Answers how many events."""
        return EditLog(self.database, self.target(), self.clock).pull()

    def tell_editors(self) -> int:
        """Tell the site what its editors should see. Answers of how many products."""
        return EditorNotes(self.database, self.target(), self.clock).tell()

    def tell_summary(self) -> bool:
        """Tell the site how it stands as a whole, where there is need."""
        if self._summary is None:
            self._summary = SiteSummary(
                self.database, self.target(), self.clock, self.fresh_seconds, self.nudge
            )
        return self._summary.tell()

    def attend(self) -> bool:
        """Do what editors asked, and answer them. Answers whether something is still under way.

        What they see beside their products is told before the answer, so that both agree.
        """
        with self.database.read() as connection:
            if not asked.any_open(connection, self.name):
                return False
        requests = EditorRequests(self.database, self.target(), self.clock, self.wake)
        if requests.work():
            self.tell_editors()
        requests.answer()
        with self.database.read() as connection:
            busy = asked.any_open(connection, self.name)
        if not busy:
            self.tell_summary()
        return busy

    def target(self) -> Target:
        """The site, opened. Raises ConnectorError when it cannot be now."""
        return self.opened()[0].target

    def is_open(self) -> bool:
        """Whether the site was asked before what it can do."""
        return self._open is not None

    def opened(self) -> tuple[Delivery, MediaDelivery]:
        with self._opening:
            if self._open is None:
                target = Target.opened(
                    self.name,
                    self.backend,
                    self.site,
                    self.catalogue,
                    self.rules,
                    self._check().capabilities,
                    Pacer(self.clock, self.limits, self.sharers),
                )
                delivery = Delivery(self.database, target, self.clock, self.policy, self.chance)
                media = MediaDelivery(
                    self.database,
                    target,
                    self.clock,
                    self.policy,
                    self.picture_rules,
                    self.fetch,
                    self.chance,
                )
                self._open = (delivery, media)
            return self._open

    def _check(self) -> SiteFacts:
        with blaming(targets.site_target(self.name)):
            facts = self.site.check()
        with self.database.write() as connection:
            targets.rise_above(connection, facts.highest_fence)
        return facts

    def _receipts(self) -> Receipts:
        return Receipts(
            self.database, self.backend, self.name, self.clock, self.policy, self.chance
        )
