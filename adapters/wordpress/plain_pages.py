"""Which post is which product: an index read from the markers, and the posts behind it.

The whole listing is read once; later, when a product seems to have no page, what changed since the
last look is read again, since other processes and lost answers make pages too. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from adapters.plain.decide import PageWrite
from adapters.wordpress.plain_decide import request_body
from adapters.wordpress.plain_page import NAME, Post, post_from
from adapters.wordpress.plain_rest import Answer, CoreRest, Part
from connector.model import BackendName, Subject
from connector.ports import Clock

REFRESH = timedelta(seconds=60)
"""How old the index may be when a page seems to be missing, and by how much looks overlap."""
_STATUSES = "publish,future,draft,pending,private,trash"
_FIELDS = "id,status,slug,link,title.raw,excerpt.raw,content.raw,categories,featured_media"
_TRASHED = "__trashed"
"""What core appends to the slug of a post in the trash."""


class Pages:
    """The pages of one backend's products at one site. Its caller holds the site's lock."""

    def __init__(self, rest: CoreRest, path: str, backend: BackendName, clock: Clock) -> None:
        self._rest = rest
        self._path = path
        self._backend = backend
        self._clock = clock
        self._index: dict[Subject, int] = {}
        self._read_at: datetime | None = None
        self._in_doubt = False

    def read(self, subjects: Sequence[Subject]) -> dict[Subject, Post]:
        """The posts of those products that have one, as they are now."""
        self._look(subjects)
        wanted = {self._index[each]: each for each in subjects if each in self._index}
        if not wanted:
            return {}
        include = ",".join(map(str, sorted(wanted)))
        found = {wanted[post.id]: post for post in self._posts(include=include)}
        for subject in set(wanted.values()) - set(found):
            self.forget(subject)
        return found

    def all(self) -> Iterator[list[Post]]:
        """Our pages; of two with one marker (editors duplicate posts) the older one alone."""
        seen: set[Subject] = set()
        for rows in self._listing():
            fresh = []
            for post in rows:
                if self._is_ours(post) and post.marker and post.marker.subject not in seen:
                    seen.add(post.marker.subject)
                    fresh.append(post)
            yield fresh

    def with_slugs(self, slugs: Sequence[str]) -> list[Post]:
        """The posts, ours or not, that have one of these slugs or had it before the trash."""
        wanted = [name for each in slugs for name in (each, each + _TRASHED)]
        return self._posts(slug=",".join(wanted))

    def part(self, write: PageWrite[Post], slug: str | None) -> Part:
        """The request that makes or changes a page."""
        body = request_body(write)
        if write.page is not None:
            return Part("POST", f"{self._path}/{write.page.id}?_fields={_FIELDS}", body)
        return Part("POST", f"{self._path}?_fields={_FIELDS}", {**body, "slug": slug or ""})

    def note(self, subject: Subject, answer: Answer) -> Post:
        post = post_from(answer.body)
        self._index[subject] = post.id
        return post

    def forget(self, subject: Subject) -> None:
        self._index.pop(subject, None)

    def doubt(self) -> None:
        """Something may have been made without our knowing."""
        self._in_doubt = True

    def _look(self, subjects: Sequence[Subject]) -> None:
        now = self._clock.now()
        if self._read_at is None:
            self._learn()
        elif any(each not in self._index for each in subjects) and (
            self._in_doubt or now - self._read_at > REFRESH
        ):
            since = self._read_at + timedelta(seconds=self._rest.skew_seconds) - REFRESH
            self._learn(modified_after=since.strftime("%Y-%m-%dT%H:%M:%SZ"))
        else:
            return
        self._read_at, self._in_doubt = now, False

    def _learn(self, **query: str) -> None:
        for rows in self._listing(**query):
            for post in rows:
                if self._is_ours(post) and post.marker:
                    self._index.setdefault(post.marker.subject, post.id)

    def _is_ours(self, post: Post) -> bool:
        return post.marker is not None and post.marker.backend == self._backend

    def _listing(self, **query: str) -> Iterator[list[Post]]:
        asked = {"status": _STATUSES, "_fields": _FIELDS, "search": NAME, **query}
        for rows in self._rest.listing(self._path, **asked):
            yield [post_from(row) for row in rows]

    def _posts(self, **query: str) -> list[Post]:
        asked = {"status": _STATUSES, "_fields": _FIELDS, **query}
        return [post_from(row) for rows in self._rest.listing(self._path, **asked) for row in rows]
