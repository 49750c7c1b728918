"""Letters to customers by the alert addresses, each tried in its turn until one takes it.

An address with ``{phone}`` in it goes to the customer himself (``africastalking://…/+{phone}``).
Where none has it, letters go where alerts go, and say for whom they are; a phone is masked there.
Addresses are secrets and are told by their number alone.
"""

from __future__ import annotations

from contextlib import suppress

from kelly_cli.core.masking import mask_phone
from kelly_cli.listener.channels import PHONE, addresses_in, bad_address, load_apprise, opened


class Post:
    """The addresses of ``alerts.urls``.

    Raises:
        ConfigError: ``missing_extra``, apprise is not installed; ``bad_alert_url``.
    """

    def __init__(self, urls: str) -> None:
        apprise = load_apprise()
        found = addresses_in(urls)
        to_them = [(number, url) for number, url in found if PHONE in url]
        self.is_direct = bool(to_them)
        """Whether letters go to the customers themselves."""
        self._apprise = apprise
        self._addresses = to_them or found
        for number, url in self._addresses:
            if opened(apprise, url.replace(PHONE, "254700000000")) is None:
                raise bad_address(number)

    def send(self, phone: str, *, title: str, text: str) -> str | None:
        """Send a letter; return why it did not go, None = it went."""
        tried = []
        for number, url in self._addresses:
            door = opened(self._apprise, url.replace(PHONE, phone))
            words = title if self.is_direct else f"{title} ({mask_phone(phone)})"
            with suppress(Exception):
                if door is not None and door.notify(
                    body=text, title="" if self.is_direct else words
                ):
                    return None
            tried.append(str(number))
        return f"no address took it (alerts.urls, number {', '.join(tried)})"
