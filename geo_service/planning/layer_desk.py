"""Layers as they are asked for: of a running service, and for a terminal.

What becomes of versions is in `layers`, what goes out of one in `layer_files`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from geo_service.errors import SourceError, WorkspaceError
from geo_service.language import Language, Translator
from geo_service.planning.layer_files import boundary_points, version_features
from geo_service.planning.layers import (
    difference_of,
    history_of,
    layer_difference,
    layer_history,
    rollback,
)
from geo_service.planning.once import open_plan_with
from geo_service.planning.printable import Printable
from geo_service.reports.document import Slice, collection, layers_document
from geo_service.reports.layer import (
    difference_document,
    difference_features,
    difference_table,
    history_document,
    history_table,
    version_document,
)
from geo_service.reports.terminal import layers_table
from geo_service.workspace.opening import open_workspace

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping

    from geo_service.planning.following import Follower
    from geo_service.planning.state import ServiceState
    from geo_service.reports.document import Document
    from geo_service.stores.base import Box, LayerVersion


class LayerDesk:
    """The layers of one county and their versions."""

    def __init__(self, state: ServiceState, follower: Follower) -> None:
        self._state = state
        self._follower = follower

    def listed(self, language: Language) -> Document:
        """Return every layer of the plan: features, illustrative ones, version and sources."""
        states = self._state.workspace.own_states() if self._state.has_workspace else {}
        return layers_document(self._state.plan, self._state.translator(language), states)

    def history(self, layer: str) -> Document:
        """Return a layer's versions, newest first, as `layers.history_of`."""
        return history_document(layer, history_of(self._state.workspace, layer))

    def rollback(self, layer: str, version: str, *, expected: str, note: str = "") -> Document:
        """Publish what an earlier version held, and take it up; as `layers.rollback`.

        SourceError when the old rows do not fit the other layers any more.
        """
        self._follower.check_files()
        at = self._state.workspace.at
        try:
            entry = rollback(at, layer, version, expected=expected, note=note)
        except WorkspaceError as error:  # what was asked for does not fit; what there is does
            raise SourceError(error.message, error.faults) from error
        self._follower.refresh()
        return {"layer": layer, **version_document(entry)}

    def difference(
        self, layer: str, before: str | None, after: str | None, *, slice_: Slice
    ) -> Document:
        """Return what changed between two versions, without values; each list is paged."""
        old, new, found = difference_of(self._state.workspace, layer, before, after)
        return difference_document(old, new, found, with_values=False, slice_=slice_)

    def changed_features(
        self, layer: str, before: str | None, after: str | None, *, slice_: Slice
    ) -> Document:
        """Return the features that changed between two versions, as GeoJSON."""
        _, _, found = difference_of(self._state.workspace, layer, before, after)
        limit, offset = slice_
        features = difference_features(found)
        return collection(features[offset : offset + limit], len(features))

    def features(
        self, layer: str, version: str, *, bbox: Box | None, where: Iterable[str], slice_: Slice
    ) -> Document:
        """Return features of a kept version as GeoJSON; as `layer_files.version_features`."""
        opened = self._state.workspace
        return version_features(opened, layer, version, bbox=bbox, where=where, slice_=slice_)

    def boundary_points(
        self, layer: str, *, park_id: str | None = None, bbox: Box | None = None
    ) -> bytes:
        """Return a layer's polygons as boundary points; as `layer_files.boundary_points`."""
        return boundary_points(self._state.plan, layer, park_id=park_id, bbox=bbox)


# ---- for a terminal --------------------------------------------------------------------------


def list_layers(
    workspace: str | os.PathLike[str], language: Language
) -> tuple[Document, Mapping[str, str]]:
    """Return every layer of a workspace, and what has become of each one's own file."""
    with open_workspace(workspace) as opened:
        plan = opened.plan()
        states = opened.own_states()
    translator = Translator(language, plan.settings.names_hant)
    return layers_document(plan, translator, states), states


def printable_layers(document: Document) -> Printable:
    """Return the layers of a workspace, for a terminal."""
    return Printable(
        lambda: document,
        lambda translator, width: layers_table(document, translator, width=width),
    )


def printable_history(workspace: str | os.PathLike[str], layer: str) -> Printable:
    """Return a layer's versions, for a terminal; as `layers.layer_history`."""
    entries = layer_history(workspace, layer)
    return Printable(
        lambda: history_document(layer, entries),
        lambda translator, width: history_table(layer, entries, translator, width=width),
    )


def printable_publication(entry: LayerVersion) -> Printable:
    """Return a version that was published, for a terminal."""
    return Printable(
        lambda: {"layer": entry.layer, **version_document(entry)},
        lambda translator, width: history_table(entry.layer, [entry], translator, width=width),
    )


def printable_difference(
    workspace: str | os.PathLike[str], layer: str, before: str | None, after: str | None
) -> Printable:
    """Return what changed between two versions, for a terminal; as `layers.layer_difference`."""
    old, new, found = layer_difference(workspace, layer, before, after)
    return Printable(
        lambda: difference_document(old, new, found),
        lambda translator, width: difference_table(found, translator, width=width),
    )


def changed_features(
    workspace: str | os.PathLike[str], layer: str, before: str | None, after: str | None
) -> Document:
    """Return the features that changed between two versions, as GeoJSON."""
    _, _, found = layer_difference(workspace, layer, before, after)
    features = difference_features(found)
    return collection(features, len(features))


def workspace_boundary_points(
    workspace: str | os.PathLike[str],
    layer: str,
    *,
    park_id: str | None = None,
    scenario: str | None = None,
) -> bytes:
    """Return a layer's polygons as boundary points; as `layer_files.boundary_points`.

    With `scenario`, an id or a file, they are those of its plan.
    """
    return boundary_points(open_plan_with(workspace, scenario), layer, park_id=park_id)
