"""Adapters are found by name; what is missing or broken is a problem that says what to do."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connector import registry
from connector.errors import ConfigError, Problem
from connector.ports import BackendSystem, SiteSystem
from connector.registry import Registry


def _never(*_: Any) -> Any:
    raise AssertionError("finding an adapter opens nothing")


MEDUSA = BackendSystem("medusa", _never, _never)
WORDPRESS = SiteSystem("wordpress", _never, _never)


def _problem(caught: pytest.ExceptionInfo[ConfigError]) -> Problem:
    (problem,) = caught.value.problems
    return problem


def test_a_system_is_found_by_its_name() -> None:
    known = Registry({"medusa": lambda: MEDUSA}, {"wordpress": lambda: WORDPRESS})
    assert known.backend("medusa") is MEDUSA
    assert known.site("wordpress") is WORDPRESS


def test_backends_and_sites_are_apart() -> None:
    known = Registry({"medusa": lambda: MEDUSA}, {"wordpress": lambda: WORDPRESS})
    with pytest.raises(ConfigError):
        known.backend("wordpress")
    with pytest.raises(ConfigError):
        known.site("medusa")


def test_an_unknown_name_lists_what_is_installed() -> None:
    known = Registry({"sandbox": _never, "medusa": _never})
    with pytest.raises(ConfigError) as caught:
        known.backend("shopify", "backends.shop.system")
    assert _problem(caught) == Problem(
        "backends.shop.system",
        "there is no adapter for 'shopify'",
        "Installed: medusa, sandbox; others come as packages of their own",
    )


def test_a_misspelt_name_gets_the_one_meant() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'medusa'"):
        Registry({"sandbox": _never, "medusa": _never}).backend("medsua")


def test_nothing_installed_says_how_to_install() -> None:
    with pytest.raises(ConfigError, match="None is installed: install the connector"):
        Registry().site("wordpress")


def test_an_adapter_that_breaks_while_loading_is_a_problem() -> None:
    def broken() -> object:
        raise SyntaxError("invalid syntax\nwith more lines")

    with pytest.raises(ConfigError) as caught:
        Registry({"bad": broken}).backend("bad", "backends.shop.system")
    problem = _problem(caught)
    assert problem.path == "backends.shop.system"
    assert problem.what == "the adapter for 'bad' cannot be loaded (SyntaxError: invalid syntax)"
    assert problem.fix.startswith("Install a version of its package that fits")


def test_an_adapter_of_the_wrong_kind_is_a_problem() -> None:
    with pytest.raises(ConfigError, match="registers SiteSystem, no BackendSystem"):
        Registry({"odd": lambda: WORDPRESS}).backend("odd")
    with pytest.raises(ConfigError, match="registers NoneType, no SiteSystem"):
        Registry(sites={"odd": lambda: None}).site("odd")


# ---- real entry points, in a package made here ----

MODULE = """
from connector.ports import BackendSystem
BACKEND = BackendSystem("third", None, None)
"""


@pytest.fixture
def installed_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "third_adapter.py").write_text(MODULE, encoding="utf-8")
    (tmp_path / "third_broken.py").write_text("import module_that_is_not_there\n", encoding="utf-8")
    for package, lines in {
        "third": "third = third_adapter:BACKEND\nbroken = third_broken:BACKEND\n"
        "absent = third_adapter:GONE\ntwice = third_adapter:BACKEND\n",
        "fourth": "twice = third_broken:BACKEND\nthird = third_adapter:BACKEND\n",
    }.items():
        folder = tmp_path / f"{package}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (folder / "entry_points.txt").write_text(f"[{registry.BACKENDS}]\n{lines}")
    monkeypatch.syspath_prepend(str(tmp_path))
    registry.installed.cache_clear()
    yield
    registry.installed.cache_clear()
    sys.modules.pop("third_adapter", None)


@pytest.mark.usefixtures("installed_package")
def test_a_third_party_adapter_is_found_by_its_entry_point() -> None:
    assert registry.backend_system("third").name == "third"


@pytest.mark.usefixtures("installed_package")
@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("broken", "ModuleNotFoundError: No module named 'module_that_is_not_there'"),
        ("absent", "AttributeError"),
        ("twice", "LookupError: 2 packages register 'twice': third_adapter:BACKEND, third_broken"),
    ],
)
def test_a_third_party_adapter_that_is_broken_is_a_problem(name: str, why: str) -> None:
    with pytest.raises(ConfigError) as caught:
        registry.backend_system(name)
    assert why in _problem(caught).what


@pytest.mark.usefixtures("installed_package")
def test_one_broken_package_does_not_hide_the_others() -> None:
    assert {"third", "broken", "absent", "twice"} <= set(registry.installed().backends)
