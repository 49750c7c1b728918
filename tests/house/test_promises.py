"""No hint, help, paper or written file names a command that is not there."""

import ast
import re

import pytest

from kelly_cli.main import COMMANDS, _loaded

NAMED = re.compile(r"\bkelly((?: --(?:config|db) \S+)*)((?: [a-z][a-z-]*)+)")
PAPERS = ("README.md", "DESIGN.md", "CHANGELOG.md", "examples/README.md", "kelly.toml.example")
PROSE = {
    "again", "and", "as", "asks", "books", "brings", "could", "does", "has", "in", "is", "keeps",
    "knows", "made", "may", "must", "needs", "on", "process", "reads", "says", "takes", "tells",
    "to", "was", "with", "works", "writes",
}  # fmt: skip
"""What may follow the program's name in a sentence; never the name of a command."""


@pytest.fixture(scope="module")
def tree():
    """Every group and command by its words; a group's value is True when it runs by itself."""
    found = {}

    def walk(words, command):
        inner = getattr(command, "commands", None)
        found[words] = inner is None or command.invoke_without_command
        for name, each in (inner or {}).items():
            walk((*words, name), each)

    for name in COMMANDS:
        walk((name,), _loaded(name))
    return found


def wrong_in(text, tree):
    """The words after ``kelly`` in a text that are neither a command nor prose."""
    for found in NAMED.finditer(text):
        words = tuple(found[2].split())
        if words[0] in PROSE:
            continue
        known = 0
        while known < len(words) and words[: known + 1] in tree:
            known += 1
        at_its_end = found.end() == len(text) or text[found.end()] not in " -"
        group = known and not tree[words[:known]]
        # A group by itself is named in a sentence ("kelly webhook: ..."), never with more words.
        if not known or (group and not (known == len(words) and at_its_end)):
            yield found[0]


def texts_of(module):
    """Every text that is no docstring, whole; of a text with values in it, its pieces."""
    talk = {id(node.value) for node in ast.walk(module) if isinstance(node, ast.Expr)}
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in talk:
            yield node.lineno, node.value


def test_prose_and_commands_do_not_meet():
    assert PROSE & COMMANDS.keys() == set()


def test_every_command_in_a_hint_or_text_exists(modules, tree):
    wrong = [
        f"{path}:{line} {each}"
        for path, module in modules.items()
        for line, text in texts_of(module)
        for each in wrong_in(text, tree)
    ]
    assert wrong == []


def test_every_command_in_a_help_text_exists(commands, tree):
    wrong = []
    for words, command in commands.items():
        told = [command.help or "", *(getattr(param, "help", "") or "" for param in command.params)]
        wrong += [(words, each) for text in told for each in wrong_in(text, tree)]
    assert wrong == []


@pytest.mark.parametrize("name", PAPERS)
def test_every_command_in_a_paper_exists(root, tree, name):
    text = (root / name).read_text(encoding="utf-8")
    fences = "\n".join(re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    outside = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    lines = re.findall(r"`([^`\n]+)`", outside) + re.findall(r"\bkelly .*", fences)
    lines = lines if name.endswith(".md") else [text]
    assert [each for line in lines for each in wrong_in(line, tree)] == []


@pytest.mark.parametrize(
    "text",
    [
        "see kelly webhok list",
        "kelly webhook lst",
        "kelly recon statemnt FILE",
        "kelly mpesa frobnicate",
        "Run: kelly webhook --all",
    ],
)
def test_a_promise_that_is_not_kept_is_found(tree, text):
    assert list(wrong_in(text, tree))


@pytest.mark.parametrize(
    "text",
    [
        "Run: kelly db upgrade (it takes a backup first)",
        "kelly --config shop/kelly.toml doctor",
        "kelly webhook: the callbacks that came",
        "kelly mpesa urls",
        "kelly mpesa urls check URL",
        "kelly keeps books in SQLite",
    ],
)
def test_a_promise_that_is_kept_is_let_by(tree, text):
    assert not list(wrong_in(text, tree))
