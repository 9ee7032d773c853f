"""Logs: one line an event, with a sentence for people (`event`) and a key for machines (`action`).

    log.warning("A job failed", action="job.failed", job=job, reason=error.message)

JSON or console, on stderr. Libraries' loggers go through the same chain. Secrets do not come out: a
value whose key looks secret is hidden, and so is any secret that the configuration resolved
(`hide`), wherever it stands. Line breaks and control characters inside a value are escaped, so that
nobody outside can forge a line. Knows nothing of what is logged.
"""

from __future__ import annotations

import base64
import logging
import re
import sys
import threading
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

if TYPE_CHECKING:
    from connector.config import Config

HIDDEN = "***"
SHORTEST_HIDDEN = 6
"""A shorter secret is not searched for in texts: it would blank out half of every line."""

_SECRET_KEY = re.compile(
    r"secret|passw|token|authori[sz]ation|credential|cookie|signature|api_?key|private_?key",
    re.IGNORECASE,
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_CONTROL_IN_TRACE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_MULTILINE = ("exception", "stack")
_CHATTY = ("httpx", "httpcore", "urllib3", "apscheduler", "sqlalchemy", "alembic", "PIL", "asyncio")
_OWN_HANDLERS = ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi")


# ---- what never comes out ----


class _Hidden:
    """The secrets known to this process, and one pattern that finds them all."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def add(self, secrets: Iterable[str]) -> None:
        with self._lock:
            for secret in secrets:
                self._forms.update(f for f in _forms(secret) if len(f) >= SHORTEST_HIDDEN)
            longest_first = sorted(self._forms, key=len, reverse=True)
            joined = "|".join(map(re.escape, longest_first))
            self._pattern = re.compile(joined) if joined else None

    def strike(self, text: str) -> str:
        return self._pattern.sub(HIDDEN, text) if self._pattern else text


_hidden = _Hidden()


def hide(secrets: Iterable[str]) -> None:
    """Keep these secrets out of every log line from now on, in each form that they travel in."""
    _hidden.add(secrets)


def without_secrets(text: str) -> str:
    """The text, with *** for every secret that `hide` was told."""
    return _hidden.strike(text)


def looks_secret(key: str) -> bool:
    """Is a value of this name likely to be a secret?"""
    return _SECRET_KEY.search(key) is not None


def _forms(secret: str) -> set[str]:
    """As written; the password of user:password; a signing key bare; as basic authentication."""
    password = secret.partition(":")[2]
    spaceless = secret.replace(" ", "")
    basic = [base64.b64encode(each.encode()).decode() for each in (secret, spaceless)]
    bare = secret.removeprefix("whsec_")
    return {secret, spaceless, password, password.replace(" ", ""), bare, *basic}


# ---- the chain ----


def configure_logs(config: Config) -> None:
    """Log as the configuration says, on stderr."""
    set_up(config.log.level, config.log.format)


def set_up(level: str, form: str, stream: TextIO | None = None) -> None:
    """Send structlog's and the standard library's loggers through one chain.

    `level` is debug, info, warning or error; `form` is json or console. May be called again.
    """
    out = stream or sys.stderr
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_BOTH, processors=[*_FINISH, *_renderers(form, out)]
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    _quieten(level)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            *_BOTH,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def _quieten(level: str) -> None:
    for name in _OWN_HANDLERS:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
    for name in (*_CHATTY, "uvicorn.access"):
        logging.getLogger(name).setLevel(logging.INFO if level == "debug" else logging.WARNING)
    # It warns whenever a poll takes longer than its interval, which is no fault: the next one runs.
    logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)


def _renderers(form: str, out: TextIO) -> list[Processor]:
    if form == "json":
        return [structlog.processors.JSONRenderer(ensure_ascii=False)]
    plain = structlog.dev.plain_traceback
    console = structlog.dev.ConsoleRenderer(colors=out.isatty(), exception_formatter=plain)
    return [_indent_traces, console]


def _name_action(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Libraries name no action: their logger's name stands for it."""
    event.setdefault("action", event.get("logger", "unnamed"))
    return event


def clean(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Hide secrets and escape control characters, at any depth."""
    return {key: _cleaned(key, value) for key, value in event.items()}


def _cleaned(key: str, value: object) -> Any:
    if looks_secret(key) and value not in (None, "", [], {}):
        return HIDDEN
    match value:
        case None | bool() | int() | float():
            return value
        case Mapping():
            return {
                _escaped(without_secrets(str(each))): _cleaned(str(each), below)
                for each, below in value.items()
            }
        case list() | tuple() | set() | frozenset():
            return [_cleaned("", each) for each in value]
        case _:
            text = without_secrets(str(value))
            return _escaped(text, _CONTROL_IN_TRACE if key in _MULTILINE else _CONTROL)


def _escaped(text: str, pattern: re.Pattern[str] = _CONTROL) -> str:
    return pattern.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def _indent_traces(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A trace has lines of its own on a console; the bar says that none of them is an event."""
    for key in _MULTILINE:
        if key in event:
            event[key] = "\n".join("  | " + line for line in str(event[key]).split("\n"))
    return event


_BOTH: list[Processor] = [structlog.stdlib.add_log_level, structlog.stdlib.add_logger_name]
_FINISH: list[Processor] = [
    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
    _name_action,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
    structlog.processors.StackInfoRenderer(),
    structlog.processors.format_exc_info,
    clean,
]
