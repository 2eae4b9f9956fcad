"""Errors hold messages: no module raises in raw words, and none compares what a message says."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

from geo_service import errors
from geo_service.language import catalogue
from tests.conftest import ROOT

PACKAGE = ROOT / "geo_service"
ERRORS = {
    name
    for name, kind in vars(errors).items()
    if inspect.isclass(kind) and issubclass(kind, (errors.GeoServiceError, errors.UnfitError))
} | {"OverLimitError", "RequestRefusedError", "_GoneError", "GoneError"}
SPEAKERS = {"refuse", "_refuse", "source_error", "_fault", "_settings_fault"}
"""Functions that make an error or a fault of what they are given."""
COLLECTORS = {"add", "add_rows"}
"""Methods of what collects faults: of `faults`, not of a set."""
WORDS = {"message", "found", "expected", "public_message", "evidence", "reason"}
RENDERERS = {"said", "tell", "tell_fault", "tell_error", "render", "render_any", "text"}
TAKEN_APART = {"startswith", "endswith", "removeprefix", "removesuffix", "find", "index"}
OTHERS_WORDS = {"ValueError", "AssertionError", "PydanticCustomError"}
"""What a validator could raise and pydantic would tell in English."""
TOLD_PARTS = {"found", "expected", "message", "evidence"}


def name_of(node: ast.AST) -> str:
    """Return the last name of what is called or looked up: `b` of `a.b`."""
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def is_raw(node: ast.AST | None) -> bool:
    """Return whether a value is words that stand in the code: a text, an f-string, or a sum.

    A key of the catalogue is no words: `refuse("draws", "problem.draws")`.
    """
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and node.value not in catalogue()
    if isinstance(node, ast.BinOp):
        return is_raw(node.left) or is_raw(node.right)
    if isinstance(node, ast.IfExp):
        return is_raw(node.body) or is_raw(node.orelse)
    if isinstance(node, ast.BoolOp):
        return any(map(is_raw, node.values))
    if isinstance(node, ast.Call):  # a text made of one that stands in the code, or of an object
        return name_of(node.func) in {"str", "repr", "format", "join"}
    return isinstance(node, ast.JoinedStr)


def words_of(call: ast.Call) -> Iterator[ast.AST]:
    """Yield the arguments of a call that should be messages, if it speaks at all."""
    name = name_of(call.func)
    given = {word.arg: word.value for word in call.keywords}
    if name == "Fault":
        yield from (given[part] for part in ("found", "expected") if part in given)
    elif name == "Choice":
        yield from (given[part] for part in ("evidence",) if part in given)
    elif name in ERRORS:
        is_named = name in {"InvalidQueryError", "ChoiceNeededError"}
        yield from call.args[1:2] if is_named else call.args[:1]
        yield from (value for word, value in given.items() if word in WORDS)
    elif name in SPEAKERS and isinstance(call.func, ast.Name):
        yield from call.args[-1:]
        if name != "refuse":  # whose keywords fill the message
            yield from (value for word, value in given.items() if word in WORDS)
    elif name in COLLECTORS and "fault" in name_of(getattr(call.func, "value", call)):
        yield from call.args[:2] if name == "add" else call.args[2:3]


def assigned(function: ast.AST) -> dict[str, list[ast.AST]]:
    """Return what every name of a function is given, by name."""
    values: dict[str, list[ast.AST]] = {}
    for node in ast.walk(function):
        if not isinstance(node, ast.Assign):
            continue
        for target in node.targets:
            pairs: list[tuple[ast.AST, ast.AST]] = [(target, node.value)]
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = list(zip(target.elts, node.value.elts, strict=False))
            for one, value in pairs:
                if isinstance(one, ast.Name):
                    values.setdefault(one.id, []).append(value)
    return values


def raw_words(tree: ast.AST) -> Iterator[int]:
    """Yield the lines where an error or a fault is given words in place of a message."""
    for function in ast.walk(tree):
        if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        values = assigned(function)
        for node in ast.walk(function):
            if not isinstance(node, ast.Call):
                continue
            for word in words_of(node):
                meant = values.get(word.id, [word]) if isinstance(word, ast.Name) else [word]
                if any(map(is_raw, meant)):
                    yield node.lineno


def is_told(node: ast.AST) -> bool:
    """Return whether a value is a message or the text of one, or that of an error."""
    if isinstance(node, ast.Call):
        if name_of(node.func) == "str" and node.args:
            return name_of(node.args[0]) in {"error", "fault"}
        return name_of(node.func) in RENDERERS
    return (
        isinstance(node, ast.Attribute)
        and node.attr in TOLD_PARTS
        and "fault" in name_of(node.value)
    )


def compared_words(tree: ast.AST) -> Iterator[int]:
    """Yield the lines where code asks what a message says in place of which it is."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            is_none = any(isinstance(side, ast.Constant) and side.value is None for side in sides)
            if not is_none and any(map(is_told, sides)):
                yield node.lineno
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            is_looked_at = node.func.attr in TAKEN_APART and is_told(node.func.value)
            is_matched = node.func.attr in {"match", "search", "fullmatch"} and any(
                map(is_told, node.args)
            )
            if is_looked_at or is_matched:
                yield node.lineno


def raw_validators(tree: ast.Module) -> Iterator[int]:
    """Yield the lines where a module with models raises what pydantic tells in its own words."""
    has_models = any(
        isinstance(node, ast.ImportFrom) and node.module == "pydantic" for node in tree.body
    )
    for node in ast.walk(tree) if has_models else ():
        if not isinstance(node, ast.Raise) or not isinstance(node.exc, ast.Call):
            continue
        if name_of(node.exc.func) in OTHERS_WORDS:
            yield node.lineno


def places(path: Path) -> list[str]:
    """Return where a module speaks in raw words, or compares what was said."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    lines = {*raw_words(tree), *compared_words(tree), *raw_validators(tree)}
    return [f"{path.relative_to(ROOT)}:{line}" for line in sorted(lines)]


def test_errors_are_messages_and_nobody_compares_what_they_say() -> None:
    files = sorted(PACKAGE.rglob("*.py"))
    assert len(files) > 150
    assert [place for path in files for place in places(path)] == []


@pytest.mark.parametrize(
    "body",
    [
        'raise NotFoundError("no such thing")',
        'raise NotFoundError(f"no {a}")',
        'msg = f"no {a}"\n    raise NotFoundError(msg)',
        'msg = said("x") if a else "none"\n    raise InvalidQueryError("a", msg)',
        'raise InvalidQueryError("a", str(a))',
        'raise AssetError("no " + a)',
        'raise StoreError(said("x"), public_message="secret")',
        'raise UnfitError("no")',
        'Fault(file="a", found="x", expected=said("y"))',
        'found, expected = said("x"), "y"\n    Fault(file="a", found=found, expected=expected)',
        'Fault(file="a", found=said("x"), expected=" or ".join(a))',
        'Choice(value="a", evidence="because")',
        'faults.add("no geometry", said("x"))',
        'faults.add_rows(a, a, f"a {a}", "column")',
        'return fault.expected == said("x")',
        'return fault.found in {"no value"}',
        'return str(error).removeprefix("matrix: ")',
        'return fault.expected.startswith("a")',
        'return re.match("a", tell_error(error, a))',
        'return tell(a, b) != "x"',
    ],
)
def test_raw_words_and_comparisons_are_found(
    body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    path = tmp_path / "x.py"
    path.write_text(f"def f(a, faults, fault, error):\n    {body}\n")
    assert len(places(path)) == 1


@pytest.mark.parametrize(
    "body",
    [
        'raise NotFoundError(said("problem.no_tile"))',
        'msg = said("x", name=repr(a))\n    raise InvalidQueryError("a", msg)',
        'Fault(file="a", found=quoted(a), expected=said("x"))',
        'return fault.found.key == "fault.no_value"',
        'seen.add("a")',
        "return error.message.key",
    ],
)
def test_messages_are_none(body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    path = tmp_path / "x.py"
    path.write_text(f"def f(a, seen, fault, error):\n    {body}\n")
    assert places(path) == []


def test_a_validator_says_its_own_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    path = tmp_path / "x.py"
    path.write_text("from pydantic import BaseModel\n\ndef f():\n    raise ValueError(msg)\n")
    assert places(path) == ["x.py:4"]
