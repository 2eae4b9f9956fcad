"""Sends the service what would crash or hang it, and prints what it answered, as JSON.

A program of its own, since a crash would end the tests: `python hostile_bodies.py WORKSPACE`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from geo_service.planning import PlanningService
from geo_service.web.app import create_app
from tests.client import TestClient

RULES = 'format: "1"\ntitle: {en: a}\nextends: default\nrules:\n'
PROJECT = '{"name": "a", "industry_code": "3841", "needs": {"land_m2": %s}}'
WEIGHTS = '{"weights": {"slope": %s}}'
DIGITS = "9" * 400


def rulebook(text: str) -> str:
    """Return a body with this rulebook."""
    return json.dumps({"rulebook": text})


POSTED: dict[str, tuple[str, str | bytes]] = {
    "rulebook of block lists": ("/api/reviews", rulebook("- " * 50_000)),
    "rulebook of flow lists": ("/api/reviews", rulebook("[" * 400_000)),
    "rulebook of unknown rules": (
        "/api/reviews",
        rulebook(RULES + "".join(f"  focus.shar{i}: {{}}\n" for i in range(20_000))),
    ),
    "rulebook with a count of 400 digits": (
        "/api/reviews",
        rulebook(f"{RULES}  focus.few_enterprises: {{parameters: {{minimum: '{DIGITS}'}}}}\n"),
    ),
    "lists to the last byte": ("/api/reviews", "[" * 1_999_999),
    "objects": ("/api/rankings", '{"a":' * 100_000),
    "lists after a text": ("/api/rankings", '{"a": "' + '\\"' * 1_000 + '", "b": ' + "[" * 50_000),
    "UTF-16": ("/api/reviews", ('{"a": "\\"", "b": ' + "[" * 50_000).encode("utf-16")),
    "no UTF-8": ("/api/reviews", b'{"rulebook": "\xff"}'),
    "400 digits": ("/api/rankings", PROJECT % DIGITS),
    "5,000 digits": ("/api/rankings", PROJECT % ("9" * 5_000)),
    "400 digits in a text": ("/api/rankings", PROJECT % f'"{DIGITS}"'),
    "99 digits": ("/api/rankings", PROJECT % ("9" * 99)),
    "1e400": ("/api/rankings", PROJECT % "1e400"),
    "1e308": ("/api/rankings", PROJECT % "1e308"),
    "NaN": ("/api/rankings", PROJECT % "NaN"),
    "-Infinity": ("/api/rankings", PROJECT % "-Infinity"),
    "half a character": ("/api/rankings", '{"name": "\\ud800"}'),
    "weight of 400 digits": ("/api/rankings/x/weights", WEIGHTS % DIGITS),
    "weight of 99 digits": ("/api/rankings/x/weights", WEIGHTS % ("9" * 99)),
    "weight NaN": ("/api/rankings/x/weights", WEIGHTS % "NaN"),
    "weight 1e400": ("/api/rankings/x/run", WEIGHTS % "1e400"),
    "area of lists": ("/api/areas", '{"type": "Polygon", "coordinates": ' + "[" * 100_000),
    "area of 400 digits": (
        "/api/areas",
        '{"type": "Polygon", "coordinates": [[[' + DIGITS + ", 1], [2, 2], [3, 1]]]}",
    ),
    "area of NaN": (
        "/api/areas",
        '{"type": "Polygon", "coordinates": [[[NaN, 1], [2, 2], [1e400, 1], [NaN, 1]]]}',
    ),
}
ASKED: dict[str, dict[str, str]] = {
    "weights of lists": {"weights": "[" * 8_000},
    "weights of 400 digits": {"weights": f'{{"slope": {DIGITS}}}'},
    "weights of NaN": {"weights": '{"slope": NaN}'},
    "weights of 1e400": {"weights": '{"slope": 1e400}'},
}
NUMBERS = (DIGITS, "9" * 5_000, "9223372036854775808", "1e400", "nan", "-inf")


def main() -> None:
    """Print by attack the status and the problem document that came back."""
    county = PlanningService.open(Path(sys.argv[1]))
    with TestClient(create_app(county), raise_server_exceptions=False) as client:
        answers = {
            name: client.post(path, content=body, headers={"content-type": "application/json"})
            for name, (path, body) in POSTED.items()
        }
        for name, query in ASKED.items():
            answers[name] = client.get("/api/rankings/x/features", params=query)
        paths = client.get("/openapi.json").json()["paths"]
        for path, operations in paths.items():
            for method, operation in operations.items():
                for name in _numbers_of(operation):
                    for number in NUMBERS:
                        address, query = _address(path, operation, {name: number})
                        shown = f"{method} {path} {name}={number[:20]}"
                        answers[shown] = client.request(method, address, params=query)
    found = {
        name: (answer.status_code, answer.headers["content-type"], answer.text[-2_000:])
        for name, answer in answers.items()
    }
    print(json.dumps(found))  # noqa: T201 - what this program is for


def _numbers_of(operation: dict[str, object]) -> list[str]:
    """Return the parameters of an operation that are numbers."""
    listed = operation.get("parameters", [])
    assert isinstance(listed, list)
    return [
        item["name"]
        for item in listed
        if any(kind in json.dumps(item["schema"]) for kind in ('"integer"', '"number"'))
    ]


def _address(
    path: str, operation: dict[str, object], given: dict[str, str]
) -> tuple[str, dict[str, str]]:
    """Return a path and query with this parameter, and something for those that are needed."""
    known = {"layer": "parcels", "kind": "overview"} | given
    query = {}
    listed = operation["parameters"]
    assert isinstance(listed, list)
    for item in listed:
        name = item["name"]
        if item["in"] == "path":
            path = path.replace(f"{{{name}}}", known.get(name, "1"))
        elif name in given or item.get("required"):
            query[name] = known.get(name, "1")
    return path, query


if __name__ == "__main__":
    main()
