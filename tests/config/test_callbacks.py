"""Where Safaricom shall call us."""

import pytest

from kelly_cli.config.callbacks import callback_urls
from kelly_cli.errors import ConfigError

PUBLIC = "https://pay.example.co.ke/shop"


def test_every_callback_stands_under_the_public_address(place):
    urls = callback_urls(place.load(KELLY_WEBHOOK_PUBLIC_URL=f"{PUBLIC}/"))
    assert urls.confirmation == f"{PUBLIC}/c2b/confirmation"
    assert urls.validation == f"{PUBLIC}/c2b/validation"
    assert urls.stk == f"{PUBLIC}/stk/callback"
    kinds = ["status", "balance", "reversal"]
    assert urls.results == {kind: f"{PUBLIC}/results/{kind}" for kind in kinds}
    assert urls.timeouts == {kind: f"{PUBLIC}/timeouts/{kind}" for kind in kinds}


def test_a_token_stands_before_every_path(place):
    token = "aSecretPathToken1234567890abcdef"
    urls = callback_urls(place.load(KELLY_WEBHOOK_PUBLIC_URL=PUBLIC, KELLY_WEBHOOK_TOKEN=token))
    assert urls.stk == f"{PUBLIC}/hooks/{token}/stk/callback"
    assert urls.timeouts["balance"] == f"{PUBLIC}/hooks/{token}/timeouts/balance"


def test_the_paths_are_those_of_the_listener(place):
    from kelly_cli.listener.routes import Routes

    routes = Routes(type("Desk", (), {"__getattr__": lambda *_: None})(), None)
    urls = callback_urls(place.load())
    every = [urls.confirmation, urls.validation, urls.stk]
    every += [*urls.results.values(), *urls.timeouts.values()]
    for url in every:
        assert routes.find(url.removeprefix("http://127.0.0.1:8000").encode()) is not None


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("0.0.0.0", "http://127.0.0.1:9000"),
        ("192.0.2.7", "http://192.0.2.7:9000"),
        ("::", "http://[::1]:9000"),
        ("::1", "http://[::1]:9000"),
    ],
)
def test_in_local_the_listeners_own_address_will_do(place, host, shown):
    config = place.load(KELLY_WEBHOOK_HOST=host, KELLY_WEBHOOK_PORT="9000")
    assert callback_urls(config).stk == f"{shown}/stk/callback"


@pytest.mark.parametrize(
    ("environ", "setting"),
    [
        ({"KELLY_MPESA_ENVIRONMENT": "sandbox"}, "webhook.public_url"),
        ({"KELLY_MPESA_ENVIRONMENT": "production"}, "webhook.public_url"),
        ({"KELLY_WEBHOOK_PORT": "0"}, "webhook.port"),
    ],
)
def test_an_address_that_nobody_could_reach_is_refused(place, environ, setting):
    with pytest.raises(ConfigError, match=setting) as caught:
        callback_urls(place.load(**environ))
    assert setting in caught.value.hint
