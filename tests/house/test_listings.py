"""Every list can become CSV, XLSX, a file, or fewer fields."""

import ast

import pytest

from kelly_cli.commands.listing import OPTIONS, Listing, ListingGroup

LISTS_TOO = {
    ("mpesa", "codes"),
    ("mpesa", "requests"),
    ("mpesa", "urls"),
    ("recon", "gaps"),
    ("recon", "status"),
    ("suspense", "suggest"),
}
"""Commands whose list has another name."""


@pytest.fixture(scope="module")
def lists(commands):
    return {
        words: command
        for words, command in commands.items()
        if words[-1] == "list" or words in LISTS_TOO
    }


def test_every_list_is_a_listing(lists):
    assert lists.keys() >= LISTS_TOO
    wrong = [words for words, each in lists.items() if not isinstance(each, Listing | ListingGroup)]
    assert wrong == []


def test_every_listing_has_the_four_options_and_json(commands):
    listings = {w: c for w, c in commands.items() if isinstance(c, Listing | ListingGroup)}
    assert len(listings) > 20
    for words, command in listings.items():
        names = {param.name for param in command.params}
        assert {*OPTIONS, "json"} <= names, words
        given = {opt for param in command.params for opt in param.opts}
        assert {"--csv", "--xlsx", "-o", "--output", "--fields"} <= given, words


def test_what_prints_a_list_declares_its_fields(modules):
    """``show.rows`` names the fields of the JSON, or its columns have the same keys."""
    same_keys = {"config.py", "suspense.py"}
    wrong = [
        f"{path}:{node.lineno}"
        for path, module in modules.items()
        if path.parts[0] == "commands" and path.name not in same_keys
        for node in ast.walk(module)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "rows"
        and not isinstance(node.args[0], ast.List)  # none for people: one document alone
        and "fields" not in {keyword.arg for keyword in node.keywords}
    ]
    assert wrong == []


def test_every_module_that_prints_a_list_has_a_listing(modules):
    """The class stands where the command is made: in the module, or where it is mounted."""
    mounted = {"mpesa_ask.py", "mpesa_codes.py", "recon_proof.py", "report_told.py", "waiting.py"}
    wrong = []
    for path, module in modules.items():
        if path.parts[0] != "commands" or path.name in mounted:
            continue
        names = {node.id for node in ast.walk(module) if isinstance(node, ast.Name)}
        calls = {
            node.func.attr
            for node in ast.walk(module)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        }
        if "rows" in calls and not names & {"Listing", "ListingGroup"}:
            wrong.append(str(path))
    assert wrong == []
