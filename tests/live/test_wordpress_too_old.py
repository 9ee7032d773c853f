"""The plugin where it cannot work: a real WordPress 6.4, and a real PHP 7.3 under WordPress 6.5.

WordPress refuses to activate it there. Where it is active all the same, because the site was moved
to an older machine, it registers nothing and says what is missing.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.wordpress.site import open_site
from connector import signing
from connector.clock import SystemClock
from connector.demo import node
from connector.demo.editions import BEFORE_OLDEST, OLDEST, Edition
from connector.demo.machine import SetUpFailed, key_of, once, run
from connector.demo.mariadb import MariaDB
from connector.demo.wordpress import PLUGIN_NAME, SCRIPTS, WordPress
from connector.errors import TargetDown
from connector.model import BackendName, SiteName
from connector.ports import SiteSettings

pytestmark = pytest.mark.live
PLUGIN = Path(__file__).resolve().parents[2] / "adapters" / "wordpress" / "plugin"
OLD_PHP = {"@php-wasm/node-7-3": "3.0.42"}
ACTIVE_ALL_THE_SAME = (
    f"update_option( 'active_plugins', array( '{PLUGIN_NAME}/{PLUGIN_NAME}.php' ) );"
)
SAY_ALL = (
    "require_once ABSPATH . 'wp-admin/includes/admin.php'; set_current_screen( 'dashboard' );"
    " ob_start(); do_action( 'admin_notices' ); echo json_encode( array( ob_get_clean(),"
    " post_type_exists( 'commerce_product' ), class_exists( 'Commerce_Connector_Api' ) ) );"
)


@pytest.fixture
def too_old(cache: Path, mariadb: MariaDB) -> Iterator[WordPress]:
    """WordPress 6.4 with the plugin's files in it."""
    site = WordPress.start(cache, edition=BEFORE_OLDEST, database=mariadb)
    shutil.copytree(PLUGIN, site.place.root / "wp-content/plugins" / PLUGIN_NAME)
    yield site
    site.stop()


@pytest.fixture
def on_new_php(cache: Path) -> Iterator[WordPress]:
    """WordPress 6.5 on the machine's PHP, with the plugin active: about to be moved to an old one.

    On SQLite, whose file an old PHP reads as well.
    """
    site = WordPress.start(cache, edition=Edition(OLDEST.core), plugin=PLUGIN)
    yield site
    site.stop()


def test_an_older_wordpress_does_not_activate_it(too_old: WordPress) -> None:
    assert too_old.php("echo $GLOBALS['wp_version'];").startswith("6.4.")
    with pytest.raises(SetUpFailed, match=r"does not meet minimum requirements.*6\.5"):
        too_old.php((SCRIPTS / "activate.php").read_text(), PLUGIN_NAME)


def test_active_in_an_older_wordpress_it_registers_nothing_and_says_why(too_old: WordPress) -> None:
    too_old.php(ACTIVE_ALL_THE_SAME)
    notice, *registered = json.loads(too_old.php(SAY_ALL))
    assert "it needs WordPress 6.5 and PHP 7.4 or newer, and this is WordPress 6.4." in notice
    assert registered == [False, False]
    secret = signing.Secret.parse(signing.format_secret(b"x" * 32))
    settings = SiteSettings(
        SiteName("blog"), too_old.url, BackendName("shop"), False, (secret,), None, {}
    )
    with pytest.raises(TargetDown, match="missing or inactive"):
        open_site(settings, SystemClock()).check()
    assert not too_old.debug_log.exists(), too_old.debug_log.read_text()


def test_on_an_older_php_it_registers_nothing_and_says_why(
    on_new_php: WordPress, cache: Path
) -> None:
    assert json.loads(on_new_php.php(SAY_ALL)) == ["", True, True]
    notice, *registered = json.loads(_on_old_php(cache, on_new_php, SAY_ALL))
    assert "this is WordPress 6.5.5 on PHP 7.3." in notice
    assert registered == [False, False]


def _on_old_php(cache: Path, site: WordPress, code: str) -> str:
    """What statements print that PHP 7.3 runs in the site, as its administrator."""
    found = node.find(cache)

    def build(unfinished: Path) -> None:
        (unfinished / "package.json").write_text(json.dumps({"dependencies": OLD_PHP}))
        found.npm("install", "--no-audit", "--no-fund", "--ignore-scripts", cwd=unfinished)

    packages = once(cache / f"php-wasm-{key_of(OLD_PHP)}", build)
    begin = (
        "<?php $_SERVER += array( 'HTTP_HOST' => 'old.example', 'REQUEST_URI' => '/' );"
        f"require '{site.place.root}/wp-load.php'; wp_set_current_user( 1 ); "
    )
    script = Path(__file__).with_name("old_php.mjs")
    return run([found.node, script, packages, site.place.home], feed=begin + code)
