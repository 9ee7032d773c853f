"""What is wrong with a Drupal site's settings, where its API is, what its package holds."""

from __future__ import annotations

import json
import shutil
import subprocess
import zipfile
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from adapters.drupal import SITE
from adapters.drupal.plain_page import Places
from adapters.drupal.site import MODULE, PLAIN_OPTIONS, build_zip, endpoint, open_site, problems
from adapters.site_api.client import SiteApi
from connector.errors import ConfigError
from connector.model import BackendName, CmsId, SiteName
from connector.ports import SiteSettings
from connector.signing import Secret
from connector.testing.clock import FakeClock

GOOD = SiteSettings(
    SiteName("magazine"),
    "https://site.example/sub/",
    BackendName("shop"),
    False,
    (Secret(b"s" * 32),),
    None,
    {},
)


def test_good_settings_open_the_modules_site_without_a_call() -> None:
    assert problems(GOOD) == []
    site = open_site(GOOD, FakeClock())
    assert isinstance(site, SiteApi)
    assert site.admin_url(CmsId("7")) == "https://site.example/sub/node/7/edit"


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"url": "site.example"}, "url"),
        ({"url": "ftp://site.example"}, "url"),
        ({"url": "https://site.example/?p=1"}, "url"),
        ({"url": "https://me:pw@site.example"}, "url"),
        ({"url": "https://site.example/jsonapi"}, "url"),
        ({"url": "https://site.example/index.php"}, "url"),
        ({"secrets": ()}, "secrets"),
        ({"plain": True}, "credential"),
        ({"plain": True, "credential": "no colon"}, "credential"),
        ({"plain": True, "credential": "a:b", "options": {"bundle": "A B"}}, "options.bundle"),
        ({"options": {"colour": "red"}}, "options.colour"),
    ],
)
def test_each_problem_is_named_by_its_path(change: dict[str, object], path: str) -> None:
    settings = replace(GOOD, **change)  # type: ignore[arg-type]
    assert [problem.path for problem in problems(settings)] == [path]
    with pytest.raises(ConfigError):
        open_site(settings, FakeClock())


def test_plain_mode_knows_its_options() -> None:
    options: dict[str, object] = dict.fromkeys(PLAIN_OPTIONS, "field_x")
    plain = replace(GOOD, plain=True, secrets=(), credential="a:b", options=options)
    assert problems(plain) == []
    assert {each.name for each in fields(Places)} == set(PLAIN_OPTIONS)


def test_both_roots_are_below_the_home_page() -> None:
    assert endpoint("https://site.example/sub/").roots() == (
        "https://site.example/sub/commerce-connector/v1",
        "https://site.example/sub/index.php/commerce-connector/v1",
    )


def test_the_package_is_whole_and_the_same_each_time(tmp_path: Path) -> None:
    assert SITE.build_extension is build_zip
    first, second = build_zip(tmp_path / "a"), build_zip(tmp_path / "b")
    assert first.name == "commerce_connector.zip"
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as package:
        names = {name.removeprefix("commerce_connector/") for name in package.namelist()}
    files = {path.relative_to(MODULE).as_posix() for path in MODULE.rglob("*") if path.is_file()}
    assert names == files
    assert "commerce_connector.info.yml" in names


# ---- the module's files agree with each other ----


def config(name: str) -> dict[str, Any]:
    loaded = yaml.safe_load((MODULE / name).read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


def test_every_php_file_parses() -> None:
    php = shutil.which("php")
    if php is None:
        pytest.skip("NO PHP FILE OF THE DRUPAL MODULE WAS PARSED: there is no php here")
    files = [path for path in MODULE.rglob("*") if path.suffix in (".php", ".module", ".install")]
    assert len(files) > 20
    for path in files:
        check = subprocess.run([php, "-l", str(path)], capture_output=True, text=True, check=False)
        assert check.returncode == 0, check.stdout


def test_every_class_is_strict_and_stands_where_its_name_says() -> None:
    for path in (MODULE / "src").rglob("*.php"):
        text = path.read_text(encoding="utf-8")
        folders = path.relative_to(MODULE / "src").parts[:-1]
        space = "\\".join(["Drupal", "commerce_connector", *folders])
        assert "declare(strict_types=1);" in text, path.name
        assert f"namespace {space};" in text, path.name
        assert any(f"{kind} {path.stem}" in text for kind in ("final class", "interface")), path


def test_every_service_has_a_class_and_known_arguments() -> None:
    services = config("commerce_connector.services.yml")["services"]
    for name, service in services.items():
        if "class" not in service:
            continue
        file = MODULE / "src" / Path(*service["class"].split("\\")[2:]).with_suffix(".php")
        assert file.exists(), name
        text = file.read_text(encoding="utf-8")
        wanted = text.partition("__construct(")[2].partition(")")[0].count("$")
        assert len(service.get("arguments", [])) == wanted, name
        for argument in service.get("arguments", []):
            if argument.startswith("@commerce_connector"):
                assert argument[1:] in services, f"{name} needs {argument}"


def test_the_routes_are_those_of_the_contract() -> None:
    contract = yaml.safe_load((MODULE.parents[1] / "site_api" / "openapi.yaml").read_text())
    promised = {
        (path, method.upper()) for path, methods in contract["paths"].items() for method in methods
    }
    routes = config("commerce_connector.routing.yml")
    served = {
        (route["path"].removeprefix("/commerce-connector/v1"), route["methods"][0])
        for name, route in routes.items()
        if name.startswith("commerce_connector.api.")
    }
    assert served == promised
    for name, route in routes.items():
        if name.startswith("commerce_connector.api."):
            assert route["options"] == {"_auth": ["commerce_connector"], "no_cache": "TRUE"}
            assert route["requirements"] == {"_permission": "use commerce connector site api"}


def test_every_setting_has_a_schema() -> None:
    schema = config("config/schema/commerce_connector.schema.yml")["commerce_connector.settings"]
    settings = config("config/install/commerce_connector.settings.yml")
    assert set(schema["mapping"]) == set(settings)
    assert set(schema["mapping"]["fields"]["mapping"]) == set(settings["fields"])


def test_all_optional_configuration_goes_with_the_module_and_knows_what_it_needs() -> None:
    files = {path.stem: path for path in (MODULE / "config" / "optional").glob("*.yml")}
    core = {"core.entity_view_mode.node.teaser"}
    for name, path in files.items():
        loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert loaded["dependencies"]["enforced"] == {"module": ["commerce_connector"]}, name
        for needed in loaded["dependencies"].get("config", []):
            assert needed in set(files) | core, f"{name} needs {needed}"


def test_the_settings_name_what_the_module_brings() -> None:
    settings = config("config/install/commerce_connector.settings.yml")
    brought = {path.stem for path in (MODULE / "config" / "optional").glob("*.yml")}
    assert f"node.type.{settings['bundle']}" in brought
    assert f"filter.format.{settings['text_format']}" in brought
    assert f"media.type.{settings['media_type']}" in brought
    for vocabulary in (settings["category_vocabulary"], settings["tag_vocabulary"]):
        assert f"taxonomy.vocabulary.{vocabulary}" in brought
    for field in settings["fields"].values():
        assert f"field.field.node.{settings['bundle']}.{field}" in brought


def test_the_module_says_its_licence_and_what_it_runs_on() -> None:
    about = config("commerce_connector.info.yml")
    composer = json.loads((MODULE / "composer.json").read_text(encoding="utf-8"))
    assert about["core_version_requirement"] == composer["require"]["drupal/core"] == "^10.2 || ^11"
    assert composer["license"] == "GPL-2.0-or-later"
    assert all(each.startswith("drupal:") for each in about["dependencies"])
