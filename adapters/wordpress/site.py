"""How a WordPress site is opened, what can be wrong with its settings, and its plugin's package.

With our plugin the site API's one client does the work (adapters.site_api); without it, plain
mode does (adapters.wordpress.plain). Knows no state and no other adapter.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from adapters.site_api.client import Endpoint, SiteApi
from connector.errors import ConfigError, Problem
from connector.ports import Clock, Site, SiteCapabilities, SiteSettings, SiteSystem

PLUGIN = Path(__file__).parent / "plugin"
TOP_FOLDER = "commerce-connector"
REST_ROOT = "commerce-connector/v1"
PLAIN_OPTIONS = frozenset({"post_type"})
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)

WITH_PLUGIN = SiteCapabilities(
    fences=True,
    own_offers=True,
    offer_rows_per_request=500,
    documents_per_request=100,
    terms_per_request=100,
    media=True,
    events=True,
    multilingual=False,
    merges=True,
)


def open_site(settings: SiteSettings, clock: Clock) -> Site:
    """The site in the mode that the settings say. Makes no call. Raises ConfigError."""
    if found := problems(settings):
        raise ConfigError(list(found))
    if settings.plain:
        from adapters.wordpress.plain import open_plain  # noqa: PLC0415

        return open_plain(settings, clock)
    return SiteApi(endpoint(settings.url), settings, clock, WITH_PLUGIN)


def endpoint(url: str) -> Endpoint:
    """Where the plugin's API is, with and without pretty permalinks."""
    home = url.rstrip("/")
    return Endpoint(
        root=f"{home}/wp-json/{REST_ROOT}",
        fallback_root=f"{home}/?rest_route=/{REST_ROOT}",
        admin_url=f"{home}/wp-admin/post.php?post={{id}}&action=edit",
        extension="plugin",
    )


def problems(settings: SiteSettings) -> Sequence[Problem]:
    """What is wrong with a WordPress site's settings."""
    return list(_problems(settings))


def _problems(settings: SiteSettings) -> Iterator[Problem]:
    parts = urlsplit(settings.url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        yield Problem("url", "is no web address", "Write it like https://shop.example")
    elif parts.query or parts.fragment or parts.username:
        yield Problem("url", "has more than a path", "Leave out user, query and fragment")
    elif "/wp-json" in parts.path or parts.path.endswith(".php"):
        yield Problem("url", "is not the home page", "Write the site's home address only")
    if settings.plain and ":" not in (settings.credential or ""):
        yield Problem(
            "credential",
            "plain mode needs a user with an application password",
            "Write user:password from Users > Profile > Application Passwords",
        )
    if not settings.plain and not settings.secrets:
        yield Problem(
            "secrets",
            "the plugin's secret is missing",
            "Pair on the site's Settings > Commerce Connector, or set mode: plain",
        )
    known = PLAIN_OPTIONS if settings.plain else frozenset()
    for name in sorted(set(settings.options) - known):
        fix = f"Remove it; options here: {', '.join(sorted(known)) or 'none'}"
        yield Problem(f"options.{name}", "is unknown", fix)


def build_zip(folder: Path) -> Path:
    """Pack the plugin as WordPress installs it; the same files give the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{TOP_FOLDER}.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package:
        for path in sorted(each for each in PLUGIN.rglob("*") if each.is_file()):
            name = f"{TOP_FOLDER}/{path.relative_to(PLUGIN).as_posix()}"
            entry = zipfile.ZipInfo(name, ZIP_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            package.writestr(entry, path.read_bytes())
    return target


SITE = SiteSystem(name="wordpress", open=open_site, problems=problems, build_extension=build_zip)
