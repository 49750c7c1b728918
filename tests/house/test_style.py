"""The style of the house, as tests. Each names the offenders."""

import ast
import re
import shlex

LONGEST_FILE = 400
LONGEST_FUNCTION = 60
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
SQL = re.compile(
    r"\b(SELECT|INSERT INTO|DELETE FROM|CREATE (TABLE|INDEX)|ALTER TABLE|DROP TABLE|PRAGMA"
    r"|ORDER BY|GROUP BY|LEFT JOIN)\b|\bUPDATE \w+ SET\b"
)
SQL_CALLS = {"select", "insert", "update", "delete"}
SQL_METHODS = {"exec_driver_sql", "execute", "executemany", "executescript"}
OTHER_WORDS = re.compile(r"(^|_)(transactions?|txns?|trx)(_|$)", re.IGNORECASE)
PUBLIC_COLUMNS = {"transaction_date", "transaction_type"}
"""M-Pesa's own words for a payment, as the tables have them."""
VAGUE_MODULES = {"utils", "util", "helpers", "helper", "common", "misc", "tools", "base"}
GLOBAL_OPTIONS = {"--config": True, "--db": True, "--json": False, "--version": False}
"""Option → whether a value follows."""


def calls(tree, names, methods=frozenset()):
    """The lines of the calls of these functions, by their plain names, and of these methods."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (
            getattr(node.func, "id", None) in names or getattr(node.func, "attr", None) in methods
        ):
            yield node.lineno


def texts(tree):
    """Every text that is not a docstring."""
    talk = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in talk:
            yield node


def test_no_file_is_longer_than_400_lines(root):
    long = {}
    for folder in ("kelly_cli", "tests"):
        for path in (root / folder).rglob("*.py"):
            lines = len(path.read_text(encoding="utf-8").splitlines())
            if lines > LONGEST_FILE:
                long[str(path.relative_to(root))] = lines
    assert long == {}


def test_no_function_is_longer_than_60_lines(modules):
    long = {
        f"{path}:{node.lineno} {node.name}": node.end_lineno - node.lineno + 1
        for path, tree in modules.items()
        for node in ast.walk(tree)
        if isinstance(node, FUNCTIONS) and node.end_lineno - node.lineno + 1 > LONGEST_FUNCTION
    }
    assert long == {}


def test_every_module_says_its_promise(modules):
    silent = [
        str(path)
        for path, tree in modules.items()
        if not ast.get_docstring(tree) and path.parts[:3] != ("store", "migrations", "versions")
    ]
    assert silent == []


def test_nothing_is_printed_past_the_gate(modules):
    printed = {path: list(calls(tree, {"print", "pprint"})) for path, tree in modules.items()}
    assert {path: lines for path, lines in printed.items() if lines} == {}


def test_sql_is_spoken_in_the_store_alone(modules):
    spoken = []
    for path, tree in modules.items():
        if path.parts[0] != "store":
            spoken += [f"{path}:{line}" for line in calls(tree, SQL_CALLS, SQL_METHODS)]
            spoken += [f"{path}:{n.lineno} {n.value!r}" for n in texts(tree) if SQL.search(n.value)]
    assert spoken == []


def test_no_binary_fraction_comes_near_money(modules):
    near = {"core", "daraja", "services", "store"}
    found = []
    for path, tree in modules.items():
        if path.parts[0] in near:
            found += [f"{path}:{line}" for line in calls(tree, {"float"})]
        if path.parts[0] == "core":
            names = (n for n in ast.walk(tree) if isinstance(n, ast.Name))
            found += [f"{path}:{n.lineno}" for n in names if n.id in {"float", "Decimal"}]
            constants = (n for n in ast.walk(tree) if isinstance(n, ast.Constant))
            found += [f"{path}:{n.lineno}" for n in constants if isinstance(n.value, float)]
            divided = (n for n in ast.walk(tree) if isinstance(n, ast.BinOp))
            found += [f"{path}:{n.lineno}" for n in divided if isinstance(n.op, ast.Div)]
    assert found == []


def test_a_payment_is_never_called_by_another_word(modules):
    found = []
    for path, tree in modules.items():
        for node in ast.walk(tree):
            for name in named_here(node):
                if OTHER_WORDS.search(name) and name not in PUBLIC_COLUMNS:
                    found.append(f"{path}:{node.lineno} {name}")
    assert found == []


def named_here(node):
    """Every name that a node gives; what a library is called by is not given here."""
    if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
        yield node.name
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
        yield node.attr
    elif isinstance(node, ast.alias) and node.asname:
        yield node.asname


def test_no_module_has_a_name_that_says_nothing(modules):
    assert [str(path) for path in modules if path.stem in VAGUE_MODULES] == []


def test_every_test_file_lies_where_its_subject_lies(root):
    floors = {path.name for path in (root / "kelly_cli").iterdir() if path.is_dir()}
    floors |= {"browser", "e2e", "house", "bench", "proofs", "__pycache__"}
    found = {path.name for path in (root / "tests").iterdir() if path.is_dir()}
    assert found <= floors


def test_every_command_says_what_it_does_with_two_examples(commands):
    poor = {
        words: len(examples(command.help or ""))
        for words, command in commands.items()
        if len(examples(command.help or "")) < 2
    }
    assert poor == {}


def test_every_example_is_of_its_own_command_and_its_options_exist(commands):
    wrong = []
    for words, command in commands.items():
        for example in examples(command.help or ""):
            found, unknown = read(example, commands)
            if found != words or unknown:
                wrong.append((example, unknown))
    assert wrong == []


def examples(text):
    """The lines that are commands to type, also behind a pipe."""
    lines = [line.strip().rpartition("| ")[2] for line in text.splitlines()]
    return [line for line in lines if line.startswith("kelly ")]


def read(line, commands):
    """The words of the command that a line calls (None = none), and options that it has not."""
    rest = shlex.split(line, comments=True)[1:]
    while rest and rest[0].partition("=")[0] in GLOBAL_OPTIONS:
        name, _, value = rest.pop(0).partition("=")
        if GLOBAL_OPTIONS[name] and not value:
            rest.pop(0)
    for length in (3, 2, 1):
        command = commands.get(tuple(rest[:length]))
        if command is not None:
            known = {option for param in command.params for option in param.opts}
            given = {word.partition("=")[0] for word in rest[length:] if re.match("--?[a-z]", word)}
            return tuple(rest[:length]), given - known - {"--help", "-h"}
    return None, set()


def test_every_option_says_what_it_is_for(commands):
    assert [
        (*words, param.name)
        for words, command in commands.items()
        for param in command.params
        if not getattr(param, "help", None)
    ] == []


def test_every_list_has_a_limit_of_100(commands):
    limits = {}
    for words, command in commands.items():
        if words[-1] == "list":
            found = [param for param in command.params if "--limit" in param.opts]
            limits[words] = found[0].default if found else None
    assert limits
    assert {words: limit for words, limit in limits.items() if limit != 100} == {}


def test_every_command_takes_json(commands):
    assert [
        words
        for words, command in commands.items()
        if not any("--json" in param.opts for param in command.params)
    ] == []


def test_what_destroys_asks_first(commands):
    for words, command in commands.items():
        if words[-1] in {
            "void",
            "restore",
            "dismiss",
            "drop",
            "writeoff",
            "merge",
            "reverse",
            "purge",
        }:
            assert any("--yes" in param.opts for param in command.params), words


def test_every_command_stands_in_the_table_of_the_readme(root, commands):
    readme = (root / "README.md").read_text(encoding="utf-8")
    table = "\n".join(line for line in readme.splitlines() if line.startswith("| `kelly "))
    assert [words for words in commands if f"`kelly {' '.join(words)}`" not in table] == []


def test_every_command_line_of_the_readme_can_be_typed(root, commands):
    readme = (root / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in examples(block)]
    assert lines
    wrong = [(line, *read(line, commands)) for line in lines]
    assert [each for each in wrong if each[1] is None or each[2]] == []
