"""The API's description: valid, without loose ends, and of our own errors."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, cast

import pytest
from openapi_spec_validator import validate

from geo_service.planning import PlanningService
from geo_service.web.answers import by_status
from geo_service.web.app import create_app
from geo_service.web.description import EVERYWHERE, describe
from geo_service.web.errors import PROBLEM_TYPE, STATUS


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """Return the description, which hangs on no county."""
    app = create_app(cast("PlanningService", None))
    return describe(app)


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation


def test_it_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    validate(document)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    found = set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(document)))
    assert len(found) > 30
    for reference in found:
        place: Any = document
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]


def test_the_framework_s_own_error_is_nowhere(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    assert "HTTPValidationError" not in text
    assert "Validation Error" not in text


def test_every_operation_says_what_the_doors_answer(document: dict[str, Any]) -> None:
    for where, operation in operations(document):
        responses = operation["responses"]
        assert {str(status) for status in EVERYWHERE} <= set(responses), where
        for status, answer in responses.items():
            if int(status) >= 400:
                assert PROBLEM_TYPE in answer["content"], (where, status)
        for status in ("429", "503"):
            assert "Retry-After" in responses[status]["headers"], where
        if "requestBody" in operation:
            assert "422" in responses, where
        if "{" in where and not where.startswith("get /maps/{kind}/features"):
            assert "404" in responses, where
        assert any(given["name"] == "lang" for given in operation["parameters"]), where


def test_every_success_has_a_media_type_and_a_shape(document: dict[str, Any]) -> None:
    for where, operation in operations(document):
        for status in ("200", "201", "202"):
            for kind, entry in operation["responses"].get(status, {}).get("content", {}).items():
                is_file = "Content-Disposition" in operation["responses"][status].get("headers", {})
                if "json" in kind and not is_file:
                    assert entry["schema"]["$ref"], (where, status)
        done = {"200", "201", "204"} & set(operation["responses"])
        assert done, where
        for status in done - {"204"}:
            assert operation["responses"][status]["content"], where


def test_every_error_that_is_raised_on_purpose_can_be_described() -> None:
    for status in STATUS.values():
        assert by_status(status)[status]["description"]
