"""A command looks for garbage rarely; a process that lives on does so as usual."""

from __future__ import annotations

import gc
import weakref

import pytest

from geo_service.memory import collected_seldom, settle


@pytest.mark.usefixtures("real_collector")
def test_a_command_collects_seldom_and_what_lives_on_as_usual() -> None:
    usual = gc.get_threshold()
    with collected_seldom():
        assert gc.get_threshold()[0] > 100 * usual[0]
    assert gc.get_threshold() == usual
    with collected_seldom():
        settle()
        assert gc.get_threshold() == usual


class Circle:
    """What refers to itself."""

    def __init__(self) -> None:
        self.own = self


@pytest.mark.usefixtures("real_collector")
def test_what_was_there_to_stay_is_given_back_once_nothing_refers_to_it() -> None:
    held = Circle()
    settle()
    circle = weakref.ref(held)
    del held
    gc.collect()
    assert circle() is not None  # it is not looked at
    settle()
    assert circle() is None
