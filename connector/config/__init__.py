"""The configuration: YAML once into frozen models, all problems told at once."""

from connector.config.model import (
    Config,
    Site,
    find,
    load,
    loads,
)

__all__ = [
    "Config",
    "Site",
    "find",
    "load",
    "loads",
]
