"""SecurityCredential: what M-Pesa can open, and nobody else."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import padding

from kelly_cli.daraja.client.credential import PRETENDED, security_credential
from kelly_cli.errors import ConfigError

PASSWORD = "Safe#pass&wörd$1%"


def opened(key, credential):
    return key.decrypt(base64.b64decode(credential, validate=True), padding.PKCS1v15())


@pytest.mark.parametrize("form", ["pem", "der"])
def test_it_opens_to_the_raw_password_trap_38(made, form):
    credential = security_credential(getattr(made, form), PASSWORD)
    assert len(credential) == len(PRETENDED) == 344
    assert opened(made.key, credential) == PASSWORD.encode()
    assert credential != security_credential(getattr(made, form), PASSWORD)


@pytest.mark.parametrize("days", [(-4000, -3000), (3000, 4000)], ids=["over", "not yet"])
def test_the_dates_of_the_certificate_decide_nothing_trap_38(make_certificate, days):
    made = make_certificate(days=days)
    assert opened(made.key, security_credential(made.der, PASSWORD)) == PASSWORD.encode()


def test_text_before_the_certificate_is_read_over(made, tmp_path):
    path = tmp_path / "portal.cer"
    path.write_bytes(b"subject=/CN=apigee\n" + made.pem.read_bytes())
    assert opened(made.key, security_credential(path, PASSWORD)) == PASSWORD.encode()


@pytest.mark.parametrize(
    "text", [b"", b"nothing", b"-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"]
)
def test_what_is_no_certificate_is_named(tmp_path, text):
    path = tmp_path / "wrong.cer"
    path.write_bytes(text)
    with pytest.raises(ConfigError, match=r"wrong\.cer is no certificate") as caught:
        security_credential(path, PASSWORD)
    assert PASSWORD not in str(caught.value)


def test_a_key_in_the_place_of_a_certificate_is_refused(made):
    with pytest.raises(ConfigError, match="is no certificate"):
        security_credential(made.private, PASSWORD)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"gone\.cer cannot be read"):
        security_credential(tmp_path / "gone.cer", PASSWORD)


def test_a_password_longer_than_the_key_is_refused_without_showing_it(made):
    with pytest.raises(ConfigError) as caught:
        security_credential(made.pem, "long" * 100)
    assert "long" * 2 not in caught.value.message
