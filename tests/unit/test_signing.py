"""Only what was signed, by whom it was signed, not long ago, is ever verified."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from connector.errors import BadSignature, ConfigError
from connector.signing import (
    TOLERANCE_SECONDS,
    Secret,
    Verified,
    format_secret,
    request_content,
    sign,
    signed_headers,
    verify,
)

NOW = datetime(2030, 1, 1, tzinfo=UTC)
UNIX = int(NOW.timestamp())
OLD, NEW = Secret(b"o" * 24), Secret(b"n" * 64)
NAMES = ("webhook-id", "webhook-timestamp", "webhook-signature")

bodies = st.binary(max_size=60)
keys = st.binary(min_size=24, max_size=64)
ids = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)


def test_the_signature_is_that_of_the_published_example() -> None:
    """The worked example of the Standard Webhooks specification's own libraries."""
    secret = Secret.parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signature = sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(keys, ids, st.text(max_size=60))
def test_the_specifications_own_library_agrees(key: bytes, message_id: str, text: str) -> None:
    """Ours verifies what the reference library signs, and the other way round."""
    now = datetime.now(UTC).replace(microsecond=0)
    theirs, ours = Webhook(base64.b64encode(key).decode()), Secret(key)
    body = json.dumps({"text": text})
    signed = theirs.sign(message_id, now, body)
    assert signed == sign(ours, message_id, int(now.timestamp()), body.encode())
    headers = signed_headers(ours, message_id, int(now.timestamp()), body.encode())
    assert theirs.verify(body, headers) == {"text": text}
    verify([ours], {**headers, "webhook-signature": signed}, body.encode(), now)


@given(keys, ids, bodies)
def test_what_is_signed_verifies(key: bytes, message_id: str, body: bytes) -> None:
    secret = Secret(key)
    headers = signed_headers(secret, message_id, UNIX, body)
    verified = verify([secret], headers, body, NOW)
    assert (verified.id, verified.sent_at_unix, verified.body) == (message_id, UNIX, body)


@given(st.binary(min_size=1, max_size=60), st.data())
def test_one_flipped_bit_in_the_body_never_verifies(body: bytes, data: st.DataObject) -> None:
    bit = data.draw(st.integers(0, len(body) * 8 - 1))
    headers = signed_headers(OLD, "msg_1", UNIX, body)
    with pytest.raises(BadSignature):
        verify([OLD], headers, _flipped(body, bit), NOW)


@given(bodies, st.sampled_from(NAMES), st.data())
def test_one_flipped_bit_in_a_header_never_verifies(
    body: bytes, name: str, data: st.DataObject
) -> None:
    headers = signed_headers(OLD, "msg_1", UNIX, body)
    bit = data.draw(st.integers(0, len(headers[name]) * 8 - 1))
    headers[name] = _flipped(headers[name].encode(), bit).decode("latin-1")
    with pytest.raises(BadSignature):
        verify([OLD], headers, body, NOW)


@given(keys, st.data())
def test_one_flipped_bit_in_the_secret_never_verifies(key: bytes, data: st.DataObject) -> None:
    bit = data.draw(st.integers(0, len(key) * 8 - 1))
    headers = signed_headers(Secret(key), "msg_1", UNIX, b"body")
    with pytest.raises(BadSignature):
        verify([Secret(_flipped(key, bit))], headers, b"body", NOW)


@given(st.dictionaries(st.sampled_from(NAMES), st.text(max_size=300)), bodies)
def test_rubbish_in_headers_gives_bad_signature_only(headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(BadSignature):
        verify([OLD, NEW], headers, body, NOW)


@given(st.sampled_from(NAMES), st.text(max_size=300))
def test_one_header_of_rubbish_gives_bad_signature_only(name: str, text: str) -> None:
    headers = signed_headers(OLD, "msg_1", UNIX, b"body")
    if headers[name] == text:
        return
    with pytest.raises(BadSignature):
        verify([OLD], {**headers, name: text}, b"body", NOW)


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_header_is_refused(name: str) -> None:
    headers = signed_headers(OLD, "msg_1", UNIX, b"body")
    del headers[name]
    with pytest.raises(BadSignature):
        verify([OLD], headers, b"body", NOW)


def test_without_a_secret_nothing_verifies() -> None:
    with pytest.raises(BadSignature):
        verify([], signed_headers(OLD, "msg_1", UNIX, b"body"), b"body", NOW)


@pytest.mark.parametrize("seconds", [0, TOLERANCE_SECONDS, -TOLERANCE_SECONDS])
def test_five_minutes_either_way_are_allowed(seconds: int) -> None:
    headers = signed_headers(OLD, "msg_1", UNIX, b"body")
    assert verify([OLD], headers, b"body", NOW + timedelta(seconds=seconds)).id == "msg_1"


@pytest.mark.parametrize("seconds", [TOLERANCE_SECONDS + 1, -TOLERANCE_SECONDS - 1, 10**8])
def test_older_or_later_is_refused(seconds: int) -> None:
    headers = signed_headers(OLD, "msg_1", UNIX, b"body")
    with pytest.raises(BadSignature):
        verify([OLD], headers, b"body", NOW + timedelta(seconds=seconds))


def test_secrets_rotate_without_a_gap() -> None:
    """Receivers learn the new secret first, then senders sign with both, then the old one goes."""
    by_old, by_new = (signed_headers(each, "msg_1", UNIX, b"body") for each in (OLD, NEW))
    both = {**by_old, "webhook-signature": f"{by_old[NAMES[2]]} {by_new[NAMES[2]]}"}
    for headers, secrets in [
        (by_old, [OLD]),
        (by_old, [NEW, OLD]),
        (both, [OLD]),
        (both, [NEW]),
        (by_new, [NEW, OLD]),
        (by_new, [NEW]),
    ]:
        assert verify(secrets, headers, b"body", NOW).body == b"body"
    for headers, secrets in [(by_old, [NEW]), (by_new, [OLD])]:
        with pytest.raises(BadSignature):
            verify(secrets, headers, b"body", NOW)


def test_no_more_than_sixteen_signatures_are_tried() -> None:
    headers = signed_headers(OLD, "msg_1", UNIX, b"body")
    filler = "v1,AAAA "
    headers["webhook-signature"] = filler * 16 + headers["webhook-signature"]
    with pytest.raises(BadSignature):
        verify([OLD], headers, b"body", NOW)


def test_id_time_and_body_cannot_trade_bytes() -> None:
    one = sign(OLD, "msg", UNIX, b"1.body")
    assert sign(OLD, f"msg.{UNIX}", 1, b"body") == sign(OLD, "msg", UNIX, b"1.body") == one
    headers = signed_headers(OLD, "msg", UNIX, b"1.body")
    moved = {**headers, "webhook-id": f"msg.{UNIX}", "webhook-timestamp": "1"}
    with pytest.raises(BadSignature):
        verify([OLD], moved, b"body", NOW)


def test_a_signed_request_cannot_be_sent_elsewhere() -> None:
    body = b'{"items": []}'
    contents = {
        request_content("POST", "/offers", body),
        request_content("POST", "/retire", body),
        request_content("PUT", "/offers", body),
        request_content("POST", "/offers?x=1", body),
        request_content("POST", "/offers", body + b" "),
    }
    assert len({sign(OLD, "msg_1", UNIX, each) for each in contents}) == 5


# ---- types and secrets ----


def test_nobody_else_makes_verified_values() -> None:
    with pytest.raises(TypeError):
        Verified(object(), "msg_1", UNIX, b"{}")


def test_amounts_in_verified_json_stay_exact() -> None:
    body = b'{"amount": 19.99}'
    verified = verify([OLD], signed_headers(OLD, "msg_1", UNIX, body), body, NOW)
    assert str(verified.json()["amount"]) == "19.99"


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b"<html>"])
def test_a_signed_body_that_is_no_json_is_refused(body: bytes) -> None:
    verified = verify([OLD], signed_headers(OLD, "msg_1", UNIX, body), body, NOW)
    with pytest.raises(BadSignature):
        verified.json()


@given(keys)
def test_a_written_secret_is_read_back(key: bytes) -> None:
    assert Secret.parse(format_secret(key)).key == key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "secret",
        "whsec_",
        "whsec_not base64",
        format_secret(b"k" * 23),
        format_secret(b"k" * 65),
        base64.b64encode(b"k" * 32).decode(),
        "whsec_ÄÖÜ",
    ],
)
def test_a_weak_or_malformed_secret_is_a_config_error(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Secret.parse(text, "backends.shop.secret")
    (problem,) = caught.value.problems
    assert problem.path == "backends.shop.secret"
    assert problem.fix


def test_a_secret_does_not_show_itself() -> None:
    secret = Secret(b"do-not-print-this-secret")
    assert "print" not in f"{secret} {secret!r} {[secret]}"


def _flipped(content: bytes, bit: int) -> bytes:
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << (bit % 8)
    return bytes(changed)
