"""SecurityCredential: the API operator's password, encrypted for M-Pesa.

RSA with PKCS#1 v1.5 over the raw bytes of the password, then base64. The certificate is the
operator's own copy from the portal; its dates decide nothing, because the ones that Safaricom
still uses ran out long ago. Source: daraja-facts 6.1.
"""

from __future__ import annotations

import base64
import warnings
from typing import TYPE_CHECKING

from kelly_cli.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

PRETENDED = base64.b64encode(bytes(256)).decode()
"""What is sent where no certificate is needed: as long as a real one."""

_MAX_BYTES = 64 * 1024
_PADDING_BYTES = 11
_PORTAL = "Download M-Pesa's certificate for this environment from the Daraja portal"


def security_credential(certificate: Path, password: str) -> str:
    """Return the password encrypted for M-Pesa; it differs each time.

    Raises:
        ConfigError: the file cannot be read or is no certificate with an RSA key, or the password
            is too long for it.
    """
    from cryptography.hazmat.primitives.asymmetric import padding

    key = _key_of(certificate)
    secret = password.encode()
    if len(secret) > key.key_size // 8 - _PADDING_BYTES:
        raise ConfigError(
            "mpesa.initiator_password is too long to be encrypted",
            hint="Correct MPESA_INITIATOR_PASSWORD",
        )
    return base64.b64encode(key.encrypt(secret, padding.PKCS1v15())).decode()


def _key_of(certificate: Path) -> RSAPublicKey:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.x509 import load_der_x509_certificate, load_pem_x509_certificate

    try:
        with certificate.open("rb") as file:
            text = file.read(_MAX_BYTES)
    except OSError as error:
        raise ConfigError(
            f"mpesa.certificate {certificate} cannot be read: {error.strerror}",
            hint=f"{_PORTAL} and name the file: kelly config set mpesa.certificate FILE",
        ) from None
    load = load_pem_x509_certificate if b"-----BEGIN" in text else load_der_x509_certificate
    try:
        with warnings.catch_warnings():
            # Old certificates break rules of today; what is needed is their key.
            warnings.simplefilter("ignore")
            key = load(text).public_key()
    except Exception:  # noqa: BLE001 - cryptography has errors of its own for odd keys
        key = None
    if not isinstance(key, RSAPublicKey):
        raise ConfigError(
            f"mpesa.certificate {certificate} is no certificate with an RSA key (PEM or DER)",
            hint=_PORTAL,
        )
    return key
