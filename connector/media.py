"""The media lane: pictures of due products to the site, each sent once, ever.

A picture is known by its address at the backend and by its content: the same bytes under another
address are not sent again. A dead picture is noted with its reason and tried a few times more; its
product is shown without it. When a picture has come, its product's page is due again.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from connector.errors import ConnectorError, Rejected, TryAgain, blaming
from connector.model import CmsId, Lane, Media, Product
from connector.net.pictures import PictureFile, PictureRules, fetch_picture
from connector.ports import Clock, MediaUpload
from connector.receipts import Receipts
from connector.state import leases, pictures, runs, todo
from connector.state.database import Database
from connector.state.leases import Claimed
from connector.state.pictures import MAX_ATTEMPTS, Picture
from connector.state.runs import Step
from connector.state.targets import site_target
from connector.state.todo import Due, Priority, Why
from connector.target import Target
from connector.truth import TruthReader, Truths
from connector.work.retry import RetryPolicy, backoff_seconds

Fetch = Callable[[str, PictureRules], PictureFile]
DOWNLOADS_AT_ONCE = 4


class MediaDelivery:
    """Brings one site the pictures it lacks."""

    def __init__(
        self,
        database: Database,
        target: Target,
        clock: Clock,
        policy: RetryPolicy,
        rules: PictureRules,
        fetch: Fetch = fetch_picture,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.target = target
        self._database = database
        self._clock = clock
        self._policy = policy
        self._rules = rules
        self._fetch = fetch
        self._chance = chance
        self._receipts = Receipts(database, target.backend, target.name, clock, policy, chance)
        self._reader = TruthReader(database, target, clock)

    def deliver(self, claims: Sequence[Claimed]) -> None:
        """Carry out claims of the media lane. Raises as Delivery.deliver does."""
        try:
            failures = {claim.subject: claim.attempts for claim in claims}
            truths = self._reader.products(failures, failures)
            with ThreadPoolExecutor(DOWNLOADS_AT_ONCE, "pictures") as pool:
                for claim in claims:
                    self._one(claim, truths, pool)
        except ConnectorError as error:
            self._receipts.give_back(claims, error)
            raise

    def _one(self, claim: Claimed, truths: Truths, pool: ThreadPoolExecutor) -> None:
        failed = truths.rejected.get(claim.subject)
        if isinstance(failed, TryAgain):
            self._receipts.fail([claim], failed)
            return
        urls = truths.pictures.get(claim.subject, ())
        product = truths.products.get(claim.subject)
        tried = self._bring(urls, product, pool) if product and urls else []
        came_before = bool(product and product.media and not urls)
        now = self._clock.now()
        again = [picture for picture in tried if pictures.worth_trying(picture, now)]
        with self._database.write() as connection:
            if claim.id not in leases.still_held(connection, [claim]):
                return
            for picture in tried:
                pictures.save_picture(connection, claim.site, picture)
            if came_before or any(picture.cms_id for picture in tried):
                todo.mark(
                    connection,
                    [Due(claim.site, Lane.CONTENT, claim.subject)],
                    priority=Priority(claim.priority),
                    now=now,
                    why=Why(claim.trace_id, "its pictures have come", claim.run_id),
                )
            if again:
                worst = max(picture.attempts for picture in again)
                wait = backoff_seconds(worst, self._policy, self._chance())
                later = now + timedelta(seconds=wait)
                leases.release(connection, [claim], due_at=later, error=again[0].error)
            else:
                leases.finish(connection, [claim])
            runs.record(connection, [self._step(claim, picture) for picture in tried])

    def _bring(
        self, urls: Sequence[str], product: Product, pool: ThreadPoolExecutor
    ) -> list[Picture]:
        """Try each of these pictures; the answer says of each how far it got.

        Those that another product of the same batch has brought or given up are not tried again.
        """
        with self._database.read() as connection:
            known = pictures.load_pictures(connection, self.target.name, urls)
        alt = {media.url: _alt(media, product) for media in product.media}
        now = self._clock.now()
        settled = [
            known[u] for u in urls if u in known and not pictures.worth_trying(known[u], now)
        ]
        left = [url for url in dict.fromkeys(urls) if known.get(url) not in settled]
        files = list(pool.map(self._download, left))
        return settled + [
            self._place(url, file, alt[url], known.get(url))
            for url, file in zip(left, files, strict=True)
        ]

    def _download(self, url: str) -> PictureFile | ConnectorError:
        try:
            return self._fetch(url, self._rules)
        except (Rejected, TryAgain) as error:
            return error

    def _place(
        self, url: str, file: PictureFile | ConnectorError, alt: str, before: Picture | None
    ) -> Picture:
        attempts = (before.attempts if before else 0) + 1
        if isinstance(file, PictureFile):
            try:
                cms_id = self._at_site(url, file, alt)
            except (Rejected, TryAgain) as error:
                file = self._failed_alone(error)
            else:
                now = self._clock.now()
                return Picture(url, file.content_hash, cms_id, attempts, None, now)
        if isinstance(file, Rejected):
            attempts = MAX_ATTEMPTS
        return Picture(url, None, None, attempts, file.message, self._clock.now())

    def _failed_alone(self, error: Rejected | TryAgain) -> Rejected | TryAgain:
        """The error, where the site is well and fails at this picture only; raises elsewhere."""
        if isinstance(error, TryAgain):
            if error.retry_after_seconds is not None:
                raise error
            with blaming(site_target(self.target.name)):
                self.target.site.check()
        return error

    def _at_site(self, url: str, file: PictureFile, alt: str) -> CmsId:
        with self._database.read() as connection:
            known = pictures.picture_by_hash(connection, self.target.name, file.content_hash)
        if known is not None:
            return known
        name = PurePosixPath(urlsplit(url).path).stem[:80] or "picture"
        upload = MediaUpload(
            file.content_hash, f"{name}.{file.extension}", file.content_type, alt, file.body
        )
        with blaming(site_target(self.target.name)):
            found = self.target.site.find_media([file.content_hash])
            if file.content_hash in found:
                return found[file.content_hash].cms_id
            with self.target.pacer.turn("upload_media", 1, urgent=False):
                return self.target.site.upload_media(upload).cms_id

    def _step(self, claim: Claimed, picture: Picture) -> Step:
        if picture.cms_id:
            message = f"picture {picture.url} is at the site"
        elif pictures.worth_trying(picture, self._clock.now()):
            message = f"picture failed, to be tried again: {picture.error}"
        else:
            message = f"picture left out: {picture.error}"
        return Step(
            at=self._clock.now(),
            trace_id=claim.trace_id,
            backend=self.target.backend,
            subject=claim.subject,
            step="picture",
            message=message,
            site=claim.site,
            lane=Lane.MEDIA,
        )


def _alt(media: Media, product: Product) -> str:
    return media.alt.get(product.default_locale, "") or product.texts[product.default_locale].title
