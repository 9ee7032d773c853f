"""Errors are told apart by what the caller does next, and say it."""

from __future__ import annotations

import pytest

from connector import errors
from connector.errors import ConfigError, Incomplete, Problem, TargetDown, TryAgain


def test_every_error_of_ours_is_a_connector_error() -> None:
    kinds = [each for each in vars(errors).values() if isinstance(each, type)]
    ours = [each for each in kinds if issubclass(each, Exception)]
    assert len(ours) == 10
    assert all(issubclass(each, errors.ConnectorError) for each in ours)


def test_what_the_caller_does_next_is_never_two_things() -> None:
    """Only a broken listing is also a TryAgain: the same work later is right for both."""
    apart = [
        errors.ConfigError,
        errors.TryAgain,
        errors.Rejected,
        errors.TargetDown,
        errors.SafetyStop,
        errors.BadSignature,
        errors.StateError,
    ]
    for one in apart:
        assert [each for each in apart if issubclass(one, each)] == [one]
    assert issubclass(Incomplete, TryAgain)


@pytest.mark.parametrize("kind", [TryAgain, TargetDown])
def test_waiting_may_have_a_length(kind: type[TryAgain | TargetDown]) -> None:
    assert kind("busy").retry_after_seconds is None
    assert kind("busy", retry_after_seconds=2.5).retry_after_seconds == 2.5
    assert kind("busy").message == str(kind("busy")) == "busy"


def test_a_config_error_tells_every_problem_with_its_fix() -> None:
    problems = [
        Problem("sites.blog.url", "is missing", "Write the site's address"),
        Problem("sites.blog.colour", "is no known key", "Remove it"),
    ]
    error = ConfigError(problems)
    assert error.problems == problems
    assert str(error) == (
        "sites.blog.url: is missing. Write the site's address\n"
        "sites.blog.colour: is no known key. Remove it"
    )
