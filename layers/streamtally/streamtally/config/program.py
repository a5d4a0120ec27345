"""``[program]`` of a pipeline: what of its SQL is compiled."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta


class ProgramTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``[program]``. The descriptions are those of ``docs/pipeline.schema.json``."""

    without: Annotated[
        tuple[str, ...],
        Meta(
            description="Pumps that are left out, by their names as stored: upper case unless quoted.",
            examples=[["ANOMALY_PUMP"]],
        ),
    ] = ()
    anomaly_detector: Annotated[
        bool,
        Meta(description="RANDOM_CUT_FOREST becomes an anomaly detector beside the rows.", examples=[True]),
    ] = False
