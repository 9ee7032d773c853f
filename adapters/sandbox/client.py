"""The one seam to the shop: a request goes out, JSON or one of errors.py comes back.

Writes go out once: after one without an answer somebody has to look first. Reads are repeated a few
times within seconds where the failure may pass; everything longer is the connector's work engine's.
JSON numbers with a point come as Decimal.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import httpx
from tenacity import (
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    stop_after_delay,
    wait_exponential_jitter,
)

from connector.errors import OutcomeUnknown, Rejected, TargetDown, TryAgain
from connector.net.timely import TimelyTransport, retry_after_seconds
from connector.ports import Clock

TRIES = 3


class ShopClient:
    """Reads one shop, and gives it words."""

    def __init__(self, url: str, key: str, timeout_seconds: float, clock: Clock) -> None:
        self.url = url
        self._clock = clock
        self._timeout_seconds = timeout_seconds
        self._client = httpx.Client(
            base_url=url,
            timeout=timeout_seconds,
            headers={"authorization": f"Bearer {key}", "accept": "application/json"},
            trust_env=False,
            transport=TimelyTransport(),
        )

    def close(self) -> None:
        self._client.close()

    def get(self, path: str, params: Mapping[str, str | int] | None = None) -> dict[str, Any]:
        """The JSON object at a path. Raises TryAgain, TargetDown, Rejected."""
        trying = Retrying(
            stop=stop_after_attempt(TRIES) | stop_after_delay(self._timeout_seconds),
            wait=wait_exponential_jitter(multiplier=0.1, max=1),
            sleep=self._clock.sleep,
            retry=retry_if_exception(_may_pass),
            reraise=True,
        )
        answer: dict[str, Any] = trying(self._get, path, params or {})
        return answer

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """What the shop answers to a write. Raises also OutcomeUnknown."""
        try:
            return self._ask("POST", path, json=body)
        except TryAgain as error:
            if error.retry_after_seconds is not None:
                raise
            raise OutcomeUnknown(error.message) from error

    def _get(self, path: str, params: Mapping[str, str | int]) -> dict[str, Any]:
        return self._ask("GET", path, params=params)

    def _ask(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        try:
            answer = self._client.request(method, path, **more)
        except httpx.TimeoutException as error:
            raise TryAgain(f"the shop at {self.url} did not answer {path} in time") from error
        except (httpx.ReadError, httpx.RemoteProtocolError, httpx.DecodingError) as error:
            raise TryAgain(f"the shop at {self.url} broke off its answer to {path}") from error
        except httpx.TransportError as error:
            raise TargetDown(
                f"the shop at {self.url} cannot be reached ({type(error).__name__});"
                " is it running, and is the address right?"
            ) from error
        return self._read(answer, path)

    def _read(self, answer: httpx.Response, path: str) -> dict[str, Any]:
        status = answer.status_code
        if status in (401, 403):
            raise TargetDown(
                f"the shop at {self.url} refuses the key ({status}); put the key that it printed"
                " at its start under `credential`"
            )
        if status == 410:
            raise TargetDown(
                f"the shop at {self.url} is not the one that was read before, it was made anew;"
                " give the connector a new state, or put the old shop back"
            )
        if status == 429 or status >= 500:
            raise TryAgain(
                f"the shop at {self.url} answered {status} to {path}",
                retry_after_seconds=retry_after_seconds(answer.headers, self._clock.now()),
            )
        if status != 200:
            raise Rejected(f"the shop answered {status} to {path}{_reason(answer)}")
        try:
            value = json.loads(answer.content, parse_float=Decimal)
        except ValueError as error:
            raise TryAgain(
                f"the shop at {self.url} answered {path} with something that is not JSON; if a"
                " proxy stands before it, let it pass /v1/"
            ) from error
        if not isinstance(value, dict):
            raise TryAgain(f"the shop at {self.url} answered {path} with JSON that is no object")
        return value


def _reason(answer: httpx.Response) -> str:
    """What the shop says of a refusal, for people."""
    try:
        return f": {str(answer.json()['message'])[:300]}"
    except (ValueError, KeyError, TypeError):
        return ""


def _may_pass(error: BaseException) -> bool:
    return isinstance(error, TryAgain) and error.retry_after_seconds is None
