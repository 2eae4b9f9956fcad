"""Which findings an address asks for: the filters of lists, of counts and of maps."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query

from geo_service.model import BasisGroup, Severity, Verdict
from geo_service.planning.finding_work import WorkFilter
from geo_service.zoning.finding_table import FindingQuery, FindingSort, SetAside
from geo_service.zoning.worklists import Worklist


def read_finding_filters(  # noqa: PLR0913 - one for each facet
    *,
    rule: Annotated[
        str | None, Query(max_length=100, description="Only this rule, or all rules of a family.")
    ] = None,
    family: Annotated[
        str | None, Query(max_length=100, description="Only this family of rules.")
    ] = None,
    severity: Annotated[Severity | None, Query(description="Only this severity.")] = None,
    verdict: Annotated[Verdict | None, Query(description="Only this verdict.")] = None,
    park: Annotated[str | None, Query(max_length=128, description="Only this park.")] = None,
    township: Annotated[
        str | None,
        Query(
            max_length=100,
            description="Only parks of this township: its name, or its code in either set.",
        ),
    ] = None,
    basis: Annotated[
        BasisGroup | None, Query(description="Only what rests on this kind of basis.")
    ] = None,
    set_aside: Annotated[
        SetAside | None, Query(description="Only what counts (`no`), is waived or is approved.")
    ] = None,
    worklist: Annotated[
        Worklist | None,
        Query(description="Only what is to be rectified, watched or supplemented, or is aside."),
    ] = None,
    work: Annotated[
        WorkFilter | None,
        Query(description="Only what is mine, overdue, or of this state of work."),
    ] = None,
    without_park: Annotated[bool, Query(description="Only what belongs to no park.")] = False,
    q: Annotated[
        str | None,
        Query(
            max_length=100,
            description="Only findings with these words, in either script of Chinese: in the title,"
            " the ids of finding, subject, rule and park, the rule's title, or the park's name,"
            " speciality, township and leading industry.",
        ),
    ] = None,
) -> FindingQuery:
    """Return which findings are asked for."""
    return FindingQuery(
        rule=rule,
        family=family,
        severity=severity,
        verdict=verdict,
        park=park,
        township=township,
        basis=basis,
        set_aside=set_aside,
        worklist=worklist,
        without_park=without_park,
        words=q,
        work=work,
    )


FindingFiltersDep = Annotated[FindingQuery, Depends(read_finding_filters)]
Sort = Annotated[
    FindingSort, Query(description="What to sort by; with a minus, the other way round.")
]
