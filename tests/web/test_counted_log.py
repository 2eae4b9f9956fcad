"""Lines that repeat are counted instead of written."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from geo_service.web.counted_log import CountedLines

Written = tuple[logging.Logger, CountedLines, io.StringIO]


@contextmanager
def writing(name: str, counted: CountedLines) -> Iterator[Written]:
    """Give a logger of its own, its filter, and what is written."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(counted)
    logger = logging.getLogger(f"{__name__}.{name}")
    logger.propagate = False
    logger.addHandler(handler)
    yield logger, counted, stream
    logger.removeHandler(handler)
    counted.flush()


@pytest.fixture
def written() -> Iterator[Written]:
    """Return a logger that writes three lines of a kind in an hour."""
    with writing("hour", CountedLines(seconds=3_600.0, written=3)) as given:
        yield given


def test_a_hundred_thousand_lines_are_three_and_their_count(written: Written) -> None:
    logger, counted, stream = written
    for number in range(100_000):
        logger.warning("No connection %d", number)
    counted.flush()
    lines = stream.getvalue().splitlines()
    assert lines[:3] == ["No connection 0", "No connection 1", "No connection 2"]
    assert lines[3:] == ["99997 more lines: No connection %d"]


def test_faults_from_different_places_are_all_told(written: Written) -> None:
    logger, _, stream = written

    def fail(place: int) -> None:
        if place:
            raise ValueError(place)
        raise KeyError(place)

    for place in range(2):
        for _ in range(10):
            try:
                fail(place)
            except (KeyError, ValueError):
                logger.exception("Unexpected fault")
    assert stream.getvalue().count("KeyError: 0") == 3
    assert stream.getvalue().count("ValueError: 1") == 3


def test_what_is_remembered_is_bounded(written: Written) -> None:
    logger, counted, stream = written
    for number in range(1_000):
        logger.warning(f"made by hand {number}")  # noqa: G004 - what others do
    assert len(counted._kinds) <= 256
    assert len(stream.getvalue().splitlines()) == 1_000


def test_a_while_later_lines_are_written_again() -> None:
    with writing("again", CountedLines(seconds=0.0, written=1)) as (logger, _, stream):
        for _ in range(3):
            logger.warning("again")
        assert stream.getvalue().splitlines() == ["again"] * 3
