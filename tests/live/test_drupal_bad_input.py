"""A real Drupal that somebody sets up wrongly, beside a site that is not: as with recorded answers.

tests/faults/test_bad_drupal.py says what holds; here the answers are a real site's. Beside the
credentials it needs DRUPAL_PHP, the command that runs PHP in the site, since nobody breaks a site
through its site API (`vendor/bin/drush php:eval`). What is broken is mended in the end.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from adapters.drupal.site import open_site
from adapters.site_api import versions
from connector.clock import SystemClock
from connector.model import BackendName, SiteName
from connector.ports import Site, SiteSettings
from connector.signing import Secret
from connector.testing.clock import FakeClock
from tests.faults.test_bad_drupal import PRODUCTS, TwoSites, break_and_mend, product_subject
from tests.live.drupal_shop import press
from tests.live.drupal_site import Editor, Where

pytestmark = pytest.mark.live
NOW = datetime(2030, 1, 1, tzinfo=UTC)
SETTINGS = "/admin/config/services/commerce-connector"
USER = "$user = \\Drupal::service('commerce_connector.role')->user(); "
ROLE = "$role = \\Drupal\\user\\Entity\\Role::load('commerce_connector'); "
KEPT = "\\Drupal::keyValue('commerce_connector_test')"
CONFIG = "$settings = \\Drupal::configFactory()->getEditable('{}'); "
OURS = CONFIG.format("commerce_connector.settings")
FIELD = (
    "\\Drupal\\field\\Entity\\FieldConfig::create(['field_name' => 'field_needed', 'entity_type' =>"
    " 'node', 'bundle' => '{}', 'label' => 'Needed', 'required' => TRUE])->save();"
)
STORAGE = (
    "\\Drupal\\field\\Entity\\FieldStorageConfig::create(['field_name' => 'field_needed',"
    " 'entity_type' => 'node', 'type' => 'string'])->save(); "
)
NO_FIELD = (
    "\\Drupal\\field\\Entity\\FieldStorageConfig::loadByName('node', 'field_needed')?->delete();"
    " \\field_purge_batch(100);"
)


@dataclass(frozen=True)
class Case:
    """How it is broken and mended, in PHP ("form": settings are saved), and what is said."""

    broken: str
    mended: str
    says: str


MODULE: dict[str, Case] = {
    "not paired": Case(
        f"$state = \\Drupal::state(); {KEPT}->set('s', $state->get('commerce_connector.secrets'));"
        " $state->delete('commerce_connector.secrets');",
        f"\\Drupal::state()->set('commerce_connector.secrets', {KEPT}->get('s'));",
        r"not paired: make a secret on",
    ),
    "role taken from its user": Case(
        f"{USER}$user->removeRole('commerce_connector'); $user->save();",
        "form",
        r"lost its role: save the form",
    ),
    "role deleted": Case(f"{ROLE}$role->delete();", "form", r"lost its role: save the form"),
    "text format not allowed": Case(
        f"{ROLE}$role->revokePermission('use text format commerce_connector_html')->save();",
        "form",
        r"may not use the text format commerce_connector_html: save",
    ),
    "maintenance": Case(
        "\\Drupal::state()->set('system.maintenance_mode', TRUE);",
        "\\Drupal::state()->set('system.maintenance_mode', FALSE);",
        r"is in maintenance",
    ),
    "content type gone": Case(
        f"{OURS}$settings->set('bundle', 'nope')->save();",
        f"{OURS}$settings->set('bundle', 'commerce_product')->save();",
        r"content type nope is not there: choose",
    ),
    "field required": Case(
        STORAGE + FIELD.format("commerce_product"),
        NO_FIELD,
        r"field_needed .*is required .* give it a default value",
    ),
    "text format off": Case(
        "\\Drupal\\filter\\Entity\\FilterFormat::load('commerce_connector_html')"
        "->disable()->save();",
        "\\Drupal\\filter\\Entity\\FilterFormat::load('commerce_connector_html')"
        "->enable()->save(); form",
        r"text_format commerce_connector_html is not there: make it, or choose another",
    ),
}
PLAIN_ROLE = (
    "$role = \\Drupal\\user\\Entity\\Role::load(array_values(array_diff(user_load_by_name("
    "'{user}')->getRoles(), ['authenticated']))[0]); "
)
READ_ONLY = CONFIG.format("jsonapi.settings")
PLAIN: dict[str, Case] = {
    "read-only": Case(
        f"{READ_ONLY}$settings->set('read_only', TRUE)->save();",
        f"{READ_ONLY}$settings->set('read_only', FALSE)->save();",
        r"read-only .*allow all operations",
    ),
    "role too small": Case(
        f"{PLAIN_ROLE}$role->revokePermission('administer nodes')->save();",
        f"{PLAIN_ROLE}$role->grantPermission('administer nodes')->save();",
        r"'administer nodes'.*user's role may",
    ),
    "field required": Case(
        STORAGE + FIELD.format("article"),
        NO_FIELD,
        r"field_needed: .*should not be null.*default value",
    ),
    "text format not allowed": Case(
        f"{PLAIN_ROLE}$role->revokePermission('use text format full_html')->save();",
        f"{PLAIN_ROLE}$role->grantPermission('use text format full_html')->save();",
        r"takes none of our pages: .*valid choice",
    ),
    "maintenance": MODULE["maintenance"],
}


@dataclass
class Town:
    """The site, and whoever may break and mend it."""

    where: Where
    command: list[str]
    clock: SystemClock = field(default_factory=SystemClock)

    def run(self, php: str) -> None:
        code = php.replace("{user}", os.environ.get("DRUPAL_PLAIN", "").partition(":")[0])
        ran = subprocess.run([*self.command, code], capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr

    def mend(self, how: str) -> None:
        if php := how.removesuffix("form"):
            self.run(php)
        if how.endswith("form"):
            press(Editor(self.where), f"{self.where.url}{SETTINGS}", "op")

    def settings(self, credential: str = "") -> SiteSettings:
        secrets = () if credential else (Secret.parse(self.where.secret),)
        # Another backend each time, so that no page is there already.
        name, backend = SiteName("magazine"), BackendName(f"shop-{uuid.uuid4().hex[:8]}")
        plain = bool(credential)
        return SiteSettings(name, self.where.url, backend, plain, secrets, credential or None, {})


@pytest.fixture(scope="module")
def town() -> Town:
    where = Where.from_environment()
    command = os.environ.get("DRUPAL_PHP")
    if not command:
        pytest.skip("NO DRUPAL WAS SET UP WRONGLY: set DRUPAL_PHP (docs/drupal.md says how)")
    return Town(where, shlex.split(command))


@pytest.fixture(autouse=True)
def quiet_log() -> Iterator[None]:
    with capture_logs():
        yield


def check(town: Town, folder: Path, site: Site, case: Case) -> None:
    house = TwoSites(folder, site, FakeClock(NOW))
    is_broken = []

    def break_it() -> None:
        is_broken.append(True)
        town.run(case.broken)

    def mend() -> None:
        is_broken.clear()
        town.mend(case.mended)

    try:
        break_and_mend(house, case.says, break_it, mend, restarts=False)
    finally:
        if is_broken:
            mend()
        house.database.close()


@pytest.mark.parametrize("case", MODULE)
def test_the_module_that_is_set_up_wrongly_is_named_and_mended(
    case: str, town: Town, tmp_path: Path
) -> None:
    site = open_site(town.settings(), town.clock)
    check(town, tmp_path, site, MODULE[case])
    held = {each.subject for page in site.inventory(product_subject(1).kind) for each in page}
    assert held == {product_subject(number) for number in (*range(PRODUCTS), PRODUCTS + 1)}


@pytest.mark.parametrize("case", PLAIN)
def test_plain_mode_that_is_set_up_wrongly_is_named_and_mended(
    case: str, town: Town, tmp_path: Path
) -> None:
    credential = os.environ.get("DRUPAL_PLAIN")
    if not credential:
        pytest.skip("NO PLAIN DRUPAL WAS SET UP WRONGLY: set DRUPAL_PLAIN (docs/drupal.md)")
    check(town, tmp_path, open_site(town.settings(credential), town.clock), PLAIN[case])


class ShiftedClock(SystemClock):
    """The machine's clock, so many minutes off."""

    def __init__(self) -> None:
        self.minutes = 0

    def now(self) -> datetime:
        return super().now() + timedelta(minutes=self.minutes)


@pytest.mark.parametrize(("minutes", "says"), [(9, "behind ours"), (-9, "ahead of ours")])
def test_clocks_that_differ_are_named(town: Town, tmp_path: Path, minutes: int, says: str) -> None:
    clock = ShiftedClock()
    house = TwoSites(tmp_path, open_site(town.settings(), clock), FakeClock(NOW))

    def set_clock(to: int) -> None:
        clock.minutes = to

    break_and_mend(
        house,
        rf"\d+ s {says}; set both by NTP",
        lambda: set_clock(minutes),
        lambda: set_clock(0),
        restarts=False,
    )
    house.database.close()


@pytest.mark.parametrize(
    ("spoken", "says"),
    [(7, r"module is too old for the conn"), (0, r"connector is too old|update the")],
)
def test_a_daemon_that_speaks_another_version_is_told_which_side_is_old(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoken: int, says: str
) -> None:
    house = TwoSites(tmp_path, open_site(town.settings(), town.clock), FakeClock(NOW))

    def speak(version: int) -> None:
        monkeypatch.setattr(versions, "SPOKEN", frozenset({version}))

    break_and_mend(house, says, lambda: speak(spoken), lambda: speak(1), restarts=False)
    house.database.close()
