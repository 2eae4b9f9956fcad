"""Values of findings as JSON, of which the same values are made again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import orjson

from geo_service.model import Message, Quantity

_OPTIONS = (
    orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_DATETIME
    | orjson.OPT_SERIALIZE_NUMPY
    | orjson.OPT_NON_STR_KEYS
)
_MESSAGE, _QUANTITY, _DAY = "$message", "$quantity", "$day"
TAG = b'{"$'
"""How a value begins that JSON does not know."""


def dumped(value: object) -> bytes:
    """Return a value of a finding as JSON, of which `restored` makes the same."""
    return orjson.dumps(value, _told, _OPTIONS)


def _told(value: object) -> object:
    """Return a value that JSON does not know, so that `restored` makes the same of it."""
    if isinstance(value, Message):
        return {_MESSAGE: value.key, "values": dict(value.values)}
    if isinstance(value, Quantity):
        return {_QUANTITY: [value.value, value.unit, value.beside]}
    if isinstance(value, date):
        return {_DAY: value.isoformat()}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(type(value).__name__)


def restored(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return a value as it was before `dumped` made JSON of it."""
    if isinstance(value, list):
        return [restored(item) for item in value]
    if not isinstance(value, dict):
        return value
    if _MESSAGE in value:
        return Message(value[_MESSAGE], restored(value["values"]))
    if _QUANTITY in value:
        return Quantity(*value[_QUANTITY])
    if _DAY in value:
        return date.fromisoformat(value[_DAY])
    return {name: restored(item) for name, item in value.items()}
