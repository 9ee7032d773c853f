"""What a stranger finds at the daemon's port: no login to guess, no documents, no figures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from connector.ops.metrics import Metrics
from connector.serve import build_app
from tests.relay_house import BLOG, SHOP, RelayHouse, build_service

PROBES = """
/ /admin /admin/ /login /wp-login.php /wp-admin/ /user/login /administrator /manager/html
/console /dashboard /status /debug /debug/pprof/ /actuator /actuator/env /server-status
/docs /redoc /openapi.json /swagger /swagger-ui.html /v1/docs /v1/redoc /graphql /api /api/v1
/.env /.git/config /.git/HEAD /.svn/entries /config.yaml /connector.yaml /state.db /backup.zip
/etc/passwd /phpmyadmin/ /cgi-bin/test.cgi /shell /metrics/ /metrics.json /Metrics /readyz/all
/storefront/ /storefront/../serve.py /storefront/%2e%2e/openapi.yaml /storefront/..%2f..%2fserve.py
/hooks/ /hooks/../metrics /v1/../metrics /v1/blog/../../metrics //metrics /healthz/..;/metrics
""".split()  # noqa: SIM905
STRANGERS = ["81.2.69.142", "2a02:908::1", "::ffff:81.2.69.142", "0.0.0.0", "not an address"]
NEAR = ["127.0.0.1", "10.1.2.3", "172.17.0.1", "192.168.7.7", "::1", "fd00::1"]
SECRET_PART = "worker blog.offers has died"


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Starlette]:
    house = RelayHouse.build(tmp_path)
    metrics = Metrics(house.database, [BLOG], [SHOP], house.clock)
    yield build_app({}, metrics, lambda: {"work": SECRET_PART}, build_service(house))
    house.database.close()


def asking(app: Starlette, host: str) -> TestClient:
    return TestClient(app, client=(host, 4000), follow_redirects=False)


def test_nothing_is_where_strangers_look(app: Starlette) -> None:
    assert len(PROBES) >= 40
    stranger = asking(app, STRANGERS[0])
    for path in PROBES:
        for method in ("GET", "POST"):
            answer = stranger.request(method, path)
            assert answer.status_code in (307, 403, 404, 405), (method, path, answer.status_code)
            assert "connector_" not in answer.text, path
            assert "set-cookie" not in answer.headers
            assert "www-authenticate" not in answer.headers
            assert "default-src 'none'" in answer.headers["content-security-policy"], path
            assert answer.headers["x-content-type-options"] == "nosniff"


def test_nothing_can_be_put_into_a_frame(app: Starlette) -> None:
    stranger = asking(app, STRANGERS[0])
    for path in ("/", "/healthz", "/readyz", "/metrics", "/v1/blog", "/v1/openapi.json"):
        policy = stranger.get(path).headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy, path


@pytest.mark.parametrize("host", STRANGERS)
def test_figures_and_reasons_are_not_for_strangers(app: Starlette, host: str) -> None:
    stranger = asking(app, host)
    scraped = stranger.get("/metrics")
    assert scraped.status_code == 404
    assert scraped.json()["type"] == stranger.get("/nowhere").json()["type"]
    ready = stranger.get("/readyz")
    assert (ready.status_code, ready.json()) == (503, {"ready": False})
    for header in ("x-forwarded-for", "x-real-ip", "forwarded", "client-ip", "true-client-ip"):
        assert stranger.get("/metrics", headers={header: "127.0.0.1"}).status_code == 404


@pytest.mark.parametrize("host", NEAR)
def test_who_runs_it_reads_both(app: Starlette, host: str) -> None:
    here = asking(app, host)
    assert "connector_relay" in here.get("/metrics").text
    assert here.get("/readyz").json() == {"ready": False, "problems": {"work": SECRET_PART}}
