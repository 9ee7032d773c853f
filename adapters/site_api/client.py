"""The one client of the site API: `ports.Site` over signed HTTP requests.

Serves WordPress and Drupal alike; what differs (where the API's root is, what the extension is
called) comes in as `Endpoint`. `_Transport` is the only place that knows HTTP: it signs, retries
shortly, and turns transport failures and statuses into errors.py. Knows no state and no other
adapter; which JSON means what is wire.py's.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import partial
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import urlencode

import requests
import tenacity
from urllib3.exceptions import NewConnectionError

from adapters.site_api import versions, wire
from connector import signing
from connector.errors import Incomplete, Rejected, TargetDown, TryAgain
from connector.model import BackendName, CmsId, JsonValue, SubjectKind
from connector.net.timely import TimelyAdapter, retry_after_seconds
from connector.ports import (
    AdoptWrite,
    Candidate,
    Clock,
    ContentWrite,
    Held,
    MediaReceipt,
    MediaUpload,
    OffersWrite,
    Receipt,
    RetireWrite,
    SiteCapabilities,
    SiteEvent,
    SiteFacts,
    SiteSettings,
    StatusNote,
    StoredDocument,
    TermWrite,
)
from connector.ports_panel import RequestAnswer

BUSY = "commerce_connector_busy"
"""The code of a 503 that the plugin or module itself gives: locked, the same request again."""
OWN_CODE = "commerce_connector_"
SITES_OWN = frozenset(
    {"commerce_connector_setup", "commerce_connector_no_role", "commerce_connector_version"}
)
"""Codes of a refusal that has nothing to do with the secret: the site itself says the fix."""
INVENTORY_PAGE = 200
HASHES_PER_REQUEST = 100
"""64 characters each: stays below the 8 KiB that web servers take as a request line."""
IDS_BYTES_PER_REQUEST = 6000
IN_CALL_ATTEMPTS = 3
BRIEF_SECONDS = 2.0
"""A site of ours that is busy and asks for at most so long is waited for within the call."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a site's API is, and how to speak of it."""

    root: str
    """Address to which a target like `/offers` is joined."""
    fallback_root: str | None = None
    """A second address to try where the first one answers with a page: `...?rest_route=/...`."""
    admin_url: str | None = None
    """Where pages are edited, with `{id}`; until the site itself says it."""
    extension: str = "plugin"
    """What the site API is part of: plugin or module."""

    def roots(self) -> tuple[str, ...]:
        return (self.root,) if self.fallback_root is None else (self.root, self.fallback_root)


def address(root: str, target: str) -> str:
    """The URL of a target. A root that holds a query takes the target's query with `&`."""
    return root + (target.replace("?", "&", 1) if "?" in root else target)


class SiteApi:
    """A site that has our plugin or module, for the subjects of one backend."""

    def __init__(
        self,
        endpoint: Endpoint,
        settings: SiteSettings,
        clock: Clock,
        capabilities: SiteCapabilities,
    ) -> None:
        self._backend: BackendName = settings.backend
        self._transport = _Transport(endpoint, settings, clock)
        self._capabilities = capabilities
        self._admin_url = endpoint.admin_url
        self._extension = endpoint.extension
        self._description: wire.Description | None = None

    @property
    def capabilities(self) -> SiteCapabilities:
        """What the site said at the last check; until then, what the contract promises."""
        return self._description.facts.capabilities if self._description else self._capabilities

    def check(self) -> SiteFacts:
        answer = self._transport.get("/site")
        if why := versions.misfit(*wire.versions_from(answer), self._extension):
            raise TargetDown(f"{self._transport.at}: {why}")
        self._description = wire.description_from(answer, self._transport.skew_seconds)
        return self._description.facts

    def write_offers(self, batch: Sequence[OffersWrite]) -> Sequence[Receipt]:
        return self._write("/offers", batch)

    def write_content(self, batch: Sequence[ContentWrite]) -> Sequence[Receipt]:
        return self._write("/content", batch)

    def write_terms(self, batch: Sequence[TermWrite]) -> Sequence[Receipt]:
        return self._write("/terms", batch)

    def retire(self, batch: Sequence[RetireWrite]) -> Sequence[Receipt]:
        return self._write("/retire", batch)

    def candidates(self, types: Sequence[str] = ()) -> Iterator[Sequence[Candidate]]:
        for items in self._pages("/candidates", types=",".join(types)):
            yield [wire.candidate_from(item) for item in items]

    def adopt(self, batch: Sequence[AdoptWrite]) -> Sequence[Receipt]:
        return self._write("/adopt", batch)

    def find_media(self, content_hashes: Sequence[str]) -> Mapping[str, MediaReceipt]:
        found: dict[str, MediaReceipt] = {}
        for start in range(0, len(content_hashes), HASHES_PER_REQUEST):
            asked = ",".join(content_hashes[start : start + HASHES_PER_REQUEST])
            found |= wire.media_from(self._transport.get("/media", hashes=asked))
        return found

    def upload_media(self, upload: MediaUpload) -> MediaReceipt:
        most = self._description.max_body_bytes if self._description else None
        if most and len(upload.body) > most:
            raise Rejected(
                f"{upload.filename} has {len(upload.body)} bytes and the site takes {most}; raise "
                "post_max_size there or make the picture smaller"
            )
        query = urlencode(
            {"hash": upload.content_hash, "filename": upload.filename, "alt": upload.alt}
        )
        answer = self._transport.post(f"/media?{query}", upload.body, upload.content_type)
        return wire.media_receipt_from(answer)

    def inventory(self, kind: SubjectKind) -> Iterator[Sequence[Held]]:
        for items in self._pages("/inventory", kind=kind.value):
            yield [wire.held_from(item) for item in items]

    def write_status(self, batch: Sequence[StatusNote]) -> None:
        if batch:
            self._transport.post("/status", wire.status_body(self._backend, batch))

    def write_summary(self, summary: Mapping[str, JsonValue]) -> None:
        self._transport.post("/summary", wire.summary_body(self._backend, summary))

    def answer_requests(self, answers: Sequence[RequestAnswer]) -> None:
        if answers:
            self._transport.post("/answers", wire.answers_body(self._backend, answers))

    def documents(self, kind: SubjectKind, ids: Sequence[str]) -> list[StoredDocument]:
        """Stored values and bases of those subjects that the site has."""
        found: list[StoredDocument] = []
        for some in _by_size(ids, self.capabilities.documents_per_request):
            answer = self._transport.get(
                "/documents",
                backend=self._backend,
                kind=kind.value,
                ids=json.dumps(some, separators=(",", ":")),
            )
            found += wire.documents_from(answer)
        return found

    def events(self, after: str) -> Iterator[Sequence[SiteEvent]]:
        """What people did at the site after an event ("0": from the oldest kept), in order."""
        for items in self._pages("/events", after=after):
            yield [wire.event_from(item) for item in items]

    def acknowledge_events(self, upto: str) -> None:
        """Let the site forget its events up to and including this one."""
        self._transport.post("/events/ack", wire.ack_body(self._backend, upto))

    def admin_url(self, cms_id: CmsId) -> str | None:
        template = (self._description and self._description.admin_url) or self._admin_url
        return template.replace("{id}", cms_id) if template else None

    def close(self) -> None:
        self._transport.close()

    def _write(self, target: str, batch: Sequence[wire.Write]) -> list[Receipt]:
        if not batch:
            return []
        answer = self._transport.post(target, wire.write_body(self._backend, batch))
        return wire.receipts_from(answer, batch)

    def _pages(self, path: str, **query: str) -> Iterator[tuple[wire.Json, ...]]:
        """Keyset pages up to the last one. Raises Incomplete where a page does not come."""
        after, begun = query.pop("after", "0"), False
        while True:
            asked = {**query, "backend": self._backend, "after": after}
            try:
                answer = self._transport.get(path, **asked, limit=str(INVENTORY_PAGE))
            except (TryAgain, TargetDown) as error:
                if not begun and isinstance(error, TargetDown):
                    raise
                raise Incomplete(
                    f"the listing broke off after {after}: {error.message}",
                    retry_after_seconds=error.retry_after_seconds,
                ) from error
            begun = True
            page = wire.page_from(answer)
            yield page.items
            if page.next is None:
                return
            if not _is_later(page.next, after):
                raise Incomplete(f"the listing does not go on after {after}; read it again")
            after = page.next


def _is_later(new: str, old: str) -> bool:
    return new.isdigit() and old.isdigit() and int(new) > int(old)


def _by_size(ids: Sequence[str], most: int) -> Iterator[list[str]]:
    """The ids in runs that fit a request line."""
    some: list[str] = []
    for each in ids:
        longer = [*some, each]
        if some and (len(longer) > most or len(urlencode({"": longer})) > IDS_BYTES_PER_REQUEST):
            yield some
            longer = [each]
        some = longer
    if some:
        yield some


def _in_call_wait(state: tenacity.RetryCallState) -> float:
    """Growing and by chance, but never shorter than the site asked for."""
    wait = tenacity.wait_random_exponential(multiplier=0.2, max=2.0)(state)
    error = state.outcome.exception() if state.outcome else None
    asked = error.failure.retry_after_seconds if isinstance(error, _Briefly) else None
    return max(wait, asked or 0.0)


class _Briefly(Exception):
    """A failure that may be over in a second; holds what is raised if it is not."""

    def __init__(self, failure: TryAgain | TargetDown) -> None:
        super().__init__(failure.message)
        self.failure = failure


class _NotTheApi(Exception):
    """A page answered where the API should be; holds what is raised if no other root is it."""

    def __init__(self, failure: TargetDown) -> None:
        super().__init__(failure.message)
        self.failure = failure


class _Transport:
    """Signed requests to one endpoint; every failure is one of errors.py."""

    def __init__(self, endpoint: Endpoint, settings: SiteSettings, clock: Clock) -> None:
        self._endpoint = endpoint
        self._roots = endpoint.roots()
        self._secret = settings.secrets[0]
        self._timeout = settings.timeout_seconds
        self._clock = clock
        self._session = requests.Session()
        self._session.mount("http://", TimelyAdapter())
        self._session.mount("https://", TimelyAdapter())
        self._session.auth = _unchanged
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.skew_seconds = 0.0
        """The site's clock against ours at the last answer; positive: the site is ahead."""

    def get(self, path: str, **query: str) -> wire.Json:
        return self._call("GET", f"{path}?{urlencode(query)}" if query else path, b"", None)

    def post(self, target: str, body: bytes, content_type: str = "application/json") -> wire.Json:
        return self._call("POST", target, body, content_type)

    def close(self) -> None:
        self._session.close()

    def _call(self, method: str, target: str, body: bytes, content_type: str | None) -> wire.Json:
        """Try each root until one proves to be the API, then stay with it for as long as it is:
        somebody may change the site's permalinks."""
        first: TargetDown | None = None
        for root in self._roots:
            try:
                answer = self._briefly(
                    partial(self._once, root, method, target, body, content_type)
                )
            except _NotTheApi as error:
                first = first or error.failure
                continue
            self._roots = (root,)
            return answer
        self._roots = self._endpoint.roots()
        assert first is not None
        raise first

    def _briefly(self, call: Callable[[], wire.Json]) -> wire.Json:
        """Repeat what is over in a moment. All requests are safe to repeat (write_id, fence)."""
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_Briefly),
            stop=tenacity.stop_after_attempt(IN_CALL_ATTEMPTS),
            wait=_in_call_wait,
            sleep=self._clock.sleep,
            reraise=True,
        )
        try:
            return retrying(call)
        except _Briefly as error:
            raise error.failure from error

    def _once(
        self, root: str, method: str, target: str, body: bytes, content_type: str | None
    ) -> wire.Json:
        now = self._clock.now()
        content = signing.request_content(method, target, body)
        headers = signing.signed_headers(
            self._secret, f"msg_{uuid.uuid4().hex}", int(now.timestamp()), content
        )
        if content_type is not None:
            headers["content-type"] = content_type
        headers |= {"accept": "application/json", versions.HEADER: versions.header_value()}
        try:
            response = self._session.request(
                method,
                address(root, target),
                data=body or None,
                headers=headers,
                timeout=(min(10.0, self._timeout), self._timeout),
                allow_redirects=False,
            )
        except requests.exceptions.SSLError as error:
            raise TargetDown(
                f"{self.at}: the certificate is not trusted; renew it or mend its chain"
            ) from error
        except requests.exceptions.ConnectTimeout as error:
            raise _Briefly(TryAgain(f"{self.at} does not take connections in time")) from error
        except requests.exceptions.Timeout as error:
            raise TryAgain(
                f"{self.at} did not answer within {self._timeout:g} s; the write may have been "
                "done and will be repeated safely"
            ) from error
        except requests.exceptions.ConnectionError as error:
            raise _Briefly(self._unreachable(error)) from error
        except requests.exceptions.RequestException as error:
            raise TryAgain(f"{self.at} broke off its answer ({type(error).__name__})") from error
        self._note_skew(response)
        return self._read(response, target)

    @property
    def at(self) -> str:
        return self._endpoint.root.split("?", maxsplit=1)[0]

    def _unreachable(self, error: requests.exceptions.ConnectionError) -> TryAgain | TargetDown:
        """Refused and unknown hosts are down; a connection that broke was up."""
        cause = error.args[0] if error.args else None
        if isinstance(getattr(cause, "reason", None), NewConnectionError):
            return TargetDown(f"{self.at} cannot be reached; check the address and that it runs")
        return TryAgain(f"{self.at} broke off the connection; the write will be repeated safely")

    def _note_skew(self, response: requests.Response) -> None:
        try:
            theirs = parsedate_to_datetime(response.headers.get("date", ""))
        except ValueError:
            return
        if theirs.tzinfo is None:
            theirs = theirs.replace(tzinfo=UTC)
        ours = self._clock.now()
        self.skew_seconds = (theirs - ours).total_seconds()

    def _read(self, response: requests.Response, target: str) -> wire.Json:
        status = response.status_code
        answer = _json_object(response)
        path = target.split("?", maxsplit=1)[0]
        if status in (301, 302, 303, 307, 308):
            raise _NotTheApi(
                TargetDown(
                    f"{self.at} redirects to {response.headers.get('location', 'elsewhere')}; set "
                    "the site's url to where it really is"
                )
            )
        if status == 429:
            raise TryAgain(
                f"{self.at} asks us to slow down (429)", retry_after_seconds=self._asked(response)
            )
        if status >= 500:
            raise self._failed(response, answer)
        if answer is None:
            raise _NotTheApi(self._page_instead(response))
        if status == 404 and not _code(answer).startswith(OWN_CODE):
            raise _NotTheApi(self._missing())
        if status in (401, 403):
            raise self._refused(status, answer)
        if status >= 400:
            raise Rejected(
                f"{self.at} refused {path} as a whole ({status}): {_message(answer)}; nothing of "
                "the batch was written"
            )
        return answer

    def _failed(self, response: requests.Response, answer: wire.Json | None) -> Exception:
        status, wait = response.status_code, self._asked(response)
        if status == 503 and (answer is None or _code(answer) != BUSY):
            down = TargetDown(
                f"{self.at} is in maintenance or overloaded (503)", retry_after_seconds=wait
            )
            return _Briefly(down) if wait is None else down
        again = TryAgain(
            f"{self.at} failed ({status}); its own error log says why", retry_after_seconds=wait
        )
        busy = answer is not None and _code(answer) == BUSY and (wait or 0) <= BRIEF_SECONDS
        brief = busy or (status in (502, 503, 504) and wait is None)
        return _Briefly(again) if brief else again

    def _asked(self, response: requests.Response) -> float | None:
        return retry_after_seconds(response.headers, self._clock.now())

    def _refused(self, status: int, answer: wire.Json) -> TargetDown:
        code = _code(answer)
        if not code.startswith(OWN_CODE):
            return TargetDown(
                f"{self.at} refuses us ({status}, {code or 'no code'}), and not by our "
                f"{self._endpoint.extension}: a security plugin, a firewall or password protection "
                "stands before the site API; let signed requests to it through"
            )
        if code in SITES_OWN:
            return TargetDown(f"{self.at} refuses us ({status}): {_message(answer)}")
        skew = self.skew_seconds
        if abs(skew) > signing.TOLERANCE_SECONDS:
            return TargetDown(
                f"{self.at} refuses our signature ({status}): its clock is {abs(skew):.0f} s "
                f"{'ahead of' if skew > 0 else 'behind'} ours; set both by NTP"
            )
        return TargetDown(
            f"{self.at} refuses us ({status}): {_message(answer)} Check that the secret in the "
            f"configuration is the one that the {self._endpoint.extension}'s settings page gave "
            f"(clocks differ by {skew:.0f} s only)"
        )

    def _missing(self) -> TargetDown:
        return TargetDown(
            f"{self.at} has no site API (404): the {self._endpoint.extension} is missing or "
            "inactive; install and activate it (`connector plugin build`)"
        )

    def _page_instead(self, response: requests.Response) -> TargetDown:
        if response.status_code == 404:
            return self._missing()
        kind = response.headers.get("content-type", "no type").split(";", maxsplit=1)[0]
        who = response.headers.get("server", "")
        return TargetDown(
            f"{self.at} answered {response.status_code} with {kind} instead of JSON"
            f"{f' (server: {who})' if who else ''}: a maintenance or coming-soon page, a "
            "cache, a login wall or a bot check stands before the site API, or PHP printed an "
            "error; let requests to it through"
        )


def _unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Signatures alone say who we are: without this, requests would take names from .netrc."""
    return request


def _json_object(response: requests.Response) -> wire.Json | None:
    """The answer, where it is a JSON object."""
    try:
        value = json.loads(response.content)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _code(answer: wire.Json) -> str:
    code = answer.get("code")
    return code[:100] if isinstance(code, str) else ""


def _message(answer: wire.Json) -> str:
    message = answer.get("message")
    return message[:300] if isinstance(message, str) else "no reason given"
