"""One seam: every status and every broken connection becomes an error that says what to do next."""

from __future__ import annotations

import base64
import json
from decimal import Decimal

import httpx
import pytest

from adapters.medusa import BACKEND
from adapters.medusa.client import Client, NoSuchRoute, NotFound, Unrecognized
from adapters.medusa.options import Login, SecretKey, parse_credential
from connector.errors import ConnectorError, TargetDown, TryAgain
from connector.model import BackendName, Locale
from connector.ports import BackendSettings
from connector.testing.clock import FakeClock

KEY = SecretKey("sk_lab")
LOGIN = Login("admin@example.org", "a:secret")


class Script(httpx.BaseTransport):
    """Answers one after the other; an exception is raised instead. The last one stays."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    @property
    def paths(self) -> list[str]:
        return [each.url.path for each in self.requests]


def client(
    script: httpx.BaseTransport, credential: SecretKey | Login = KEY
) -> tuple[Client, FakeClock]:
    clock = FakeClock()
    return Client("http://medusa.test/", credential, clock, 5.0, script), clock


def answer(status: int, body: object = None, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=body if body is not None else {}, headers=headers)


def jwt(seconds: int, name: str = "x") -> str:
    claims = base64.urlsafe_b64encode(json.dumps({"iat": 1000, "exp": 1000 + seconds}).encode())
    return f"{name}.{claims.decode().rstrip('=')}.sig"


HTML = httpx.Response(404, html="<pre>Cannot GET /x</pre>")


@pytest.mark.parametrize(
    ("response", "error", "tries"),
    [
        (answer(401, {"message": "Unauthorized"}), TargetDown, 1),
        (answer(403), TargetDown, 1),
        (answer(301), TargetDown, 1),
        (answer(404, {"type": "not_found"}), NotFound, 1),
        (HTML, NoSuchRoute, 1),
        (answer(400), Unrecognized, 1),
        (answer(429), TryAgain, 3),
        (answer(500), TryAgain, 3),
        (answer(503), TryAgain, 3),
        (httpx.Response(200, text="<html>"), TryAgain, 3),
        (httpx.ReadTimeout("slow"), TryAgain, 3),
        (httpx.RemoteProtocolError("cut"), TryAgain, 3),
        (httpx.ConnectError("refused"), TargetDown, 1),
    ],
)
def test_each_failure_has_its_error(
    response: httpx.Response | Exception, error: type[ConnectorError], tries: int
) -> None:
    script = Script(response)
    medusa, clock = client(script)
    with pytest.raises(error) as caught:
        medusa.get("/x")
    assert type(caught.value) is error or error is TargetDown
    assert len(script.requests) == tries
    assert len(clock.slept) == tries - 1
    assert "sk_lab" not in caught.value.message


def test_a_busy_server_is_asked_again_when_it_says() -> None:
    script = Script(answer(429, None, **{"retry-after": "7"}), answer(200, {"a": 1}))
    medusa, clock = client(script)
    assert medusa.get("/x").body == {"a": 1}
    assert clock.slept == [7.0]


def test_a_long_wait_is_left_to_the_caller() -> None:
    script = Script(answer(429, None, **{"retry-after": "600"}))
    medusa, clock = client(script)
    with pytest.raises(TryAgain) as caught:
        medusa.get("/x")
    assert caught.value.retry_after_seconds == 600.0
    assert clock.slept == []


def test_numbers_with_a_point_are_exact() -> None:
    script = Script(httpx.Response(200, text='{"amount": 19.99, "count": 2}'))
    medusa, _ = client(script)
    assert medusa.get("/x").body == {"amount": Decimal("19.99"), "count": 2}


def test_the_servers_clock_is_told() -> None:
    script = Script(answer(200, None, date="Tue, 24 Nov 2026 02:20:08 GMT"))
    medusa, _ = client(script)
    assert medusa.get("/x").served_at.isoformat() == "2026-11-24T02:20:08+00:00"


def test_a_secret_key_goes_as_basic() -> None:
    script = Script(answer(200))
    medusa, _ = client(script)
    medusa.get("/x", {"id[]": ["a", "b"], "limit": 2})
    (request,) = script.requests
    assert request.headers["authorization"] == "Basic " + base64.b64encode(b"sk_lab:").decode()
    assert request.url.params.multi_items() == [("id[]", "a"), ("id[]", "b"), ("limit", "2")]


def test_a_login_is_exchanged_once_and_renewed_before_it_ends() -> None:
    tokens = [answer(200, {"token": jwt(86_400, name)}) for name in ("first", "second")]
    script = Script(tokens[0], answer(200), answer(200), tokens[1], answer(200))
    medusa, clock = client(script, LOGIN)
    medusa.get("/x")
    clock.advance(hours=22, minutes=59)
    medusa.get("/x")
    clock.advance(minutes=2)
    medusa.get("/x")
    login, refresh = "/auth/user/emailpass", "/auth/token/refresh"
    assert script.paths == [login, "/x", "/x", refresh, "/x"]
    assert json.loads(script.requests[0].content) == {
        "email": "admin@example.org",
        "password": "a:secret",
    }
    assert script.requests[-1].headers["authorization"] == f"Bearer {jwt(86_400, 'second')}"


def test_a_token_that_is_refused_is_exchanged_once() -> None:
    token = answer(200, {"token": jwt(60)})
    script = Script(token, answer(401), token, answer(200, {"a": 1}))
    medusa, _ = client(script, LOGIN)
    assert medusa.get("/x").body == {"a": 1}
    script = Script(token, answer(401), token, answer(401))
    medusa, _ = client(script, LOGIN)
    with pytest.raises(TargetDown):
        medusa.get("/x")
    assert len(script.requests) == 4


def test_a_renewal_that_is_refused_logs_in_again() -> None:
    token = answer(200, {"token": jwt(60)})
    script = Script(token, answer(200), answer(401), token, answer(200))
    medusa, clock = client(script, LOGIN)
    medusa.get("/x")
    clock.advance(seconds=45)
    medusa.get("/x")
    login = "/auth/user/emailpass"
    assert script.paths == [login, "/x", "/auth/token/refresh", login, "/x"]


@pytest.mark.parametrize("text", [None, "", "sk_", "secret", "user:password", "a@b.test:"])
def test_what_is_no_credential(text: str | None) -> None:
    assert parse_credential(text) is None


def test_credentials_show_nothing_of_themselves() -> None:
    assert "sk_lab" not in repr(KEY)
    assert "secret" not in repr(LOGIN)
    assert parse_credential("admin@example.org:a:secret") == LOGIN


def test_every_problem_of_the_settings_is_told_at_once() -> None:
    options = {"sales_channel": "web", "attribute": {}, "storefront_url": "https://x.test/p"}
    settings = BackendSettings(BackendName("m"), "medusa", None, (), Locale("en-US"), options)
    assert sorted(each.path for each in BACKEND.problems(settings)) == [
        "credential",
        "options.attribute",
        "options.sales_channel",
        "options.storefront_url",
        "url",
    ]
    fine = BackendSettings(BackendName("m"), "https://m.test", "sk_x", (), Locale("en-US"), {})
    assert list(BACKEND.problems(fine)) == []
