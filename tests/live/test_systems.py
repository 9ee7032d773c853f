"""Every real system comes up, answers, and lets its administrator in."""

from __future__ import annotations

from pathlib import Path

import httpx
import psycopg
import pytest

from connector.demo import debian
from connector.demo.machine import SetUpFailed, once
from connector.demo.mariadb import MariaDB
from connector.demo.medusa import Medusa
from connector.demo.medusa_seed import stock_of
from connector.demo.wordpress import WordPress


def test_wordpress_answers_and_knows_the_application_password(wordpress: WordPress) -> None:
    assert httpx.get(f"{wordpress.url}/wp-json/").json()["url"] == wordpress.url

    me = f"{wordpress.url}/wp-json/wp/v2/users/me"
    credentials = (wordpress.admin_user, wordpress.app_password)
    assert httpx.get(me, auth=credentials).json()["slug"] == wordpress.admin_user
    assert httpx.get(me, auth=(wordpress.admin_user, "wrong")).status_code == 401


def test_wordpress_shows_permalinks_and_serves_its_own_files(
    wordpress_without_plugin: WordPress,
) -> None:
    url = wordpress_without_plugin.url
    assert "Hello world!" in httpx.get(f"{url}/hello-world/").text
    assert httpx.get(f"{url}/no.such.page").status_code == 404
    script = httpx.get(f"{url}/wp-includes/js/jquery/jquery.min.js")
    assert "javascript" in script.headers["content-type"]
    assert httpx.get(f"{url}/wp-admin").headers["location"] == "/wp-admin/"


def test_php_runs_inside_the_site_with_its_arguments(wordpress: WordPress) -> None:
    assert wordpress.php("echo get_bloginfo('version');").startswith("6.8.")
    assert wordpress.php("echo $args[0]['it'];", {"it": "it's \\ here"}) == "it's \\ here"
    assert wordpress.php("echo current_user_can('unfiltered_html') ? 'yes' : 'no';") == "yes"


def test_our_plugin_is_active_and_starts_without_a_notice(wordpress: WordPress) -> None:
    active = wordpress.php("echo implode(' ', get_option('active_plugins'));")
    assert "commerce-connector/commerce-connector.php" in active.split()
    assert not wordpress.debug_log.exists(), wordpress.debug_log.read_text()


def test_two_sites_share_nothing(
    wordpress_on_sqlite: WordPress, wordpress_without_plugin: WordPress
) -> None:
    wordpress_on_sqlite.php("update_option('blogname', 'Changed');")
    assert wordpress_without_plugin.php("echo get_option('blogname');") == "Shop"


def test_mariadb_answers(mariadb: MariaDB) -> None:
    assert mariadb.sql("SELECT 1 + 1") == "2\n"


def test_postgresql_answers(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_medusa_lists_its_products_to_the_secret_key(medusa: Medusa) -> None:
    fields = "id,title,variants.sku,variants.prices.amount,variants.prices.currency_code"
    answer = httpx.get(
        f"{medusa.url}/admin/products",
        params={"limit": 1, "handle": "product-7", "fields": fields},
        auth=(medusa.secret_key, ""),
    ).json()
    (product,) = answer["products"]
    prices = {
        (variant["sku"], price["currency_code"]): price["amount"]
        for variant in product["variants"]
        for price in variant["prices"]
    }
    assert product["title"] == "Product 7"
    assert prices == {
        ("P7-S", "eur"): 5.49,
        ("P7-S", "usd"): 6.99,
        ("P7-M", "eur"): 6.49,
        ("P7-M", "usd"): 7.99,
    }


def test_medusa_sells_its_seeded_stock_in_its_regions(medusa: Medusa) -> None:
    answer = httpx.get(
        f"{medusa.url}/store/products",
        params={
            "handle": "product-7",
            "region_id": medusa.seeded.region_ids["Europe"],
            "fields": "*variants.calculated_price,+variants.inventory_quantity",
        },
        headers={"x-publishable-api-key": medusa.publishable_key},
    ).json()
    (product,) = answer["products"]
    stock = {variant["sku"]: variant["inventory_quantity"] for variant in product["variants"]}
    assert stock == {sku: stock_of(sku) for sku in ("P7-S", "P7-M")}


def test_a_fresh_medusa_is_untouched_by_what_happened_to_another(
    medusa: Medusa, fresh_medusa: Medusa
) -> None:
    with fresh_medusa.admin() as admin:
        first = admin.get("/admin/products", params={"fields": "id"}).json()["products"][0]["id"]
        assert admin.delete(f"/admin/products/{first}").status_code == 200
        assert admin.get("/admin/products").json()["count"] == 19
    with medusa.admin() as admin:
        assert admin.get("/admin/products").json()["count"] == 20


OWN_SUITE = dict(
    line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line
)["VERSION_CODENAME"]
ONE_LINE = f"""\
deb http://other.example/tools any main
deb [trusted=yes] http://mirror.example/debian {OWN_SUITE} main contrib
"""
DEB822 = f"""\
Types: deb
URIs: http://mirror.example/debian
Suites: {OWN_SUITE} {OWN_SUITE}-updates
Components: contrib main
"""


@pytest.mark.live
@pytest.mark.parametrize(("name", "text"), [("a.list", ONE_LINE), ("a.sources", DEB822)])
def test_the_archive_is_found_in_both_formats_of_apt(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    options = ["-o", "Dir::Etc::sourcelist=-", "-o", f"Dir::Etc::sourceparts={tmp_path}"]
    assert debian.archives(options) == ["http://mirror.example/debian/"]


def test_a_machine_without_apt_is_told_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(SetUpFailed, match=r"^php-cli has to come from Debian.*Debian 12 or newer"):
        debian.ensure("php-cli")


def test_a_failed_build_leaves_nothing_in_the_cache(tmp_path: Path) -> None:
    def broken(unfinished: Path) -> None:
        (unfinished / "half").touch()
        raise SetUpFailed("the archive went away")

    with pytest.raises(SetUpFailed):
        once(tmp_path / "thing", broken)
    assert not (tmp_path / "thing").exists()
    built = once(tmp_path / "thing", lambda unfinished: (unfinished / "whole").touch())
    assert [path.name for path in built.iterdir()] == ["whole"]
