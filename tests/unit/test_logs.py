"""Logs: one line an event, no secret in any, and no line forged from outside."""

from __future__ import annotations

import ast
import base64
import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from connector.ops import logs

ROOT = Path(__file__).parents[2]
SIGNING = "whsec_Y2FuYXJ5LWxvZy1zaWduaW5nLWtleS0zMi1ieXRlcw=="
LOGIN = "editor:wxyz efgh ijkl"
CONFIGURED = ("", "uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi", *logs._CHATTY)


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(logs, "_hidden", logs._Hidden())
    before = [
        (logger, logger.handlers[:], logger.level, logger.propagate)
        for logger in map(logging.getLogger, CONFIGURED)
    ]
    for logger, *_ in before:
        logger.setLevel(logging.NOTSET)  # A server of another test may have left one.
    yield
    structlog.reset_defaults()
    for logger, handlers, level, propagate in before:
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)


def _json_lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def _json_log(level: str = "info") -> tuple[Any, io.StringIO]:
    out = io.StringIO()
    logs.set_up(level, "json", out)
    return structlog.get_logger("connector.test"), out


def test_a_line_has_a_sentence_an_action_a_level_and_a_time() -> None:
    log, out = _json_log()
    log.warning("A job failed", action="job.failed", job="poll shop", tries=3)
    (line,) = _json_lines(out)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "A job failed",
        "action": "job.failed",
        "level": "warning",
        "logger": "connector.test",
        "job": "poll shop",
        "tries": 3,
    }


def test_the_console_says_the_same_for_people() -> None:
    out = io.StringIO()
    logs.set_up("info", "console", out)
    structlog.get_logger("connector.test").info("Working", action="daemon.start", port=8585)
    (line,) = out.getvalue().splitlines()
    assert "Working" in line
    assert "action=daemon.start" in line
    assert "port=8585" in line
    assert "\x1b" not in line


def test_less_than_the_level_is_silent() -> None:
    log, out = _json_log("warning")
    log.info("Working", action="a.b")
    logging.getLogger("uvicorn.error").info("started")
    assert out.getvalue() == ""


def test_setting_up_twice_says_each_thing_once() -> None:
    _json_log()
    log, out = _json_log()
    log.info("Working", action="a.b")
    assert len(_json_lines(out)) == 1


@pytest.mark.parametrize("name", ["uvicorn.error", "apscheduler.executors", "sqlalchemy.pool"])
def test_libraries_go_through_the_same_chain(name: str) -> None:
    _, out = _json_log()
    logs.hide([SIGNING])
    logging.getLogger(name).warning("missed %s", SIGNING)
    (line,) = _json_lines(out)
    assert (line["event"], line["action"], line["level"]) == ("missed ***", name, "warning")


@pytest.mark.parametrize("name", ["httpx", "apscheduler.executors.default", "sqlalchemy.engine"])
def test_what_libraries_chat_is_left_out(name: str) -> None:
    _, out = _json_log()
    logging.getLogger(name).info("GET https://shop.example/?token=x")
    assert out.getvalue() == ""


def test_handlers_of_uvicorn_are_not_kept_beside_ours() -> None:
    other = io.StringIO()
    logging.getLogger("uvicorn").addHandler(logging.StreamHandler(other))
    _, out = _json_log()
    logging.getLogger("uvicorn.error").warning("once")
    assert (other.getvalue(), len(_json_lines(out))) == ("", 1)


@pytest.mark.parametrize(
    "key",
    [
        "secret",
        "webhook_secrets",
        "password",
        "Authorization",
        "access_token",
        "api_key",
        "apikey",
        "credential",
        "Set-Cookie",
        "webhook-signature",
        "private_key",
    ],
)
def test_a_value_with_a_secret_name_is_hidden_at_any_depth(key: str) -> None:
    log, out = _json_log()
    log.info(
        "Sent", action="a.b", headers={key: "canary", "x": [{key: ["canary"]}]}, **{key: "canary"}
    )
    (line,) = _json_lines(out)
    assert line["headers"] == {key: "***", "x": [{key: "***"}]}
    assert line[key] == "***"


@pytest.mark.parametrize("key", ["author", "action", "key", "sku", "fence", "path"])
def test_a_value_with_another_name_is_shown(key: str) -> None:
    assert not logs.looks_secret(key)


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize(
    "leak",
    [
        SIGNING,
        SIGNING.removeprefix("whsec_"),
        LOGIN,
        "wxyz efgh ijkl",
        "wxyzefghijkl",
        base64.b64encode(LOGIN.encode()).decode(),
        base64.b64encode(b"editor:wxyzefghijkl").decode(),
    ],
)
def test_a_known_secret_comes_out_in_no_form_and_no_place(form: str, leak: str) -> None:
    out = io.StringIO()
    logs.set_up("info", form, out)
    logs.hide([SIGNING, LOGIN])
    log = structlog.get_logger("connector.test")
    log.info(
        f"Sent {leak}", action=leak, a=leak, b={leak: [leak]}, c=ValueError(leak), d=leak.encode()
    )
    try:
        raise ValueError(leak)
    except ValueError:
        log.exception("Failed", action="a.b")
        logging.getLogger("uvicorn.error").exception("Failed %s", leak)
    assert leak not in out.getvalue()
    assert out.getvalue().count("***") >= 8


def test_a_secret_that_hides_itself_stays_hidden() -> None:
    log, out = _json_log()
    log.info("Opened", action="a.b", value=SecretStr("canary-in-str"))
    assert "canary" not in out.getvalue()


def test_short_secrets_do_not_blank_out_every_line() -> None:
    logs.hide(["a", "", "x:y"])
    assert logs.without_secrets("a x:y") == "a x:y"


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize(
    "forged", ["a\n[info] forged", "a\r\nforged", "a\x1b[2Jb", "a\u2028b", "\x85"]
)
def test_nobody_outside_can_forge_a_line(form: str, forged: str) -> None:
    out = io.StringIO()
    logs.set_up("info", form, out)
    log = structlog.get_logger("connector.test")
    log.info(f"Title {forged}", action="a.b", title=forged, nested={forged: [forged]})
    logging.getLogger("uvicorn.error").warning("path %s", forged)
    assert len(out.getvalue().splitlines()) == 2
    assert not set(out.getvalue()) & set("\r\x1b\u2028\x85")


def test_a_trace_cannot_be_taken_for_an_event() -> None:
    out = io.StringIO()
    logs.set_up("info", "console", out)
    try:
        raise ValueError("x\n2026-01-01 [info] forged\x1b[2J")
    except ValueError:
        structlog.get_logger("connector.test").exception("Failed", action="a.b")
    first, *others = out.getvalue().splitlines()
    assert "Failed" in first
    assert "  | 2026-01-01 [info] forged\\x1b[2J" in others
    assert all(line.startswith("  | ") for line in others)


@given(st.text(), st.dictionaries(st.text(), st.text() | st.binary() | st.none() | st.floats()))
def test_anything_at_all_becomes_one_json_line(text: str, values: dict[str, Any]) -> None:
    log, out = _json_log()
    log.info("Got %s", text, action="a.b", values=values)
    (line,) = out.getvalue().split("\n")[:-1]
    assert json.loads(line)["action"] == "a.b"


# ---- the house rule ----


def _log_calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Call(
                func=ast.Attribute(
                    value=ast.Name(id="log"),
                    attr="debug" | "info" | "warning" | "error" | "exception" | "critical",
                )
            ):
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def test_every_log_call_has_a_sentence_and_an_action() -> None:
    sources = [*ROOT.glob("connector/**/*.py"), *ROOT.glob("adapters/**/*.py")]
    calls = [call for path in sources for call in _log_calls(path)]
    assert calls
    for where, call in calls:
        assert len(call.args) == 1, f"{where}: say one sentence, and values by name"
        sentence = call.args[0]
        assert not isinstance(sentence, ast.JoinedStr), f"{where}: give values by name"
        if isinstance(sentence, ast.Constant):
            assert str(sentence.value)[:1].isupper(), f"{where}: a sentence begins with a capital"
        assert "action" in {each.arg for each in call.keywords}, f"{where}: name the action"
