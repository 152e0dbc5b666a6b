# SPDX-License-Identifier: Apache-2.0
"""The house rules: imports run one way, generated code is what the protocol gives, codes are unique and used."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from marginrules.codes import Reason
from marginrules.errors import CODES, InputError
from marginrules.rulebook.diagnostic import PROBLEMS
from tests.generate_proto import generate

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "marginrules"

# A module may import from its own layer and from those below.
LAYERS = (
    ("errors", "units", "codes", "model", "limits", "machine", "terms"),
    ("_core",),
    ("rulebook", "escalation", "journal"),
    ("service",),
    ("authoring",),
    ("server", "client", "_pb"),
    ("cli", "__main__"),
)
ROOM_OF = {room: layer for layer, rooms in enumerate(LAYERS) for room in rooms}
# What only one room may know.
ONLY = {
    "grpc": {"server", "client"},
    "grpc_health": {"server", "client"},
    "grpc_reflection": {"server"},
    "google": {"server", "client", "_pb"},
    "yaml": {"rulebook.parse"},
    "ruamel": {"authoring.edit"},
    "openpyxl": {"authoring.sheets"},
    "cryptography": {"service.signing"},
    "exchange_calendars": {"rulebook.calendar"},
    "sqlite3": {"journal"},
    "prometheus_client": {"server"},
    "click": {"cli"},
    "rich": {"cli"},
}
PURE = ("errors", "units", "codes", "model", "limits", "machine", "terms", "rulebook", "escalation")
IMPURE = {"time", "random", "socket", "os", "subprocess", "threading", "secrets", "uuid"}


def modules() -> list[tuple[str, ast.Module]]:
    """Return every module of the package, as `room.file`, with its tree."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        if not name.startswith("_pb.") and name != "__init__":
            found.append((name.removesuffix(".__init__"), ast.parse(path.read_text(encoding="utf-8"))))
    return found


def imports(tree: ast.Module) -> list[str]:
    """Return the modules that a module imports at run time."""
    found = []
    skipped = {
        id(node)
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and getattr(branch.test, "id", "") == "TYPE_CHECKING"
        for node in ast.walk(branch)
    }
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            found += [one.name for one in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            found += [f"{node.module}.{one.name}" for one in node.names]
    return found


def test_imports_run_one_way() -> None:
    """A module imports from its own layer or below, never upward."""
    upward = []
    for name, tree in modules():
        for target in imports(tree):
            parts = target.split(".")
            is_ours = parts[0] == "marginrules" and len(parts) > 1 and parts[1] in ROOM_OF
            if is_ours and ROOM_OF[parts[1]] > ROOM_OF[name.split(".")[0]]:
                upward.append(f"{name} imports {target}")
    assert not upward


def test_rulebook_escalation_and_journal_do_not_meet() -> None:
    """The three rooms above the core know nothing of each other."""
    rooms = {"rulebook", "escalation", "journal"}
    met = [
        f"{name} imports {target}"
        for name, tree in modules()
        for target in imports(tree)
        if name.split(".")[0] in rooms
        and target.startswith("marginrules.")
        and target.split(".")[1] in rooms - {name.split(".")[0]}
    ]
    assert not met


def test_libraries_stay_in_their_rooms() -> None:
    """Only the server and the client know gRPC, one file knows PyYAML, and so on."""
    strayed = []
    for name, tree in modules():
        for target in imports(tree):
            rooms = ONLY.get(target.split(".")[0])
            if rooms is not None and not any(name == room or name.startswith(f"{room}.") for room in rooms):
                strayed.append(f"{name} imports {target}")
    assert not strayed


def test_lower_layers_touch_no_outside() -> None:
    """Vocabulary, rulebooks and the ladder read no clock, draw no random number and open no socket."""
    touched = [
        f"{name} imports {target}"
        for name, tree in modules()
        for target in imports(tree)
        if name.split(".")[0] in PURE and target.split(".")[0] in IMPURE
    ]
    assert not touched


def test_yaml_load_is_never_called() -> None:
    """YAML is read as events; no loader of the library ever builds an object."""
    for path in PACKAGE.rglob("*.py"):
        assert not re.search(r"yaml\.(safe_|full_|unsafe_)?load", path.read_text(encoding="utf-8")), path


def test_every_file_has_its_licence_line() -> None:
    """Every source file of ours begins with its licence."""
    for folder in ("marginrules", "tests", "bench"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            if "_pb" not in path.parts and text:
                assert text.startswith("# SPDX-License-Identifier: Apache-2.0"), path


def test_package_data_exists_and_ships_the_books() -> None:
    """Every pattern of package data finds a file, and what is installed as `books` is what stands in `rules/`."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    for pattern in settings["package-data"]["marginrules"]:
        assert any(PACKAGE.glob(pattern)), pattern
    shipped = {str(path.relative_to(PACKAGE / "books")) for path in (PACKAGE / "books").rglob("*.yaml")}
    assert shipped == {str(path.relative_to(ROOT / "rules")) for path in (ROOT / "rules").rglob("*.yaml")}
    assert "us-broker/rulebook.yaml" in shipped


def test_generated_code_is_fresh(tmp_path: Path) -> None:
    """What stands in `_pb` is what the generator makes of the protocol now."""
    generate(tmp_path)
    made = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    kept = {path.name: path.read_text(encoding="utf-8") for path in (PACKAGE / "_pb").glob("*_pb2.py*")}
    assert made == kept


@pytest.mark.parametrize(
    "tool",
    [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"], ["buf", "lint", "proto"]],
    ids=" ".join,
)
def test_lint_is_clean(tool: list[str]) -> None:
    """Linters and the type checker have nothing to say."""
    program = Path(sys.executable).parent / tool[0]
    if not program.exists():
        pytest.skip(f"{tool[0]} is not installed")
    done = subprocess.run([program, *tool[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_codes_are_well_formed_and_used() -> None:
    """Every error code has its form, its own meaning, and a place in the source that raises it."""
    assert len(set(CODES.values())) == len(CODES)
    assert len(set(PROBLEMS.values())) == len(PROBLEMS)
    source = "".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    for code in (*CODES, *PROBLEMS):
        assert re.fullmatch(r"MR-[RIOS]\d{3}", code)
        assert source.count(f'"{code}"') >= 2, f"{code} is listed and never used"


def test_unknown_code_is_a_mistake_of_ours() -> None:
    """An error cannot be made with a code that is not listed."""
    with pytest.raises(AssertionError):
        InputError("MR-I999", "x")


def test_reasons_have_the_numbers_of_the_core() -> None:
    """The reason bits of Python and of the core are the same numbers."""
    layout = (PACKAGE / "_core" / "layout.pyx").read_text(encoding="utf-8")
    numbers = {name: int(value) for name, value in re.findall(r"^    ([A-Z_]+) = (\d+)$", layout, re.MULTILINE)}
    shared = [bit for bit in Reason if bit.name in numbers]
    assert len(shared) >= 12
    for bit in shared:
        assert numbers[str(bit.name)] == bit.value
