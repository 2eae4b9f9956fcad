"""Documents from outside: what is read stays the same, what is over a limit is a fault in words."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from geo_service.data import data_file
from geo_service.document_limits import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_DIGITS,
    MAX_FAULTS,
    MAX_TEXT,
    check_json,
    json_limit,
)
from geo_service.documents import read_json, read_text, read_toml, read_yaml
from geo_service.errors import ProjectError, RulebookError, SourceError
from geo_service.ingest.options import parse_mapping
from geo_service.language import Language, Translator
from geo_service.suitability.project import parse_project
from geo_service.wording import tell
from geo_service.zoning.rulebook import parse_rulebook
from tests.depth import thorough

ENDS_WITHIN_S = 600
"""Ten times what all take on a busy machine: a reader that hangs is stopped, a slow one is not."""
_PARSERS = (parse_rulebook, parse_project, parse_mapping)

# What ended the process or held a thread, as expressions: a whole would not fit into a call.
ATTACKS = {
    "block lists": "'- ' * 50_000",
    "block lists to the last byte": "'- ' * (MAX_BYTES // 2)",
    "block mappings": "''.join(' ' * i + 'a:\\n' for i in range(2_000))",
    "questions": "'? ' * 50_000",
    "flow lists": "'[' * 400_000",
    "closed flow lists": "'[' * 100_000 + ']' * 100_000",
    "flow lists a line each": "'[\\n' * 100_000",
    "flow mappings": "'{a: ' * 100_000",
    "flow questions": "'{? ' * 100_000",
    "lists of two": "'[a, ' * 100_000",
    "JSON objects": "'{\"a\":' * 100_000",
    "JSON lists after a text": "'{\"a\": \"' + '\\\\\"' * 100_000 + '\", \"b\": ' + '[' * 100_000",
    "directives": "''.join(f'%TAG !a{i}! b\\n' for i in range(50_000)) + '--- a'",
    "directives by carriage return": "'%A b\\r' * 50_000 + '--- a'",
    "many values": "'- a\\n' * 600_000",
    "many names": "''.join(f'a{i}: b\\n' for i in range(300_000))",
    "names that repeat": "'a: b\\n' * 200_000",
    "documents": "'--- a\\n' * 100_000",
    "an alias": "'a: &a [x]\\nb: [*a, *a]\\n'",
    "a text": "'a: \"' + 'x' * 4_000_000 + '\"'",
    "a name": "'? ' + 'x' * 4_000_000 + '\\n: 1'",
    "too large": "'a' * (MAX_BYTES + 1)",
    "TOML lists": "'a = ' + '[' * 400_000",
    "TOML tables in each other": "'a = ' + '{a = ' * 100_000",
    "TOML dots": "'a' + '.a' * 400_000 + ' = 1'",
    "TOML dots, quoted": "'\"a\"' + ' . \"a\"' * 400_000 + ' = 1'",
    "TOML heading of dots": "'[a' + '.a' * 400_000 + ']'",
    "TOML dots in tables": "'a = ' + ('{' + 'a.' * 39 + 'a = ') * 39 + '1' + '}' * 39",
    "TOML digits": "'a = ' + '9' * 7_000",
    "TOML hexadecimal digits": "'a = 0x' + 'f' * 7_000",
    "TOML fraction": "'a = 1.' + '9' * 7_000",
    "TOML whole number past 64 bits": "'a = 9223372036854775808'",
    "TOML quotes": "'a = ' + '\"\"\"\"' * 400_000",
    "TOML escapes": "'a = \"' + '\\\\\"' * 400_000",
    "TOML dates": "'a = 9999-99-99'",
    "JSON digits": "'{\"a\": ' + '9' * 5_000 + '}'",
    "JSON exponent": "'{\"a\": 1e400}'",
    "JSON not a number": "'{\"a\": NaN}'",
    "half a character": "'a: \\ud800'",
    "an unknown name in every rule": (
        "'format: \"1\"\\ntitle: {en: a}\\nextends: default\\nrules:\\n'"
        " + ''.join(f'  focus.shar{i}: {{}}\\n' for i in range(60_000))"
    ),
    "unknown names": ("'name: a\\n' + ''.join(f'weight{i}: {{}}\\n' for i in range(60_000))"),
    "a long industry code": (
        "'name: a\\nindustry_code: \"' + '9' * 99_000 + '\"\\nneeds: {land_m2: 1}'"
    ),
}

SCRIPT = """
import json
import sys
from functools import lru_cache

from geo_service.document_limits import MAX_BYTES
from geo_service.documents import read_json, read_toml, read_yaml
from geo_service.errors import GeoServiceError
from geo_service.ingest import options
from geo_service.suitability import project
from geo_service.zoning import rulebook


def once(read):
    # Reading takes most of the time: what was read is not read again for the next parser.
    kept = lru_cache(1)(read)

    def again(text, name):
        *parts, faults = kept(text, name)
        return (*parts, [*faults])

    return again

read_yaml, read_toml = once(read_yaml), once(read_toml)
rulebook.read_yaml = project.read_yaml = read_yaml
options.read_toml = read_toml

for name, attack in json.load(sys.stdin).items():
    text = eval(attack)
    for read in (read_yaml, read_toml, read_json):
        *_, faults = read(text, "a")
        assert sum(len(str(fault)) for fault in faults) < 1_000_000, (name, read)
    for parse in (rulebook.parse_rulebook, project.parse_project, options.parse_mapping):
        try:
            parse(text, "a")
        except GeoServiceError as error:
            assert error.faults and len(str(error)) < 1_000_000, (name, parse)
        else:
            raise SystemExit(f"{parse.__name__} took {name}")
    print(name, flush=True)
"""


@pytest.fixture(scope="module")
def withstood() -> list[str]:
    """Return the attacks that a process of its own lived through, in every reader."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        input=json.dumps(ATTACKS),
        timeout=ENDS_WITHIN_S,
        check=False,
        capture_output=True,
        text=True,
    )
    names = done.stdout.splitlines()
    if done.returncode != 0:
        names.append(f"then ended with {done.returncode}: {done.stderr[-500:]}")
    return names


@pytest.mark.slow
@pytest.mark.parametrize("attack", ATTACKS)
def test_what_would_crash_or_hang_a_parser_is_a_fault(attack: str, withstood: list[str]) -> None:
    assert attack in withstood, withstood[-1]


def found(read: Any, text: str) -> str:  # noqa: ANN401 - one of the readers
    """Return the one fault of a text as a reader words it."""
    *_, faults = read(text, "a")
    (fault,) = faults
    return str(fault)


@pytest.mark.parametrize(
    ("read", "text", "limit"),
    [
        (read_yaml, "- " * 50_000, "at most 40 levels"),
        (read_yaml, "[" * 400_000, "at most 40 levels"),
        (read_toml, "a = " + "[" * 400_000, "at most 40 levels"),
        (read_toml, "a" + ".a" * 41 + " = 1", "at most 40 levels"),
        (read_json, "[" * 400_000, "at most 40 levels"),
        (read_yaml, "- a\n" * 600_000, "at most 500,000 values and names"),
        (read_toml, "a = [" + "1," * 600_000 + "]", "at most 500,000 values and names"),
        (read_json, "[" + "1," * 600_000 + "1]", "at most 500,000 values and names"),
        (read_yaml, "a" * 100_001, "at most 100,000 characters"),
        (read_toml, 'a = "' + "a" * 100_001 + '"', "at most 100,000 characters"),
        (read_toml, "a = " + "9" * 7_000, "numbers of at most 100 digits"),
        (read_toml, "a = " + "9" * 20, "a whole number of 64 bits"),
        (read_json, "9" * 400, "numbers of at most 100 digits"),
        (read_json, "[1e999]", "finite numbers"),
        (read_json, "[-Infinity]", "finite numbers"),
        (read_yaml, "%A b\n" * 11 + "--- a", "at most 10 of them"),
        (read_yaml, "a\n---\nb", "one document"),
        (read_yaml, "[a, b]: c", "a text for a name"),
        (read_yaml, "a" * 5_000_001, "≤ 5,000,000"),
        (read_toml, "a" * 5_000_001, "≤ 5,000,000"),
        (read_json, "a" * 5_000_001, "≤ 5,000,000"),
    ],
)
def test_a_limit_is_named(read: Any, text: str, limit: str) -> None:  # noqa: ANN401 - a reader
    assert limit in found(read, text)


def test_a_limit_is_told_in_the_language_of_the_reader() -> None:
    _, (fault,) = read_toml("a = " + "9" * 7_000, "a")
    assert tell(fault.found, Translator(Language.ZH_HANS)) == "位数过多的数"
    assert tell(fault.expected, Translator(Language.ZH_HANT)) == "數至多 100 位"


def test_what_is_at_a_limit_is_read() -> None:
    nested = "[" * MAX_DEPTH + "a" + "]" * MAX_DEPTH
    data, _, faults = read_yaml(nested, "a")
    assert not faults
    assert json.dumps(data) == nested.replace("a", '"a"')
    assert read_json(nested.replace("a", "1"), "a")[1] == []
    deep = read_toml("a = " + "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1), "a")
    assert deep[1] == []
    digits = "9" * MAX_DIGITS
    assert read_json(digits, "a") == (int(digits), [])
    assert read_yaml("x" * MAX_TEXT, "a")[0] == "x" * MAX_TEXT


def test_a_number_of_many_digits_may_stand_in_a_text() -> None:
    digits = "9" * 5_000
    assert read_json(json.dumps({digits: digits}), "a") == ({digits: digits}, [])
    assert read_toml(f"a = '{digits}' # {digits}", "a") == ({"a": digits}, [])
    assert read_yaml(f"a: {digits}", "a")[0] == {"a": digits}


def test_brackets_and_dots_in_toml_texts_and_comments_are_no_structure() -> None:
    brackets, dots = "[" * 100, ". " * 100
    text = (
        f"# {brackets} ' \" {dots}\n"
        f'a = "\\"{brackets}" # \'{brackets}\n'
        f"b = '{brackets}\\'\n"
        f'c = """{brackets} " "" \\""" {dots}""""\n'
        f"d = '''{brackets}' '' {dots}'''''\n"
        f"e = 1.5\n"
    )
    data, faults = read_toml(text, "a")
    assert not faults
    assert data == {
        "a": f'"{brackets}',
        "b": f"{brackets}\\",
        "c": f'{brackets} " "" """ {dots}"',
        "d": f"{brackets}' '' {dots}''",
        "e": 1.5,
    }


def test_faults_are_counted_no_further_than_makes_sense() -> None:
    text = 'format: "1"\ntitle: {en: a}\nextends: default\nrules:\n'
    text += "".join(f"  focus.shar{number}: {{}}\n" for number in range(MAX_FAULTS + 50))
    with pytest.raises(RulebookError) as caught:
        parse_rulebook(text, "a")
    assert len(caught.value.faults) == MAX_FAULTS + 1
    assert "the rest was not checked" in str(caught.value)


# ---- numbers -----------------------------------------------------------------------------------

NUMBERS = (
    "9" * 400,
    '"' + "9" * 400 + '"',
    "9" * 5_000,
    "1e400",
    ".nan",
    "NaN",
    "-.inf",
    "Infinity",
)
RULES = (
    "focus.leading_share: {{parameters: {{pass_share: {}}}}}",
    "focus.leading_share: {{tolerance: {{area_m2: {}}}}}",
)
PROJECTS = (
    "needs: {{land_m2: {}}}",
    "needs: {{land_m2: 1, power_kva: {}}}",
    "needs: {{land_m2: 1}}\noutput_cny: {}",
    "needs: {{land_m2: 1}}\naccess: {{port: {{max_km: {}}}}}",
    "needs: {{land_m2: 1}}\ncriteria: {{slope: {{weight: {}}}}}",
    "needs: {{land_m2: 1}}\ncriteria: {{slope: {{value_function: {{kind: step, bounds: [{}]}}}}}}",
    "needs: {{land_m2: 1}}\nweights: {{method: ahp, ahp_matrix: {{slope: {{slope: {}}}}}}}",
)


@pytest.mark.parametrize("number", NUMBERS, ids=lambda text: text[:12])
def test_a_number_past_all_bounds_is_a_fault(number: str) -> None:
    head = 'format: "1"\ntitle: {en: a}\nextends: default\nrules:\n  '
    for rule in RULES:
        with pytest.raises(RulebookError):
            parse_rulebook(head + rule.format(number), "a")
    for fields in PROJECTS:
        with pytest.raises(ProjectError):
            parse_project("name: a\nindustry_code: '3841'\n" + fields.format(number), "a")


@pytest.mark.parametrize(
    "value", ["9" * 400, "0x" + "f" * 400, "9" * 7_000, "1e400", "nan", "-inf", "9" * 20]
)
def test_a_mapping_takes_no_such_number_either(value: str) -> None:
    with pytest.raises(SourceError):
        parse_mapping(f"values = {{illustrative = {value}}}", "a")


# ---- the same as before ------------------------------------------------------------------------

TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], exclude_characters="\ufeff"),
    max_size=12,
)
PLAIN = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        TEXTS,
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=25,
)


def composed(node: yaml.Node | None) -> Any:  # noqa: ANN401 - plain data
    """Return PyYAML's own tree as plain data: text but for null, as this project reads YAML."""
    if isinstance(node, yaml.MappingNode):
        return {str(key.value): composed(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [composed(item) for item in node.value]
    return None if node is None or node.tag == "tag:yaml.org,2002:null" else node.value


@given(PLAIN, st.sampled_from([True, False, None]), st.sampled_from([None, "'", '"', "|"]))
@thorough(200)
def test_yaml_is_read_as_its_tree_says(data: Any, flow: bool | None, quote: str | None) -> None:  # noqa: ANN401, FBT001 - plain data; PyYAML's three styles
    class NoAliases(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401, ARG002 - PyYAML's signature
            return True

    text = yaml.dump(
        data, Dumper=NoAliases, default_flow_style=flow, default_style=quote, allow_unicode=True
    )
    read, lines, faults = read_yaml(text, "a")
    assert not faults
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    assert read == composed(node)
    assert len(lines) >= 1 + (len(read) if isinstance(read, (list, dict)) else 0)


@given(PLAIN)
@thorough(200)
def test_json_is_read_as_the_standard_library_reads_it(data: Any) -> None:  # noqa: ANN401 - plain data
    text = json.dumps(data)
    assert read_json(text, "a") == (json.loads(text), [])


@given(st.lists(st.sampled_from([*'[]{},:"\\ 19', '\\"', "\\\\", '"a"', "\n"]), max_size=60))
@thorough(500)
def test_json_in_pieces_is_judged_as_a_whole(tokens: list[str]) -> None:
    whole = "".join(tokens).encode()
    pieces = [token.encode() for token in tokens]
    for most in (0, 2, 5):
        assert json_limit(pieces, most_values=most) == json_limit([whole], most_values=most)


@given(st.recursive(st.just("x"), lambda inner: st.lists(inner, min_size=1, max_size=1)))
@thorough(50)
def test_depth_does_not_count_what_stands_in_texts(data: Any) -> None:  # noqa: ANN401 - plain data
    inner = json.dumps(data).replace("x", "[" * 100)
    check_json([json.dumps([inner, '"' + inner, inner + "\\"]).encode()])


# ---- nonsense ----------------------------------------------------------------------------------

MARKS = st.sampled_from(
    [*"[]{}:,-?&*!|>'\"%@`#=.\n \t\r\x00\x85\ufeff\u2028", "- ", ": ", "? ", "\n  ", "---\n", "a",
     "9" * 30, "1e999", "null", "true", '"""', "'''", "\\", "\ud800", "中", "2025-13-01", "[[a]]\n"]
)  # fmt: skip


@given(st.lists(MARKS, max_size=40).map("".join) | st.text(max_size=80))
@thorough(600)
def test_nonsense_is_data_or_a_fault(text: str) -> None:
    for read in (read_yaml, read_toml, read_json):
        *_, faults = read(text, "a")
        for fault in faults:
            assert str(fault)
    for parse in _PARSERS:
        try:
            parse(text, "a")
        except (RulebookError, ProjectError, SourceError) as error:
            assert error.faults  # noqa: PT017 - either outcome is right


def test_shipped_rulebook_is_read_as_its_tree_says() -> None:
    text = data_file("rulebook.yaml").read_text(encoding="utf-8")
    data, _, faults = read_yaml(text, "a")
    assert not faults
    assert data == composed(yaml.compose(text, Loader=yaml.SafeLoader))


# ---- files -------------------------------------------------------------------------------------


def test_a_file_is_read_to_the_limit_and_no_further(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2\rc: 3\n")
    assert read_text(path) == ("a: 1\nb: 2\nc: 3\n", [])
    path.write_bytes(b"a" * (MAX_BYTES + 1))
    assert "5,000,001 bytes" in str(read_text(path)[1][0])


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs a device without an end")
def test_a_device_without_an_end_is_no_document() -> None:
    assert "≤ 5,000,000" in str(read_text(Path("/dev/zero"))[1][0])
