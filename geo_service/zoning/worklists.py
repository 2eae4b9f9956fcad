"""Which list of work a finding stands in; every finding stands in exactly one.

The one home of this rule: the sheets of reports and the tabs of the console follow it.
"""

from __future__ import annotations

from enum import StrEnum

from geo_service.model import Severity, Verdict


class Worklist(StrEnum):
    """What is to be done about a finding.

    To rectify: a `must` rule failed. To supplement: data is missing. To watch: the rest, which is
    what makes a park's verdict `watch`, and what a rule only advises. Waived and approved ones do
    not count.
    """

    RECTIFY = "rectify"
    WATCH = "watch"
    SUPPLEMENT = "supplement"
    WAIVED = "waived"
    APPROVED = "approved"


LISTS = (Worklist.RECTIFY, Worklist.WATCH, Worklist.SUPPLEMENT)
"""The lists of findings that count."""
ASIDE = (Worklist.WAIVED, Worklist.APPROVED)
"""The lists of those that are set aside."""


def worklist_of(severity: str, verdict: str, aside: str | None = None) -> Worklist:
    """Return the list of a finding; `aside` is `waived` or `approved`, else it counts.

    >>> worklist_of("must", "fail").value, worklist_of("should", "fail").value
    ('rectify', 'watch')
    >>> worklist_of("must", "unknown").value, worklist_of("must", "fail", "waived").value
    ('supplement', 'waived')
    """
    if aside in ASIDE:
        return Worklist(aside)
    if verdict == Verdict.UNKNOWN:
        return Worklist.SUPPLEMENT
    is_grave = severity == Severity.MUST and verdict == Verdict.FAIL
    return Worklist.RECTIFY if is_grave else Worklist.WATCH
