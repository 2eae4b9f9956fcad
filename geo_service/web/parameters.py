"""What an address may say: every parameter known, given once, each number as JSON writes it.

One dependency of the whole application reads what the route that was found declares, so no
route can forget it. Pages for people pass over a parameter that they do not know: an address
that a messenger has lengthened still opens. What a value means is left to the routes.
"""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

from fastapi import Request
from fastapi.datastructures import DefaultPlaceholder
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute

from geo_service.documents import nearest_name
from geo_service.errors import UnfitError
from geo_service.language import Language
from geo_service.wording import said, shorten

if typing.TYPE_CHECKING:
    from geo_service.model import Message

LANG = "lang"
"""Known on every route: errors are told in this language too."""
MAX_WHOLE = 2**53 - 1
"""The largest whole number that every reader of JSON agrees on; it fits what stores count in."""
_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]*)")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_MOST_SIGNS = len(str(-MAX_WHOLE))
_LONGEST_NUMBER = 100
_Fault = dict[str, Any]


class NamesAfter:
    """A dependency that lets parameters through whose names begin alike: `unit:investment_cny`."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix

    def __call__(self, request: Request) -> list[tuple[str, str]]:
        """Return those that were given, with their values."""
        given = request.query_params.multi_items()
        return [(name, value) for name, value in given if name.startswith(self.prefix)]


@dataclass(frozen=True)
class _Declared:
    """What a route declares of its address."""

    dependant: Dependant
    is_page: bool

    @cached_property
    def kinds(self) -> dict[str, set[type]]:
        """The types that each parameter of query and path may have, `list` where it may repeat."""
        parts = _parts(self.dependant)
        fields = [field for part in parts for field in (*part.query_params, *part.path_params)]
        return {field.alias: set(_types(field.field_info.annotation)) for field in fields}

    @cached_property
    def names(self) -> list[str]:
        """What may be asked by, the beginnings of open names last."""
        parts = _parts(self.dependant)
        named = [field.alias for part in parts for field in part.query_params]
        return [*dict.fromkeys([*named, LANG]), *self.prefixes]

    @cached_property
    def prefixes(self) -> list[str]:
        """How the names begin that are open."""
        calls = [part.call for part in _parts(self.dependant)]
        return [call.prefix for call in calls if isinstance(call, NamesAfter)]

    def knows(self, name: str) -> bool:
        """Whether a parameter of this name means something here."""
        return name in self.names or name.startswith(tuple(self.prefixes))


_routes: WeakKeyDictionary[Any, _Declared] = WeakKeyDictionary()
"""What was declared, by the function that a route calls."""


async def check_parameters(request: Request) -> None:
    """Refuse parameters that are unknown, given twice, or no numbers where those are meant.

    Raises
    ------
    RequestValidationError
        Every fault, with the name that was given and the nearest known one.
    """
    route: APIRoute = request.scope["route"]
    if route.endpoint not in _routes:
        _routes[route.endpoint] = _Declared(route.dependant, answers_with_a_page(route))
    declared = _routes[route.endpoint]
    faults = list(_faults_of_query(declared, request.query_params.multi_items()))
    for name, value in request.path_params.items():
        faults += _faults_of_number("path", name, str(value), declared.kinds.get(name, set()))
    if faults:
        raise RequestValidationError(faults)


def _faults_of_query(declared: _Declared, query: list[tuple[str, str]]) -> Iterator[_Fault]:
    seen: set[str] = set()
    for name, value in query:
        if not declared.knows(name):
            if not declared.is_page and name not in seen:
                near = nearest_name(name, declared.names)
                yield _fault("query", name, said("problem.known_parameter", near=near))
            seen.add(name)
            continue
        kinds = declared.kinds.get(name, set())
        if name in seen and list not in kinds:
            yield _fault("query", name, said("problem.given_once"))
        seen.add(name)
        yield from _faults_of_number("query", name, value, kinds)
        if name == LANG and LANG not in declared.kinds and value not in set(Language):
            known = [language.value for language in Language]
            yield _fault("query", name, said("fault.one_of", known=known))


def answers_with_a_page(route: APIRoute) -> bool:
    """Return whether a route answers with HTML, for a person to look at."""
    kind = route.response_class
    found = kind.value if isinstance(kind, DefaultPlaceholder) else kind
    return issubclass(found, HTMLResponse)


def is_number(text: str) -> bool:
    r"""Return whether a text is a number as JSON writes it.

    >>> [is_number(text) for text in ("1", "-0.5", "1e-7", "1_0", " 1", "+1", "\uff11", "nan")]
    [True, True, True, False, False, False, False, False]
    """
    return len(text) <= _LONGEST_NUMBER and _NUMBER.fullmatch(text) is not None


def _faults_of_number(part: str, name: str, value: str, kinds: set[type]) -> Iterator[_Fault]:
    if str in kinds:
        return
    if int in kinds and float not in kinds:
        if not _WHOLE.fullmatch(value):
            yield _fault(part, name, said("problem.whole_in_digits"))
        elif len(value) > _MOST_SIGNS or abs(int(value)) > MAX_WHOLE:
            yield _fault(part, name, said("problem.whole_at_most", most=MAX_WHOLE))
    elif float in kinds and not is_number(value):
        yield _fault(part, name, said("problem.number_in_digits"))


def _fault(part: str, name: str, expected: Message) -> _Fault:
    """Return a fault as the framework tells its own."""
    error = UnfitError(expected)
    where = (part, shorten(name))
    return {"type": "value_error", "loc": where, "msg": str(error), "ctx": {"error": error}}


def _parts(dependant: Dependant) -> Iterator[Dependant]:
    yield dependant
    for part in dependant.dependencies:
        yield from _parts(part)


def _types(annotation: Any) -> Iterator[type]:  # noqa: ANN401 - a type expression
    """Yield the plain types that a type expression is made of."""
    origin = typing.get_origin(annotation)
    if isinstance(origin, type):
        yield origin
    if origin is not None and origin is not typing.Literal:
        arguments = typing.get_args(annotation)
        for argument in arguments[:1] if origin is typing.Annotated else arguments:
            yield from _types(argument)
    elif isinstance(annotation, type):
        yield annotation
