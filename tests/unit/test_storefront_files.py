"""The elements' files: served to any origin, nothing else served, texts alike in all languages."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from connector.demo import node
from connector.relay.files import STOREFRONT, storefront_mount

FILES = sorted(STOREFRONT.iterdir())


def ask(path: str, **headers: str) -> httpx.Response:
    """One request to the mount."""
    import asyncio

    async def call() -> httpx.Response:
        transport = httpx.ASGITransport(Starlette(routes=[storefront_mount()]))
        async with httpx.AsyncClient(transport=transport, base_url="http://relay.test") as client:
            return await client.get(path, headers=headers)

    return asyncio.run(call())


@pytest.mark.parametrize("name", [file.name for file in FILES])
def test_every_file_is_a_script_that_any_page_may_load(name: str) -> None:
    answer = ask(f"/storefront/{name}", origin="https://blog.example")
    assert answer.status_code == 200
    assert "javascript" in answer.headers["content-type"]
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["x-content-type-options"] == "nosniff"
    again = ask(f"/storefront/{name}", **{"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path", ["/", "/none.js", "/../service.py", "/%2e%2e/service.py", "/..%2fservice.py"]
)
def test_nothing_else_is_served(path: str) -> None:
    assert ask(f"/storefront{path}").status_code in (404, 405)


def test_the_folder_holds_scripts_alone() -> None:
    assert {file.suffix for file in FILES} == {".js"}


def test_no_file_makes_markup_or_code_from_text() -> None:
    for file in FILES:
        text = file.read_text(encoding="utf-8")
        for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert way not in text, f"{file.name} uses {way}"


def printed(cache: Path, script: str) -> object:
    """What a module prints as JSON, run by node."""
    found = node.find(cache).node
    run = subprocess.run(
        [found, "--input-type=module", "--eval", script],
        capture_output=True,
        text=True,
        check=True,
        cwd=STOREFRONT,
    )
    return json.loads(run.stdout)


def test_all_languages_say_the_same_things(cache: Path) -> None:
    languages = printed(
        cache, "import { LANGUAGES } from './words.js'; console.log(JSON.stringify(LANGUAGES));"
    )
    assert isinstance(languages, dict)
    assert set(languages) == {"en", "de", "fr"}
    blanks = {
        language: {name: sorted(re.findall(r"{(\w+)}", text)) for name, text in words.items()}
        for language, words in languages.items()
    }
    assert blanks["de"] == blanks["en"] == blanks["fr"]


def test_every_word_that_is_said_exists_and_every_one_is_said(cache: Path) -> None:
    languages = printed(
        cache, "import { LANGUAGES } from './words.js'; console.log(JSON.stringify(LANGUAGES));"
    )
    assert isinstance(languages, dict)
    texts = "".join(file.read_text("utf-8") for file in FILES if file.name != "words.js")
    for name in languages["en"]:
        assert re.search(rf"['\"]{name}['\"]", texts) or name in (
            "in_stock",
            "backorder",
        ), f"{name} is never said"
    for name in re.findall(r"\bsay\('(\w+)'", texts):
        if name not in ("alert", "status"):
            assert name in languages["en"], f"{name} has no words"


def test_the_modules_do_what_their_own_tests_say(cache: Path) -> None:
    found = node.find(cache).node
    tests = Path(__file__).parents[1] / "browser" / "relay.test.mjs"
    run = subprocess.run(
        [found, "--test", "--test-reporter=tap", str(tests)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert re.search(r"^# pass [1-9]\d$", run.stdout, re.MULTILINE), run.stdout


DOCUMENT = (Path(__file__).parents[2] / "docs" / "storefront.md").read_text("utf-8")


def test_the_document_names_what_can_be_themed_and_listened_to() -> None:
    text = "".join(file.read_text("utf-8") for file in FILES)
    properties = set(re.findall(r"--commerce-[a-z-]+", text))
    assert properties == set(re.findall(r"--commerce-[a-z-]+", DOCUMENT))
    listed = DOCUMENT.partition("Parts: ")[2].partition("\n\n")[0]
    parts = set(re.findall(r"`([a-z-]+)`", listed))
    made = {part for found in re.findall(r"\bpart: '([a-z -]+)'", text) for part in found.split()}
    assert parts == made | {"total"}
    events = set(re.findall(r"new CustomEvent\('([a-z-]+)'", text))
    defined = set(re.findall(r"customElements.define\('([a-z-]+)'", text))
    assert [name for name in sorted(events | defined) if f"`{name}`" not in DOCUMENT] == []
