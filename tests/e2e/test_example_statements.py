"""Every example statement does exactly what examples/README.md says of it."""

import json
import re
import shlex
import shutil

import pytest

from kelly_cli.main import main

OUTCOMES = {
    "13-columns.csv": (3, 3, {"charge": 1, "failed": 1, "settlement": 1}),
    "14-columns.csv": (3, 1, {"reversal": 1}),
    "portal.xls": (2, 2, {"charge": 1, "settlement": 1}),
    "resaved.xlsx": (2, 0, {}),
}
"""File → payments taken in, other lines, and what those are."""


@pytest.fixture(scope="module")
def readme(pytestconfig):
    return (pytestconfig.rootpath / "examples" / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def stage(readme, tmp_path_factory):
    """The books and the kelly.toml that examples/README.md describes."""
    folder = tmp_path_factory.mktemp("stage")
    [settings] = re.findall(r"^```toml\n(.*?)^```$", readme, re.DOTALL | re.MULTILINE)
    (folder / "kelly.toml").write_text(settings, encoding="utf-8")
    commands = re.findall(r"^```sh\n(.*?)^```$", readme, re.DOTALL | re.MULTILINE)[0]
    for line in commands.splitlines():
        assert main(["--config", f"{folder}/kelly.toml", *shlex.split(line)[1:]]) == 0, line
    return folder


@pytest.fixture
def kelly(clean_environment, stage, tmp_path, capsys):
    shutil.copy(stage / "kelly.toml", tmp_path)
    shutil.copy(stage / "kelly.db", tmp_path)

    def run(*arguments):
        capsys.readouterr()
        code = main([*map(str, arguments), "--json"])
        return code, json.loads(capsys.readouterr().out)

    return run


@pytest.fixture(scope="module")
def folder(pytestconfig):
    return pytestconfig.rootpath / "examples" / "statements"


@pytest.mark.parametrize("name", OUTCOMES)
def test_a_statement_has_exactly_its_outcome(kelly, folder, readme, name):
    taken, others, kinds = OUTCOMES[name]
    code, seen = kelly("recon", "statement", folder / name)
    assert (code, seen["applied"], len(seen["only_statement"])) == (0, 0, taken)
    assert kelly("recon", "statement", folder / name, "--check")[0] == 3
    code, done = kelly("recon", "statement", folder / name, "--apply")
    assert (code, done["applied"], done["skipped"], done["skipped_kinds"]) == (
        0,
        taken,
        others,
        kinds,
    )
    assert [done[key] for key in ("only_kelly", "amount_differs", "problems")] == [[], [], []]
    assert done["files"][0]["adds_up"] is True
    code, again = kelly("recon", "statement", folder / name, "--apply", "--check")
    assert (code, again["in_both"], again["applied"], again["verified"]) == (0, taken, 0, 0)
    [row] = [line for line in readme.splitlines() if line.startswith(f"| `{name}` |")]
    assert f"{taken} taken in, {others} other line" in row
    for receipt, status in re.findall(r"(UB\w+) is ([A-Z]+)", row):
        assert kelly("payment", "show", receipt)[1]["status"] == status
    assert kelly("db", "check")[1]["violations"] == []
    assert kelly("recon", "gaps")[1]["gaps"] == []


def test_all_of_them_together_are_the_same_in_any_order(kelly, folder):
    files = [folder / name for name in OUTCOMES]
    assert kelly("recon", "statement", *files, "--apply")[1]["applied"] == 10
    assert kelly("recon", "statement", *files[::-1], "--apply")[1]["applied"] == 0
    assert kelly("db", "check")[1]["ok"]


def test_no_example_is_without_an_outcome(folder):
    assert {file.name for file in folder.iterdir()} == set(OUTCOMES)


def test_days_of_the_statements_are_proved(kelly, folder):
    kelly("recon", "statement", folder / "13-columns.csv", folder / "resaved.xlsx", "--apply")
    code, found = kelly("recon", "status", "--days", "3660")
    proved = {each["date"] for each in found["days"] if each["state"] == "proved"}
    assert code == 0
    assert {"2026-02-01", "2026-02-03", "2026-02-28"} <= proved
    assert "2026-01-31" not in proved
