"""Whether TLS credentials can be used at all, before gRPC finds that they cannot.

It would say so on the standard error, at each attempt, and tell its caller only that it failed; with a private key
that lacks its certificate it ends the process. What the credentials were made of, gRPC does not give back, but the
garbage collector does. Where it finds something else than expected nothing is checked.
"""

from __future__ import annotations

import gc
import os
import re
import ssl
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any, NoReturn

from pygorums.base.errors import ConfigurationError

__all__ = ["check_tls"]

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_PRIVATE_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----.+?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL)


class _EncryptedError(Exception):
    """A password was asked for."""


def check_tls(credentials: Any) -> None:
    """Refuse credentials of a channel or a server with which no TLS connection can be made.

    Args:
        credentials: As gRPC makes them; None for none.

    Raises:
        ConfigurationError: They are unusable; the text says why.
    """
    if credentials is None:
        return
    roots, pairs = _parts(getattr(credentials, "_credentials", None))
    if roots is not None and not any(map(_usable_root, _CERTIFICATE.findall(roots))):
        _refuse("there is no usable certificate in the root certificates")
    for number, (key, chain) in enumerate(pairs, start=1):
        which = f" {number}" if len(pairs) > 1 else ""
        _check_pair(key, chain, which)


def _parts(inner: object) -> tuple[bytes | None, Sequence[tuple[bytes | None, bytes | None]]]:
    """Root certificates, and pairs of private key and certificate chain."""
    referents = gc.get_referents(inner)
    kind = type(inner).__name__
    if kind == "SSLChannelCredentials" and len(referents) >= 3 and _are_pem(referents[:3]):
        roots, key, chain = referents[:3]
        return roots, [] if key is None and chain is None else [(key, chain)]
    lists = [each for each in referents if isinstance(each, list) and len(each) >= 2]
    if kind == "ServerCredentials" and lists and isinstance(lists[0][1], list | tuple):
        pairs = [tuple(gc.get_referents(pair)[:2]) for pair in lists[0][1]]
        if _are_pem(lists[0][:1]) and all(len(pair) == 2 and _are_pem(pair) for pair in pairs):
            return lists[0][0], pairs
    return None, []


def _are_pem(values: Iterable[object]) -> bool:
    return all(value is None or isinstance(value, bytes) for value in values)


def _usable_root(pem: bytes) -> bool:
    with suppress(ssl.SSLError, ValueError):
        _context().load_verify_locations(cadata=pem.decode("ascii", "replace"))
        return True
    return False


def _check_pair(key: bytes | None, chain: bytes | None, which: str) -> None:
    if chain is None or not _CERTIFICATE.search(chain):
        _refuse(f"the certificate chain{which} is no certificate in PEM")
    if key is None or not _PRIVATE_KEY.search(key):
        _refuse(f"the private key{which} is no key in PEM")
    if not hasattr(os, "memfd_create"):
        return  # Python's ssl only takes files, and a key is not to be written to a disk
    try:
        with _in_memory(chain) as certificates, _in_memory(key) as keys:
            _context().load_cert_chain(_path(certificates), _path(keys), _no_password)
    except _EncryptedError:
        _refuse(f"the private key{which} is encrypted, and gRPC takes no password")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            _refuse(f"the private key{which} does not belong to the certificate")
        _refuse(f"the private key{which} or its certificate cannot be read: {error.reason or error}")


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")  # whether a key is long enough is not ours to say
    return context


def _in_memory(content: bytes) -> Any:
    file = os.fdopen(os.memfd_create("pem"), "wb")
    file.write(content)
    file.flush()
    return file


def _path(file: Any) -> str:
    return f"/proc/self/fd/{file.fileno()}"


def _no_password() -> NoReturn:
    raise _EncryptedError


def _refuse(why: str) -> NoReturn:
    raise ConfigurationError(f"the TLS credentials cannot be used: {why}")
