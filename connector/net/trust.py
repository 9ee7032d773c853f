"""Whose word is taken for who a server is: one TLS context for every client of ours.

The authorities that this machine trusts, those of `SSL_CERT_FILE` and `SSL_CERT_DIR`, and Mozilla's
list, so that a bare container works too. There is no way to leave the check out.
"""

from __future__ import annotations

import ssl

import certifi


def tls_context() -> ssl.SSLContext:
    """A context for one client. Reading the authorities takes some milliseconds."""
    context = ssl.create_default_context()
    context.load_verify_locations(cafile=certifi.where())
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
