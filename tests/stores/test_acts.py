"""Reviews as acts in both stores: submitted, returned, signed once, and held from then on."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Barrier

import pytest
import sqlalchemy as sa

from geo_service.access import Acting, Role, acting_as
from geo_service.errors import ConflictError, ForeignError, NotFoundError
from geo_service.language import ENGLISH, Language
from geo_service.planning import PlanningService
from geo_service.planning.acts import ActState
from geo_service.reports.digest import Found
from geo_service.stores.base import REVIEW, Store, WorkspaceAt
from geo_service.stores.ledger import Topic
from geo_service.stores.opening import open_store
from tests.stores.conftest import COUNTY, Place
from tests.stores.made import LI, WANG, catalogue_of, publish_parcels, submitted

WU = Acting(account="wu", roles=frozenset({Role.REVIEWER}))
ZHAO = Acting(account="zhao", roles=frozenset({Role.PLANNER}))
Start = Callable[[], PlanningService]


def state_of(service: PlanningService, review_id: str) -> str:
    return str(service.reviews.acts.document(review_id, ENGLISH)["state"])


def test_lines_are_added_only_after_the_last_one_that_was_seen(
    opening: Callable[[], Store],
) -> None:
    store, other = opening(), opening()
    assert store.ledger.about(Topic.FINDING, "a") == []
    assert store.ledger.verify() == []
    first = store.ledger.add(Topic.FINDING, "a", "li", {"state": "open"}, after=0)
    second = other.ledger.add(Topic.FINDING, "b", "wang", {"state": "done"}, after=0)
    assert (first.number, second.number) == (1, 2)
    with pytest.raises(ConflictError):
        other.ledger.add(Topic.FINDING, "a", "wang", {"state": "done"}, after=0)
    third = other.ledger.add(Topic.FINDING, "a", "wang", {"state": "done"}, after=1)
    assert store.ledger.about(Topic.FINDING, "a") == [first, third]
    assert store.ledger.of(Topic.FINDING) == {"a": [first, third], "b": [second]}
    assert (store.ledger.count(Topic.FINDING), store.ledger.count(Topic.REVIEW)) == (3, 0)
    assert store.ledger.verify() == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ("UPDATE ledger_lines SET content = replace(content, 'open', 'done')", (1, "changed")),
        ("UPDATE ledger_lines SET subject = 'c' WHERE number = 2", (2, "changed")),
        ("DELETE FROM ledger_lines WHERE number = 1", (1, "missing")),
        ("DELETE FROM ledger_lines WHERE number = 2", (2, "missing")),
    ],
)
def test_a_line_that_was_altered_is_found(
    place: Place, change: str, fault: tuple[int, str]
) -> None:
    with closing(place.open()) as store:
        store.ledger.add(Topic.FINDING, "a", "li", {"state": "open"}, after=0)
        store.ledger.add(Topic.FINDING, "b", "li", {"state": "kept"}, after=0)
    with catalogue_of(place) as connection:
        connection.execute(sa.text(change))
    with closing(place.open()) as store:
        found = store.ledger.verify()
    assert (found[0].number, found[0].kind) == fault


def test_a_review_is_submitted_and_signed_by_another(start: Start) -> None:
    service = start()
    review_id = submitted(service)
    acts = service.reviews.acts
    with acting_as(LI):
        assert acts.document(review_id, ENGLISH)["may"] == []
        with pytest.raises(ForeignError):  # its author
            acts.sign(review_id)
        with pytest.raises(ConflictError):
            acts.submit(review_id)
    with acting_as(ZHAO), pytest.raises(ForeignError):  # no reviewer
        acts.sign(review_id)
    with pytest.raises(ForeignError):  # nobody
        acts.sign(review_id)
    with acting_as(WANG):
        assert acts.document(review_id, ENGLISH)["may"] == ["return", "sign"]
        acts.sign(review_id, "agreed")
        with pytest.raises(ConflictError):
            acts.give_back(review_id, "too late")
        told = acts.document(review_id, ENGLISH)
    assert told["state"] == "signed"
    steps = [(one["step"], one["account"], one["note"]) for one in told["steps"]]
    assert steps == [("submitted", "li", "please"), ("signed", "wang", "agreed")]
    record = told["record"]
    assert record["plan_version"] == service.plan.version
    assert record["rulebook_version"] == service.rulebook.version
    assert record["findings_digest"] == Found.of(service.review).digest
    assert {item["state"] for item in record["documents"]} == {"in_force"}
    other = start()
    assert state_of(other, review_id) == "signed"
    assert other.reviews.acts.listed(ActState.SUBMITTED) == []
    assert [one["review_id"] for one in other.reviews.acts.listed()] == [review_id]
    listed, _ = other.reviews.summaries(Language.EN)
    assert {one["review_id"]: one["act_state"] for one in listed}[review_id] == "signed"


def test_a_returned_review_is_a_draft_again(start: Start) -> None:
    service = start()
    review_id = submitted(service)
    acts = service.reviews.acts
    with acting_as(WANG):
        acts.give_back(review_id, "the date")
        assert state_of(service, review_id) == "draft"
        with pytest.raises(ConflictError):
            acts.sign(review_id)
    assert not service.workspace.store.find(REVIEW, review_id).is_held
    submitted(service)
    with acting_as(WANG):
        acts.sign(review_id)
    with pytest.raises(NotFoundError), acting_as(WANG):
        acts.sign("r-000000000000")


def test_one_of_two_signers_signs(start: Start) -> None:
    service, other = start(), start()
    review_id = submitted(service)
    ready = Barrier(2)

    def sign(who: Acting, acting_service: PlanningService) -> bool:
        with acting_as(who):
            ready.wait()
            try:
                acting_service.reviews.acts.sign(review_id)
            except ConflictError:
                return False
            return True

    with ThreadPoolExecutor(2) as pool:
        won = list(pool.map(sign, (WANG, WU), (service, other)))
    assert sorted(won) == [False, True]
    lines = service.workspace.store.ledger.about(Topic.REVIEW, review_id)
    assert [line.content["step"] for line in lines] == ["submitted", "signed"]


def test_only_the_review_that_counts_is_submitted_and_only_by_who_made_it(start: Start) -> None:
    service = start()
    with acting_as(WANG):
        trial = service.reviews.make(service.rulebook, parks=["P1"], is_trial=True)
    acts = service.reviews.acts
    with acting_as(WANG), pytest.raises(ConflictError, match="trial"):
        acts.submit(trial.review_id)
    with acting_as(WANG):
        made = service.reviews.make(service.rulebook)
    with acting_as(LI):
        assert acts.document(made.review_id, ENGLISH)["may"] == []
        with pytest.raises(ForeignError):
            acts.submit(made.review_id)


def test_a_review_of_data_that_was_replaced_is_not_submitted(
    start: Start, workspace: WorkspaceAt
) -> None:
    service, other = start(), start()
    old = service.review.review_id
    with acting_as(LI):
        service.reviews.make(service.rulebook)
    publish_parcels(workspace)
    acts = other.reviews.acts
    with acting_as(LI), pytest.raises(ConflictError):  # this process has not seen it yet
        acts.submit(old)
    assert service.refresh()
    with acting_as(LI), pytest.raises(ConflictError, match="have changed since"):
        service.reviews.acts.submit(old)
    review_id = submitted(service)
    assert review_id != old
    publish_parcels(workspace, "vacant")
    assert service.refresh()
    with acting_as(WANG):
        service.reviews.acts.sign(review_id)  # what was submitted may still be signed
    told = service.reviews.acts.document(review_id, ENGLISH)
    assert (told["state"], told["is_outdated"]) == ("signed", True)


def test_nothing_drops_what_a_submitted_review_rests_on(start: Start) -> None:
    service = start()
    review_id = submitted(service)
    store = service.workspace.store
    layers = dict(store.find(REVIEW, review_id).layer_versions)
    assert store.drop([(REVIEW, review_id)], but_pinned=True) == 0
    with pytest.raises(ConflictError):
        store.drop([(REVIEW, review_id)])
    assert [one.is_held for one in store.outlines()] == [True]
    gone = service.saved.retain(days=0.0, most_bytes=0)["dropped"]
    assert gone == []
    store.retain(1)
    for layer, version in layers.items():
        store.read(layer, version)
    with acting_as(WANG):
        service.saved.pin(review_id, is_pinned=False)
        with pytest.raises(ConflictError):
            service.saved.drop(review_id)


def test_acts_move_with_the_store(start: Start, place: Place) -> None:
    service = start()
    review_id = submitted(service)
    store = service.workspace.store
    with closing(open_store(place.folder / "elsewhere", COUNTY)) as target:
        target.take_over(store)
        assert target.find(REVIEW, review_id).is_held
        assert target.ledger.of(Topic.REVIEW) == store.ledger.of(Topic.REVIEW)
        assert target.ledger.verify() == []
