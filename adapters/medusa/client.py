"""Speaks to one Medusa server: the only place here that knows HTTP.

One seam, `Client._send`, turns statuses and transport failures into errors.py and answers into
JSON with exact decimals. Reads are repeated shortly (tenacity); the long retries are the todo's.
Knows nothing of products.
"""

from __future__ import annotations

import base64
import binascii
import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import tenacity

from adapters.medusa.options import Credential, Login, SecretKey
from connector.errors import OutcomeUnknown, Rejected, TargetDown, TryAgain
from connector.net.timely import TimelyTransport, retry_after_seconds
from connector.ports import Clock

JsonObject = Mapping[str, Any]
Params = Mapping[str, str | int | Sequence[str]]

TRIES = 3
LONGEST_WAIT_SECONDS = 10.0
TOKEN_SECONDS = 86_400
"""How long Medusa's tokens hold when they do not say so themselves."""
RENEW_SECONDS_BEFORE = 3_600.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A JSON object, and the server's own time when it began to answer."""

    body: JsonObject
    served_at: datetime


class NotFound(Rejected):
    """Medusa says in JSON that it has no such thing."""


class NoSuchRoute(Rejected):
    """The server answers this path with its HTML page: the module or plugin is not there."""


class Unrecognized(Rejected):
    """400: Medusa does not take this request."""


class Client:
    """Reads from one Medusa server, and writes words. Threads may share it."""

    def __init__(
        self,
        url: str,
        credential: Credential,
        clock: Clock,
        timeout_seconds: float,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._url = url.rstrip("/")
        self._credential = credential
        self._clock = clock
        self._timeout_seconds = timeout_seconds
        self._http = httpx.Client(
            timeout=httpx.Timeout(timeout_seconds, connect=min(timeout_seconds, 10.0)),
            headers={"accept": "application/json"},
            follow_redirects=False,
            trust_env=False,
            transport=TimelyTransport(transport),
        )
        self._lock = threading.Lock()
        self._token: str | None = None
        self._renew_at: datetime | None = None

    def get(self, path: str, params: Params | None = None) -> Answer:
        """Read a path below the server's address.

        Raises NotFound, NoSuchRoute, Unrecognized (all Rejected), TryAgain or TargetDown.
        """
        for attempt in tenacity.Retrying(
            stop=tenacity.stop_after_attempt(TRIES)
            | tenacity.stop_after_delay(self._timeout_seconds),
            wait=_wait,
            retry=tenacity.retry_if_exception(_is_worth_another_try),
            sleep=self._clock.sleep,
            reraise=True,
        ):
            with attempt:
                return self._authorized("GET", path, params=params or {})
        raise AssertionError("tenacity returns or raises")

    def post(self, path: str, body: JsonObject, params: Params | None = None) -> Answer:
        """Write, once: after no answer somebody has to look first.

        Raises as `get` does, and OutcomeUnknown.
        """
        try:
            return self._authorized("POST", path, params=params, json_body=body)
        except TryAgain as error:
            raise OutcomeUnknown(
                error.message, retry_after_seconds=error.retry_after_seconds
            ) from error

    def close(self) -> None:
        self._http.close()

    # ---- credentials ----

    def _authorized(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        json_body: JsonObject | None = None,
    ) -> Answer:
        def send(header: str) -> Answer:
            headers = {"authorization": header}
            return self._send(method, path, params=params, json_body=json_body, headers=headers)

        header = self._authorization()
        try:
            return send(header)
        except _Unauthorized:
            if isinstance(self._credential, SecretKey):
                raise
            self._forget(header)
        return send(self._authorization())

    def _authorization(self) -> str:
        if isinstance(self._credential, SecretKey):
            return "Basic " + base64.b64encode(f"{self._credential.key}:".encode()).decode()
        with self._lock:
            if self._token is None or self._renew_at is None:
                self._keep(self._login(self._credential))
            elif self._clock.now() >= self._renew_at:
                self._keep(self._renewed(self._credential, self._token))
            return f"Bearer {self._token}"

    def _forget(self, header: str) -> None:
        with self._lock:
            if header == f"Bearer {self._token}":
                self._token = None

    def _login(self, login: Login) -> str:
        body = {"email": login.email, "password": login.password}
        return _token(self._send("POST", "/auth/user/emailpass", json_body=body))

    def _renewed(self, login: Login, token: str) -> str:
        headers = {"authorization": f"Bearer {token}"}
        try:
            return _token(self._send("POST", "/auth/token/refresh", json_body={}, headers=headers))
        except _Unauthorized:
            return self._login(login)

    def _keep(self, token: str) -> None:
        lifetime = _token_seconds(token)
        seconds = max(lifetime - RENEW_SECONDS_BEFORE, lifetime / 2)
        self._token = token
        self._renew_at = datetime.fromtimestamp(self._clock.now().timestamp() + seconds, UTC)

    # ---- the seam ----

    def _send(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        json_body: JsonObject | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        try:
            response = self._http.request(
                method, self._url + path, params=_pairs(params), json=json_body, headers=headers
            )
        except httpx.TimeoutException as error:
            raise TryAgain(f"Medusa did not answer {method} {path} in time") from error
        except httpx.ConnectError as error:
            raise TargetDown(
                f"nobody answers at {self._url}; start Medusa or mend the backend's url"
            ) from error
        except httpx.HTTPError as error:
            raise TryAgain(
                f"the connection broke during {method} {path} ({type(error).__name__})"
            ) from error
        return self._read(response, method, path)

    def _read(self, response: httpx.Response, method: str, path: str) -> Answer:
        what = f"{method} {path}"
        _raise_for_status(response, what)
        try:
            body = json.loads(response.content, parse_float=Decimal, parse_constant=_no_number)
        except (ValueError, RecursionError) as error:
            raise TryAgain(
                f"the answer to {what} is not JSON; is {self._url} really Medusa?"
            ) from error
        if not isinstance(body, dict):
            raise TryAgain(f"the answer to {what} is no JSON object; is this really Medusa?")
        return Answer(body, _served_at(response, self._clock))


class _Unauthorized(TargetDown):
    """401: wrong, revoked or expired credential."""


def _is_worth_another_try(error: BaseException) -> bool:
    if not isinstance(error, TryAgain):
        return False
    return (error.retry_after_seconds or 0.0) <= LONGEST_WAIT_SECONDS


def _wait(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after_seconds if isinstance(error, TryAgain) else None
    return asked if asked is not None else 0.25 * 2.0 ** (state.attempt_number - 1)


def _raise_for_status(response: httpx.Response, what: str) -> None:
    match response.status_code:
        case 200:
            return
        case 401:
            raise _Unauthorized(
                f"Medusa refuses the credential (401 for {what}); make a secret API key in its"
                " settings, or mend email:password"
            )
        case 403:
            raise TargetDown(f"the credential may not do {what} (403); use one of an admin")
        case 404 if _is_json(response):
            raise NotFound(f"Medusa has nothing at {what} (404)")
        case 404:
            raise NoSuchRoute(f"this server has no route {what} (404)")
        case 413:
            raise Unrecognized(
                f"Medusa takes no {what} of that size (413); raise its bodyParser's sizeLimit for"
                " /admin/products (100 KB unless it is set)"
            )
        case 400 | 422:
            raise Unrecognized(
                f"Medusa does not take {what} ({response.status_code}){_reason(response)}"
            )
        case 429 | 502 | 503 | 504:
            raise TryAgain(
                f"Medusa is busy ({response.status_code} for {what})",
                retry_after_seconds=retry_after_seconds(response.headers, datetime.now(UTC)),
            )
        case status if 300 <= status < 400:
            raise TargetDown(f"{what} is redirected ({status}); set the address it leads to")
        case status:
            raise TryAgain(f"Medusa failed at {what} ({status})")


def _reason(response: httpx.Response) -> str:
    """What Medusa says of a refusal, for people."""
    try:
        return f": {str(response.json()['message'])[:300]}"
    except (ValueError, KeyError, TypeError):
        return ""


def _is_json(response: httpx.Response) -> bool:
    return "json" in str(response.headers.get("content-type", ""))


def _served_at(response: httpx.Response, clock: Clock) -> datetime:
    try:
        served_at = parsedate_to_datetime(str(response.headers["date"]))
    except (KeyError, ValueError):
        return clock.now()
    return served_at if served_at.tzinfo else served_at.replace(tzinfo=UTC)


def _pairs(params: Params | None) -> list[tuple[str, str | int | float | bool | None]] | None:
    if not params:
        return None
    return [
        (name, value)
        for name, given in params.items()
        for value in ([given] if isinstance(given, str | int) else given)
    ]


def _token(answer: Answer) -> str:
    token = answer.body.get("token")
    if not isinstance(token, str) or not token:
        raise TargetDown("Medusa gave no token for this login; use a secret API key instead")
    return token


def _token_seconds(token: str) -> float:
    """How long a JWT holds from its issue on, by its own claims; our clock is not asked."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        seconds = float(claims["exp"] - claims["iat"])
    except (IndexError, KeyError, TypeError, ValueError, binascii.Error):
        return float(TOKEN_SECONDS)
    return seconds if seconds > 0 else float(TOKEN_SECONDS)


def _no_number(name: str) -> Decimal:
    raise ValueError(f"{name} is no JSON number")
