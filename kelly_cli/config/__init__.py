"""Configuration: kelly.toml, .env and the environment become one frozen :class:`Config`.

Promise: the first of flag, environment, .env, kelly.toml and default wins, every value knows where
it came from, and secrets never print. Importing it is cheap: readers of TOML, .env and addresses
are loaded when they are needed. Must not know the database, the network or the clock.
"""

from __future__ import annotations

from kelly_cli.config.example import example_text
from kelly_cli.config.loading import load
from kelly_cli.config.model import (
    MASK,
    Business,
    Config,
    Credentials,
    Database,
    Files,
    Mpesa,
    Secret,
    SettingValue,
    ShortCode,
    Webhook,
    mask,
)
from kelly_cli.config.sources import find_files
from kelly_cli.config.table import BASE_URLS, SAFARICOM_ADDRESSES
from kelly_cli.config.writing import set_value

__all__ = [
    "BASE_URLS",
    "MASK",
    "SAFARICOM_ADDRESSES",
    "Business",
    "Config",
    "Credentials",
    "Database",
    "Files",
    "Mpesa",
    "Secret",
    "SettingValue",
    "ShortCode",
    "Webhook",
    "example_text",
    "find_files",
    "load",
    "mask",
    "set_value",
]
