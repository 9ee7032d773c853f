"""How a WordPress site is opened, what can be wrong with its settings, and its plugin's package.

With our plugin the site API's one client does the work (adapters.site_api); without it, plain
mode does (adapters.wordpress.plain). Knows no state and no other adapter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from adapters.site_api.client import Endpoint, SiteApi
from adapters.site_api.setup import address_problems, option_problems, pack
from connector.errors import ConfigError, Problem
from connector.ports import Clock, Site, SiteCapabilities, SiteSettings, SiteSystem

PLUGIN = Path(__file__).parent / "plugin"
TOP_FOLDER = "commerce-connector"
REST_ROOT = "commerce-connector/v1"
PLAIN_OPTIONS = frozenset({"post_type"})

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
    yield from address_problems(settings.url, "/wp-json")
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
    yield from option_problems(settings.options, known)


def build_zip(folder: Path) -> Path:
    """Pack the plugin as WordPress installs it."""
    return pack(PLUGIN, folder, TOP_FOLDER)


SITE = SiteSystem(name="wordpress", open=open_site, problems=problems, build_extension=build_zip)
