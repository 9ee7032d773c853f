"""What every system needs of this machine: commands, servers, free ports, a cache, an account.

Knows no system. Whatever goes wrong is a SetUpFailed whose message says what to do; the
output of servers goes to log files that the message names.
"""

from __future__ import annotations

import atexit
import fcntl
import hashlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from connector.errors import ConnectorError

LOOPBACK = "127.0.0.1"
# The account in every Debian for programs that must not run as root; PostgreSQL and
# MariaDB refuse root, and a WordPress administrator can run any PHP.
SERVICE_ACCOUNT = "www-data"


class SetUpFailed(ConnectorError):
    """A system could not be brought up on this machine; the message says what is needed."""


def say(message: str) -> None:
    """Tell the person who waits what is being done, without disturbing what stdout carries."""
    print(message, file=sys.stderr, flush=True)


# --- the cache ---------------------------------------------------------------------------


def cache_dir() -> Path:
    """Where downloads and templates live: CONNECTOR_CACHE, or .cache/ of the checkout."""
    chosen = os.environ.get("CONNECTOR_CACHE")
    if chosen:
        return Path(chosen).absolute()
    checkout = Path(__file__).resolve().parents[2]
    if (checkout / "pyproject.toml").exists():
        return checkout / ".cache"
    return Path.home() / ".cache" / "commerce-connector"


def key_of(*parts: object) -> str:
    """A short name that changes whenever one of the parts does."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]


def once(target: Path, build: Callable[[Path], None]) -> Path:
    """The directory `target`, built the first time by `build(empty directory)`.

    A build that fails or is killed leaves no target behind, and of two processes that
    want the same target one builds while the other waits.
    """
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with _locked(target.with_name(target.name + ".lock")):
        if target.exists():
            return target
        unfinished = target.with_name(target.name + ".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        build(unfinished)
        unfinished.rename(target)
    return target


def write_private(path: Path, text: str) -> None:
    """Write a secret to a file that only its owner reads."""
    path.touch(0o600)
    path.write_text(text)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


# --- the account that servers run under ----------------------------------------------------


def service_account() -> str | None:
    """The account for servers when we are root; None when we are an ordinary user already."""
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(SERVICE_ACCOUNT)
    except KeyError:
        raise SetUpFailed(
            f"There is no account {SERVICE_ACCOUNT!r}, under which servers run when this is "
            "started as root. Run it as an ordinary user instead."
        ) from None
    return SERVICE_ACCOUNT


def scratch(name: str) -> Path:
    """A fresh directory that the service account reaches, and nobody else reads.

    It is gone when this program ends. Its path is short, because a Unix socket's may be no
    longer than 107 bytes.
    """
    path = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    hand_over(path)
    return path


def hand_over(path: Path) -> None:
    """Give a tree to the account that servers run under."""
    account = service_account()
    if account is None:
        return
    entry = pwd.getpwnam(account)
    _must_be_reachable(path, entry)
    for place in [path, *path.rglob("*")]:
        os.chown(place, entry.pw_uid, entry.pw_gid, follow_symlinks=False)


def _must_be_reachable(path: Path, account: pwd.struct_passwd) -> None:
    for parent in path.absolute().parents:
        status = parent.stat()
        entered_by = 0o100 if status.st_uid == account.pw_uid else 0o001
        if not status.st_mode & entered_by:
            raise SetUpFailed(
                f"{path} cannot be reached by {account.pw_name}, because {parent} is closed to "
                "others. Choose a directory elsewhere."
            )


# --- commands ------------------------------------------------------------------------------


def run(
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    feed: str | None = None,
    as_service: bool = False,
) -> str:
    """Run a command to its end and return its stdout; SetUpFailed when it fails."""
    account = service_account() if as_service else None
    try:
        done = subprocess.run(  # noqa: S603
            [str(part) for part in command],
            cwd=cwd or (None if account is None else "/"),
            env={**os.environ, **(env or {})},
            input=feed,
            capture_output=True,
            text=True,
            check=False,
            user=account,
            group=account,
            extra_groups=None if account is None else [],
        )
    except FileNotFoundError:
        raise SetUpFailed(f"{command[0]} is not installed on this machine.") from None
    if done.returncode != 0:
        said = (done.stderr + done.stdout).strip()[-2000:]
        raise SetUpFailed(f"{_brief(command)} ended with {done.returncode}: {said}")
    return done.stdout


def _brief(command: Sequence[str | Path]) -> str:
    return " ".join(str(part) for part in command[:6])


# --- servers -------------------------------------------------------------------------------


def free_port() -> int:
    """A loopback port that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
    return port


@dataclass(frozen=True, slots=True)
class Server:
    """A server started by us, with every process that it forked."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @classmethod
    def start(
        cls,
        name: str,
        command: Sequence[str | Path],
        *,
        log: Path,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        as_service: bool = True,
    ) -> Server:
        account = service_account() if as_service else None
        with log.open("ab") as output:
            process = subprocess.Popen(  # noqa: S603
                [str(part) for part in command],
                cwd=cwd or (None if account is None else "/"),
                env={**os.environ, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=account,
                group=account,
                extra_groups=None if account is None else [],
            )
        started = cls(name, process, log)
        # Also when the program that started it ends by an error: no server is left behind.
        atexit.register(started.stop)
        return started

    def wait_until(self, ready: Callable[[], bool], *, seconds: float = 60) -> None:
        """Return once `ready()` is true; stop the server and raise when it never is."""
        deadline = time.monotonic() + seconds
        while not ready():
            if self.process.poll() is not None:
                raise SetUpFailed(f"{self.name} ended while starting: {self._last_words()}")
            if time.monotonic() > deadline:
                self.stop()
                raise SetUpFailed(
                    f"{self.name} did not answer within {seconds:.0f} s: {self._last_words()}"
                )
            time.sleep(0.05)

    def stop(self, *, wait_seconds: float = 15) -> None:
        """End the server and what it forked: asked first, forced after `wait_seconds`."""
        atexit.unregister(self.stop)
        self._signal(signal.SIGTERM)
        try:
            self.process.wait(wait_seconds)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self.process.wait()
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        # Its own session, hence its own group: php -S leaves its workers behind otherwise.
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            return

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()
        return "\n".join(lines[-15:]) or f"{self.log} is empty"


def answers(url: str) -> bool:
    """Whether a server answers at this address with anything but an error of its own."""
    try:
        return httpx.get(url, timeout=10, trust_env=False).status_code < 500
    except httpx.TransportError:
        return False
