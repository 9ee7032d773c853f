"""`POST /hooks/{backend}`: a backend's webhook, verified, remembered, answered.

The answer follows the commit: 202 means that the work is safely noted, 200 that it was noted
before (a sender's retry), 401 that the sender is not proved (nothing is noted, nothing is said),
503 that the state cannot be written now, or that we failed, and the sender should come again. The
body is only a hint.
"""

from __future__ import annotations

from collections.abc import Mapping

import structlog
from prometheus_client import Counter
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connector.detect import Detector
from connector.errors import BadSignature
from connector.model import BackendName
from connector.relay.guard import read_bytes
from connector.relay.problems import Problem

log = structlog.get_logger(__name__)
MAX_BODY = 256 * 1024


def hook_route(detectors: Mapping[BackendName, Detector], received: Counter) -> Route:
    """The route, for these backends. `received` counts by backend and result."""

    async def hook(request: Request) -> Response:
        name = BackendName(request.path_params["backend"])
        detector = detectors.get(name)
        if detector is None:
            return Response(status_code=404)
        try:
            body = await read_bytes(request, MAX_BODY)
        except Problem as problem:
            received.labels(name, problem.word).inc()
            return Response(status_code=problem.kind.status, headers={"connection": "close"})
        headers = {key.lower(): value for key, value in request.headers.items()}
        status, result = await run_in_threadpool(_receive, detector, headers, body)
        received.labels(name, result).inc()
        again = {"retry-after": "5"} if status == 503 else None
        return Response(status_code=status, headers=again)

    return Route("/hooks/{backend}", hook, methods=["POST"])


def _receive(detector: Detector, headers: Mapping[str, str], body: bytes) -> tuple[int, str]:
    try:
        fresh = detector.receive(headers, body)
    except BadSignature as error:
        log.warning(
            "A webhook was refused", action="hook.refused", backend=detector.backend, why=str(error)
        )
        return 401, "refused"
    except SQLAlchemyError as error:
        log.error(
            "A webhook could not be noted; its sender is asked to come again",
            action="hook.unavailable",
            backend=detector.backend,
            error=type(getattr(error, "orig", error)).__name__,
        )
        return 503, "unavailable"
    except Exception:
        log.exception(
            "A webhook met something unforeseen; its sender is asked to come again",
            action="hook.crash",
            backend=detector.backend,
        )
        return 503, "crashed"
    return (202, "noted") if fresh else (200, "repeated")
