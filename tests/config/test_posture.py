"""Where a listener may stand, and whether a callback would reach it."""

import pytest

from kelly_cli.config import load
from kelly_cli.config.posture import TEST_CODES, check_posture
from kelly_cli.config.table import SAFARICOM_ADDRESSES
from kelly_cli.errors import ConfigError

TOKEN = "abcdefghijklmnopqrstuvwxyz234567"
LIVE = {"KELLY_MPESA_ENVIRONMENT": "production", "KELLY_MPESA_SHORT_CODE": "123456"}
PUBLISHED = ",".join(SAFARICOM_ADDRESSES)


@pytest.fixture
def posture(tmp_path):
    """Judge a configuration, given by its environment, and an address to listen on."""

    def check(address, **environ):
        named = {
            (f"KELLY_WEBHOOK_{name.upper()}" if name.islower() else name): value
            for name, value in environ.items()
        }
        home = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
        config = load(config_file=None, db=None, environ={**home, **named}, cwd=tmp_path)
        return check_posture(config, address)

    return check


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.0.2.1", "2001:db8::1", "fe80::1%eth0"])
def test_off_this_machine_something_must_keep_strangers_out(posture, address):
    with pytest.raises(ConfigError) as refused:
        posture(address, allowed_ips="")
    assert refused.value.code == "open_to_all"
    assert address in refused.value.message
    assert posture(address, allowed_ips="", token=TOKEN) == []
    assert posture(address, allowed_ips="192.0.2.0/24") == []
    assert posture(address) == []


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", None])
def test_on_this_machine_nothing_need(posture, address):
    assert posture(address, allowed_ips="") == []


@pytest.mark.parametrize("code", sorted(TEST_CODES))
def test_production_refuses_the_codes_of_the_sandbox(posture, code):
    with pytest.raises(ConfigError) as refused:
        posture("127.0.0.1", **{**LIVE, "KELLY_MPESA_SHORT_CODE": code})
    assert refused.value.code == "test_short_code"
    assert code in refused.value.message
    sandbox = {"KELLY_MPESA_ENVIRONMENT": "sandbox", "KELLY_MPESA_SHORT_CODE": code}
    assert posture("127.0.0.1", **sandbox) == []


NONE = "every real callback will be refused"


@pytest.mark.parametrize(
    ("address", "settings", "warning"),
    [
        ("127.0.0.1", {}, NONE),
        (None, {}, NONE),
        ("127.0.0.1", {"trusted_proxies": "127.0.0.1"}, None),
        (None, {"trusted_proxies": "127.0.0.0/8"}, None),
        ("127.0.0.1", {"trusted_proxies": "10.0.0.1"}, NONE),
        ("0.0.0.0", {}, None),
        ("0.0.0.0", {"allowed_ips": "10.0.0.0/8"}, NONE),
        ("127.0.0.1", {"trusted_proxies": "127.0.0.1", "allowed_ips": "10.0.0.0/8"}, NONE),
        ("0.0.0.0", {"allowed_ips": SAFARICOM_ADDRESSES[0]}, SAFARICOM_ADDRESSES[1]),
        ("0.0.0.0", {"allowed_ips": "196.201.212.0/22"}, None),
        ("127.0.0.1", {"allowed_ips": f"{PUBLISHED},127.0.0.1"}, None),
        ("127.0.0.1", {"allowed_ips": "", "token": TOKEN}, "share one address"),
        ("0.0.0.0", {"allowed_ips": "", "token": TOKEN}, None),
        ("0.0.0.0", {"allowed_ips": "", "token": "short"}, "shorter than"),
    ],
)
def test_settings_that_would_refuse_real_callbacks_are_warned_of(
    posture, address, settings, warning
):
    said = posture(address, **LIVE, **settings)
    assert len(said) == (0 if warning is None else 1)
    assert warning is None or warning in said[0]
