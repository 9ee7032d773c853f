"""The daemon's HTTP side: an ASGI app (webhooks, the relay, health, metrics) and its server.

An app is a value: routes over the things they need. The server runs in a thread beside the workers
and stops when told to, after the requests under way are answered.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from connector.detect import Detector
from connector.errors import StateError
from connector.model import BackendName
from connector.ops.metrics import Metrics
from connector.relay.api import unrouted
from connector.relay.files import storefront_mount
from connector.relay.guard import SafeAnswers, is_near
from connector.relay.hooks import hook_route
from connector.relay.service import RelayService


def build_app(
    detectors: Mapping[BackendName, Detector],
    metrics: Metrics,
    readiness: Callable[[], Mapping[str, str]],
    relay: RelayService | None = None,
    nudges: Route | None = None,
) -> Starlette:
    """The app. `readiness` answers what is wrong, by part; nothing wrong means ready."""

    async def healthz(_request: Request) -> Response:
        return PlainTextResponse("alive\n")

    async def readyz(request: Request) -> Response:
        problems = await run_in_threadpool(readiness)
        if problems:
            told = {"problems": dict(problems)} if is_near(request) else {}
            return JSONResponse({"ready": False, **told}, 503)
        return JSONResponse({"ready": True})

    async def scrape(request: Request) -> Response:
        if not is_near(request):
            raise HTTPException(404)
        text = await run_in_threadpool(metrics.text)
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    return Starlette(
        routes=[
            hook_route(detectors, metrics.webhooks),
            *([nudges] if nudges else ()),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/metrics", scrape),
            *([relay.mount(), storefront_mount()] if relay else ()),
        ],
        middleware=[Middleware(SafeAnswers)],
        exception_handlers={HTTPException: unrouted},
        lifespan=relay.lifespan if relay else None,
    )


class HttpServer:
    """uvicorn in a thread of its own."""

    def __init__(
        self,
        app: Starlette,
        host: str,
        port: int,
        stopping: Callable[[], None] = lambda: None,
        trusted_proxies: Sequence[str] = (),
    ) -> None:
        self._stopping = stopping
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                log_config=None,
                access_log=False,
                backlog=2048,
                proxy_headers=bool(trusted_proxies),
                forwarded_allow_ips=list(trusted_proxies),
                timeout_graceful_shutdown=5,
            )
        )
        self._address = f"{host}:{port}"
        self._failed = ""
        self._thread = threading.Thread(target=self._serve, name="http", daemon=True)

    def start(self) -> None:
        """Serve. Raises StateError when the address cannot be had."""
        logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                raise StateError(
                    f"cannot listen on {self._address}{self._failed}. Stop what uses it, or set"
                    " server.port to another"
                )
            time.sleep(0.01)

    def stop(self) -> None:
        self._stopping()
        self._server.should_exit = True
        self._thread.join(8)

    @property
    def port(self) -> int:
        """The port in use, also when 0 was asked for."""
        return int(self._server.servers[0].sockets[0].getsockname()[1])

    def _serve(self) -> None:
        try:
            self._server.run()
        except SystemExit:
            self._failed = " (the port is taken, or not ours to use)"
