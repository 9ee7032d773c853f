"""What is wrong with a WordPress site's settings, where its API is, what its package holds."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.site_api.client import SiteApi
from adapters.wordpress import SITE
from adapters.wordpress.site import PLUGIN, build_zip, endpoint, open_site, problems
from connector.errors import ConfigError
from connector.model import BackendName, CmsId, SiteName
from connector.ports import SiteSettings
from connector.signing import Secret
from connector.testing.clock import FakeClock

GOOD = SiteSettings(
    SiteName("blog"),
    "https://site.example/blog/",
    BackendName("shop"),
    False,
    (Secret(b"s" * 32),),
    None,
    {},
)


def test_good_settings_open_the_plugins_site_without_a_call() -> None:
    assert problems(GOOD) == []
    site = open_site(GOOD, FakeClock())
    assert isinstance(site, SiteApi)
    expected = "https://site.example/blog/wp-admin/post.php?post=7&action=edit"
    assert site.admin_url(CmsId("7")) == expected


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"url": "site.example"}, "url"),
        ({"url": "ftp://site.example"}, "url"),
        ({"url": "https://site.example/?p=1"}, "url"),
        ({"url": "https://me:pw@site.example"}, "url"),
        ({"url": "https://site.example/wp-json/"}, "url"),
        ({"url": "https://site.example/index.php"}, "url"),
        ({"secrets": ()}, "secrets"),
        ({"plain": True}, "credential"),
        ({"plain": True, "credential": "no colon"}, "credential"),
        ({"options": {"colour": "red"}}, "options.colour"),
    ],
)
def test_each_problem_is_named_by_its_path(change: dict[str, object], path: str) -> None:
    settings = replace(GOOD, **change)  # type: ignore[arg-type]
    assert [problem.path for problem in problems(settings)] == [path]
    with pytest.raises(ConfigError):
        open_site(settings, FakeClock())


def test_problems_come_all_at_once() -> None:
    settings = replace(GOOD, url="x", secrets=(), options={"a": 1})
    assert [problem.path for problem in problems(settings)] == ["url", "secrets", "options.a"]


def test_both_roots_are_below_the_home_page() -> None:
    roots = endpoint("https://site.example/blog/").roots()
    assert roots == (
        "https://site.example/blog/wp-json/commerce-connector/v1",
        "https://site.example/blog/?rest_route=/commerce-connector/v1",
    )


def test_the_package_is_whole_and_the_same_each_time(tmp_path: Path) -> None:
    assert SITE.build_extension is build_zip
    first, second = build_zip(tmp_path / "a"), build_zip(tmp_path / "b")
    assert first.name == "commerce-connector.zip"
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as package:
        names = {name.removeprefix("commerce-connector/") for name in package.namelist()}
        assert all(name.startswith("commerce-connector/") for name in package.namelist())
    files = {path.relative_to(PLUGIN).as_posix() for path in PLUGIN.rglob("*") if path.is_file()}
    assert names == files
    assert {"commerce-connector.php", "uninstall.php", "readme.txt"} <= names


def test_every_file_of_the_plugin_guards_itself() -> None:
    for path in PLUGIN.rglob("*.php"):
        text = path.read_text(encoding="utf-8")
        guard = "WP_UNINSTALL_PLUGIN" if path.name == "uninstall.php" else "ABSPATH"
        assert f"if ( ! defined( '{guard}' ) ) {{\n\texit;" in text, path.name


def test_the_versions_of_the_plugin_agree() -> None:
    main = (PLUGIN / "commerce-connector.php").read_text(encoding="utf-8")
    readme = (PLUGIN / "readme.txt").read_text(encoding="utf-8")
    assert "Version:           0.1.0" in main
    assert "define( 'COMMERCE_CONNECTOR_VERSION', '0.1.0' );" in main
    assert "Stable tag: 0.1.0" in readme
    for header in ("Requires at least", "Requires PHP"):
        value = main.split(f"{header}:")[1].split()[0]
        assert f"{header}: {value}\n" in readme
