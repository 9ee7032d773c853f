"""`python -m tests.browser.resync`: seconds from "Resync now" to the new words on the page.

What the button sends is sent (its route, as the editor), and the public page is read until it has
the new title. The shop tells the daemon of nothing meanwhile, so that only the request brings it.
"""

from __future__ import annotations

import statistics
import tempfile
import time
import uuid
from pathlib import Path

import requests

from connector.demo.machine import cache_dir
from tests.browser.newsroom import Newsroom, open_newsroom

ROUNDS = 30
PASSWORD = (
    "$user = get_user_by( 'login', 'anna' ); echo"
    " WP_Application_Passwords::create_new_application_password( $user->ID,"
    " array( 'name' => 'bench' ) )[0];"
)


def once(room: Newsroom, session: requests.Session, product: str, number: int) -> float:
    """One resync, in seconds."""
    title = f"Round {number} of {product}"
    room.reword(product, title=title)
    page = f"{room.site.url}/?p={room.post(product)}&post_type=commerce_product"
    wish = {"post": room.post(product), "action": "resync", "id": str(uuid.uuid4())}
    started = time.monotonic()
    url = f"{room.site.url}/wp-json/commerce-connector/editor/v1/requests"
    session.post(url, json=wish, timeout=60).raise_for_status()
    while title not in requests.get(page, timeout=60).text:
        time.sleep(0.02)
    return time.monotonic() - started


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as home,
        open_newsroom(cache_dir(), Path(home), quiet=True) as room,
    ):
        session = requests.Session()
        session.auth = ("anna", room.site.php(PASSWORD))
        took = [once(room, session, f"p{1 + n % 12:07d}", n) for n in range(ROUNDS)]
    took.sort()
    p95 = took[int(len(took) * 0.95)]
    print(f"{len(took)} resyncs: median {statistics.median(took):.2f} s, p95 {p95:.2f} s")


if __name__ == "__main__":
    main()
