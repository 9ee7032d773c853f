"""PHP to serve sites with: the machine's own, or another Debian suite's, installed nowhere.

A suite's PHP runs with its own libraries and C library, through its own loader, so that an old
one and a new one both run on this machine. Knows no site.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from connector.demo import debian
from connector.demo.machine import SetUpFailed, key_of, once

NAMES = ("cli", "sqlite3", "mysql", "mbstring", "xml", "curl", "gd")
MACHINE_PACKAGES = tuple(f"php-{name}" for name in NAMES)
SETTINGS = {
    "display_errors": "stderr",
    "memory_limit": "512M",
    "post_max_size": "64M",
    "upload_max_filesize": "64M",
    "opcache.enable_cli": "1",
    "opcache.max_accelerated_files": "10000",
}
# In the order in which they need each other; what a version has built in has no file.
EXTENSIONS = (
    *("mysqlnd", "pdo", "xml", "json", "ctype", "curl", "dom", "exif", "fileinfo", "gd", "iconv"),
    *("mbstring", "mysqli", "pdo_mysql", "pdo_sqlite", "simplexml", "tokenizer"),
    *("xmlreader", "xmlwriter"),
)


@dataclass(frozen=True, slots=True)
class Suite:
    """A PHP of a Debian suite, beside the machine's."""

    suite: str
    version: str


@dataclass(frozen=True, slots=True)
class Php:
    """How PHP is started; `tree` holds its program and libraries where it is not the machine's."""

    tree: Path | None = None

    def command(self, home: Path) -> list[str]:
        """Program and settings, for a site in `home`, which `bring` has been given before."""
        settings = [part for name, value in SETTINGS.items() for part in ("-d", f"{name}={value}")]
        if self.tree is None:
            return ["php", *settings]
        return [*_through_its_loader(home / "php"), *settings]

    def bring(self, home: Path) -> None:
        """Link what is not installed into `home`, which the servers' account reaches."""
        if self.tree is not None:
            shutil.copytree(self.tree, home / "php", copy_function=link)


def install(cache: Path, suite: Suite | None = None) -> Php:
    """The machine's PHP, installed if missing, or the suite's, brought into the cache."""
    if suite is None:
        debian.ensure(*MACHINE_PACKAGES)
        return Php()
    name = f"php{suite.version}"
    packages = [f"{name}-{each}" for each in (*NAMES, "opcache")]

    def build(unfinished: Path) -> None:
        with tempfile.TemporaryDirectory(dir=cache) as place:
            debian.unpack_into(Path(place), cache, suite.suite, packages, whole=True)
            _keep_what_runs(Path(place), name, unfinished)

    return Php(once(cache / f"{name}-{suite.suite}-{key_of(packages)}", build))


def link(source: str, target: str) -> None:
    """Put a file elsewhere as a hard link; a copy where file systems differ.

    PHP resolves a symbolic one, and would find the pristine wp-config.
    """
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _keep_what_runs(root: Path, name: str, into: Path) -> None:
    for folder in ("lib", "extensions"):
        (into / folder).mkdir()
    shutil.move(root / "usr/bin" / name, into / "php")
    for extension in root.glob("usr/lib/php/*/*.so"):
        shutil.move(extension, into / "extensions" / extension.name)
    for library in _libraries(root):
        target = into / "lib" / library.name
        if not target.exists():
            os.link(library.resolve(), target)


def _libraries(root: Path) -> Iterator[Path]:
    # Newer suites have no /lib beside /usr/lib; both may be one through a link.
    for folder in ("lib", "usr/lib"):
        for pattern in ("lib*.so.*", "ld-linux*.so.*"):
            yield from root.glob(f"{folder}/*-linux-*/{pattern}")


def _through_its_loader(tree: Path) -> Iterator[str]:
    loaders = list((tree / "lib").glob("ld-linux*"))
    if not loaders:
        raise SetUpFailed(f"{tree} holds no loader; remove it from the cache, and run this again.")
    yield from (str(loaders[0]), "--library-path", str(tree / "lib"), str(tree / "php"))
    # Without any ini file: those below /etc are of the machine's PHP.
    yield from ("-n", "-d", f"extension_dir={tree / 'extensions'}")
    if (tree / "extensions" / "opcache.so").exists():
        yield from ("-d", "zend_extension=opcache")
    for each in EXTENSIONS:
        if (tree / "extensions" / f"{each}.so").exists():
            yield from ("-d", f"extension={each}")
