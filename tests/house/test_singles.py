"""Every command that prints one object narrows it by ``--fields``."""

from kelly_cli.commands.listing import Listing, ListingGroup
from kelly_cli.commands.single import Single, SingleGroup

STREAMS = {("webhook", "serve"), ("webhook", "tail"), ("mpesa", "sandbox"), ("dashboard",)}
"""They print JSON Lines, whatever their lines are."""

ONLY_READ = {
    "audit verify", "config path", "customer show", "customer statement", "day show", "db check",
    "doctor", "import show", "invoice document", "invoice show", "mpesa token", "mpesa urls check",
    "payment explain", "payment receipt", "payment show", "pos document", "pos show",
    "product show", "status", "support", "webhook quarantine show", "webhook service",
    "webhook show",
}  # fmt: skip
"""They change nothing and send nothing: a field that is not there may be found at the end."""


def test_what_prints_json_prints_a_list_an_object_or_a_stream(commands):
    known = (Listing, ListingGroup, Single, SingleGroup)
    others = {words for words, command in commands.items() if not isinstance(command, known)}
    assert others == STREAMS


def test_what_changes_something_names_its_keys_beforehand(commands):
    singles = {w: c for w, c in commands.items() if isinstance(c, Single | SingleGroup)}
    unnamed = {" ".join(words) for words, command in singles.items() if not command.known}
    assert unnamed == ONLY_READ & {" ".join(words) for words in singles}
    assert len(singles) - len(unnamed) > 50


def test_every_one_of_them_has_the_option_and_json(commands):
    for words, command in commands.items():
        if isinstance(command, Single | SingleGroup):
            given = {opt for param in command.params for opt in param.opts}
            assert {"--fields", "--json"} <= given, words
