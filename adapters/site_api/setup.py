"""What setting up any site is: an address and options to be right, an extension to be packed."""

from __future__ import annotations

import zipfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from connector.errors import Problem

ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


def address_problems(url: str, api: str) -> Iterator[Problem]:
    """What is wrong with a site's address. `api`: a part of the path that no home page has."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        yield Problem("url", "is no web address", "Write it like https://shop.example")
    elif parts.query or parts.fragment or parts.username:
        yield Problem("url", "has more than a path", "Leave out user, query and fragment")
    elif api in parts.path or parts.path.endswith(".php"):
        yield Problem("url", "is not the home page", "Write the site's home address only")


def option_problems(options: Mapping[str, object], known: Collection[str]) -> Iterator[Problem]:
    """The options that there are not."""
    for name in sorted(options.keys() - set(known)):
        fix = f"Remove it; options here: {', '.join(sorted(known)) or 'none'}"
        yield Problem(f"options.{name}", "is unknown", fix)


def pack(extension: Path, folder: Path, name: str) -> Path:
    """`name`.zip in `folder`, with the extension below `name`; the same files, the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{name}.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package:
        for path in sorted(each for each in extension.rglob("*") if each.is_file()):
            entry = zipfile.ZipInfo(f"{name}/{path.relative_to(extension).as_posix()}", ZIP_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            package.writestr(entry, path.read_bytes())
    return target
