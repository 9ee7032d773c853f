"""Where signatures stop being taken: ids, times and headers at their limits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connector.errors import BadSignature, ConfigError
from connector.signing import Secret, format_secret, signed_headers, verify

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SECRET = Secret(b"s" * 32)
BODY = b"{}"


def headers(message_id: str = "msg_1", at: datetime = NOW) -> dict[str, str]:
    return signed_headers(SECRET, message_id, int(at.timestamp()), BODY)


@pytest.mark.parametrize("length", [1, 255, 256])
def test_ids_up_to_256_characters_are_taken(length: int) -> None:
    assert verify([SECRET], headers("m" * length), BODY, NOW).id == "m" * length


@pytest.mark.parametrize("message_id", ["", "m" * 257, "a\nb", "a\x00b"])
def test_other_ids_are_refused_though_they_are_signed(message_id: str) -> None:
    with pytest.raises(BadSignature, match="webhook-id"):
        verify([SECRET], headers(message_id), BODY, NOW)


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_five_minutes_off_are_taken(seconds: int) -> None:
    sent = headers(at=NOW + timedelta(seconds=seconds))
    assert verify([SECRET], sent, BODY, NOW).body == BODY


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_second_more_is_not(seconds: int) -> None:
    with pytest.raises(BadSignature, match="five minutes"):
        verify([SECRET], headers(at=NOW + timedelta(seconds=seconds)), BODY, NOW)


@pytest.mark.parametrize("text", ["", "-5", "1e9", "١٢", "12.5", "0" * 13])
def test_times_that_are_no_numbers_are_refused_before_they_are_read(text: str) -> None:
    with pytest.raises(BadSignature, match="timestamp is missing or malformed"):
        verify([SECRET], headers() | {"webhook-timestamp": text}, BODY, NOW)


def test_a_time_of_twelve_digits_is_read() -> None:
    far = datetime(9000, 1, 1, tzinfo=UTC)
    assert len(str(int(far.timestamp()))) == 12
    assert verify([SECRET], headers(at=far), BODY, far).sent_at_unix == int(far.timestamp())


def test_a_lone_surrogate_in_a_signature_is_only_a_wrong_one() -> None:
    with pytest.raises(BadSignature, match="no signature fits"):
        verify([SECRET], headers() | {"webhook-signature": "v1,\ud800"}, BODY, NOW)


def test_only_the_first_sixteen_signatures_are_looked_at() -> None:
    right = headers()["webhook-signature"]
    late = " ".join(["v1,wrong"] * 16 + [right])
    in_time = " ".join(["v1,wrong"] * 15 + [right])
    assert verify([SECRET], headers() | {"webhook-signature": in_time}, BODY, NOW)
    with pytest.raises(BadSignature):
        verify([SECRET], headers() | {"webhook-signature": late}, BODY, NOW)


def test_a_secret_is_strict_base64_and_never_shown() -> None:
    assert repr(SECRET) == "Secret(***)"
    with pytest.raises(ConfigError, match="secret: the signing secret is not base64"):
        Secret.parse(format_secret(b"s" * 32)[:-4] + "!!!!")
    with pytest.raises(ConfigError, match="Make one with `connector secret`, and give both"):
        Secret.parse("nonsense", "backends.shop")
