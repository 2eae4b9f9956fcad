"""The work of a solving process: solve programs with HiGHS and tell what is found on the way.

The only module that knows HiGHS. It runs in a process that `solver` starts and kills; what it
says is believed by nobody before other code has computed it again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import highspy
import numpy as np

from geo_service.layout.milp import LinearProgram, pack, unpack

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo_service.isolation import Channel

_STATUSES = {
    highspy.HighsModelStatus.kOptimal: "optimal",
    highspy.HighsModelStatus.kInfeasible: "infeasible",
    highspy.HighsModelStatus.kModelEmpty: "optimal",
}
FEASIBILITY = 1e-9
"""How closely rows and whole numbers are met; the default of HiGHS is 1e-6."""


def work(channel: Channel) -> None:
    """Solve one program after another until nobody asks any more."""
    while (asked := channel.receive()) is not None:
        options, arrays = unpack(asked)
        content = channel.receive()
        if content is None:
            return
        _solve(channel, LinearProgram.from_bytes(content), options, arrays.get("start"))


def _solve(
    channel: Channel,
    program: LinearProgram,
    options: dict[str, Any],
    start: NDArray[np.float64] | None,
) -> None:
    highs = highspy.Highs()  # type: ignore[no-untyped-call]  # its __init__ has no types
    for name, value in {
        "output_flag": False,
        "threads": 1,
        "mip_feasibility_tolerance": FEASIBILITY,
        "primal_feasibility_tolerance": FEASIBILITY,
        **options,
    }.items():
        highs.setOptionValue(name, value)
    highs.passModel(_model_of(program))
    if start is not None and len(start):
        solution = highspy.HighsSolution()
        solution.col_value = start.tolist()
        solution.value_valid = True
        highs.setSolution(solution)

    def tell(event: highspy.HighsCallbackEvent) -> None:
        out = event.data_out
        head = {"kind": "solution", "bound": _finite(out.mip_dual_bound)}
        channel.send(pack(head, {"values": np.asarray(out.mip_solution, dtype=np.float64)}))

    def tell_bound(event: highspy.HighsCallbackEvent) -> None:
        out = event.data_out
        channel.send(pack({"kind": "bound", "bound": _finite(out.mip_dual_bound)}, {}))

    highs.cbMipImprovingSolution += tell
    highs.cbMipLogging += tell_bound
    highs.run()
    status = _STATUSES.get(highs.getModelStatus(), "stopped")
    info = highs.getInfo()
    is_integer = bool(program.is_integer.any())
    has_values = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    head = {
        "kind": "end",
        "status": status,
        "bound": _finite(info.mip_dual_bound if is_integer else info.objective_function_value),
        "nodes": max(0, int(info.mip_node_count)),
    }
    values = np.asarray(highs.getSolution().col_value if has_values else [], dtype=np.float64)
    duals = np.asarray(highs.getSolution().row_dual if not is_integer else [], dtype=np.float64)
    channel.send(pack(head, {"values": values, "duals": duals}))


def _finite(number: float) -> float | None:
    return float(number) if np.isfinite(number) else None


def _model_of(program: LinearProgram) -> highspy.HighsLp:
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = program.columns, program.rows
    model.col_cost_ = program.cost
    model.col_lower_, model.col_upper_ = program.lower, program.upper
    model.row_lower_, model.row_upper_ = program.row_lower, program.row_upper
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_ = program.matrix.indptr.astype(np.int32)
    model.a_matrix_.index_ = program.matrix.indices.astype(np.int32)
    model.a_matrix_.value_ = program.matrix.data
    kinds = highspy.HighsVarType
    if program.is_integer.any():
        model.integrality_ = [
            kinds.kInteger if whole else kinds.kContinuous for whole in program.is_integer
        ]
    return model
