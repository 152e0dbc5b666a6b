# SPDX-License-Identifier: Apache-2.0
"""Ed25519 keys and signatures; the one file that knows `cryptography`, which is an extra of its own."""

from __future__ import annotations

import base64
import binascii
import importlib
import secrets
from typing import TYPE_CHECKING

from marginrules.errors import InputError
from marginrules.service.acts import Act, Signed
from marginrules.service.policy import canonical_key

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_SIGNATURE_BYTES = 64


def check_installed() -> None:
    """
    Make sure that signatures can be made and verified.

    Raises:
        InputError: the library is not installed.
    """
    try:
        importlib.import_module("cryptography.hazmat.primitives.asymmetric.ed25519")
    except ImportError:
        hint = "pip install 'marginrules[signing]'"
        raise InputError("MR-I158", "signatures need the library `cryptography`", hint) from None


def new_key() -> tuple[bytes, str]:
    """Return a new private key in PEM, and its public key in base64."""
    check_installed()
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - an extra
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415

    key = Ed25519PrivateKey.generate()
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    return pem, _public(key)


def public_key(pem: bytes) -> str:
    """Return the public key in base64 of a private one in PEM."""
    return _public(_load(pem))


def sign(pem: bytes, act: Act, who: str, why: str, policy: str) -> Signed:
    """Sign an act with a private key in PEM; `policy` is the name of the server's policy."""
    key = _load(pem)
    public, nonce = _public(key), secrets.token_hex(16)
    signature = key.sign(act.content(who, why, policy, public, nonce))
    return Signed(public, nonce, base64.b64encode(signature).decode())


def verify(signed: Signed, act: Act, who: str, why: str, policy: str) -> bool:
    """Say whether a signature is that of its key under an act."""
    check_installed()
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415

    key = canonical_key(signed.key)
    try:
        signature = base64.b64decode(signed.signature, validate=True)
    except (binascii.Error, ValueError):
        return False
    if not key or len(signature) != _SIGNATURE_BYTES:
        return False
    try:
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key))
        public.verify(signature, act.content(who, why, policy, signed.key, signed.nonce))
    except (InvalidSignature, ValueError):
        return False
    return True


def _public(key: Ed25519PrivateKey) -> str:
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def _load(pem: bytes) -> Ed25519PrivateKey:
    check_installed()
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415

    try:
        key = serialization.load_pem_private_key(pem, None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError("MR-I156", "the key file held no Ed25519 private key", "make one: marginrules key new FILE")
    return key
