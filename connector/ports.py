"""What the connector asks of the systems outside: small promises, each with what it raises.

Differences between systems are data (`CatalogueCapabilities`, `SiteCapabilities`), never a
question of which system it is. Every port has an in-memory implementation in connector.testing,
and a conformance suite that it passes first. All methods may raise TryAgain, TargetDown; listings
also Incomplete. Nothing here knows state, work or any adapter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from connector.errors import Problem, Rejected
from connector.model import (
    BackendName,
    Category,
    CategoryId,
    CmsId,
    FieldHash,
    FieldName,
    JsonValue,
    Lane,
    Locale,
    Offer,
    Product,
    ProductId,
    SiteName,
    Subject,
    SubjectKind,
)
from connector.ports_panel import EditorRequest
from connector.signing import Secret

if TYPE_CHECKING:
    from connector.ports_carts import Carts


class Clock(Protocol):
    """Time, passed in so that tests can hold it."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""

    def sleep(self, seconds: float) -> None:
        """Wait. A fake clock moves instead."""


# ---- how adapters are opened ----


@dataclass(frozen=True, slots=True)
class BackendSettings:
    """One backend of the configuration, secrets resolved."""

    name: BackendName
    url: str
    credential: str | None = field(repr=False)
    """Whatever the system takes: an API key, or user:password."""
    webhook_secrets: tuple[Secret, ...]
    default_locale: Locale
    options: Mapping[str, object]
    timeout_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class SiteSettings:
    """One site of the configuration, secrets resolved. It shows products of one backend."""

    name: SiteName
    url: str
    backend: BackendName
    plain: bool
    """Plain mode: no plugin or module, core REST alone."""
    secrets: tuple[Secret, ...]
    """Signing secrets shared with the plugin or module; the first one signs."""
    credential: str | None = field(repr=False)
    """user:application password, for plain mode."""
    options: Mapping[str, object]
    timeout_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class BackendSystem:
    """What an adapter for a commerce backend registers (entry point group
    `commerce_connector.backends`)."""

    name: str
    open: Callable[[BackendSettings, Clock], Catalogue]
    problems: Callable[[BackendSettings], Sequence[Problem]]
    """What is wrong with these settings, by their path below the backend; without any call."""
    open_carts: Callable[[BackendSettings], Carts | None] | None = None
    """Its carts, without any call. None, or answering None: system or settings have none."""
    words: WordsCapabilities | None = None
    """Which words it takes back from editors. None: it takes none."""


@dataclass(frozen=True, slots=True)
class SiteSystem:
    """What an adapter for a CMS registers (entry point group `commerce_connector.sites`)."""

    name: str
    open: Callable[[SiteSettings, Clock], Site]
    problems: Callable[[SiteSettings], Sequence[Problem]]
    build_extension: Callable[[Path], Path] | None = None
    """Make the installable plugin or module in this folder; answers the file made."""


# ---- backend ----


@dataclass(frozen=True, slots=True)
class WordsCapabilities:
    """Which words a backend takes back from editors (`TakingWords`): names of `model.Text`."""

    fields: frozenset[str] = frozenset()
    """In the backend's own language."""
    translated: frozenset[str] = frozenset()
    """In its further languages."""


@dataclass(frozen=True, slots=True)
class CatalogueCapabilities:
    """What a backend's signals cannot tell us, which decides how often we sweep."""

    cursor_shows_prices: bool
    cursor_shows_stock: bool
    cursor_shows_deletes: bool
    webhooks: bool
    sweeps: tuple[str, ...] = ()
    """Names that `sweep` takes, cheapest first."""
    fetch_size: int = 100
    """How many ids one `fetch` takes best."""
    words: WordsCapabilities = WordsCapabilities()
    """Which words it takes back; with any, the catalogue is `TakingWords`."""


@dataclass(frozen=True, slots=True)
class BackendFacts:
    """What `Catalogue.check` found out."""

    system: str
    version: str
    currencies: tuple[str, ...]
    locales: tuple[Locale, ...]
    product_count: int
    notes: tuple[str, ...] = ()
    """Sentences for `doctor`: what is missing or slower here, and what to do about it."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """The truth about the products asked for. Each id asked for stands in exactly one of the three.

    `gone` holds those that the backend positively says it does not have (or no longer has); an
    adapter that cannot tell raises instead. `rejected` holds those that cannot be mapped.
    """

    products: Mapping[ProductId, Product]
    gone: frozenset[ProductId] = frozenset()
    rejected: Mapping[ProductId, Rejected] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Signal:
    """A hint that a subject may have changed. Only ever decides when we look.

    `lanes` narrows where we look; empty means all lanes.
    """

    subject: Subject
    lanes: frozenset[Lane] = frozenset()


@dataclass(frozen=True, slots=True)
class ChangePage:
    """Some signals, and the cursor from which to go on once they are safely noted."""

    signals: tuple[Signal, ...]
    cursor: str


@dataclass(frozen=True, slots=True)
class Sighting:
    """One subject as a sweep saw it: when the fingerprint differs from the last one, it is due."""

    subject: Subject
    fingerprint: str
    lanes: frozenset[Lane] = frozenset()


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """A verified webhook: its sender's id for it (stable over retries) and what it hints at."""

    id: str
    sent_at: datetime
    signals: tuple[Signal, ...]


class Catalogue(Protocol):
    """Reads one backend's catalogue, prices and stock."""

    @property
    def capabilities(self) -> CatalogueCapabilities: ...

    def check(self) -> BackendFacts:
        """Prove the credentials and say what is there. Raises TargetDown with the fix."""

    def ids(self) -> Iterator[Sequence[ProductId]]:
        """Every product's id, lean, in pages. Complete, or raises Incomplete."""

    def products(self) -> Iterator[Fetched]:
        """Every product in full, in pages (`gone` empty). Complete, or raises Incomplete."""

    def fetch(self, ids: Sequence[ProductId]) -> Fetched:
        """The present truth about these products (at most `fetch_size` of them)."""

    def find_sku(self, sku: str) -> Sequence[ProductId]:
        """The products that have a variant with exactly this SKU."""

    def categories(self) -> Sequence[Category]:
        """The whole tree, parents before children. Complete, or raises Incomplete."""

    def changes(self, cursor: str | None) -> Iterator[ChangePage]:
        """What changed since the cursor, oldest first, in pages that each carry the next cursor.

        None means: from now on; yields one page without signals, with the first cursor. Cursors
        are the adapter's own and overlap rather than miss: a repeated signal is harmless. An empty
        iterator means nothing new.
        """

    def cursor_at(self, moment: datetime) -> str:
        """The cursor from which `changes` tells all that changed since a moment, and maybe more.

        Raises Rejected when the backend cannot tell that far back.
        """

    def sweep(self, name: str) -> Iterator[Sequence[Sighting]]:
        """Fingerprints of what `changes` cannot show. Complete, or raises Incomplete."""

    def webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> WebhookEvent:
        """Verify a webhook and read it. Header names are lower case.

        Raises BadSignature for an unsigned, wrongly signed, old or malformed one.
        """

    def admin_url(self, product: ProductId) -> str | None:
        """Where a person edits this product at the backend."""

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class WordsWrite:
    """Words of one product in one language that the backend is to hold from now on."""

    product: ProductId
    locale: Locale
    words: Mapping[str, str]
    """By the names of `model.Text`, as `fetch` would tell them."""
    expected: Mapping[str, str]
    """What `fetch` told of each of them; where it is something else by now, it stays."""


@dataclass(frozen=True, slots=True)
class WordsReceipt:
    """What the backend holds of each word asked for, as `fetch` tells it from now on."""

    held: Mapping[str, str]
    kept: frozenset[str] = frozenset()
    """Those that somebody had changed at the backend meanwhile, which were not written."""


@runtime_checkable
class TakingWords(Protocol):
    """What a backend with `CatalogueCapabilities.words` can do beside the rest of `Catalogue`."""

    def as_compared(self, words: Mapping[str, str]) -> Mapping[str, str]:
        """These words as `fetch` would tell them once they were written. Makes no call.

        Backends change what they are given, each in its way; so an echo is known by its value.
        """

    def write_words(self, write: WordsWrite) -> WordsReceipt:
        """Write those of the words that are still as expected. Writing the same again is harmless.

        Raises OutcomeUnknown where no answer came, Rejected (for a person to read) where the
        backend will never take them or has no such product.
        """


# ---- site ----


@dataclass(frozen=True, slots=True, order=True)
class Fence:
    """Taken before the fetch, sent with the write, kept by the site: an older one is refused."""

    epoch: int
    sequence: int

    def __str__(self) -> str:
        return f"{self.epoch}.{self.sequence}"


@dataclass(frozen=True, slots=True)
class SiteCapabilities:
    """What a site can do; narrower in plain mode."""

    fences: bool
    """Refuses late writes itself."""
    own_offers: bool
    """Keeps offers apart from posts, in bulk."""
    offer_rows_per_request: int
    documents_per_request: int
    terms_per_request: int
    media: bool
    events: bool
    multilingual: bool
    """Takes fields in several locales (`title@fr-FR`); otherwise the first market's alone."""
    merges: bool = False
    """Tells what it stores and what that came from (`documents`), and takes joined values."""
    adopts: bool = False
    """Can let pages that are there show products (`Adopting`)."""
    panel: bool = False
    """Shows its editors how it stands, and tells what they ask (`ports_panel.Panel`)."""
    retire_policies: tuple[str, ...] = ("unpublish",)
    """What can become of pages that go off sale (sync.rules.RetirePolicy)."""


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """What `Site.check` found out."""

    system: str
    version: str
    extension_version: str | None
    locales: tuple[Locale, ...]
    clock_skew_seconds: float
    highest_fence: Fence
    capabilities: SiteCapabilities
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OffersWrite:
    """All offers of one product: rows at the site that are not among them go away."""

    subject: Subject
    fence: Fence
    write_id: str
    offers: tuple[Offer, ...]


@dataclass(frozen=True, slots=True)
class ContentWrite:
    """The fields of one product's page to change, or of a page to make.

    `whole` says that `fields` are all fields: a page that is not there is made. Otherwise they are
    only what changed, and a page that is not there is answered with `missing`. `expected` names
    the fields that an editor may also change, each with the hash last confirmed ("": none was).
    Where the stored value is neither that one nor the one that the site noted itself at our last
    write, whose answer may have been lost, it is an editor's: the site keeps it and says so in the
    receipt (`kept`). The slug is used when the page is made; then it is the editor's. A page that
    was retired is published again. `verbatim` names fields whose values stood at this site before
    (an undo): they are stored byte by byte as they are, without cleaning. `seen` is the fence of
    the last write whose receipt came here ("": of none; None: not known): where the site has
    answered a later one, the receipt also tells what that one replaced. `joined` names fields whose
    values have an editor's words in them, each with the backend's value that they took in: the site
    keeps that one as the base and goes on taking the field for an editor's. Where its cleaning
    would touch what the editor had written, it keeps the field as it is.
    """

    subject: Subject
    fence: Fence
    write_id: str
    slug: str
    fields: Mapping[FieldName, JsonValue]
    expected: Mapping[FieldName, FieldHash]
    whole: bool = True
    verbatim: frozenset[FieldName] = frozenset()
    seen: str | None = None
    joined: Mapping[FieldName, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TermWrite:
    """One category. The parent has been written before, or stands earlier in the same batch."""

    subject: Subject
    fence: Fence
    write_id: str
    slug: str
    name: str
    description: str
    parent: CategoryId | None
    rank: int


@dataclass(frozen=True, slots=True)
class RetireWrite:
    """Take a product off sale (its offers go, its page as `policy` says) or a category away.

    A site that does not know the policy unpublishes. The receipt's message says where a page was
    treated otherwise than asked for.
    """

    subject: Subject
    fence: Fence
    write_id: str
    policy: str = "unpublish"
    """One of `SiteCapabilities.retire_policies`."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A page of the site that shows no product of ours, and might be one."""

    cms_id: CmsId
    slug: str
    title: str
    skus: tuple[str, ...]
    """As other shop software noted them at the page."""
    url: str | None
    type: str
    """What the CMS calls it: page, product ..."""


@dataclass(frozen=True, slots=True)
class AdoptWrite:
    """Let a page that is there show a product from now on. Its words stay; its address leads on."""

    subject: Subject
    fence: Fence
    write_id: str
    cms_id: CmsId


@dataclass(frozen=True, slots=True)
class MediaUpload:
    """One picture's bytes. `content_hash` is the SHA-256 of the bytes, in hex."""

    content_hash: str
    filename: str
    content_type: str
    alt: str
    body: bytes


class Outcome(StrEnum):
    """What a site did with one item."""

    DONE = "done"
    """Written, or already written by the same write_id."""
    STALE = "stale"
    """Refused: the site has seen a newer fence for this subject and lane."""
    REJECTED = "rejected"
    """This item will never be taken as it is: park it."""
    MISSING = "missing"
    """There is no such page (any more): send the whole of it."""
    RETRY = "retry"
    """Not now (locked, missing parent, database busy)."""


@dataclass(frozen=True, slots=True)
class Before:
    """What a field held when a write replaced it: the stored value, and its hash."""

    value: JsonValue
    hash: FieldHash


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the site did with one item and what it now holds."""

    subject: Subject
    outcome: Outcome
    cms_id: CmsId | None = None
    url: str | None = None
    hashes: Mapping[FieldName, FieldHash] = field(default_factory=dict)
    """Per field written: the hash of the value as the CMS stored it. Offers: one, `offers`."""
    kept: frozenset[FieldName] = frozenset()
    """Fields that were not written because an editor had changed them."""
    message: str = ""
    before: Mapping[FieldName, Before] | None = None
    """Of a page that was there already: what each field written held. None: the page was made, or
    the site cannot say."""
    made: bool = False
    """The page was not there before this write."""


@dataclass(frozen=True, slots=True)
class MediaReceipt:
    cms_id: CmsId
    url: str


@dataclass(frozen=True, slots=True)
class Held:
    """One thing that a site holds, its hashes recomputed from the stored values just now."""

    subject: Subject
    cms_id: CmsId
    live: bool
    """Published by us or by an editor; False: draft, private, trashed or retired."""
    retired: bool
    hashes: Mapping[FieldName, FieldHash]
    """Per content field, and `offers` for all its offers together ("" when it has none)."""
    url: str | None = None


@dataclass(frozen=True, slots=True)
class StatusNote:
    """What editors should see beside a product: plain JSON, shown as it is."""

    subject: Subject
    note: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """One subject as the site stores it, field by field."""

    subject: Subject
    cms_id: CmsId
    values: Mapping[FieldName, JsonValue]
    hashes: Mapping[FieldName, FieldHash]
    bases: Mapping[FieldName, JsonValue]
    """The backend's values that the page last took in."""
    noted: Mapping[FieldName, FieldHash] = field(default_factory=dict)
    """Of what the site stored for us itself; "" where an editor's words are in it."""
    live: bool = True
    """Visitors see it: no draft, nothing scheduled, not in the trash."""
    note: Mapping[str, JsonValue] = field(default_factory=dict)
    """What `write_status` last said of it."""


@dataclass(frozen=True, slots=True)
class SiteEvent:
    """Something that a person did at the site."""

    id: str
    at: datetime
    subject: Subject
    cms_id: CmsId
    what: str
    """edited, overtaken (comes with an edit over words of the backend that its editor had not
    seen), trashed, restored, published, unpublished, deleted, or asked."""
    fields: tuple[FieldName, ...]
    user: str
    """As the site names them."""
    request: EditorRequest | None = None
    """What was asked."""


@runtime_checkable
class Adopting(Protocol):
    """What a site with the capability `adopts` can do beside the rest of `Site`."""

    def candidates(self, types: Sequence[str] = ()) -> Iterator[Sequence[Candidate]]:
        """Every page that shows no product of ours (of these types; none: of all that could be
        one). Complete, or raises Incomplete."""

    def adopt(self, batch: Sequence[AdoptWrite]) -> Sequence[Receipt]:
        """Bind pages. Rejects a page or product that is bound otherwise."""


class Site(Protocol):
    """Writes to and reads from one CMS site, for one backend's subjects.

    Writes answer with one receipt for each item, in order. A batch that fails as a whole raises and
    says nothing about any item (it may have been written): repeating it is always safe.
    """

    def check(self) -> SiteFacts:
        """Prove the credentials and say what is there. Raises TargetDown with the fix."""

    def write_offers(self, batch: Sequence[OffersWrite]) -> Sequence[Receipt]: ...

    def write_content(self, batch: Sequence[ContentWrite]) -> Sequence[Receipt]: ...

    def write_terms(self, batch: Sequence[TermWrite]) -> Sequence[Receipt]: ...

    def retire(self, batch: Sequence[RetireWrite]) -> Sequence[Receipt]: ...

    def find_media(self, content_hashes: Sequence[str]) -> Mapping[str, MediaReceipt]:
        """Those of the pictures that the site already has."""

    def upload_media(self, upload: MediaUpload) -> MediaReceipt:
        """Store a picture, or find the one with the same bytes."""

    def inventory(self, kind: SubjectKind) -> Iterator[Sequence[Held]]:
        """Everything held of this backend. Complete, or raises Incomplete."""

    def documents(self, kind: SubjectKind, ids: Sequence[str]) -> Sequence[StoredDocument]:
        """What is stored of those subjects that the site has; nothing where it does not merge."""

    def events(self, after: str) -> Iterator[Sequence[SiteEvent]]:
        """What people did after an event ("0": from the oldest kept), oldest first, in pages."""

    def acknowledge_events(self, upto: str) -> None:
        """Let the site forget its events up to and including this one."""

    def write_status(self, batch: Sequence[StatusNote]) -> None: ...

    def admin_url(self, cms_id: CmsId) -> str | None:
        """Where a person edits this page in the CMS."""

    def close(self) -> None: ...
