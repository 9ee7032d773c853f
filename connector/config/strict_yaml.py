"""From a file's bytes to plain values: the part of YAML that nobody can misread.

Refused: aliases, anchors and tags (a bomb, or a surprise), keys that stand twice, deep nesting, big
files. Only true and false are booleans, only decimal digits are numbers: `no`, `off`, `13:30` and
2026-01-01 are the text that they look like (as in YAML 1.2). Knows nothing of what the values mean.
"""

from __future__ import annotations

import re
from typing import Any, NoReturn

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from connector.errors import ConfigError, Problem

MAX_BYTES = 2**20
MAX_DEPTH = 20


def read_yaml(content: bytes, source: str) -> tuple[Any, list[Problem]]:
    """The values of one YAML document, and the keys that stand twice (the first one counts).

    Raises ConfigError when the bytes cannot be read at all; its path is `source:line`.
    """
    if len(content) > MAX_BYTES:
        _refuse(source, f"is larger than {MAX_BYTES // 2**20} MiB", "Is this the right file?")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        _refuse(f"{source}:{line}", "is not UTF-8", "Save the file as UTF-8")
    problems: list[Problem] = []
    node = _compose(text, source)
    return (None if node is None else _plain(node, "", source, problems)), problems


def _compose(text: str, source: str) -> Node | None:
    try:
        loader = _Loader(text)
        return loader.get_single_node()
    except _Refused as refusal:
        _refuse(f"{source}:{refusal.line}", refusal.what, refusal.fix)
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        what = f"is not YAML: {error.problem or 'malformed'}"
        _refuse(source + line, what, "Mend this line, or the one above it")
    except yaml.YAMLError:
        _refuse(source, "holds characters that YAML does not allow", "Take control characters out")


class _Refused(Exception):
    def __init__(self, mark: yaml.Mark | None, what: str, fix: str) -> None:
        super().__init__(what)
        self.line = mark.line + 1 if mark else 1
        self.what = what
        self.fix = fix


class _Loader(yaml.SafeLoader):
    """Composes nodes while they arrive, so that a bomb is refused at its first fuse."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own way
    depth = 0

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        name = getattr(event, "anchor", None)
        if name is not None:
            what = f"holds the anchor or alias {name!r}"
            raise _Refused(event.start_mark, what, "Write the value out where it is needed")
        if getattr(event, "tag", None) is not None:
            raise _Refused(event.start_mark, "holds a tag (!)", "Remove it, or quote the value")
        if self.depth >= MAX_DEPTH:
            raise _Refused(event.start_mark, "is nested too deep", "Close a bracket that is open")
        self.depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


_SCALARS = (
    ("bool", r"true|True|TRUE|false|False|FALSE", [*"tTfF"]),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?[0-9]{1,18}", [*"-+0123456789"]),
    ("float", r"[-+]?[0-9]{1,18}\.[0-9]{0,18}", [*"-+0123456789"]),
)
for _kind, _pattern, _firsts in _SCALARS:
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_kind}", re.compile(rf"(?:{_pattern})\Z"), _firsts
    )


def _plain(node: Node, path: str, source: str, problems: list[Problem]) -> Any:
    match node:
        case MappingNode():
            return _mapping(node, path, source, problems)
        case SequenceNode():
            return [
                _plain(each, f"{path}[{place}]", source, problems)
                for place, each in enumerate(node.value)
            ]
        case _:
            return _scalar(node.tag, str(node.value))


def _scalar(tag: str, text: str) -> str | int | float | bool | None:
    match tag.rpartition(":")[2]:
        case "bool":
            return text.lower() == "true"
        case "int":
            return int(text)
        case "float":
            return float(text)
        case "null":
            return None
        case _:
            return text


def _mapping(node: MappingNode, path: str, source: str, problems: list[Problem]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    first_lines: dict[str, int] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, ScalarNode):
            where = path or f"{source}:{line}"
            problems.append(Problem(where, "has a list or mapping as a key", "Use a plain word"))
            continue
        key = str(key_node.value)
        below = f"{path}.{key}" if path else key
        if key in result:
            what = f"stands twice (lines {first_lines[key]} and {line})"
            problems.append(Problem(below, what, "Keep one of them"))
            continue
        first_lines[key] = line
        result[key] = _plain(value_node, below, source, problems)
    return result


def _refuse(path: str, what: str, fix: str) -> NoReturn:
    raise ConfigError([Problem(path, what, fix)])
