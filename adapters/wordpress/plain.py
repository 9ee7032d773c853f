"""Plain mode: a WordPress site without our plugin, through core REST alone.

Slower and narrower than the plugin (see `PLAIN`): products are posts, offers a table inside them,
and identity is a marker in the content (plain_page), because core keeps nothing else for us. Core
has no lock and no unique key: this class reads, decides (plain_decide) and writes one batch after
the other, so one process may write to a site; an editor who saves in the same second may lose.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from adapters.plain.decide import Decide, Frame, PageWrite, W, Write, receipt_of_write, repeated
from adapters.plain.page import CATEGORIES
from adapters.plain.site import PLAIN, PlainSite, page_failed
from adapters.wordpress.plain_decide import CoreFrame, mended, slugs_for
from adapters.wordpress.plain_page import Post, places
from adapters.wordpress.plain_pages import Pages
from adapters.wordpress.plain_rest import BATCH, Answer, CoreRest
from adapters.wordpress.plain_terms import Terms
from connector.errors import ConnectorError, TargetDown
from connector.model import CmsId, FieldName, Lane, Locale, Subject
from connector.ports import (
    Clock,
    ContentWrite,
    Fence,
    MediaReceipt,
    MediaUpload,
    Receipt,
    Site,
    SiteFacts,
    SiteSettings,
)

_MEDIA_SLUG = "commerce-connector-"
_MEDIA_FIELDS = "id,slug,source_url"
_NEEDED = ("edit_posts", "publish_posts", "edit_others_posts", "upload_files", "manage_categories")
_GENERATOR = re.compile(r'<meta name="generator" content="WordPress ([0-9][0-9A-Za-z.-]{0,20})"')


def open_plain(settings: SiteSettings, clock: Clock) -> Site:
    """A site in plain mode. Makes no call."""
    return CoreSite(settings, clock)


class CoreSite(PlainSite[Post]):
    """`ports.Site` over core REST, for the subjects of one backend."""

    def __init__(self, settings: SiteSettings, clock: Clock) -> None:
        self._rest = CoreRest(settings, clock)
        super().__init__(settings, Terms(self._rest, settings.backend))
        post_type = str(settings.options.get("post_type", "posts"))
        self._path = f"/wp/v2/{post_type}"
        self._shown = places(post_type)
        self._pages = Pages(self._rest, self._path, settings.backend, clock)

    # ---- check ----

    def check(self) -> SiteFacts:
        index = self._rest.index()
        if index.get("authentication") == []:
            raise TargetDown(
                f"{self._home} takes no application passwords; serve it by https, or allow them "
                "in the security plugin"
            )
        user = _mapping(self._rest.get("/wp/v2/users/me", context="edit"))
        able = _mapping(user.get("capabilities"))
        if missing := [each for each in _NEEDED if not able.get(each)]:
            raise TargetDown(
                f"{self._home}: our user may not {', '.join(missing)}; make it an editor"
            )
        self._rest.get(self._path, context="edit", per_page="1")
        generator = _GENERATOR.search(self._rest.front_page())
        return SiteFacts(
            system="wordpress",
            version=generator[1] if generator else "unknown",
            extension_version=None,
            locales=(self._locale(able),),
            clock_skew_seconds=self._rest.skew_seconds,
            highest_fence=Fence(0, 0),
            capabilities=PLAIN,
            notes=tuple(_notes(able, self._shown)),
        )

    def _locale(self, able: Mapping[str, object]) -> Locale:
        """Core tells its language to administrators alone; others get the one it ships with."""
        if not able.get("manage_options"):
            return Locale("en-US")
        settings = _mapping(self._rest.get("/wp/v2/settings"))
        return Locale(str(settings.get("language") or "en_US").replace("_", "-"))

    # ---- writes ----

    def _write(self, batch: Sequence[W], lane: Lane, decide: Decide[W, Post]) -> list[Receipt]:
        """In runs of 25 that name no subject twice, so that each sees what the one before wrote."""
        receipts: list[Receipt] = []
        with self._lock:
            for run in _runs(batch):
                receipts += self._write_run(run, lane, decide)
        return receipts

    def _write_run(self, run: Sequence[W], lane: Lane, decide: Decide[W, Post]) -> list[Receipt]:
        """Read, decide, write. Whatever breaks off leaves the index in doubt."""
        try:
            posts = self._pages.read([write.subject for write in run])
            frame = self._frame_for(run)
            slugs = self._slugs(run, posts)
            decisions = [
                repeated(write, lane, posts.get(write.subject), frame)
                or decide(write, posts.get(write.subject), frame)
                for write in run
            ]
            pages = [each for each in decisions if isinstance(each, PageWrite)]
            receipts = self._send(pages, slugs, frame)
        except ConnectorError:
            self._pages.doubt()
            raise
        return [
            receipts[each.subject] if isinstance(each, PageWrite) else each for each in decisions
        ]

    def _frame(self) -> CoreFrame:
        return CoreFrame(self._backend, self._shown, self._terms.ids())

    def _slugs(self, run: Sequence[W], posts: dict[Subject, Post]) -> dict[Subject, str]:
        """A free slug for each page that will be made. Finds pages made a moment ago, too."""
        new = {
            write.subject: slugs_for(write.subject, self._backend, write.slug)
            for write in _contents(run)
            if write.whole and write.subject not in posts
        }
        if not new:
            return {}
        taken: set[str] = set()
        for post in self._pages.with_slugs([each for both in new.values() for each in both]):
            if post.marker and post.marker.subject in new:
                posts.setdefault(post.marker.subject, post)
            taken.add(post.slug)
        chosen: dict[Subject, str] = {}
        for subject, (wanted, spare) in new.items():
            chosen[subject] = spare if wanted in taken else wanted
            taken.add(chosen[subject])
        return chosen

    def _send(
        self, pages: Sequence[PageWrite[Post]], slugs: Mapping[Subject, str], frame: Frame[Post]
    ) -> dict[Subject, Receipt]:
        receipts: dict[Subject, Receipt] = {}
        mending: list[PageWrite[Post]] = []
        parts = [self._pages.part(each, slugs.get(each.subject)) for each in pages]
        for page, answer in zip(pages, self._rest.batch(parts), strict=True):
            if not answer.ok:
                receipts[page.subject] = self._failed(page.subject, answer)
                continue
            post = self._pages.note(page.subject, answer)
            receipts[page.subject] = receipt_of_write(page, post, frame)
            if again := mended(page, post, frame.hashes(post)):
                mending.append(again)
        self._rest.batch([self._pages.part(each, None) for each in mending])
        return receipts

    def _failed(self, subject: Subject, answer: Answer) -> Receipt:
        if answer.status in (404, 410):
            self._pages.forget(subject)
        return page_failed(subject, answer)

    # ---- media ----

    def find_media(self, content_hashes: Sequence[str]) -> Mapping[str, MediaReceipt]:
        found: dict[str, MediaReceipt] = {}
        for start in range(0, len(content_hashes), BATCH):
            some = content_hashes[start : start + BATCH]
            slugs = ",".join(_MEDIA_SLUG + each for each in some)
            for rows in self._rest.listing("/wp/v2/media", slug=slugs, _fields=_MEDIA_FIELDS):
                for row in rows:
                    name = str(row.get("slug", "")).removeprefix(_MEDIA_SLUG)
                    found.setdefault(name, _media_receipt(row))
        return found

    def _upload(self, upload: MediaUpload) -> MediaReceipt:
        """Core has no place for a hash, but keeps a slug: it is made of the hash."""
        fields = {"slug": _MEDIA_SLUG + upload.content_hash, "alt_text": upload.alt}
        file = (upload.filename, upload.body, upload.content_type)
        return _media_receipt(self._rest.upload("/wp/v2/media", fields, file))

    # ---- the rest ----

    def _listed(self) -> Iterator[Sequence[Post]]:
        return self._pages.all()

    def admin_url(self, cms_id: CmsId) -> str | None:
        return f"{self._home}/wp-admin/post.php?post={cms_id}&action=edit"

    def close(self) -> None:
        self._rest.close()


def _contents(run: Sequence[Write]) -> list[ContentWrite]:
    return [write for write in run if isinstance(write, ContentWrite)]


def _runs(batch: Sequence[W]) -> Iterator[Sequence[W]]:
    run: list[W] = []
    for write in batch:
        if len(run) == BATCH or write.subject in {each.subject for each in run}:
            yield run
            run = []
        run.append(write)
    if run:
        yield run


def _media_receipt(row: Mapping[str, object]) -> MediaReceipt:
    return MediaReceipt(CmsId(str(row.get("id", ""))), str(row.get("source_url", "")))


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _notes(able: Mapping[str, object], shown: frozenset[FieldName]) -> Iterator[str]:
    yield (
        "Plain mode shows title, text, first picture"
        f"{', subtitle, categories' if CATEGORIES in shown else ''} and offers; tags, attributes, "
        "options, search texts and notes for editors need the plugin"
    )
    yield "Plain mode refuses no late writes: let one process alone write to this site"
    if not able.get("unfiltered_html"):
        yield "Our user may not write unfiltered HTML; WordPress will change some descriptions"
