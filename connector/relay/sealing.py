"""Authenticated encryption for what leaves the relay or rests in its state, with rotated keys.

AES-256-GCM. Each secret gives one key for each purpose (HKDF-SHA256), so that a cart token can
never be opened as a stored answer. The first secret seals, all of them open: put a new one first,
keep the old one until what it sealed has expired. What is sealed names its key, not its secret.
Knows nothing of what it seals.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from connector.signing import Secret

VERSION = b"\x01"
_KEY_ID, _NONCE, _TAG = 4, 12, 16
_SHORTEST = 1 + _KEY_ID + _NONCE + _TAG


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals and opens with these secrets."""

    secrets: Sequence[Secret] = field(repr=False)

    def seal(self, purpose: str, plain: bytes, bound: str) -> bytes:
        """`plain`, readable only by `open` with the same purpose and the same `bound`."""
        key_id, cipher = _cipher(self.secrets[0].key, purpose)
        nonce = os.urandom(_NONCE)
        return VERSION + key_id + nonce + cipher.encrypt(nonce, plain, bound.encode())

    def open(self, purpose: str, sealed: bytes, bound: str) -> bytes | None:
        """What was sealed; None for anything that was not sealed so, by one of these secrets."""
        if len(sealed) < _SHORTEST or sealed[:1] != VERSION:
            return None
        named, rest = sealed[1 : 1 + _KEY_ID], sealed[1 + _KEY_ID :]
        for secret in self.secrets:
            key_id, cipher = _cipher(secret.key, purpose)
            if key_id != named:
                continue
            try:
                return cipher.decrypt(rest[:_NONCE], rest[_NONCE:], bound.encode())
            except InvalidTag:
                continue
        return None

    def mark(self, purpose: str, text: str) -> str:
        """A keyed hash of a text, alike in every process and useless without the secrets.

        Of the last secret, so that a new one put first changes no mark.
        """
        key = _derived(self.secrets[-1].key, purpose)
        return hashlib.blake2b(text.encode(), key=key, digest_size=32).hexdigest()


@lru_cache(maxsize=64)
def _cipher(secret: bytes, purpose: str) -> tuple[bytes, AESGCM]:
    key = _derived(secret, purpose)
    return hashlib.sha256(b"key id" + key).digest()[:_KEY_ID], AESGCM(key)


@lru_cache(maxsize=64)
def _derived(secret: bytes, purpose: str) -> bytes:
    info = f"commerce-connector relay {purpose}".encode()
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(secret)
