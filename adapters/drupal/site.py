"""How a Drupal site is opened, what can be wrong with its settings, and its module's package.

With our module the site API's one client does the work (adapters.site_api); without it, plain
mode does (adapters.drupal.plain). Knows no state and no other adapter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from adapters.site_api.client import Endpoint, SiteApi
from adapters.site_api.setup import address_problems, option_problems, pack
from connector.errors import ConfigError, Problem
from connector.ports import Clock, Site, SiteCapabilities, SiteSettings, SiteSystem

MODULE = Path(__file__).parent / "module"
TOP_FOLDER = "commerce_connector"
API_ROOT = "commerce-connector/v1"
NAME = re.compile(r"[a-z0-9_]{0,64}|/[a-z0-9/_-]{0,64}")
PLAIN_OPTIONS = frozenset(
    {
        "bundle",
        "description_field",
        "section_field",
        "categories_field",
        "image_field",
        "vocabulary",
        "description_format",
        "section_format",
        "path_prefix",
    }
)

WITH_MODULE = SiteCapabilities(
    fences=True,
    own_offers=True,
    offer_rows_per_request=500,
    documents_per_request=100,
    terms_per_request=100,
    media=True,
    events=True,
    multilingual=False,
    merges=True,
    adopts=True,
    retire_policies=("unpublish", "notice", "redirect", "gone"),
)


def open_site(settings: SiteSettings, clock: Clock) -> Site:
    """The site in the mode that the settings say. Makes no call. Raises ConfigError."""
    if found := problems(settings):
        raise ConfigError(list(found))
    if settings.plain:
        from adapters.drupal.plain import open_plain  # noqa: PLC0415

        return open_plain(settings, clock)
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
    yield from address_problems(settings.url, "/jsonapi")
    if settings.plain and ":" not in (settings.credential or ""):
        yield Problem(
            "credential",
            "plain mode needs a user with a password",
            "Write user:password of a user whose role may administer content",
        )
    if not settings.plain and not settings.secrets:
        yield Problem(
            "secrets",
            "the module's secret is missing",
            "Pair on the site's Configuration > Web services > Commerce Connector, or set mode: "
            "plain",
        )
    known = PLAIN_OPTIONS if settings.plain else frozenset()
    yield from option_problems(settings.options, known)
    for name in sorted(set(settings.options) & known):
        if not NAME.fullmatch(str(settings.options[name])):
            yield Problem(f"options.{name}", "is no machine name", "Write it like field_commerce")


def build_zip(folder: Path) -> Path:
    """Pack the module as Drupal installs it."""
    return pack(MODULE, folder, TOP_FOLDER)


SITE = SiteSystem(name="drupal", open=open_site, problems=problems, build_extension=build_zip)
