"""Plain mode: a Drupal site without our module, through core's JSON:API alone.

Slower and narrower than the module (see `PLAIN`): offers stand in a field of the node, one request
a product. Core has no lock: two writers of one node lose each other's values or leave it so that
JSON:API refuses it for good. So one request at a time goes to a site, one process alone may write,
and an editor who saves in the same second may lose.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from adapters.drupal.plain_decide import NodeFrame, aliases, resource_of
from adapters.drupal.plain_page import Node, Places, node_from, uuid_of
from adapters.drupal.plain_probe import against, probe, probe_uuid
from adapters.drupal.plain_rest import Answer, JsonApi, condition, mapping, rows
from adapters.drupal.plain_terms import Terms
from adapters.plain.decide import Decide, Frame, PageWrite, W, receipt_of_write, repeated
from adapters.plain.site import PLAIN, RUN, PlainSite, page_failed
from connector.errors import Rejected, TargetDown
from connector.model import CmsId, Lane, Locale, Subject, SubjectKind
from connector.ports import (
    Clock,
    ContentWrite,
    Fence,
    Held,
    MediaReceipt,
    MediaUpload,
    Receipt,
    Site,
    SiteFacts,
    SiteSettings,
)

KEY = "drupal_internal__nid"


def open_plain(settings: SiteSettings, clock: Clock) -> Site:
    """A site in plain mode. Makes no call."""
    return NodeSite(settings, clock)


class NodeSite(PlainSite[Node]):
    """`ports.Site` over JSON:API, for the subjects of one backend."""

    def __init__(self, settings: SiteSettings, clock: Clock) -> None:
        self._api = JsonApi(settings, clock)
        self._places = Places(**{name: str(value) for name, value in settings.options.items()})
        home = settings.url.rstrip("/")
        super().__init__(settings, Terms(self._api, home, settings.backend, self._places))

    # ---- check ----

    def check(self) -> SiteFacts:
        self._api.prove()
        try:
            first = self._api.get(self._places.nodes, **self._of_ours(), sort=KEY)
        except Rejected as error:
            raise TargetDown(
                f"{self._home}: content type {self._places.bundle} has no field "
                f"{self._places.section_field}; add one of type Text (formatted, long), hide it in "
                "the form, or name another in the option section_field"
            ) from error
        self._terms.read()
        self._try_a_write()
        language = next((_attribute(each, "langcode") for each in rows(first.get("data"))), "en")
        return SiteFacts(
            system="drupal",
            version=self._api.version,
            extension_version=None,
            locales=(Locale(language or "en"),),
            clock_skew_seconds=self._api.skew_seconds,
            highest_fence=Fence(0, 0),
            capabilities=PLAIN,
            notes=(
                "Plain mode shows title, text, first picture, categories and offers; tags, "
                "attributes, options, search texts and notes for editors need the module",
                "Plain mode has no lock against editors and other processes; the module has",
            ),
        )

    def _try_a_write(self) -> None:
        """Raises TargetDown where core would take none of our pages."""
        with self._lock:
            answer = self._api.write("POST", self._places.nodes, probe(self._backend, self._places))
            if answer.ok:
                self._api.delete(f"{self._places.nodes}/{probe_uuid(self._backend)}")
                return
        if found := against(answer.body):
            raise TargetDown(
                f"{self._home}: content type {self._places.bundle} takes none of our pages:"
                f" {'; '.join(found)} ({answer.status}). Give required fields a default value or"
                " make them optional; name fields and text formats that are there in the site's"
                " options"
            )

    # ---- writes ----

    def _write(self, batch: Sequence[W], lane: Lane, decide: Decide[W, Node]) -> list[Receipt]:
        receipts: list[Receipt] = []
        with self._lock:
            for start in range(0, len(batch), RUN):
                run = batch[start : start + RUN]
                nodes, frame = self._read([each.subject for each in run]), self._frame_for(run)
                for write in run:
                    receipt, node = self._one(write, nodes.get(write.subject), lane, decide, frame)
                    receipts.append(receipt)
                    if node:
                        nodes[write.subject] = node
        return receipts

    def _one(
        self, write: W, node: Node | None, lane: Lane, decide: Decide[W, Node], frame: Frame[Node]
    ) -> tuple[Receipt, Node | None]:
        """Decide and send; decide again where the page turns out to be there already."""
        decision = repeated(write, lane, node, frame) or decide(write, node, frame)
        if isinstance(decision, Receipt):
            return decision, node
        slug = write.slug if isinstance(write, ContentWrite) else ""
        answer = self._send(decision, slug)
        if decision.page is None and answer.status in (409, 500):
            found = self._api.find(self._places.nodes, uuid_of(self._backend, write.subject))
            if found is not None:
                return self._one(write, node_from(found, self._places), lane, decide, frame)
        if not answer.ok:
            if answer.status == 422:
                self._try_a_write()
            return page_failed(write.subject, answer), node
        now = node_from(answer.resource, self._places)
        return receipt_of_write(decision, now, frame), now

    def _send(self, write: PageWrite[Node], slug: str) -> Answer:
        path, places = self._places.nodes, self._places
        if write.page is not None:
            resource = resource_of(write, places)
            return self._api.write("PATCH", f"{path}/{write.page.uuid}", resource)
        wanted, spare = aliases(places.path_prefix, slug, uuid_of(self._backend, write.subject))
        alias = wanted if self._api.is_free(wanted) else spare
        return self._api.write("POST", path, resource_of(write, places, alias))

    def _read(self, subjects: Sequence[Subject]) -> dict[Subject, Node]:
        """The nodes of those products that have one."""
        wanted = {uuid_of(self._backend, each): each for each in subjects}
        if not wanted:
            return {}
        found: dict[Subject, Node] = {}
        for page in self._api.listing(
            self._places.nodes, KEY, **condition("ids", "id", "IN", *wanted)
        ):
            for node in (node_from(each, self._places) for each in page):
                found[wanted[node.uuid]] = node
        return found

    def _frame(self) -> NodeFrame:
        places = self._places
        return NodeFrame(self._backend, places.shown, self._terms.ids(), self._home, places)

    # ---- media ----

    def find_media(self, content_hashes: Sequence[str]) -> Mapping[str, MediaReceipt]:
        """Files are known by their names, which we make of the hashes."""
        found: dict[str, MediaReceipt] = {}
        for each in content_hashes:
            query = condition("name", "filename", "STARTS_WITH", each)
            for file in rows(self._api.get("/jsonapi/file/file", **query).get("data")):
                found.setdefault(each, self._media_receipt(mapping(file)))
        return found

    def _upload(self, upload: MediaUpload) -> MediaReceipt:
        ending = upload.content_type.partition("/")[2].replace("jpeg", "jpg")
        path = f"{self._places.nodes}/{self._places.image_field}"
        answer = self._api.upload(path, f"{upload.content_hash}.{ending}", upload.body)
        if not answer.ok:
            raise Rejected(f"{upload.filename} was not taken: {answer.message}")
        return self._media_receipt(answer.resource)

    def _media_receipt(self, file: Mapping[str, object]) -> MediaReceipt:
        uri = mapping(mapping(file.get("attributes")).get("uri"))
        return MediaReceipt(CmsId(str(file.get("id", ""))), f"{self._home}{uri.get('url', '')}")

    # ---- the rest ----

    def inventory(self, kind: SubjectKind) -> Iterator[Sequence[Held]]:
        self._api.prove()
        yield from super().inventory(kind)

    def _listed(self) -> Iterator[Sequence[Node]]:
        for page in self._api.listing(self._places.nodes, KEY, **self._of_ours()):
            nodes = [node_from(each, self._places) for each in page]
            yield [each for each in nodes if each.marker and each.marker.backend == self._backend]

    def _of_ours(self) -> dict[str, str]:
        return condition("section", f"{self._places.section_field}.value", "IS NOT NULL")

    def admin_url(self, cms_id: CmsId) -> str | None:
        return f"{self._home}/node/{cms_id}/edit"

    def close(self) -> None:
        self._api.close()


def _attribute(resource: object, name: str) -> str:
    return str(mapping(mapping(resource).get("attributes")).get(name) or "")
