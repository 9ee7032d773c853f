"""Debian's packages: install what is missing, or unpack those of another suite beside it.

The archive's address is the one that this machine's own apt uses, whichever of apt's two
formats it is written in, because apt itself is asked. Another suite gets a sources list and
state of its own under the cache, so that the machine's apt never learns of it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from connector.demo.machine import SetUpFailed, key_of, once, run, say

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
INSTALL = (
    *("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "--yes"),
    *("--no-install-recommends", "--option", "DPkg::Lock::Timeout=600"),
)
UPDATE = ("apt-get", "update", "--option", "DPkg::Lock::Timeout=600")
CLUSTER_CONFIGURATION = Path("/etc/postgresql-common/createcluster.conf")


def require_debian(wanted: str) -> None:
    """Refuse a machine without apt, saying what has to be there instead."""
    if shutil.which("apt-get") and shutil.which("dpkg-query"):
        return
    raise SetUpFailed(
        f"{wanted} has to come from Debian's archive, and this machine has no apt. Run this on "
        "Debian 12 or newer (a container will do; deploy/ has a compose file)."
    )


def ensure(*packages: str) -> None:
    """Install those packages that are not installed yet; root or sudo is needed for that."""
    require_debian(", ".join(packages))
    absent = missing(packages)
    if not absent:
        return
    say(f"installing {' '.join(absent)}")
    try:
        _as_root([*INSTALL, *absent])
    except SetUpFailed:
        # A machine that never ran `update`, or whose lists name versions that are gone.
        _as_root(UPDATE)
        _as_root([*INSTALL, *absent])


def missing(packages: Sequence[str]) -> list[str]:
    """Those of the packages that dpkg does not hold as installed."""
    query = ["dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\\n"]
    try:
        lines = run([*query, *packages]).splitlines()
    except SetUpFailed:
        lines = [line for package in packages for line in _status(query, package)]
    installed = {line.split()[0] for line in lines if line.endswith(" installed")}
    return [package for package in packages if package not in installed]


def _status(query: list[str], package: str) -> list[str]:
    try:
        return run([*query, package]).splitlines()
    except SetUpFailed:
        return []


def _as_root(command: Sequence[str]) -> str:
    if os.geteuid() == 0:
        return run(command)
    if shutil.which("sudo") is None:
        raise SetUpFailed(f"This needs root or sudo: {' '.join(command)}")
    return run(["sudo", *command])


@contextmanager
def no_database_cluster() -> Iterator[None]:
    """While PostgreSQL is being installed, keep its package from starting a server."""
    if CLUSTER_CONFIGURATION.exists():
        yield
        return
    _as_root(["mkdir", "-p", str(CLUSTER_CONFIGURATION.parent)])
    with tempfile.NamedTemporaryFile("w") as settings:
        settings.write("create_main_cluster = false\n")
        settings.flush()
        _as_root(["install", "-m", "644", settings.name, str(CLUSTER_CONFIGURATION)])
    try:
        yield
    finally:
        _restore_cluster_configuration()


def _restore_cluster_configuration() -> None:
    # The package found ours in the way of its own, and put its own beside it.
    shipped = CLUSTER_CONFIGURATION.with_name(CLUSTER_CONFIGURATION.name + ".ucf-dist")
    if shipped.exists():
        _as_root(["mv", str(shipped), str(CLUSTER_CONFIGURATION)])
    else:
        _as_root(["rm", "-f", str(CLUSTER_CONFIGURATION)])


# --- another suite --------------------------------------------------------------------------


def unpack(cache: Path, suite: str, packages: Sequence[str]) -> Path:
    """A directory holding the packages' files, of another Debian suite, installed nowhere."""
    target = cache / f"{suite}-{key_of(suite, sorted(packages))}"
    return once(target, lambda unfinished: unpack_into(unfinished, cache, suite, packages))


def unpack_into(
    place: Path, cache: Path, suite: str, packages: Sequence[str], *, whole: bool = False
) -> None:
    """Unpack the packages into `place`; `whole`: with all that they need, the C library too."""
    require_debian(", ".join(packages))
    say(f"unpacking {' '.join(packages)} of Debian {suite}")
    with tempfile.TemporaryDirectory(dir=cache) as downloads:
        (Path(downloads) / "partial").mkdir()
        _download(cache / "apt" / suite, suite, packages, Path(downloads), whole=whole)
        for archive in sorted(Path(downloads).glob("*.deb")):
            run(["dpkg", "--extract", archive, place])


def _download(state: Path, suite: str, packages: Sequence[str], into: Path, *, whole: bool) -> None:
    # The private apt knows of no installed package, hence resolves down to the C library.
    fetch = ("install", "--yes", "--download-only", "--no-install-recommends")
    failures = []
    for address in archives():
        options = [*_private_apt(state, address, suite), "-o", f"Dir::Cache::archives={into}"]
        try:
            run(["apt-get", *options, "update"])
            run(["apt-get", *options, *(fetch if whole else ("download",)), *packages], cwd=into)
            return
        except SetUpFailed as failure:
            failures.append(str(failure))
    raise SetUpFailed(
        f"No archive in this machine's apt configuration has {' '.join(packages)} of Debian "
        f"{suite}. " + "\n".join(failures)
    )


def archives(options: Sequence[str] = ()) -> list[str]:
    """The archives that this machine's apt takes its own suite from, Debian's first.

    `options` go to apt-get, for an apt configuration other than the machine's.
    """
    shown = run(
        [
            *("apt-get", *options, "indextargets", "--no-release-info"),
            *("--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages"),
        ]
    )
    names = _own_suite_names()
    found = [line.split() for line in shown.splitlines()]
    chosen = [uri for uri, release, component in found if release in names and component == "main"]
    if not chosen:
        raise SetUpFailed(
            f"This machine's apt has no archive with {' or '.join(sorted(names))} main in its "
            "sources, so the address of Debian's archive is not known."
        )
    return list(dict.fromkeys(chosen))


def _own_suite_names() -> set[str]:
    lines = Path("/etc/os-release").read_text().splitlines()
    fields = dict(line.split("=", 1) for line in lines if "=" in line)
    names = {"stable", "oldstable", "oldoldstable", "testing", "unstable", "sid"}
    return names | {fields.get("VERSION_CODENAME", "stable").strip('"')}


def _private_apt(state: Path, address: str, suite: str) -> list[str]:
    for part in ("lists/partial", "archives/partial"):
        (state / part).mkdir(parents=True, exist_ok=True)
    (state / "status").touch()
    signed = f"[signed-by={KEYRING}] " if KEYRING.exists() else ""
    (state / "sources.list").write_text(f"deb {signed}{address} {suite} main\n")
    settings = {
        "Dir::Etc::sourcelist": state / "sources.list",
        "Dir::Etc::sourceparts": "-",
        "Dir::Etc::preferences": "-",
        "Dir::Etc::preferencesparts": "-",
        "Dir::State": state,
        "Dir::State::lists": state / "lists",
        "Dir::State::status": state / "status",
        "Dir::Cache": state,
        "Dir::Cache::archives": state / "archives",
        # The sandbox account cannot write to a cache below someone's home.
        "APT::Sandbox::User": "root",
    }
    return [part for name, value in settings.items() for part in ("-o", f"{name}={value}")]
