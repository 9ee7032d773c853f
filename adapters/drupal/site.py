"""How a Drupal site is opened, what can be wrong with its settings, and its module's package.

With our module the site API's one client does the work (adapters.site_api); without it, plain
mode does (adapters.drupal.plain). Knows no state and no other adapter.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from adapters.site_api.client import Endpoint, SiteApi
from connector.errors import ConfigError, Problem
from connector.ports import Clock, Site, SiteCapabilities, SiteSettings, SiteSystem

MODULE = Path(__file__).parent / "module"
TOP_FOLDER = "commerce_connector"
API_ROOT = "commerce-connector/v1"
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)

WITH_MODULE = SiteCapabilities(
    fences=True,
    own_offers=True,
    offer_rows_per_request=500,
    documents_per_request=100,
    terms_per_request=100,
    media=True,
    events=True,
    multilingual=False,
)


def open_site(settings: SiteSettings, clock: Clock) -> Site:
    """The site in the mode that the settings say. Makes no call. Raises ConfigError."""
    if found := problems(settings):
        raise ConfigError(list(found))
    return SiteApi(endpoint(settings.url), settings, clock, WITH_MODULE)


def endpoint(url: str) -> Endpoint:
    """Where the module's API is, with and without clean URLs."""
    home = url.rstrip("/")
    return Endpoint(
        root=f"{home}/{API_ROOT}",
        fallback_root=f"{home}/index.php/{API_ROOT}",
        admin_url=f"{home}/node/{{id}}/edit",
        extension="module",
    )


def problems(settings: SiteSettings) -> Sequence[Problem]:
    """What is wrong with a Drupal site's settings."""
    return list(_problems(settings))


def _problems(settings: SiteSettings) -> Iterator[Problem]:
    parts = urlsplit(settings.url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        yield Problem("url", "is no web address", "Write it like https://shop.example")
    elif parts.query or parts.fragment or parts.username:
        yield Problem("url", "has more than a path", "Leave out user, query and fragment")
    elif "/jsonapi" in parts.path or parts.path.endswith(".php"):
        yield Problem("url", "is not the home page", "Write the site's home address only")
    if settings.plain:
        yield Problem("mode", "plain is not known to Drupal", "Install the module, and pair it")
    elif not settings.secrets:
        yield Problem(
            "secrets",
            "the module's secret is missing",
            "Pair on the site's Configuration > Web services > Commerce Connector",
        )
    for name in sorted(settings.options):
        yield Problem(f"options.{name}", "is unknown", "Remove it; there are no options here")


def build_zip(folder: Path) -> Path:
    """Pack the module as Drupal installs it; the same files give the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{TOP_FOLDER}.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package:
        for path in sorted(each for each in MODULE.rglob("*") if each.is_file()):
            name = f"{TOP_FOLDER}/{path.relative_to(MODULE).as_posix()}"
            entry = zipfile.ZipInfo(name, ZIP_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            package.writestr(entry, path.read_bytes())
    return target


SITE = SiteSystem(name="drupal", open=open_site, problems=problems, build_extension=build_zip)
