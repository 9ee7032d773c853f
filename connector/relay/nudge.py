"""`POST /nudge/{site}`: a site says that its editors wait for something.

Signed with the site's secret; it makes the daemon look at the site's event log at once, and
carries nothing. Lost or repeated, it changes nothing but when we look.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connector.errors import BadSignature
from connector.ports import Clock
from connector.relay.guard import read_bytes
from connector.relay.problems import Problem
from connector.signing import Secret, request_content, verify

log = structlog.get_logger(__name__)
MOST_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Bell:
    """What proves that a site nudges, and what is done then."""

    secrets: Sequence[Secret]
    ring: Callable[[], None]


def nudge_route(bells: Mapping[str, Bell], clock: Clock) -> Route:
    """The route, for these sites. An unknown site is answered as an unsigned request is."""

    async def nudge(request: Request) -> Response:
        name = request.path_params["site"]
        bell = bells.get(name, Bell((), lambda: None))
        headers = {key.lower(): value for key, value in request.headers.items()}
        try:
            body = await read_bytes(request, MOST_BYTES)
            content = request_content("POST", f"/nudge/{name}", body)
            verify(bell.secrets, headers, content, clock.now())
        except Problem as problem:
            return Response(status_code=problem.kind.status, headers={"connection": "close"})
        except BadSignature as error:
            log.warning("A nudge was refused", action="nudge.refused", why=str(error))
            return Response(status_code=401)
        bell.ring()
        return Response(status_code=202)

    return Route("/nudge/{site}", nudge, methods=["POST"])
