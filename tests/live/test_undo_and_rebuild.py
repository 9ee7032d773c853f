"""Undo, backup and rebuild as an operator does them: the commands, a real shop and WordPress."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from adapters.sandbox.run import RunningShop, start_shop
from connector.demo.installed import Installed
from connector.demo.machine import free_port
from connector.demo.wordpress import WordPress
from tests.live.pair import pair_with, site_settings, until

pytestmark = [pytest.mark.live, pytest.mark.timeout(900)]
PRODUCTS = 60
RENAMED = base64.b64encode(b"Renamed after the rebuild").decode()
POSTS = """
$posts = get_posts(['post_type' => 'commerce_product', 'numberposts' => -1, 'post_status' => 'any',
    'orderby' => 'ID', 'order' => 'ASC']);
$all = [];
foreach ($posts as $p) {
    $meta = array_filter(get_post_meta($p->ID), fn($k) => 0 === strpos($k, '_cc_'),
        ARRAY_FILTER_USE_KEY);
    ksort($meta);
    $all[$p->ID] = [$p->post_name, $p->post_status, base64_encode($p->post_title),
        base64_encode($p->post_content), base64_encode($p->post_excerpt), $meta];
}
echo json_encode($all);
"""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[RunningShop]:
    running = start_shop(tmp_path / "shop.db", free_port(), products=PRODUCTS, seed=7)
    yield running
    running.stop()


@pytest.fixture
def installed(
    tmp_path: Path, shop: RunningShop, wordpress_on_sqlite: WordPress
) -> Iterator[Installed]:
    backend = {
        "system": "sandbox",
        "url": shop.url,
        "credential": {"env": "SHOP_KEY"},
        "poll_seconds": 1.0,
    }
    settings = {
        "backends": {"shop": backend},
        "sites": {"blog": site_settings(wordpress_on_sqlite.url, media="download")},
        "media": {"allow_private_hosts": ["127.0.0.1"]},
    }
    secrets = {"SHOP_KEY": shop.key, "SITE_SECRET": pair_with(wordpress_on_sqlite)}
    made = Installed(tmp_path / "home", settings, secrets)
    yield made
    made.stop()


def proved(installed: Installed) -> bool:
    last = installed.ask("runs")
    return installed.waiting() == 0 and any(
        run["kind"] == "reconcile" and run["outcome"] == "done" for run in last
    )


def posts(site: WordPress) -> dict[str, list[object]]:
    found: dict[str, list[object]] = json.loads(site.php(POSTS))
    return found


def titles(site: WordPress) -> list[object]:
    return [post[2] for post in posts(site).values()]


def rename(shop: RunningShop, number: int, title: str) -> None:
    with shop.admin() as admin:
        identity = f"p{number:07d}"
        found = admin.get("/v1/products", params={"ids": identity}).json()["products"][0]
        found["texts"]["en-US"]["title"] = title
        admin.put(f"/admin/products/{identity}", json=found).raise_for_status()


def edit(site: WordPress, name: str, title: str) -> None:
    site.php(
        "$p = get_page_by_path($args[0], OBJECT, 'commerce_product');"
        "wp_update_post(['ID' => $p->ID, 'post_title' => $args[1]]);",
        name,
        title,
    )


Pages = dict[str, list[object]]


def import_all(installed: Installed, site: WordPress) -> Pages:
    installed.start()
    until(partial(proved, installed), "the first import, proved", 300)
    made = posts(site)
    assert len(made) == PRODUCTS
    return made


def spoil(shop: RunningShop, installed: Installed, site: WordPress, before: Pages) -> str:
    """Rename twenty products; an editor renames one of their pages again. Answers which one."""
    for number in range(1, 21):
        rename(shop, number, f"Renamed {number}")
    installed.command("sync")
    until(lambda: installed.waiting() == 0, "the new titles at the site", 120)
    renamed = {i for i, post in posts(site).items() if post != before[i]}
    assert len(renamed) == 20
    edited = min(renamed)
    edit(site, str(before[edited][0]), "An editor's title")
    return edited


def undo_all(installed: Installed) -> tuple[int, list[str]]:
    """Undo every run that wrote pages. Answers what was put back, and why the rest was not."""
    kinds = {each["id"]: each["kind"] for each in installed.ask("runs")}
    assert "import" in kinds.values()
    restored, left = 0, []
    for each in (run for run, kind in kinds.items() if kind in ("sync", "changes")):
        if installed.command("undo", each, "--dry-run", check=False).returncode:
            continue
        done = installed.ask("undo", each)
        restored += done["restored"]
        left += [step["fate"] for step in done["left_as_is"]]
    return restored, left


def lose_and_rebuild(installed: Installed) -> None:
    installed.stop()
    for part in installed.home.glob("state.db*"):
        part.rename(part.with_name("lost-" + part.name))
    (learned,) = installed.ask("db", "rebuild")
    assert (learned["products"], learned["documents"]) == (PRODUCTS, PRODUCTS)
    assert learned["edited"] >= 1
    installed.start()
    until(partial(proved, installed), "everything compared after the rebuild", 300)


def test_undo_brings_the_pages_back_to_the_byte_and_a_lost_state_is_learned_again(
    shop: RunningShop, installed: Installed, wordpress_on_sqlite: WordPress
) -> None:
    site = wordpress_on_sqlite
    before = import_all(installed, site)
    edited = spoil(shop, installed, site, before)
    wanted = {**before, edited: posts(site)[edited]}

    assert undo_all(installed) == (19, ["edited"])
    assert posts(site) == wanted
    (found,) = installed.ask("reconcile")
    assert (found["changed"], found["drifted"], found["missing"]) == (0, 0, 0)
    assert posts(site) == wanted
    assert len(installed.ask("holds", "list")) == 19

    installed.command("db", "backup", str(installed.home / "copy.db"))
    lose_and_rebuild(installed)
    assert posts(site) == wanted

    rename(shop, 40, "Renamed after the rebuild")
    until(lambda: RENAMED in titles(site), "a change after the rebuild", 120)
    installed.stop()
    installed.command("db", "restore", str(installed.home / "copy.db"))
    installed.start()
    until(lambda: installed.waiting() == 0, "work after the restore", 120)
    assert RENAMED in titles(site)
    assert posts(site)[edited] == wanted[edited]
    assert len(posts(site)) == PRODUCTS
