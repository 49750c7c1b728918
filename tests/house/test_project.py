"""The project speaks of itself alone, and its papers agree with each other."""

import hashlib
import re
import shutil
import subprocess
import tomllib

import pytest

from kelly_cli import __version__

TOP_LEVEL = {
    ".ci", ".gitignore", "CHANGELOG.md", "DESIGN.md", "README.md", "constraints.txt", "examples",
    "kelly.toml.example", "kelly_cli", "pyproject.toml", "tests",
}  # fmt: skip
MIGRATIONS = {
    "0001_books.postgresql.sql": "5f7ba07c65cce790538ed4c5f9e92a620b5508c66df8f4f3ddf6f59faff83c1f",
    "0001_books.py": "3591c1196dc861e9d40e9d95a3e93a67b4900b6490483882eb5e8ccf73e0393f",
    "0001_books.sqlite.sql": "e3abee1ee0f7b38518d066adc8d2a4975f52e6b9a62bb7470165b15dd630046c",
    "0002_mpesa.postgresql.sql": "cbcdaa9d9d15f437a059c26c7baa7ad9174755f3426dfc007e0e39baa5219d5a",
    "0002_mpesa.py": "8c6e66be7fb5585105edf2ce3ee6f055d2e5b7ab482231d0a8e0e856c1502a78",
    "0002_mpesa.sqlite.sql": "64d92e6483715205fa43d2f73a281f7b2c776e70f6190d94cdaad64bde8a8eb5",
    "0003_desk.postgresql.sql": "a7540ca04921db38bdfcdc31510d9cde31faa8b18e0bc28dc3c77ce3d3194059",
    "0003_desk.py": "6af957e8992f20819f4d34a8dd4e825c7424b76ee27814016b027bbbd38314f7",
    "0003_desk.sqlite.sql": "862ff0b5301ac5fe198e91ee2fe47b06c0e36307e5bb393d897ec9782d88eb99",
    "0004_looks.postgresql.sql": "c9f3df2b871dbff6b1172306510c6a3533d42c8f8e1dc4ceefc2e766a9fdd1af",
    "0004_looks.py": "c3f5cabfbf664f0abaf96b42a3a4774347d1e8cff2d62b89f2dd6937e67f8269",
    "0004_looks.sqlite.sql": "0ac268e799bec910e70b342e585817dcc2729fe1a31da7d717599e86ca619fbb",
    "0005_age.postgresql.sql": "d0228c23bb717d49541328ddcb7d9b6adcfb91872e0a5f7b70ede4eb5000e062",
    "0005_age.py": "640334853c61e49a5702e90faacf4270ac4243ad6f5d645a9687c4ab752db802",
    "0005_age.sqlite.sql": "d0228c23bb717d49541328ddcb7d9b6adcfb91872e0a5f7b70ede4eb5000e062",
}
"""Each migration and its SHA-256. They only grow: books out there were made by these very bytes."""
FORBIDDEN = [
    "/" + "work/",
    "pypi." + "org",
    "pythonhosted." + "org",
    "deb.debian." + "org",
    "registry.npmjs." + "org",
]
"""Places that the project must not depend on or speak of, put together here to keep to the rule."""


@pytest.fixture(scope="session")
def tracked(root):
    """Every file that belongs to the project; what else lies in the folder is its owner's."""
    git = shutil.which("git")
    if git is None:
        pytest.skip("no git")
    listed = subprocess.run(
        [git, "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip("not a checkout")
    found = [root / name for name in listed.stdout.split("\0") if name]
    return [path for path in found if path.is_file()]


def text_of(root, name):
    return (root / name).read_text(encoding="utf-8")


def project(root):
    return tomllib.loads(text_of(root, "pyproject.toml"))["project"]


def test_version_and_changelog_agree(root):
    versions = re.findall(
        r"^## \[(\d+\.\d+\.\d+)\] - (\d{4}-\d\d-\d\d)$", text_of(root, "CHANGELOG.md"), re.MULTILINE
    )
    assert versions[0][0] == project(root)["version"] == __version__
    assert versions == sorted(versions, key=lambda each: tuple(map(int, each[0].split("."))))[::-1]


def test_the_changelog_keeps_to_the_six_headings_in_their_order(root):
    order = ["Security", "Removed", "Deprecated", "Added", "Changed", "Fixed"]
    for part in text_of(root, "CHANGELOG.md").split("\n## ")[1:]:
        headings = re.findall(r"^### (.*)$", part, re.MULTILINE)
        assert headings == [each for each in order if each in headings]


def test_the_top_level_holds_what_a_newcomer_can_name(root, tracked):
    assert {path.relative_to(root).parts[0] for path in tracked} - TOP_LEVEL == set()


def test_nothing_that_a_run_leaves_behind_is_tracked(root, tracked):
    left = re.compile(r"(\.pyc|\.db|\.db-wal|\.db-shm|\.turn|\.lock|\.spool|\.coverage|\.env)$")
    assert [path.name for path in tracked if left.search(path.name)] == []


def test_the_project_speaks_of_itself_alone(root, tracked):
    found = []
    for path in tracked:
        text = path.read_bytes().decode("utf-8", "replace").lower()
        found += [f"{path.relative_to(root)}: {word}" for word in FORBIDDEN if word in text]
    assert found == []


def test_the_two_commands_of_the_readme_are_what_is_checked(root):
    script = text_of(root, ".ci/run")
    blocks = re.findall(r"^```sh\n(.*?)^```", text_of(root, "README.md"), re.MULTILINE | re.DOTALL)
    for number, block in enumerate(blocks[:2], start=1):
        line = block.strip()
        assert "\n" not in line
        taken = f"$(readme_command {number})" in script and "README.md" in script
        assert taken or line in script


def test_everything_that_is_needed_is_pinned(root):
    pins = {
        re.split(r"[=\[ ;]", line)[0].lower().replace("_", "-")
        for line in text_of(root, "constraints.txt").splitlines()
        if line and not line.startswith("#")
    }
    named = project(root)
    wanted = [*named["dependencies"], *named["optional-dependencies"]["postgres"]]
    wanted += named["optional-dependencies"]["dev"]
    names = {re.split(r"[<>=\[ ;]", each)[0].lower() for each in wanted} - {named["name"]}
    assert names - pins == set()


def test_what_the_build_takes_is_there(root):
    build = tomllib.loads(text_of(root, "pyproject.toml"))["tool"]["hatch"]["build"]["targets"]
    taken = [*build["sdist"]["only-include"], *build["wheel"]["force-include"], *TOP_LEVEL]
    assert [name for name in taken if not (root / name).exists()] == []


def test_migrations_are_only_added_to(root):
    folder = root / "kelly_cli/store/migrations/versions"
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.suffix in {".py", ".sql"}
    }
    assert found == MIGRATIONS
