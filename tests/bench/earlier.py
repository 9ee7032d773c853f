"""`python -m tests.bench.earlier`: what it costs to keep the words that editors may have open.

Every change of a text keeps what it replaces for 30 days (docs/decisions/0090). 2,000 pages of a
real WordPress on MariaDB get a new title and a description of a kilobyte, again and again; every
other time the statements of that table are turned into nothing, so that both sides are measured in
the same minutes. --products and --rounds say how many.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from connector.demo.machine import cache_dir
from connector.demo.mariadb import MariaDB
from connector.demo.wordpress import WordPress
from connector.model import FieldName
from connector.ports import ContentWrite, Fence, Site
from tests.bench.measure import machine, median, seconds
from tests.bench.writes import contents, open_site, write_pages
from tests.conftest import WORDPRESS_PLUGIN

SWITCH = """<?php
add_filter( 'query', function ( $query ) {
	$off = file_exists( WP_CONTENT_DIR . '/keeps-nothing' );
	return $off && false !== strpos( $query, 'commerce_connector_earlier' ) ? 'DO 0' : $query;
} );
"""
SIZE = """
global $wpdb;
$table = Commerce_Connector_Tables::name( 'earlier' );
$wpdb->query( "ANALYZE TABLE $table" );
$row = $wpdb->get_row( $wpdb->prepare( 'SELECT table_rows, data_length + index_length AS bytes'
	. ' FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = %s',
	$table ) );
echo $wpdb->get_var( "SELECT COUNT(*) FROM $table" ), ' ', $row->bytes;
"""
_turns = itertools.count(1_000_000)


def reworded(pages: Sequence[ContentWrite], turn: int) -> list[ContentWrite]:
    """The same pages with new words, and nothing else."""
    return [_reworded(page, f"round {turn} of {page.subject.id}") for page in pages]


def _reworded(page: ContentWrite, words: str) -> ContentWrite:
    sequence = next(_turns)
    text = f"<p>{(words + ' ') * 40}</p>"[:1024]
    fields = {FieldName("title"): words, FieldName("description"): text}
    write_id = f"e{sequence}"
    return replace(page, fence=Fence(1, sequence), write_id=write_id, fields=fields, whole=False)


def measure(site: WordPress, ours: Site, count: int, rounds: int) -> None:
    switch = site.place.root / "wp-content" / "keeps-nothing"
    pages = contents(0, count)
    write_pages(ours, pages)
    ratios: list[float] = []
    for turn in range(rounds):
        took: dict[bool, float] = {}
        for keeps in (True, False) if turn % 2 else (False, True):
            switch.unlink(missing_ok=True) if keeps else switch.touch()
            news = reworded(pages, 2 * turn + keeps)
            took[keeps] = seconds(partial(write_pages, ours, news))
        ratios.append(took[True] / took[False])
        speeds = f"{count / took[True]:.0f} pages/s kept, {count / took[False]:.0f} without"
        print(speeds, flush=True)
    switch.unlink(missing_ok=True)
    rows, size = site.php(SIZE).split()
    print(f"keeping takes {median(ratios):.3f} times as long (median of {rounds}; {machine()})")
    print(f"{rows} rows of {count * rounds * 2} texts replaced, {int(size) / 2**20:.1f} MiB")


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m tests.bench.earlier", description=__doc__)
    options.add_argument("--products", type=int, default=2000)
    options.add_argument("--rounds", type=int, default=10)
    given = options.parse_args()
    database = MariaDB.start()
    try:
        site = WordPress.start(cache_dir(), database=database, plugin=WORDPRESS_PLUGIN)
        plugins = site.place.root / "wp-content" / "mu-plugins"
        (plugins / "keeps.php").write_text(SWITCH)
        ours = open_site(site)
        try:
            ours.check()
            measure(site, ours, given.products, given.rounds)
        finally:
            ours.close()
            site.stop()
    finally:
        database.stop()


if __name__ == "__main__":
    main()
