"""--csv, --xlsx, -o and --fields, as they are typed."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from python_calamine import load_workbook

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def shop(kelly):
    """Books with two customers and an invoice, and the way to ask them."""
    kelly("customer", "create", "=Ann", "--phone", "0712345678")
    kelly("customer", "create", "Mũthoni, Ltd")
    kelly("invoice", "create", "--customer", "CUST-001", "--amount", "5000")
    return kelly


def test_csv_has_the_keys_and_values_of_json(shop):
    ran = shop("customer", "list", "--csv")
    rows = list(csv.DictReader(io.StringIO(ran.out)))
    objects = shop("customer", "list", "--json").json
    assert (ran.code, ran.err) == (0, "")
    assert [list(each) for each in objects] == [list(each) for each in rows]
    assert rows[0]["name"] == "'=Ann"
    assert rows[0]["balance"] == "5000.00"
    assert rows[1] == {key: value or "" for key, value in objects[1].items()}


@pytest.mark.parametrize("name", ["list.csv", "list.json", "list.xlsx", "list.txt"])
def test_a_file_says_by_its_name_what_it_is_and_stdout_stays_empty(shop, tmp_path, name):
    file = tmp_path / name
    ran = shop("customer", "list", "-o", file)
    assert (ran.code, ran.out, ran.err) == (0, "", f"Wrote {file}\n")
    if name == "list.xlsx":
        rows = load_workbook(str(file)).get_sheet_by_index(0).to_python()
        assert [rows[1][1], rows[1][4], rows[2][1]] == ["=Ann", 5000.0, "Mũthoni, Ltd"]
        return
    stdout = {
        "list.csv": ("--csv",),
        "list.json": ("--json",),
        "list.txt": (),
    }[name]
    assert file.read_text(encoding="utf-8") == shop("customer", "list", *stdout).out


def test_fields_narrow_json_csv_and_the_table(shop):
    ask = ("customer", "list", "--fields", "balance,name")
    assert shop(*ask, "--json").json[0] == {"balance": "5000.00", "name": "=Ann"}
    assert shop(*ask, "--csv").out == 'balance,name\n5000.00,\'=Ann\n0.00,"Mũthoni, Ltd"\n'
    assert shop(*ask).out == "Balance\tName\n5,000.00\t=Ann\n0.00\tMũthoni, Ltd\n"


def test_an_unknown_field_is_refused_with_the_nearest_name(shop, tmp_path):
    file = tmp_path / "a.csv"
    ran = shop("customer", "list", "--fields", "nmae", "--json", "-o", tmp_path / "a.json")
    assert (ran.code, ran.out, ran.error["code"]) == (2, "", "usage")
    assert "Did you mean name" in ran.error["hint"]
    assert not file.exists()


def test_an_empty_list_has_its_header_all_the_same(shop):
    ran = shop("payment", "list", "--csv")
    assert ran.out.startswith("mpesa_receipt_number,status,amount,transaction_date,")
    assert ran.out.count("\n") == 1
    assert "No such payments" in ran.err


@pytest.mark.parametrize(
    "words",
    [
        ("--csv", "--json"),
        ("--xlsx",),
        ("-o", "list"),
        ("-o", "list.csv", "--json"),
    ],
)
def test_what_cannot_be_is_a_usage_error(shop, words):
    ran = shop("customer", "list", *words)
    assert (ran.code, ran.out) == (2, "")


def test_json_before_the_command_and_csv_behind_it_contradict(shop):
    assert shop("--json", "customer", "list", "--csv").error["code"] == "usage"


def test_json_of_the_environment_yields_to_csv(shop, monkeypatch):
    monkeypatch.setenv("KELLY_JSON", "1")
    assert shop("customer", "list", "--csv", "--limit", "1").out.startswith("customer_id,name")
    assert shop("customer", "list", "--limit", "1").json[0]["name"] == "=Ann"


def test_a_missing_folder_is_told_before_the_books_are_looked_for(kelly):
    ran = kelly("customer", "list", "-o", "missing/list.csv", "--json", "--csv")
    assert ran.code == 2
    ran = kelly("customer", "list", "-o", "missing/list.csv")
    assert (ran.code, ran.out) == (1, "")
    assert "there is no folder missing; nothing was written" in ran.err


def test_the_object_round_a_list_is_kept_for_json_alone(shop):
    assert shop("recon", "status", "--fields", "date,state", "--json").json == {"days": []}
    assert shop("recon", "status", "--fields", "date,payments", "--csv").out == (
        "date,payments.count,payments.total\n"
    )


def test_a_group_that_lists_keeps_its_options_from_its_commands(shop):
    assert shop("mpesa", "urls", "--csv").out.startswith("id,environment,short_code")
    assert shop("mpesa", "urls", "list", "--csv").out.startswith("id,environment,short_code")
    ran = shop("mpesa", "urls", "--csv", "list")
    assert (ran.code, ran.out) == (2, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_on_stdout_and_in_a_file_is_an_error(shop, database_url):
    command = (sys.executable, "-m", "kelly_cli", "--db", database_url, "customer", "list")
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    with open("/dev/full", "w") as full:
        ran = subprocess.run(
            [*command, "--csv"], stdout=full, stderr=subprocess.PIPE, env=environ, text=True
        )
    assert ran.returncode == 1
    assert "No space left" in ran.stderr
    ran = subprocess.run(
        [*command, "--csv", "-o", "/dev/full"], capture_output=True, env=environ, text=True
    )
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "cannot write /dev/full: No space left on device" in ran.stderr


def test_a_spreadsheet_goes_through_a_pipe(shop, database_url):
    ran = subprocess.run(
        [sys.executable, "-m", "kelly_cli", "--db", database_url]
        + ["customer", "list", "--xlsx", "-o", "-", "--fields", "name"],
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    book = load_workbook(io.BytesIO(ran.stdout))
    assert book.get_sheet_by_index(0).to_python() == [["name"], ["=Ann"], ["Mũthoni, Ltd"]]


def test_nothing_heavy_is_loaded_by_a_list_that_needs_none(shop, database_url):
    program = (
        "import sys; from kelly_cli.main import main; code = main(sys.argv[1:]); "
        "print(sorted({'xlsxwriter', 'csv', 'kelly_cli.render.sheet', 'kelly_cli.render.files'} "
        "& set(sys.modules)), file=sys.stderr)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, "--db", database_url, "config", "list", "--json"],
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
    )
    assert json.loads(ran.stdout)
    assert "kelly_cli.render" not in ran.stderr
    assert "xlsxwriter" not in ran.stderr
