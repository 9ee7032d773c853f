"""Which WordPress on which PHP a site is made of, and where they come from.

USUAL is what most tests run on, OLDEST what the plugin's header promises at the least,
BEFORE_OLDEST what it refuses, NEWEST what Debian's unstable suite holds today. Knows no running
site.
"""

from __future__ import annotations

import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from connector.demo import debian, node
from connector.demo.interpreter import Suite
from connector.demo.machine import SetUpFailed, key_of, once, say

SQLITE_CARRIER = "@wp-playground/cli@3.1.56"
OLD_CORES_CARRIER = "@wp-playground/wordpress-builds@0.9.19"
LAYOUT = 2
"""Counts up where the same packages come to be laid out otherwise."""
DEBIAN_PACKAGES = (
    *("wordpress", "wordpress-theme-twentytwentyfive", "php-getid3"),
    *("libjs-underscore", "libjs-cropper", "libjs-jquery", "libjs-lodash"),
)
NEWER_PACKAGES = (*DEBIAN_PACKAGES, "libphp-phpmailer", "libjs-jquery-ui")


@dataclass(frozen=True, slots=True)
class OfDebian:
    """The WordPress of a suite."""

    suite: str
    packages: tuple[str, ...] = DEBIAN_PACKAGES


@dataclass(frozen=True, slots=True)
class OfNpm:
    """A WordPress that an npm package carries: 6.2 to 6.5, which Debian's archive never had."""

    version: str
    carrier: str = OLD_CORES_CARRIER


@dataclass(frozen=True, slots=True)
class Edition:
    """A WordPress and its PHP; without a suite that is the machine's."""

    core: OfDebian | OfNpm
    php: Suite | None = None


USUAL = Edition(OfDebian("trixie"))
OLDEST = Edition(OfNpm("6.5"), Suite("bullseye", "7.4"))
NEWEST = Edition(OfDebian("sid", NEWER_PACKAGES), Suite("sid", "8.4"))
BEFORE_OLDEST = Edition(OfNpm("6.4"), Suite("bullseye", "7.4"))


def install(cache: Path, edition: Edition) -> Path:
    """The pristine WordPress tree `core`, with the SQLite drop-in `sqlite` beside it."""
    target = cache / f"wordpress-{key_of(edition.core, SQLITE_CARRIER, LAYOUT)}"

    def build(unfinished: Path) -> None:
        match edition.core:
            case OfDebian():
                _from_debian(cache, edition.core, unfinished / "core")
            case OfNpm():
                _from_npm(cache, edition.core, unfinished / "core")
        _bring_sqlite(cache, unfinished / "sqlite")

    return once(target, build)


def _from_debian(cache: Path, core: OfDebian, into: Path) -> None:
    unpacked = debian.unpack(cache, core.suite, core.packages)
    # Debian's tree has links to other packages: this resolves them.
    shutil.copytree(unpacked / "usr/share/wordpress", into, ignore=_left_out)


def _left_out(folder: str, names: list[str]) -> set[str]:
    """What of Debian's tree is not taken: its own settings, and links that lead nowhere. (copytree
    itself would take every relative link for one of these.)"""
    own = {"wp-config.php", ".htaccess", "akismet"}
    return {name for name in names if name in own or not (Path(folder) / name).exists()}


def _from_npm(cache: Path, core: OfNpm, into: Path) -> None:
    # The carrier has scripts, styles and pictures apart from the PHP that lies in the zip.
    say(f"bringing in WordPress {core.version}")
    name = f"wp-{core.version}"
    assets, packed = f"package/public/{name}/", f"package/src/wordpress/{name}.zip"

    def take(archive: tarfile.TarFile, place: Path) -> None:
        for each in archive:
            if each.isfile() and (each.name == packed or each.name.startswith(assets)):
                _lay_down(archive, each, place)
        shutil.move(place / assets, into)
        with zipfile.ZipFile(place / packed) as code:
            code.extractall(into)  # noqa: S202
        (into / "wp-config.php").unlink()
        shutil.rmtree(into / "wp-content/database")

    _open_package(cache, core.carrier, take)


def _lay_down(archive: tarfile.TarFile, member: tarfile.TarInfo, place: Path) -> None:
    """Debian 12's Python has no extraction filters yet."""
    content = archive.extractfile(member)
    if content is None or ".." in Path(member.name).parts:
        raise SetUpFailed(f"{member.name} of an npm package cannot be unpacked.")
    target = place / member.name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content.read())


def _bring_sqlite(cache: Path, into: Path) -> None:
    say("bringing in WordPress's SQLite drop-in")

    def take(archive: tarfile.TarFile, place: Path) -> None:
        packed = archive.extractfile("package/sqlite-database-integration.zip")
        if packed is None:
            raise SetUpFailed(f"{SQLITE_CARRIER} no longer carries the SQLite drop-in.")
        with zipfile.ZipFile(packed) as plugin:
            plugin.extractall(place)  # noqa: S202
        shutil.move(place / "plugin-sqlite-database-integration", into)

    _open_package(cache, SQLITE_CARRIER, take)


def _open_package(cache: Path, name: str, take: Callable[[tarfile.TarFile, Path], None]) -> None:
    """Let `take` have the package of npm, and a place for what it unpacks."""
    with tempfile.TemporaryDirectory(dir=cache) as place:
        node.find(cache).npm("pack", "--silent", name, cwd=Path(place))
        (carrier,) = Path(place).glob("*.tgz")
        with tarfile.open(carrier) as archive:
            take(archive, Path(place))
