"""`python -m tests.faults.mutate`: would a changed line be noticed? Each is changed, its tests run.

Mutants are made from the syntax tree of the code that must not be wrong (leases, fences, retries,
the safety stop, signatures, merging), one small change each, and imported in place of the module in
a forked process that runs the unit tests named here. Words for people (messages, docstrings) are
not mutated. Prints every survivor, and what share was killed. `--only retry` runs one of them.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import copy
import importlib.abc
import importlib.util
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, ModuleType
from typing import cast

import hypothesis
import pytest
import sqlalchemy  # noqa: F401

EXAMPLES = 25
"""Of each law, for each mutant: the first ones find most."""
hypothesis.settings.register_profile("mutants", max_examples=EXAMPLES, deadline=None)
ROOT = Path(__file__).resolve().parents[2]
GOAL_PERCENT = 90.0
LONGEST_SECONDS, SHORTEST_SECONDS, TIMES_LONGER = 300.0, 30.0, 10
"""How long tests may take; with a mutant, so many times longer than without: then it never ends."""
SHOWN_EVERY = 20
SURVIVED = 0


@dataclass(frozen=True, slots=True)
class Subject:
    """What to mutate (functions and classes; empty: all), and the tests that must notice."""

    name: str
    module: str
    parts: frozenset[str]
    tests: tuple[str, ...]

    @property
    def path(self) -> Path:
        return ROOT / (self.module.replace(".", "/") + ".py")


SUBJECTS = (
    Subject(
        "retry",
        "connector.work.retry",
        frozenset(),
        ("tests/unit/test_sync_decide.py", "tests/unit/test_retry.py"),
    ),
    Subject(
        "suspend",
        "connector.work.suspend",
        frozenset(),
        ("tests/unit/test_sync_decide.py", "tests/unit/test_retry.py"),
    ),
    Subject(
        "safety stop",
        "connector.sync.plan",
        frozenset({"retire_allowance", "Allowance"}),
        ("tests/unit/test_sync_decide.py", "tests/unit/test_retry.py"),
    ),
    Subject(
        "lease and fence",
        "connector.state.leases",
        frozenset(
            """next_fence claim any_due _free still_held renew _HELD finish _end _keep_due _keys
            park release release_all release_owned""".split()  # noqa: SIM905
        ),
        ("tests/unit/test_state_todo.py", "tests/unit/test_todo_machine.py"),
    ),
    Subject(
        "epoch",
        "connector.state.targets",
        frozenset({"read_epoch", "rise_above"}),
        ("tests/unit/test_state_todo.py",),
    ),
    Subject(
        "signing",
        "connector.signing",
        frozenset(),
        ("tests/unit/test_signing.py", "tests/unit/test_signing_edges.py"),
    ),
    *(
        Subject(name, f"connector.sync.{module}", frozenset(), ("tests/unit/test_merge.py",))
        for name, module in (
            ("merge", "merge"),
            ("merge of lists", "elements"),
            ("merge of texts", "rich_text"),
        )
    ),
    Subject("blocks", "connector.sync.blocks", frozenset(), ("tests/unit/test_blocks.py",)),
    Subject(
        "edits",
        "connector.sync.edits",
        frozenset({"settle", "sides_of", "_without_echo", "_kept", "_ruled", "_settled"}),
        ("tests/unit/test_settle.py",),
    ),
    Subject("words", "connector.sync.words", frozenset(), ("tests/unit/test_words.py",)),
)

COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
REVERSED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
}
COMPUTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
    ast.RShift: ast.LShift,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
CALLED = {"min": "max", "max": "min", "and_": "or_", "or_": "and_", "any": "all", "all": "any"}


@dataclass(frozen=True, slots=True)
class Mutant:
    line: int
    change: str
    code: CodeType


def mutants(subject: Subject) -> Iterator[Mutant]:
    """Every single change of the subject's code."""
    tree = ast.parse(subject.path.read_text(encoding="utf-8"))
    places = [node for part in _chosen(tree, subject.parts) for node in _worded_apart(part)]
    for place in places:
        for change, swapped in _changes(place):
            with _put(tree, place, swapped):
                whole = ast.fix_missing_locations(copy.deepcopy(tree))
                code = compile(whole, str(subject.path), "exec")
            yield Mutant(getattr(place, "lineno", 0), change, code)


def _chosen(tree: ast.Module, parts: frozenset[str]) -> list[ast.stmt]:
    def named(node: ast.stmt) -> set[str]:
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                return {name}
            case ast.Assign(targets=[ast.Name(id=name)]):
                return {name}
        return set()

    code = [node for node in tree.body if not _is_docstring(node)]
    return [node for node in code if not parts or named(node) & parts]


def _worded_apart(part: ast.AST) -> Iterator[ast.AST]:
    """All nodes below, without what is written for people or for the type checker."""
    yield part
    for name, value in ast.iter_fields(part):
        if name in {"annotation", "returns", "decorator_list"} or isinstance(part, ast.JoinedStr):
            continue
        if isinstance(part, ast.Raise) and name == "exc":
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_docstring(child):
                yield from _worded_apart(child)


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _changes(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    match node:
        case ast.Compare(ops=[op]):
            for table in (COMPARED, REVERSED):
                if found := table.get(type(op)):
                    changed = copy.deepcopy(node)
                    changed.ops = [found()]
                    yield f"{type(op).__name__} -> {found.__name__}", changed
        case ast.BoolOp(op=op):
            other = ast.Or if isinstance(op, ast.And) else ast.And
            yield f"{type(op).__name__} -> {other.__name__}", ast.BoolOp(other(), node.values)
        case ast.BinOp(op=op) if type(op) in COMPUTED:
            new = COMPUTED[type(op)]
            yield f"{type(op).__name__} -> {new.__name__}", ast.BinOp(node.left, new(), node.right)
        case ast.UnaryOp(op=ast.Not()):
            yield "not x -> x", node.operand
        case ast.Constant(value=bool(value)):
            yield f"{value} -> {not value}", ast.Constant(not value)
        case ast.Constant(value=int() | float() as number):
            yield f"{number} -> {number + 1}", ast.Constant(number + 1)
        case ast.Constant(value=str() | bytes() as text) if text:
            yield f"{text!r} -> twice", ast.Constant(text * 2)
        case ast.If() | ast.IfExp():
            yield "condition negated", _with_test(node)
        case ast.Return(value=ast.expr() as value) if ast.unparse(value) != "None":
            yield "return None", ast.Return(ast.Constant(None))
        case ast.Expr(value=ast.Call()):
            yield "call removed", ast.Pass()
        case ast.Call(func=ast.Name(id=name)) if name in CALLED:
            other_name = ast.Name(CALLED[name], ast.Load())
            yield f"{name} -> {CALLED[name]}", ast.Call(other_name, node.args, node.keywords)


def _with_test(node: ast.If | ast.IfExp) -> ast.AST:
    changed = copy.deepcopy(node)
    changed.test = ast.UnaryOp(ast.Not(), changed.test)
    return changed


@contextlib.contextmanager
def _put(tree: ast.AST, place: ast.AST, swapped: ast.AST) -> Iterator[None]:
    """Stand one node in another's place for the length of the block."""
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is place:
                setattr(parent, name, ast.copy_location(swapped, place))
                yield
                setattr(parent, name, place)
                return
            if isinstance(value, list) and any(each is place for each in value):
                position = next(n for n, each in enumerate(value) if each is place)
                value[position] = ast.copy_location(swapped, place)
                yield
                value[position] = place
                return
    raise AssertionError("a node outside its tree")


# ---- running ----


class _Instead(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports the mutant under the module's name."""

    def __init__(self, module: str, path: Path, code: CodeType) -> None:
        self._module, self._path, self._code = module, path, code

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        if name != self._module:
            return None
        return importlib.util.spec_from_file_location(name, self._path, loader=self)

    def exec_module(self, module: ModuleType) -> None:
        exec(self._code, module.__dict__)


def survives(subject: Subject, mutant: Mutant | None, patience_seconds: float) -> bool:
    """Run the subject's tests against a mutant (None: the code as it is) in a fork."""
    pid = os.fork()
    if pid == 0:
        os._exit(_in_the_fork(subject, mutant))
    until = time.monotonic() + patience_seconds
    while time.monotonic() < until:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) == SURVIVED
        time.sleep(0.02)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return False


def _in_the_fork(subject: Subject, mutant: Mutant | None) -> int:
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    if mutant is not None:
        found = _Instead(subject.module, subject.path, mutant.code)
        sys.meta_path.insert(0, cast(importlib.abc.MetaPathFinder, found))
    options = [
        "-x",
        "-q",
        "-p",
        "no:cacheprovider",
        "--no-header",
        "--assert=plain",
        "--hypothesis-profile=mutants",
        "-k",
        "not megabyte",
        f"--rootdir={ROOT}",
    ]
    try:
        return int(pytest.main([*options, *subject.tests]))
    except BaseException:
        return 1


def run(subject: Subject) -> tuple[int, int]:
    """How many mutants were killed, of how many."""
    began = time.monotonic()
    if not survives(subject, None, LONGEST_SECONDS):
        raise SystemExit(f"the tests of {subject.name} fail without any mutant")
    patience_seconds = max(SHORTEST_SECONDS, TIMES_LONGER * (time.monotonic() - began))
    killed, made = 0, 0
    for mutant in mutants(subject):
        made += 1
        if survives(subject, mutant, patience_seconds):
            print(f"  survived: {subject.path.name}:{mutant.line} {mutant.change}", flush=True)
        else:
            killed += 1
        if made % SHOWN_EVERY == 0:
            print(f"  {made} made, {killed} killed", flush=True)
    share = 100 * killed / made
    print(f"{subject.name}: {killed} of {made} mutants killed ({share:.0f} %)", flush=True)
    return killed, made


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="one subject: " + ", ".join(s.name for s in SUBJECTS))
    chosen = parser.parse_args(arguments)
    os.chdir(ROOT)
    results = [run(each) for each in SUBJECTS if chosen.only in (None, each.name)]
    killed, made = (sum(column) for column in zip(*results, strict=True))
    print(f"{killed} of {made} mutants killed ({100 * killed / made:.1f} %)")
    return 0 if 100 * killed / made >= GOAL_PERCENT else 1


if __name__ == "__main__":
    sys.exit(main())
