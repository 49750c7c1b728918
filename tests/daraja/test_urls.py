"""The rules of a URL that Safaricom is to call, one by one and together."""

import string
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kelly_cli.daraja.urls import (
    FORBIDDEN,
    check_pair,
    check_url,
    forbidden_word,
    stops,
    without_forbidden_path,
)

ENVIRONMENTS = ("local", "sandbox", "production")
GOOD = (
    "https://pay.acme.co.ke/c2b/confirmation",
    "https://pay.acme.co.ke:8443/hooks/abcdefghijklmnop/c2b/confirmation",
    "https://41.90.64.10/c2b/confirmation",
    "https://[2c0f:fe38::1]/c2b/confirmation",
    "https://PAY.Acme.co.ke/C2B/Confirmation",
    "https://pay.acme.co.ke/",
    "https://pay.acme.co.ke",
)


def levels(url, environment="production"):
    return {check.rule: check.level for check in check_url(url, environment)}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("url", GOOD)
def test_a_good_url_passes_every_rule_everywhere(url, environment):
    assert set(levels(url, environment).values()) == {"passed"}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize(
    "url",
    [
        "https://pay.acme.co.ke/api/webhooks/mpesa",
        "https://pay.acme.co.ke/MPESA",
        "https://pay.acme.co.ke/M-Pesa/in",
        "https://pay.acme.co.ke/M-PESA",
        "https://mpesa-acme.co.ke/in",
        "https://mySafariCom.co.ke/in",
        "https://pay.acme.co.ke/execute",
        "https://pay.acme.co.ke/a.EXE",
        "https://pay.acme.co.ke/cMd/in",
        "https://mysql.acme.co.ke/in",
        "https://pay.acme.co.ke/jquery",
        "https://pay.acme.co.ke/in?q=SQL",
        "https://pay.acme.co.ke/m%70esa",
        "https://pay.acme.co.ke/m%2570esa",
        "https://pay.acme.co.ke/m%2Dpesa",
        "https://pay.acme.co.ke/%EF%BD%8Dpesa",
        "https://mpesa:word@pay.acme.co.ke/in",
        "https://pay.acme.co.ke/in#mpesa",
        "mpesa",
    ],
)
def test_trap_01_a_forbidden_word_stops_it_in_any_case_anywhere(url, environment):
    checks = {check.rule: check for check in check_url(url, environment)}
    found = checks["no forbidden word"]
    assert (found.level, found.ok) == ("failed", False)
    assert url in found.detail


@given(
    st.sampled_from(FORBIDDEN),
    st.data(),
    st.sampled_from(ENVIRONMENTS),
    st.text(string.ascii_lowercase + "/", max_size=6),
    st.integers(0, 2),
)
def test_trap_01_no_writing_of_a_word_gets_through(word, data, environment, around, escapes):
    text = "".join(data.draw(st.sampled_from([sign.lower(), sign.upper()])) for sign in word)
    for _ in range(escapes):
        text = "".join(f"%{ord(sign):02X}" if sign.isalpha() else quote(sign) for sign in text)
    url = f"https://pay.acme.co.ke/{around}{text}{around}"
    assert forbidden_word(url)
    assert any("word" in check.rule for check in stops(check_url(url, environment)))


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize(
    "url",
    [
        "",
        " ",
        "pay.acme.co.ke/in",
        "//pay.acme.co.ke/in",
        "ftp://pay.acme.co.ke/in",
        "javascript:alert(1)",
        "https://",
        "https:///in",
        "https://:443/in",
        "https://pay.acme.co.ke:/in",
        "https://pay.acme.co.ke:0/in",
        "https://pay.acme.co.ke:99999/in",
        "https://pay.acme.co.ke:80a/in",
        "https://ann:word@pay.acme.co.ke/in",
        "https://ann@pay.acme.co.ke/in",
        "https://pay.acme.co.ke/in#here",
        "https://pay acme.co.ke/in",
        "https://pay.acme.co.ke/my path",
        "https://pay.acme.co.ke/in ",
        "\thttps://pay.acme.co.ke/in",
        "https://pay.acme.co.ke/i\nn",
        "https://pay.acme.co.ke/<token>/in",
        "https://<host>/in",
        "https://pay.acme.co.ke/{token}/in",
        "https://pay.acme.co.ke/in\x00",
        "https://pay.acme.co.ke/in\x7f",
        "https://pay.acme.co.ke/in\u202e",
        'https://pay.acme.co.ke/"in"',
        "https://pay.acme.co.ke\\in",
        "https://pay.acme.co.ke/50%",
        "https://pay.acme.co.ke/%zz",
        "https://pay.acme.co.ke/%20in",
        "https://pay.acme.co.ke/%3Cin%3E",
        "https://pay.acme.co.ke/%0d%0aHost:",
        "https://péy.acme.co.ke/in",
        "https://раy.acme.co.ke/in",
        "https://pay_acme.co.ke/in",
        "https://-pay.acme.co.ke/in",
        "https://pay..acme.co.ke/in",
        f"https://{'a' * 64}.co.ke/in",
        f"https://{'a.' * 127}co.ke/in",
        "https://[::1/in",
        "https://[pay]/in",
        "https://127.1/in",
        "https://2130706433/in",
        "https://0x7f000001/in",
        "https://0177.0.0.1/in",
        "https://1.2.3.4.5/in",
        "https://your-domain.com/in",
        "https://YOUR_HOST/in",
        "https://yourdomain.co.ke/in",
        "https://pay.acme.co.ke/hooks/TOKEN/in",
        "https://pay.acme.co.ke/hooks/.../in",
    ],
)
def test_a_malformed_url_stops_it_everywhere(url, environment):
    assert stops(check_url(url, environment))


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("http://pay.acme.co.ke/in", "https"),
        ("https://127.0.0.1/in", "public address"),
        ("https://127.8.9.1:8443/in", "public address"),
        ("https://localhost/in", "public address"),
        ("https://LocalHost./in", "public address"),
        ("https://pay.localhost/in", "public address"),
        ("https://[::1]/in", "public address"),
        ("https://[::ffff:127.0.0.1]/in", "public address"),
        ("https://[::ffff:10.0.0.1]/in", "public address"),
        ("https://[2002:7f00:1::]/in", "public address"),
        ("https://[64:ff9b::127.0.0.1]/in", "public address"),
        ("https://[fe80::1]/in", "public address"),
        ("https://[fd00::1]/in", "public address"),
        ("https://10.0.0.1/in", "public address"),
        ("https://192.168.1.10/in", "public address"),
        ("https://172.16.0.1/in", "public address"),
        ("https://169.254.1.1/in", "public address"),
        ("https://100.64.0.1/in", "public address"),
        ("https://0.0.0.0/in", "public address"),
        ("https://224.0.0.1/in", "public address"),
        ("https://till/in", "public address"),
        ("https://till.local/in", "public address"),
        ("https://till.lan/in", "public address"),
        ("https://lvh.me/in", "public address"),
        ("https://abc.ngrok.io/in", "no tunnel"),
        ("https://abc.NGROK-free.app/in", "no tunnel"),
        ("https://ngrok.acme.co.ke/in", "no tunnel"),
        ("https://abc.loca.lt/in", "no tunnel"),
        ("https://abc.trycloudflare.com/in", "no tunnel"),
        ("https://webhook.site/in", "no tunnel"),
        ("https://127.0.0.1.nip.io/in", "no tunnel"),
        ("https://mockbin.org/in", "no tunnel"),
    ],
)
def test_what_cannot_be_reached_safely_stops_production_and_warns_the_sandbox(url, rule):
    assert levels(url, "production")[rule] == "failed"
    assert levels(url, "sandbox")[rule] == "warned"
    assert levels(url, "local")[rule] == "passed"
    others = {name: level for name, level in levels(url).items() if name != rule}
    assert set(others.values()) == {"passed"}


@pytest.mark.parametrize(
    "url",
    [
        "https://pay.acme.co.ke/m_pesa",
        "https://m.pesa.co.ke/in",
        "https://pay.example.co.ke/in",
        "https://xn--py-yia.co.ke/in",
        "https://pay.acme.co.ke/in?a=1",
    ],
)
def test_what_may_be_refused_is_a_warning_in_production(url):
    assert not stops(check_url(url, "production"))
    assert "warned" in levels(url, "production").values()
    assert "warned" not in levels(url, "local").values()


def test_an_innocent_name_is_no_tunnel():
    assert levels("https://notwebhook.site.co.ke/in")["no tunnel"] == "passed"
    assert levels("https://mywebhook.site/in")["no tunnel"] == "passed"


@pytest.mark.parametrize(
    ("confirmation", "validation"),
    [
        ("https://pay.acme.co.ke/in", "https://pay.acme.co.ke/in"),
        ("https://pay.acme.co.ke/in", "https://PAY.acme.co.ke:443/in/"),
        ("https://pay.acme.co.ke/in", "https://pay.acme.co.ke./%69n"),
    ],
)
def test_one_url_for_both_is_told(confirmation, validation):
    checks = {each.rule: each.level for each in check_pair(confirmation, validation, "sandbox")}
    assert checks["two URLs"] == "warned"
    assert checks["each in its place"] == "passed"
    assert stops(check_pair(confirmation, validation, "production"))


def test_urls_in_each_others_place_are_told():
    pair = ("https://pay.acme.co.ke/c2b/validation", "https://pay.acme.co.ke/c2b/confirmation")
    assert [each.rule for each in stops(check_pair(*pair, "production"))] == ["each in its place"]
    assert not stops(check_pair(*pair[::-1], "production"))


def test_every_rule_of_a_pair_has_a_name_of_its_own():
    rules = [each.rule for each in check_pair(GOOD[0], GOOD[1], "production")]
    assert len(rules) == len(set(rules)) == 20


@given(st.text(max_size=80), st.sampled_from(ENVIRONMENTS))
def test_whatever_is_given_every_rule_answers(url, environment):
    checks = check_pair(url, "https://" + url, environment)
    assert all(check.rule and check.detail for check in checks)
    assert all(check.detail.isprintable() for check in checks)


@given(
    st.from_regex(r"[a-z]([a-z0-9-]{0,9}[a-z0-9])?", fullmatch=True),
    st.from_regex(r"(/[a-z0-9._~-]{1,8}){0,4}", fullmatch=True),
    st.integers(1, 65535),
)
def test_what_stops_local_stops_the_others_too(name, path, port):
    url = f"http://{name}.co.ke:{port}{path}"
    stopped = [
        {check.rule for check in stops(check_url(url, environment))} for environment in ENVIRONMENTS
    ]
    assert stopped[0] <= stopped[1] <= stopped[2]


def test_the_path_of_older_installations_gets_its_neighbour():
    old = "https://pay.acme.co.ke/api/webhooks/mpesa"
    assert without_forbidden_path(old) == "https://pay.acme.co.ke/c2b/confirmation"
    assert without_forbidden_path(old + "/") == "https://pay.acme.co.ke/c2b/confirmation"
    assert without_forbidden_path("https://mpesa.co.ke/api/webhooks/mpesa") == ""
    assert without_forbidden_path("https://pay.acme.co.ke/in") == ""
