"""A real Medusa server without its admin pages, with a catalogue of any size.

Installed once from npm; the migrated database and each seeded catalogue are kept as dumps, so
that a fresh server costs a restore and Medusa's own start. Knows nothing of the adapter; the
files to drop into Medusa come in as a directory.
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import httpx

from connector.demo import medusa_seed, node
from connector.demo.machine import (
    LOOPBACK,
    Server,
    answers,
    free_port,
    key_of,
    once,
    run,
    say,
    scratch,
    write_private,
)
from connector.demo.medusa_seed import Seeded
from connector.demo.postgres import Postgres

VERSION = "2.21.2"
ADMIN_EMAIL = "admin@example.org"
# The admin pages' bundler alone is 300 MB, and nothing here opens those pages.
STUBBED = ("@medusajs/admin-bundler", "@medusajs/draft-order")
NPM_PACKAGES = ("@medusajs/cli", "@medusajs/framework", "@medusajs/medusa")
PACKAGE = {
    "private": True,
    "dependencies": dict.fromkeys(NPM_PACKAGES, VERSION),
    "overrides": {name: f"file:./stub/{name.split('/')[1]}" for name in STUBBED},
}
CONFIGURATION = """\
process.env.NODE_ENV ||= "development"
const { defineConfig } = require("@medusajs/framework/utils")

module.exports = defineConfig({
  projectConfig: {
    databaseUrl: process.env.DATABASE_URL,
    databaseDriverOptions: { ssl: false, connection: { ssl: false } },
    http: {
      storeCors: process.env.STORE_CORS,
      adminCors: process.env.STORE_CORS,
      authCors: process.env.STORE_CORS,
      jwtSecret: process.env.JWT_SECRET,
      cookieSecret: process.env.COOKIE_SECRET,
    },
  },
  admin: { disable: true },
  featureFlags: { translation: true },
  modules: [{ resolve: "@medusajs/medusa/translation" }],
})
"""


@dataclass(frozen=True, slots=True)
class Medusa:
    """A server that answers at `url`. `stop()` removes its database too."""

    url: str
    seeded: Seeded
    project: Path
    postgres: Postgres
    server: Server
    admin_password: str = field(repr=False)
    admin_email: str = ADMIN_EMAIL

    @classmethod
    def start(
        cls,
        cache: Path,
        postgres: Postgres,
        *,
        products: int = 20,
        images: str = medusa_seed.IMAGES,
        plugin: Path | None = None,
        settings: Mapping[str, str] | None = None,
        port: int | None = None,
    ) -> Medusa:
        """A fresh server with a catalogue of `products` products.

        The files below `plugin` join Medusa's own `src/`; `settings` become environment
        variables, for them to read. `images` holds `{number}`, the product's.
        """
        made = _catalogue(cache, postgres, products, images)
        project = _lay_out(install(cache), plugin)
        address = postgres.restore(made / "dump", _database_of(project))
        port = port or free_port()
        server = _serve(cache, project, address, port, settings or {})
        known = json.loads((made / "seeded.json").read_text())
        seeded, password = Seeded(**known["seeded"]), known["admin_password"]
        return cls(f"http://{LOOPBACK}:{port}", seeded, project, postgres, server, password)

    @property
    def secret_key(self) -> str:
        return self.seeded.secret_key

    @property
    def publishable_key(self) -> str:
        return self.seeded.publishable_key

    def admin(self) -> httpx.Client:
        """A client of the Admin API, logged in as the administrator: 7x cheaper than the key."""
        return _logged_in(self.url, self.admin_password)

    def stop(self) -> None:
        self.server.stop()
        self.postgres.drop_database(_database_of(self.project))
        shutil.rmtree(self.project, ignore_errors=True)


# --- what is cached -------------------------------------------------------------------------


def install(cache: Path) -> Path:
    """A directory with Medusa in its node_modules."""
    found = node.find(cache)

    def build(unfinished: Path) -> None:
        say(f"installing Medusa {VERSION} from npm")
        (unfinished / "package.json").write_text(json.dumps(PACKAGE))
        for name in STUBBED:
            _write_stub(unfinished / "stub" / name.split("/")[1], name)
        found.npm("install", "--no-audit", "--no-fund", "--ignore-scripts", cwd=unfinished)

    return once(cache / f"medusa-{key_of(PACKAGE)}", build)


def _write_stub(place: Path, name: str) -> None:
    place.mkdir(parents=True)
    described = {"name": name, "version": VERSION, "main": "index.js"}
    (place / "package.json").write_text(json.dumps(described))
    (place / "index.js").write_text("module.exports = {}\n")


def _migrated(cache: Path, postgres: Postgres) -> Path:
    """The dump of a database that Medusa has migrated, with the administrator in it."""
    installed = install(cache)

    def build(unfinished: Path) -> None:
        say("migrating Medusa's database")
        password = secrets.token_urlsafe(12)
        with _working_copy(installed, postgres) as (project, address):
            _medusa(cache, project, address, "db:migrate")
            _medusa(cache, project, address, "user", "-e", ADMIN_EMAIL, "-p", password)
            postgres.dump(_database_of(project), unfinished / "dump")
        write_private(unfinished / "admin_password", password)

    key = key_of(installed.name, CONFIGURATION, postgres.programs)
    return once(cache / f"medusa-migrated-{key}", build)


def _catalogue(cache: Path, postgres: Postgres, products: int, images: str) -> Path:
    """The dump of a seeded database, with the keys that were made."""
    migrated = _migrated(cache, postgres)

    def build(unfinished: Path) -> None:
        say(f"seeding Medusa with {products} products")
        password = (migrated / "admin_password").read_text()
        with _working_copy(install(cache), postgres, migrated / "dump") as (project, address):
            port = free_port()
            server = _serve(cache, project, address, port, {})
            with _logged_in(f"http://{LOOPBACK}:{port}", password) as admin:
                seeded = medusa_seed.seed(admin, products, images)
            server.stop()
            postgres.dump(_database_of(project), unfinished / "dump")
        known = {"seeded": asdict(seeded), "admin_password": password}
        write_private(unfinished / "seeded.json", json.dumps(known))

    recipe = Path(medusa_seed.__file__).read_text()
    key = key_of(migrated.name, products, images, recipe)
    return once(cache / f"medusa-catalogue-{products}-{key}", build)


# --- one server -----------------------------------------------------------------------------


@contextmanager
def _working_copy(
    installed: Path, postgres: Postgres, dump: Path | None = None
) -> Iterator[tuple[Path, str]]:
    project = _lay_out(installed, None)
    name = _database_of(project)
    try:
        made = postgres.create_database(name) if dump is None else postgres.restore(dump, name)
        yield project, made
    finally:
        postgres.drop_database(name)
        shutil.rmtree(project, ignore_errors=True)


def _lay_out(installed: Path, plugin: Path | None) -> Path:
    project = scratch("medusa")
    (project / "package.json").write_text((installed / "package.json").read_text())
    (project / "medusa-config.js").write_text(CONFIGURATION)
    (project / "node_modules").symlink_to(installed / "node_modules")
    (project / "src").mkdir()
    if plugin is not None:
        shutil.copytree(plugin / "src", project / "src", dirs_exist_ok=True)
    return project


def _database_of(project: Path) -> str:
    # Random names may differ in case only, and hold nothing that SQL would have to quote.
    return "medusa_" + key_of(project.name)


def _environment(cache: Path, address: str) -> dict[str, str]:
    return {
        "PATH": node.find(cache).path,
        "DATABASE_URL": address,
        "MEDUSA_DISABLE_TELEMETRY": "true",
        "STORE_CORS": f"http://{LOOPBACK},http://localhost",
        "JWT_SECRET": secrets.token_hex(16),
        "COOKIE_SECRET": secrets.token_hex(16),
    }


def _command(cache: Path, *arguments: str) -> list[str | Path]:
    return [node.find(cache).node, "node_modules/@medusajs/cli/cli.js", *arguments]


def _medusa(cache: Path, project: Path, address: str, *arguments: str) -> None:
    run(_command(cache, *arguments), cwd=project, env=_environment(cache, address))


def _serve(
    cache: Path, project: Path, address: str, port: int, settings: Mapping[str, str]
) -> Server:
    server = Server.start(
        "Medusa",
        _command(cache, "start", "-H", LOOPBACK, "-p", str(port)),
        log=project / "log",
        cwd=project,
        env={**_environment(cache, address), **settings},
        # Node may lie in a home that the servers' account cannot enter.
        as_service=False,
    )
    server.wait_until(lambda: answers(f"http://{LOOPBACK}:{port}/health"), seconds=180)
    return server


def _logged_in(url: str, password: str) -> httpx.Client:
    credentials = {"email": ADMIN_EMAIL, "password": password}
    path = f"{url}/auth/user/emailpass"
    answer = httpx.post(path, json=credentials, timeout=30, trust_env=False).raise_for_status()
    headers = {"authorization": f"Bearer {answer.json()['token']}"}
    return httpx.Client(base_url=url, headers=headers, timeout=120, trust_env=False)
