"""What the overview compares: the current review with the one whose data or rules it replaced."""

from __future__ import annotations

from collections.abc import Callable

from geo_service.language import Language
from geo_service.planning import PlanningService as Running
from geo_service.planning.layers import rollback
from geo_service.stores.base import WorkspaceAt
from geo_service.zoning.rulebook import default_rulebook
from tests.stores.made import newest_layer, publish_parcels


def test_one_review_is_compared_with_none(start: Callable[[], Running]) -> None:
    county = start()
    assert county.reviews.since_previous(Language.EN)["before"] is None


def test_a_publication_is_compared_and_a_restored_version_is_as_before(
    start: Callable[[], Running], workspace: WorkspaceAt
) -> None:
    county = start()
    first = county.review.review_id
    publish_parcels(workspace, "idle")
    county.refresh()
    second = county.review.review_id
    told = county.reviews.since_previous(Language.EN)
    assert (told["before"], told["after"], told["is_restored"]) == (first, second, False)
    step = {"layer": "parcels", "before": 0, "after": 1, "is_restored": False}
    assert told["layers"] == [step]
    # A trial in between is no news.
    trial = county.reviews.make(default_rulebook(), parks=["P1"], is_trial=True)
    assert county.reviews.since_previous(Language.EN)["before"] == first
    assert county.reviews.is_trial(trial.review_id)
    assert not county.reviews.is_trial(second)

    rollback(workspace, "parcels", "0", expected=newest_layer(workspace, "parcels").version)
    county.refresh()
    assert county.review.review_id == first
    told = county.reviews.since_previous(Language.EN)
    assert (told["before"], told["after"], told["is_restored"]) == (second, first, True)
    step = {"layer": "parcels", "before": 1, "after": 2, "is_restored": True}
    assert told["layers"] == [step]


def test_an_older_version_restored_is_no_return_to_the_one_before(
    start: Callable[[], Running], workspace: WorkspaceAt
) -> None:
    county = start()
    for status in ("idle", "vacant"):
        publish_parcels(workspace, status)
        county.refresh()
    rollback(workspace, "parcels", "0", expected=newest_layer(workspace, "parcels").version)
    county.refresh()
    told = county.reviews.since_previous(Language.EN)
    assert not told["is_restored"]
    assert told["layers"][0]["is_restored"]
