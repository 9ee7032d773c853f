"""Real WordPress sites of any edition, on SQLite or MariaDB, served by PHP itself.

The core is unpacked once and shared by hard links; an installed database is kept as a
template, so that a fresh site takes about a second. Each site has its own wp-content and
database in a scratch directory, and goes with it. Knows nothing of what the plugin does.
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from connector.demo import editions, interpreter
from connector.demo.editions import USUAL, Edition
from connector.demo.interpreter import Php, link
from connector.demo.machine import (
    LOOPBACK,
    Server,
    answers,
    free_port,
    hand_over,
    key_of,
    once,
    run,
    say,
    scratch,
    write_private,
)
from connector.demo.mariadb import MariaDB

PLUGIN_NAME = "commerce-connector"
ADMIN_USER = "admin"
SCRIPTS = Path(__file__).parent / "php"
CONSTANTS: Mapping[str, str | bool] = {
    # Application passwords over plain http are only taken on a `local` site.
    "WP_ENVIRONMENT_TYPE": "local",
    "DISABLE_WP_CRON": True,
    "AUTOMATIC_UPDATER_DISABLED": True,
    "WP_HTTP_BLOCK_EXTERNAL": True,
    "WP_ACCESSIBLE_HOSTS": f"{LOOPBACK},localhost",
    "WP_DEBUG": True,
    "WP_DEBUG_DISPLAY": False,
}


# --- what is cached -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Parts:
    """What a site is laid out from, all of it in the cache."""

    pristine: Path
    php: Php


def install(cache: Path, edition: Edition = USUAL) -> Parts:
    """An edition's WordPress and PHP."""
    return Parts(editions.install(cache, edition), interpreter.install(cache, edition.php))


def template(cache: Path, database: MariaDB | None, edition: Edition = USUAL) -> Path:
    """An installed site's database and credentials, from which fresh sites are made."""
    parts = install(cache, edition)
    engine = "sqlite" if database is None else "mariadb"
    recipe = [path.read_text() for path in sorted(SCRIPTS.glob("*.php"))]
    target = cache / f"wordpress-{engine}-{key_of(parts.pristine.name, recipe)}"

    def build(unfinished: Path) -> None:
        say(f"installing WordPress on {engine}")
        place = _lay_out(parts, database, f"http://{LOOPBACK}:80")
        password = secrets.token_urlsafe(12)
        settings = {"title": "Shop", "user": ADMIN_USER, "password": password}
        answer = json.loads(place.script("install.php", settings))
        if database is None:
            shutil.copy2(place.sqlite_file, unfinished / "database")
        else:
            (unfinished / "database").write_text(place.php((SCRIPTS / "dump.php").read_text()))
        credentials = {"password": password, "app_password": answer["app_password"]}
        write_private(unfinished / "credentials.json", json.dumps(credentials))
        place.remove()

    return once(target, build)


# --- one site -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """Where a site's files and database lie, whether or not it is being served."""

    home: Path
    url: str
    database: MariaDB | None
    interpreter: Php

    @property
    def root(self) -> Path:
        return self.home / "site"

    @property
    def sqlite_file(self) -> Path:
        return self.home / "database" / "wordpress.sqlite"

    @property
    def database_name(self) -> str:
        return self.home.name.replace("-", "_")

    def php(self, code: str, *args: object) -> str:
        """Run PHP statements inside the site as its administrator; what they print.

        The code has no opening tag and finds `args` (anything JSON can hold) in `$args`.
        """
        return self.script("eval.php", *args, code=code)

    def script(self, name: str, *args: object, code: str = "") -> str:
        program: list[str | Path] = [*self.interpreter.command(self.home)]
        command = [*program, self.home / name, self.root, self.url]
        return run([*command, json.dumps(args)], feed=code, cwd=self.root, as_service=True)

    def remove(self) -> None:
        if self.database is not None:
            self.database.drop_database(self.database_name)
        shutil.rmtree(self.home, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class WordPress:
    """A site that answers at `url`. `stop()` removes it altogether."""

    place: Place
    server: Server
    admin_password: str = field(repr=False)
    app_password: str = field(repr=False)
    admin_user: str = ADMIN_USER

    @classmethod
    def start(
        cls,
        cache: Path,
        *,
        edition: Edition = USUAL,
        database: MariaDB | None = None,
        plugin: Path | None = None,
        port: int | None = None,
        public: str | None = None,
        workers: int = 4,
    ) -> WordPress:
        """A fresh site, on SQLite unless a MariaDB is given, with the plugin active if given.

        `public` is the address that visitors use where a cache will stand before it.
        """
        made = template(cache, database, edition)
        port = port or free_port()
        own = f"http://{LOOPBACK}:{port}"
        place = _lay_out(install(cache, edition), database, public or own, made)
        if plugin is not None:
            _activate(place, plugin)
        serve = ("-S", f"{LOOPBACK}:{port}", "-t", place.root, place.home / "router.php")
        server = Server.start(
            "WordPress",
            [*place.interpreter.command(place.home), *serve],
            log=place.home / "log",
            cwd=place.root,
            # With one worker a request that calls its own site waits for itself.
            env={"PHP_CLI_SERVER_WORKERS": str(workers)},
        )
        server.wait_until(lambda: answers(f"{own}/wp-json/"))
        credentials = json.loads((made / "credentials.json").read_text())
        return cls(place, server, credentials["password"], credentials["app_password"])

    @property
    def url(self) -> str:
        return self.place.url

    @property
    def debug_log(self) -> Path:
        """PHP's notices and errors of this site; absent as long as there were none."""
        return self.place.home / "database" / "debug.log"

    def php(self, code: str, *args: object) -> str:
        """Run PHP statements inside the site as its administrator; what they print."""
        return self.place.php(code, *args)

    def stop(self) -> None:
        self.server.stop()
        self.place.remove()


def _lay_out(parts: Parts, database: MariaDB | None, url: str, made: Path | None = None) -> Place:
    place = Place(scratch("wordpress"), url, database, parts.php)
    pristine = parts.pristine
    parts.php.bring(place.home)
    own = place.root / "wp-content"
    shutil.copytree(
        pristine / "core",
        place.root,
        copy_function=link,
        ignore=lambda folder, _names: ["wp-content"] if folder == str(pristine / "core") else [],
    )
    shutil.copytree(pristine / "core" / "wp-content", own)
    for name in ("plugins", "uploads", "mu-plugins"):
        (own / name).mkdir(exist_ok=True)
    for name in ("router.php", "install.php", "eval.php"):
        shutil.copyfile(SCRIPTS / name, place.home / name)
    place.sqlite_file.parent.mkdir()
    if database is None:
        _use_sqlite(place, pristine / "sqlite", made)
    else:
        dump = "" if made is None else (made / "database").read_text()
        database.create_database(place.database_name, dump=dump)
    (place.root / "wp-config.php").write_text(_configuration(place))
    for part in (own, place.sqlite_file.parent):
        hand_over(part)
    return place


def _use_sqlite(place: Place, drop_in: Path, made: Path | None) -> None:
    plugin = place.root / "wp-content/plugins/sqlite-database-integration"
    shutil.copytree(drop_in, plugin)
    text = (plugin / "db.copy").read_text()
    text = text.replace("{SQLITE_IMPLEMENTATION_FOLDER_PATH}", str(plugin))
    text = text.replace("{SQLITE_PLUGIN}", "sqlite-database-integration/load.php")
    (place.root / "wp-content/db.php").write_text(text)
    if made is not None:
        shutil.copyfile(made / "database", place.sqlite_file)


def _configuration(place: Place) -> str:
    constants: dict[str, str | bool] = {
        **CONSTANTS,
        "WP_HOME": place.url,
        "WP_SITEURL": place.url,
        "WP_DEBUG_LOG": str(place.home / "database" / "debug.log"),
        **_database_constants(place),
    }
    for name in ("AUTH", "SECURE_AUTH", "LOGGED_IN", "NONCE"):
        constants[f"{name}_KEY"] = secrets.token_urlsafe(32)
        constants[f"{name}_SALT"] = secrets.token_urlsafe(32)
    lines = [f"define( '{name}', {_php_literal(value)} );" for name, value in constants.items()]
    loading = "if ( ! defined( 'ABSPATH' ) ) {\n\tdefine( 'ABSPATH', __DIR__ . '/' );\n}\n"
    ending = f"{loading}require_once ABSPATH . 'wp-settings.php';\n"
    return "\n".join(["<?php", *lines, "$table_prefix = 'wp_';", ending])


def _database_constants(place: Place) -> dict[str, str | bool]:
    if place.database is None:
        file = place.sqlite_file
        names = {"DB_ENGINE": "sqlite", "DB_DIR": str(file.parent), "DB_FILE": file.name}
        return {**names, "DB_NAME": "wordpress"}
    host = f"localhost:{place.database.socket}"
    names = {"DB_HOST": host, "DB_NAME": place.database_name, "DB_USER": "root", "DB_PASSWORD": ""}
    return {**names, "DB_CHARSET": "utf8mb4", "DB_COLLATE": ""}


def _php_literal(value: str | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _activate(place: Place, plugin: Path) -> None:
    target = place.root / "wp-content/plugins" / PLUGIN_NAME
    shutil.copytree(plugin, target)
    hand_over(target)
    place.php((SCRIPTS / "activate.php").read_text(), PLUGIN_NAME)
