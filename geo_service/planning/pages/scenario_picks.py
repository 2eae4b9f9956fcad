"""What forms of a scenario choose from: features of its plan by name or id, codes of land uses.

Everything is looked for in the scenario's own plan, so that what an edit has added can be chosen
by the next one. Areas in m², shapes in CRS84.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from geo_service.domain.enterprises import latest_year
from geo_service.errors import InvalidQueryError, NotFoundError
from geo_service.language import to_simplified
from geo_service.plan import rows_of
from geo_service.reports.document import Document, geometry_json, industry_name, plain
from geo_service.schema import LAND_USE_SCHEMES, SCHEMAS, ColumnKind, Need
from geo_service.wording import said
from geo_service.zoning.names import land_use_codes_of, named_land_use

if TYPE_CHECKING:
    from geo_service.language import Translator
    from geo_service.plan import Plan

_ABOUT = {
    "parks": ("park_id", "name", "tier", "status", "leading_industry", "supporting_industries"),
    "parcels": ("parcel_id", "park_id", "land_use", "land_use_scheme", "status", "area_m2"),
    "buildings": ("building_id", "name", "park_id", "parcel_id"),
    "floors": ("building_id", "floor_no", "area_m2", "vacant_m2"),
    "enterprises": (
        *("enterprise_id", "name", "year", "industry_code", "park_id", "parcel_id"),
        *("building_id", "floor_no", "output_cny", "land_m2", "floor_m2", "status"),
    ),
    "facilities": ("facility_id", "name", "kind"),
    "control_zones": ("zone_id", "name", "kind", "grade"),
    "roads": ("road_id", "name", "class"),
    "rivers": ("river_id", "name", "rank"),
}
"""By layer the columns that tell features apart; the first one is the id."""
PICKED = tuple(_ABOUT)
CLOSED = "closed"


def find_features(  # noqa: PLR0913 - what a list is asked by
    plan: Plan,
    layer: str,
    translator: Translator,
    *,
    query: str = "",
    feature_id: str | None = None,
    park_id: str | None = None,
    building_id: str | None = None,
    has_geometry: bool = False,
    limit: int = 20,
    offset: int = 0,
) -> Document:
    """Return features of a layer whose id or name contains the query, ids that are it first.

    Of enterprises those of the latest year that are not closed; a floor lies in the park of its
    building. Names match in either script of
    Chinese. InvalidQueryError for a layer that nothing is chosen from; NotFoundError for an
    unknown `feature_id`.
    """
    if layer not in _ABOUT:
        name = "layer"
        raise InvalidQueryError(name, said("problem.no_picks", known=list(PICKED)))
    frame = plan.frame(layer)
    key = _ABOUT[layer][0]
    chosen = np.ones(len(frame), dtype=bool)
    if layer == "enterprises":
        chosen &= (frame["year"] == latest_year(plan)).to_numpy(dtype=bool, na_value=False)
        chosen &= ~(frame["status"] == CLOSED).to_numpy(dtype=bool, na_value=False)
    for column, wanted in (("park_id", park_id), ("building_id", building_id), (key, feature_id)):
        if wanted is not None and column in frame:
            chosen &= (frame[column] == wanted).to_numpy(dtype=bool, na_value=False)
    if layer == "floors" and park_id is not None:
        buildings = plan.frame("buildings")
        inside = buildings.loc[buildings["park_id"] == park_id, "building_id"]
        chosen &= frame["building_id"].isin(inside).to_numpy(dtype=bool)
    positions = np.flatnonzero(chosen)
    if feature_id is not None and not len(positions):
        raise NotFoundError(said("problem.no_pick", layer=layer, name=repr(feature_id[:80])))
    if query.strip():
        positions = _matching(frame, key, positions, to_simplified(query.strip()).lower())
    listed = frame.iloc[positions[offset : offset + limit]]
    told = [_told(row, layer, translator) for row in rows_of(listed[[*_ABOUT[layer]]])]
    _name_parks(told, plan, translator)
    if has_geometry and SCHEMAS[layer].geometry is not None:
        for one, shape in zip(told, geometry_json(listed.geometry.tolist()), strict=True):
            one["geometry"] = shape
    return {
        "layer": layer,
        "numberMatched": len(positions),
        "numberReturned": len(told),
        "features": told,
    }


def _matching(frame: pd.DataFrame, key: str, positions: Any, wanted: str) -> Any:  # noqa: ANN401
    """Return the positions whose id or name contains a text: such an id, then the others."""
    part = frame.iloc[positions]
    ids = part[key].astype("string").str.lower()
    has = ids.str.contains(wanted, regex=False)
    if "name" in part:
        has = has | part["name"].astype("string").str.lower().str.contains(wanted, regex=False)
    hits = has.to_numpy(dtype=bool, na_value=False)
    is_id = (ids == wanted).to_numpy(dtype=bool, na_value=False)
    return np.concatenate([positions[hits & is_id], positions[hits & ~is_id]])


def _told(row: dict[str, Any], layer: str, translator: Translator) -> Document:
    values: Document = {name: plain(value) for name, value in row.items()}
    told: Document = {"id": values[_ABOUT[layer][0]], **values}
    if isinstance(values.get("name"), str):
        told["name"] = translator.convert(values["name"])
    if values.get("industry_code"):
        told["industry_name"] = industry_name(values["industry_code"], translator)
    if values.get("land_use"):
        use = named_land_use(values["land_use_scheme"], values["land_use"])
        told["land_use_name"] = translator.render(use)
    return told


def _name_parks(told: list[Document], plan: Plan, translator: Translator) -> None:
    """Add the names of the parks that features lie in."""
    wanted = {one["park_id"] for one in told if one.get("park_id")}
    if not wanted:
        return
    parks = plan.frame("parks")
    names = dict(zip(parks["park_id"].tolist(), parks["name"].tolist(), strict=True))
    for one in told:
        if one.get("park_id") in names:
            one["park_name"] = translator.convert(str(names[one["park_id"]]))


def find_land_uses(
    scheme: str, query: str, translator: Translator, *, limit: int = 50
) -> list[Document]:
    """Return codes of a scheme of land uses, codes that start so first, then names."""
    wanted = to_simplified(query.strip()).lower()
    by_code, by_name = [], []
    for code in land_use_codes_of(scheme):
        name = translator.render(named_land_use(scheme, code))
        if code.startswith(wanted):
            by_code.append({"code": code, "name": name})
        elif wanted in to_simplified(name).lower():
            by_name.append({"code": code, "name": name})
    return [*by_code, *by_name][:limit]


@cache
def form_values() -> Document:
    """Return what forms of edits need to know of layers: columns with their kinds and choices."""
    return {
        "schemes": list(LAND_USE_SCHEMES),
        "layers": {
            layer.name: {
                "geometry": layer.geometry,
                "is_geometry_optional": layer.is_geometry_optional,
                "key": list(layer.key),
                "columns": [
                    {
                        "name": field.name,
                        "kind": field.kind.value,
                        "choices": list(field.choices),
                        "is_required": field.need is Need.VALUE,
                        "unit": field.unit,
                    }
                    for field in layer.fields
                ],
            }
            for layer in SCHEMAS.values()
        },
        "kinds": [kind.value for kind in ColumnKind],
    }
