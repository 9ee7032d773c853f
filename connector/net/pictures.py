"""Download one picture that a backend names, without letting the backend point us inwards.

The address is resolved here and every result is checked before a connection goes to exactly the
checked one, so that neither odd spellings of loopback nor a name that changes its answer get
through. Redirects are followed by hand under the same rule. Bytes are counted as they come, and
what is not a picture by its first bytes is refused whatever it calls itself.
"""

from __future__ import annotations

import hashlib
import ipaddress
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import httpx

from connector.errors import Rejected, TryAgain

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], Sequence[str]]
MAX_REDIRECTS = 3

_UNICAST = ipaddress.ip_network("2000::/3")
"""All that is given out of IPv6; what lies outside may be turned into IPv4 on its way (SIIT,
IPv4-compatible, site-local)."""
_KINDS = (
    (b"\x89PNG\r\n\x1a\n", "image/png", "png"),
    (b"\xff\xd8\xff", "image/jpeg", "jpg"),
    (b"GIF87a", "image/gif", "gif"),
    (b"GIF89a", "image/gif", "gif"),
)


@dataclass(frozen=True, slots=True)
class PictureRules:
    """What may be fetched. `allowed` are host names and networks that may be private."""

    allowed: tuple[str, ...] = ()
    max_bytes: int = 20 * 2**20
    timeout_seconds: float = 20.0


@dataclass(frozen=True, slots=True)
class PictureFile:
    content_hash: str
    """SHA-256 of the bytes, in hex."""
    content_type: str
    extension: str
    body: bytes


def resolve(host: str, port: int) -> Sequence[str]:
    """Every address of a host. Raises TryAgain when it has none now."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, ValueError) as error:
        raise TryAgain(f"the picture's host {host!r} has no address ({error})") from error
    return [str(entry[4][0]) for entry in found]


def fetch_picture(url: str, rules: PictureRules, resolver: Resolver = resolve) -> PictureFile:
    """The picture at an http or https address.

    Raises Rejected for an address that may not be fetched and for what is no picture (PNG, JPEG,
    GIF, WebP) or too large; TryAgain for what may go better later.
    """
    for _ in range(MAX_REDIRECTS + 1):
        answer = _get(url, rules, resolver)
        if isinstance(answer, bytes):
            return _picture(url, answer)
        try:
            url = urljoin(url, answer)
        except ValueError as error:
            raise Rejected(f"the picture {url} redirects to a malformed address") from error
    raise Rejected(f"the picture {url} redirects more than {MAX_REDIRECTS} times")


def _get(url: str, rules: PictureRules, resolver: Resolver) -> bytes | str:
    """The bytes, or where the answer redirects to."""
    pinned = _pin(url, rules, resolver)
    request = httpx.Request(
        "GET",
        pinned.url,
        headers={"host": pinned.named, "accept": "image/*", "user-agent": "commerce-connector"},
        extensions={
            "sni_hostname": pinned.host,
            "timeout": httpx.Timeout(rules.timeout_seconds).as_dict(),
        },
    )
    deadline = time.monotonic() + rules.timeout_seconds
    try:
        with httpx.Client(trust_env=False) as client:
            answer = client.send(request, stream=True)
            try:
                return _read(url, answer, rules, deadline)
            finally:
                answer.close()
    except httpx.HTTPError as error:
        raise TryAgain(f"the picture {url} did not arrive ({type(error).__name__})") from error


@dataclass(frozen=True, slots=True)
class _Pinned:
    url: httpx.URL
    """Goes to exactly the checked address."""
    host: str
    named: str
    """The Host header."""


def _pin(url: str, rules: PictureRules, resolver: Resolver) -> _Pinned:
    try:
        parts = urlsplit(url)
        host, port = _plain_host(parts.hostname or ""), parts.port
    except ValueError as error:
        raise Rejected(f"the picture address {url[:200]!r} is malformed") from error
    if parts.scheme not in ("http", "https") or not host or parts.username is not None:
        raise Rejected(f"the picture address {url[:200]!r} is not a plain http or https address")
    number = port or (443 if parts.scheme == "https" else 80)
    address = _checked(url, host, resolver(host, number), rules)
    target = parts._replace(netloc=f"{_literal(address)}:{number}", fragment="").geturl()
    try:
        pinned = httpx.URL(target)
    except httpx.InvalidURL as error:
        raise Rejected(f"the picture address {url[:200]!r} is malformed") from error
    named = _literal(host) + (f":{port}" if port else "")
    return _Pinned(pinned, host, named)


def _plain_host(host: str) -> str:
    """The host in ASCII. Raises ValueError for one that no name can be."""
    plain = host.encode("idna").decode() if host else ""
    if not plain.isprintable() or " " in plain:
        raise ValueError(host)
    return plain


def _checked(url: str, host: str, addresses: Sequence[str], rules: PictureRules) -> str:
    """The first of these addresses, if we may connect to every one of them."""
    for address in addresses:
        if not may_connect(host, address, rules.allowed):
            raise Rejected(
                f"the picture {url} points to the private address {address}; if that is meant,"
                " name the host in media.allow_private_hosts"
            )
    if not addresses:
        raise TryAgain(f"the picture's host {host!r} has no address")
    return addresses[0]


def _literal(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def may_connect(host: str, address: str, allowed: Sequence[str]) -> bool:
    """Whether a picture may be fetched from this resolved address."""
    try:
        ip = _unwrapped(ipaddress.ip_address(address.partition("%")[0]))
    except ValueError:
        return False
    if ip.is_global and not ip.is_multicast and (ip.version == 4 or ip in _UNICAST):
        return True
    return any(_allows(rule, host, ip) for rule in allowed)


def _unwrapped(ip: Address) -> Address:
    """The IPv4 address inside an IPv6 one, where it holds one."""
    if isinstance(ip, ipaddress.IPv6Address):
        for inner in (ip.ipv4_mapped, ip.sixtofour):
            if inner is not None:
                return inner
        if ip in ipaddress.ip_network("64:ff9b::/96"):
            return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip


def _allows(rule: str, host: str, ip: Address) -> bool:
    if rule.lower() == host.lower():
        return True
    try:
        return ip in ipaddress.ip_network(rule, strict=False)
    except ValueError:
        return False


def _read(url: str, answer: httpx.Response, rules: PictureRules, deadline: float) -> bytes | str:
    if answer.is_redirect:
        return str(answer.headers.get("location", ""))
    if answer.status_code in (408, 425, 429) or answer.status_code >= 500:
        raise TryAgain(f"the picture {url} answers {answer.status_code}")
    if answer.status_code != 200:
        raise Rejected(f"the picture {url} answers {answer.status_code}")
    body = bytearray()
    for piece in answer.iter_bytes():
        body += piece
        if len(body) > rules.max_bytes:
            raise Rejected(f"the picture {url} is larger than {rules.max_bytes} bytes")
        if time.monotonic() > deadline:
            raise TryAgain(f"the picture {url} took longer than {rules.timeout_seconds} seconds")
    return bytes(body)


def _picture(url: str, body: bytes) -> PictureFile:
    digest = hashlib.sha256(body).hexdigest()
    for magic, content_type, extension in _KINDS:
        if body.startswith(magic):
            return PictureFile(digest, content_type, extension, body)
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        return PictureFile(digest, "image/webp", "webp", body)
    raise Rejected(f"what stands at {url} is no PNG, JPEG, GIF or WebP picture")
