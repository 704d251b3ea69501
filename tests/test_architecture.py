"""The architecture, held by reading every module: nobody has to remember it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

LAYERS: Sequence[Sequence[str]] = [
    layer.split()
    for layer in """
    __main__;
    cli;
    cli_judge cli_probe cli_compare cli_run cli_faults cli_settings;
    checking learning probing claiming comparing;
    harness.check harness.learn harness.replay;
    harness.learn_uploads harness.learn_refusals harness.learn_links harness.learn_time;
    harness.asking harness.overlay;
    harness.facts;
    harness.compare harness.comparison_text;
    harness.plugin harness.comparison harness.har harness.recording harness.sides harness.walker;
    harness.aspects harness.step_schema harness.drawn harness.script_life harness.script_input;
    harness.script harness.observation harness.wording harness.shrinking;
    harness.sending harness.going;
    harness.probe harness.conclusions harness.timeline harness.timeline_svg harness.claims;
    harness.judge_overwrite;
    harness.judge_expiry;
    harness.conclusion;
    harness.evidence;
    harness.lifespan;
    harness.receipts;
    harness.drawing harness.target harness.report harness.report_formats harness.report_html
    harness.steps;
    harness.curl;
    harness.session harness.sent harness.plan harness.failure;
    harness.answered;
    harness.document harness.resuming;
    harness.forms harness.api;
    harness.verdicts harness.whole_file harness;
    terminal remote remote_faults remote_settings running;
    serving workers pytest_plugin tally;
    kie kie_clock kie_files kie_faults kie_journal kie_settings interception intercepting
    proxying server protocol;
    build;
    app;
    gate;
    dashboard.site metrics tracing entrance;
    dashboard.clock;
    dashboard.files dashboard.journal dashboard.faults dashboard.worlds dashboard.contract
    dashboard.events;
    dashboard.described dashboard.page;
    dashboard.diagnosis dashboard.reproducing dashboard.versions;
    dashboard.asked dashboard;
    breaking;
    triggers standins;
    refusing;
    operations jobs control control_faults control_settings control_worlds control_document
    control_call downloads
    auth parameters stateless seeding;
    exchange;
    service;
    remembering sweeping known_faults;
    body form jsonbody base64text keeping naming fetching dialling addresses urls inprocess
    origin samples identify signatures parts links wire jsonapi shelves spoiling;
    wired;
    connection framing gathering;
    shared_bucket;
    journal_bucket;
    store.s3;
    store.s3sweep;
    store.s3ends store.s3worlds;
    store.s3facts;
    store store.memory store.disk store.indexed store.diskbytes store.folder store.locking
    store.together store.blackout store.paths store.counting store.s3bytes store.worldrows;
    store.board store.bucketcheck store.owning;
    store.bucket store.s3keys;
    store.s3errors;
    contract settings scenarios;
    changes options;
    operation;
    media refusals security sampling texts;
    schemas;
    document source keywords overlay quirks patterns;
    explanation;
    expectation;
    path_hints content_hints;
    shared_folder;
    shared_faults;
    shared;
    journal_folder;
    worlds lines environment;
    journal tasks arming;
    faults;
    actions conditions;
    values;
    passing;
    progress interrupt;
    screen certificates hosts child stored;
    clock problems sizes secrecy bounds cookies filelock;
    __init__
    """.split(";")
]
"""Every module, the upper ones first: imports point down, or sideways without a circle.

`__init__` is the lowest because everybody imports it; what it offers it imports when asked for.
"""

ASGI = {"app", "control", "gate", "inprocess", "origin", "proxying", "wire"}
"""Who speaks `receive` and `send`."""

TEST_LIBRARIES = {"pytest", "_pytest", "hypothesis", "schemathesis"}
TIME = {
    "time": set("time time_ns monotonic monotonic_ns perf_counter perf_counter_ns".split()),
    "datetime.datetime": {"now", "utcnow", "today"},
    "datetime.date": {"today"},
}
MOST_LINES = 300
MOST_LINES_OF_A_FUNCTION = 45


@dataclass(frozen=True)
class Import:
    """`module` is as it is written, `name` what is taken from it, if anything."""

    module: str
    name: str | None
    line: int


@dataclass(frozen=True)
class Module:
    """One module of a package, by its name below the package."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def imports(self) -> Iterator[Import]:
        """Every import that is carried out, in functions too."""
        for node in carried_out(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield Import(alias.name, None, node.lineno)
            elif isinstance(node, ast.ImportFrom):
                module = "." * node.level + (node.module or "")
                for alias in node.names:
                    yield Import(module, alias.name, node.lineno)


def carried_out(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes below one, without what is for type checkers only."""
    yield node
    below = list(ast.iter_child_nodes(node))
    if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
        below = list(node.orelse)
    for child in below:
        yield from carried_out(child)


def read_package(folder: Path) -> dict[str, Module]:
    """The modules of a package by name: `app`, `store` (its `__init__`), `store.disk`."""
    found = {}
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)
        found[name] = Module(name, path, ast.parse(path.read_text()))
    return found


def edges(package: str, modules: Mapping[str, Module]) -> Iterator[tuple[Module, str, int]]:
    """`(module, imported module of the package, line)`."""
    for module in modules.values():
        for found in module.imports:
            if found.module.startswith("."):
                yield module, "relative", found.line
            elif found.module == package or found.module.startswith(f"{package}."):
                below = found.module.removeprefix(package).removeprefix(".")
                inner = f"{below}.{found.name}".removeprefix(".")
                yield module, inner if inner in modules else below or "__init__", found.line


def violations(folder: Path, layers: Sequence[Sequence[str]]) -> list[str]:
    """What is wrong with the imports of a package, a line each."""
    modules = read_package(folder)
    rank = {name: row for row, names in enumerate(layers) for name in names}
    wrong = [f"{name} is in no layer" for name in modules if name not in rank]
    wrong += [
        f"{name} is in a layer, but there is no such module" for name in rank.keys() - modules
    ]
    sideways: dict[str, set[str]] = {}
    for module, imported, line in edges(folder.name, modules):
        here, there = rank.get(module.name), rank.get(imported)
        if there is None:
            wrong.append(f"{module.name}:{line} imports {imported}, which no layer has")
        elif here is not None and here > there:
            wrong.append(f"{module.name}:{line} imports {imported}, which is above it")
        elif here == there:
            sideways.setdefault(module.name, set()).add(imported)
    try:
        TopologicalSorter(sideways).prepare()
    except CycleError as error:
        wrong.append("a circle: " + " -> ".join(error.args[1]))
    return wrong


def reaches(package: str, modules: Mapping[str, Module], start: str) -> set[str]:
    """The names of top-level packages that a module imports, itself or through others."""
    inside: dict[str, set[str]] = {}
    for module, imported, _ in edges(package, modules):
        inside.setdefault(module.name, set()).add(imported)
    seen, todo = set[str](), [start]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += inside.get(name, ())
    return {
        found.module.partition(".")[0]
        for name in seen
        for found in modules[name].imports
        if not found.module.startswith(package)
    }


def reads_time(module: Module) -> list[str]:
    """Where a module asks for the time of the system."""
    bound: dict[str, str] = {}
    wrong = []
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            bound |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                bound[alias.asname or alias.name] = f"{node.module}.{alias.name}"
                if alias.name in TIME.get(node.module or "", ()):
                    wrong.append(f"{module.name}:{node.lineno} imports {alias.name}")
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute):
            first, _, rest = ast.unparse(node.value).partition(".")
            owner = f"{bound.get(first, '')}.{rest}".removesuffix(".")
            if node.attr in TIME.get(owner, ()):
                wrong.append(f"{module.name}:{node.lineno} uses {owner}.{node.attr}")
    return wrong


def speaks_asgi(module: Module) -> bool:
    """Whether a module has a function that takes `receive` or `send`, or is one."""
    names = ("receive", "send")
    return any(
        (isinstance(node, ast.arg) and node.arg in names)
        or (isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name in names)
        for node in ast.walk(module.tree)
    )


Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def without_docstring(module: Module) -> Iterator[str]:
    """The public classes and functions of a module that do not say what they are.

    A method that overrides one keeps that one's docstring: methods of a class with a base of
    its own are left out.
    """
    if ast.get_docstring(module.tree) is None and module.tree.body:
        yield f"{module.name} itself"
    todo: list[tuple[str, ast.stmt]] = [(module.name, node) for node in module.tree.body]
    while todo:
        where, node = todo.pop()
        if not isinstance(node, Definition) or node.name.startswith("_"):
            continue
        if ast.get_docstring(node) is None:
            yield f"{where}.{node.name}"
        if isinstance(node, ast.ClassDef) and not node.bases:
            todo += [(f"{where}.{node.name}", below) for below in node.body]


def too_long(module: Module) -> Iterator[str]:
    """What is too long in a module."""
    lines = len(module.path.read_text().splitlines())
    if lines > MOST_LINES:
        yield f"{module.name}: {lines} lines"
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > MOST_LINES_OF_A_FUNCTION:
                yield f"{module.name}.{node.name}: {lines} lines"


PACKAGE = read_package(ROOT / "mockkie")
SUITE = read_package(ROOT / "contract_tests")


def test_imports_point_down() -> None:
    assert violations(ROOT / "mockkie", LAYERS) == []


@pytest.mark.parametrize("name", [name for name in PACKAGE if name.startswith("store")])
def test_the_store_does_not_know_starlette(name: str) -> None:
    assert reaches("mockkie", PACKAGE, name).isdisjoint({"starlette", "uvicorn"})


def test_a_command_that_asks_a_running_mock_loads_no_server() -> None:
    assert reaches("mockkie", PACKAGE, "remote").isdisjoint({"starlette", "uvicorn"})


def test_only_plugin_and_harness_know_a_test_library() -> None:
    who = {
        name
        for name, module in PACKAGE.items()
        if TEST_LIBRARIES & {found.module.partition(".")[0] for found in module.imports}
    }
    assert who == {"pytest_plugin", "harness.plugin", "harness.check"}


def test_the_judge_shares_nothing_with_the_mock() -> None:
    """A keyword of the document that one misreads must not be agreed upon by the other."""
    shared = {
        imported
        for module, imported, _ in edges("mockkie", PACKAGE)
        if module.name.startswith("harness")
    }
    assert {name for name in shared if not name.startswith("harness")} <= {
        *("clock", "problems", "__init__")
    }


def test_only_the_clock_reads_the_system_s_time() -> None:
    assert [
        line for name, module in PACKAGE.items() if name != "clock" for line in reads_time(module)
    ] == []
    assert reads_time(PACKAGE["clock"])


def test_few_speak_asgi() -> None:
    mock = {name: module for name, module in PACKAGE.items() if not name.startswith("harness")}
    assert {name for name, module in mock.items() if speaks_asgi(module)} == ASGI


def test_the_suite_knows_the_front_door_only() -> None:
    """The judge reads the document with its own eyes: a misread keyword is not agreed upon."""
    assert {
        (found.module, found.name)
        for module in SUITE.values()
        for found in module.imports
        if found.module.partition(".")[0] == "mockkie"
        and not found.module.startswith("mockkie.harness")
    } <= {("mockkie", None)}


@pytest.mark.parametrize("modules", [PACKAGE, SUITE], ids=["mockkie", "contract_tests"])
def test_everything_public_says_what_it_is(modules: Mapping[str, Module]) -> None:
    assert [line for module in modules.values() for line in without_docstring(module)] == []


@pytest.mark.parametrize("modules", [PACKAGE, SUITE], ids=["mockkie", "contract_tests"])
def test_nothing_is_too_long(modules: Mapping[str, Module]) -> None:
    assert [line for module in modules.values() for line in too_long(module)] == []


def test_the_package_has_every_layer_s_modules() -> None:
    names = [name for names in LAYERS for name in names]
    assert len(names) == len(set(names))
    assert set(names) == set(PACKAGE)


# ------------------------------------------------------------------------- the checker bites


def tree(folder: Path, **files: str) -> Path:
    package = folder / "pkg"
    for name, text in {"__init__": "", **files}.items():
        path = package / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return package


SMALL = [["top"], ["left", "right"], ["low"], ["__init__"]]


def test_a_sound_tree_passes(tmp_path: Path) -> None:
    package = tree(
        tmp_path,
        top="from pkg import left\nimport pkg.low\n",
        left="from pkg.right import thing\nfrom pkg import VERSION\n",
        right="from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from pkg import top\n",
        low="import os\n",
    )
    assert violations(package, SMALL) == []


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"low": "from pkg import top"}, "low:1 imports top, which is above it"),
        ({"low": "import pkg.left"}, "low:1 imports left, which is above it"),
        ({"low": "from pkg.right import x"}, "low:1 imports right, which is above it"),
        ({"low": "def f():\n    from pkg.top import x"}, "low:2 imports top, which is above it"),
        (
            {"low": "if TYPE_CHECKING:\n    pass\nelse:\n    import pkg.top"},
            "low:4 imports top, which is above it",
        ),
        ({"__init__": "import pkg.low"}, "__init__:1 imports low, which is above it"),
        ({"low": "from . import top"}, "low:1 imports relative, which no layer has"),
        ({"stranger": ""}, "stranger is in no layer"),
        ({"deep/__init__": ""}, "deep is in no layer"),
        (
            {"left": "import pkg.right", "right": "import pkg.left"},
            "a circle: left -> right -> left",
        ),
    ],
)
def test_an_offence_is_found(tmp_path: Path, files: dict[str, str], message: str) -> None:
    sound = {"top": "", "left": "", "right": "", "low": ""}
    found = violations(tree(tmp_path, **{**sound, **files}), SMALL)
    assert message in found
    assert len(found) == 1


def test_a_listed_module_that_is_gone_is_found(tmp_path: Path) -> None:
    found = violations(tree(tmp_path, top="", left="", right=""), SMALL)
    assert found == ["low is in a layer, but there is no such module"]


def test_what_others_import_counts_too(tmp_path: Path) -> None:
    modules = read_package(tree(tmp_path, top="import pkg.low", low="import starlette.types"))
    assert reaches("pkg", modules, "top") == {"starlette"}


@pytest.mark.parametrize(
    "source",
    [
        "import time\ntime.time()",
        "import time as t\nnow = t.time_ns",
        "from time import perf_counter",
        "from time import monotonic as m",
        "import datetime\ndatetime.datetime.now()",
        "from datetime import datetime\ndatetime.now(UTC)",
        "from datetime import date, datetime as dt\ndt.utcnow()",
        "from datetime import date\ndate.today()",
    ],
)
def test_a_look_at_the_system_s_time_is_found(source: str) -> None:
    assert len(reads_time(Module("m", Path(), ast.parse(source)))) == 1


@pytest.mark.parametrize(
    "source",
    ["import time\ntime.sleep(1)", "clock.now()", "from datetime import datetime\ndatetime.min"],
)
def test_no_look_at_the_system_s_time(source: str) -> None:
    assert reads_time(Module("m", Path(), ast.parse(source))) == []


def test_missing_docstrings_are_found(tmp_path: Path) -> None:
    source = (
        "class A:\n    def f(self): pass\n    def _g(self): pass\n"
        "class B(A):\n    '''B.'''\n    def f(self): pass\n"
        "async def h(): pass\n"
    )
    modules = read_package(tree(tmp_path, low=source))
    assert sorted(without_docstring(modules["low"])) == [
        *("low itself", "low.A", "low.A.f", "low.h"),
    ]
    assert list(without_docstring(modules["__init__"])) == []


def test_long_files_and_functions_are_found(tmp_path: Path) -> None:
    source = "def f():\n" + "    x = 1\n" * MOST_LINES_OF_A_FUNCTION + "\n" * MOST_LINES
    modules = read_package(tree(tmp_path, low=source))
    assert list(too_long(modules["low"])) == ["low: 346 lines", "low.f: 46 lines"]
