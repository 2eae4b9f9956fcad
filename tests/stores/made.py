"""What the tests of stores make of them: versions, results, a full disk, a plain connection."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from geo_service.access import Acting, Role, acting_as
from geo_service.planning import PlanningService, layers
from geo_service.planning.layers import newest_layer
from geo_service.stores.base import CATALOGUE, REVIEW, Saved, Store, WorkspaceAt
from tests.stores.conftest import Place
from tests.stores.rows import (
    draft,
    parcels,
)

LI = Acting(account="li", roles=frozenset({Role.REVIEWER}))
WANG = Acting(account="wang", roles=frozenset({Role.REVIEWER, Role.ADMIN}))


def submitted(service: PlanningService) -> str:
    """Submit the current review as Li and return its id."""
    with acting_as(LI):
        service.reviews.acts.submit(service.review.review_id, "please")
    return service.review.review_id


def publish(store: Store, count: int, *, expected: str | None = None) -> str:
    """Publish so many parcels and return their version."""
    return store.publish([draft(parcels(count), expected=expected)])[0].version


def publish_parcels(workspace: WorkspaceAt, status: str = "idle") -> None:
    """Publish a workspace's parcels with another status as their next version."""
    now = newest_layer(workspace, "parcels")
    layers.publish(workspace, "parcels", now.frame.assign(status=status), expected=now.version)


def saved(identity: str, *, kind: str = REVIEW, parcels: str = "none", day: int = 0) -> Saved:
    """Return a result made from a version of the parcels."""
    return Saved(
        kind=kind,
        id=identity,
        made_at=datetime(2026, 11, 22, tzinfo=UTC) + timedelta(days=day),
        plan_version="p",
        layer_versions={"parcels": parcels, "roads": "r"},
        rulebook_version="b",
        software="0.1.0",
        recipe={"parks": ["甲"], "none": None},
    )


@contextmanager
def catalogue_of(place: Place) -> Iterator[sa.Connection]:
    """Give a plain connection to a store's catalogue; commit at the end."""
    address, options = f"sqlite:///{place.folder}/store/{CATALOGUE}", {}
    if place.address is not None:
        url = sa.make_url(place.address)
        options = {"options": f"-csearch_path={url.query['schema']},public"}
        plain = url.difference_update_query(["schema"]).set(drivername="postgresql+psycopg")
        address = plain.render_as_string(hide_password=False)
    engine = sa.create_engine(address, connect_args=options, poolclass=sa.NullPool)
    with engine.begin() as connection:
        yield connection


def fill_up(path: Path) -> None:
    """Write a file until there is no room for one more byte."""
    with path.open("wb", buffering=0) as stream:
        for size in (65_536, 4_096, 1):
            with suppress(OSError):
                while stream.write(bytes(size)) == size:
                    pass


def without_accounts(connection: sa.Connection) -> None:
    """Take away what the fourth form of the catalogue and later ones added."""
    for table in (
        *("ledger_lines", "ledger_head"),
        *("account_tokens", "account_sessions", "account_tries", "accounts"),
        *("result_claims", "audit_lines", "audit_head"),
    ):
        connection.execute(sa.text(f"DROP TABLE {table}"))
    connection.execute(sa.text("ALTER TABLE layer_versions DROP COLUMN account"))
    connection.execute(sa.text("ALTER TABLE saved_results DROP COLUMN is_held"))
