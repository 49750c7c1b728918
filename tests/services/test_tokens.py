"""Tokens: hard to guess, fit for a path, and without a word that Safaricom refuses."""

import base64
import re

from kelly_cli.daraja.urls import forbidden_word
from kelly_cli.services import tokens


def test_a_token_is_a_segment_of_a_path_and_never_the_same():
    made = {tokens.new_token() for _ in range(1000)}
    assert len(made) == 1000
    assert all(re.fullmatch(r"[a-z2-7]{32}", token) for token in made)
    assert not [token for token in made if forbidden_word(token)]


def test_it_holds_128_bits_or_more():
    asked = []

    def random_bytes(number):
        asked.append(number)
        return bytes(number)

    tokens.new_token(random_bytes)
    assert asked[0] * 8 >= 128


def test_a_forbidden_word_is_thrown_back():
    bad = base64.b32decode(b"AAMPESAA" + b"A" * 24)
    dice = iter([bad, bytes(20)])
    assert tokens.new_token(lambda _: next(dice)) == "a" * 32
