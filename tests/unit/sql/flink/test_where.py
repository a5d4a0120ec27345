"""Where each pump runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from streamtally.sql.flink.program import generate
from streamtally.sql.flink.where import PumpPlace, compile_part, flink_part, pump_places, section
from streamtally.sql.program import Program, compile_program
from tests.unit.sql.programs import SOURCE, compile_text

_TEXT = """CREATE STREAM a (x VARCHAR(20), n BIGINT);
CREATE PUMP pa AS INSERT INTO a SELECT STREAM "host", COUNT(*) FROM SOURCE_SQL_STREAM_001 AS s
GROUP BY "host", FLOOR(s.ROWTIME TO MINUTE);
CREATE STREAM b (x VARCHAR(20));
CREATE PUMP pb AS INSERT INTO b SELECT STREAM REGEX_REPLACE("host", '(a)', '$1$1', 1, 0) FROM SOURCE_SQL_STREAM_001;
"""


def _places(text: str) -> list[PumpPlace]:
    def compiler(to_flink: bool) -> Callable[[Sequence[str]], Program]:
        return lambda without: compile_program(text, SOURCE, without=without, to_flink=to_flink)

    return pump_places(text, compile_part(text, compiler(False)), flink_part(text, compiler(True)))


# A pump runs here, on Flink too, or not there with the reason.
def test_each_pump_has_its_place() -> None:
    first, second = _places(_TEXT)
    assert (first.pump, first.words) == ("PA", "runs here, and on Flink")
    assert second.words.startswith("runs here; not on Flink: REGEX_REPLACE with a group")
    assert any("state" in line for line in section([first, second]))


# A pump that needs state runs on Flink only, what reads it too, and one that no engine of ours has runs nowhere.
def test_pumps_that_do_not_run_here_have_a_reason() -> None:
    text = """CREATE STREAM a (x VARCHAR(20), n BIGINT);
CREATE PUMP over_pump AS INSERT INTO a
SELECT STREAM "host", COUNT(*) OVER (PARTITION BY "host" ROWS 3 PRECEDING) FROM SOURCE_SQL_STREAM_001;
CREATE STREAM b (x VARCHAR(20));
CREATE PUMP reading AS INSERT INTO b SELECT STREAM x FROM a WHERE n > 2;
CREATE STREAM c (x VARCHAR(20));
CREATE PUMP spots AS INSERT INTO c SELECT STREAM "host"
FROM TABLE(HOTSPOTS(CURSOR(SELECT STREAM * FROM SOURCE_SQL_STREAM_001), 1, 1, 1));
CREATE STREAM d (x VARCHAR(20));
CREATE PUMP plain AS INSERT INTO d SELECT STREAM "host" FROM SOURCE_SQL_STREAM_001;
"""
    over, reading, spots, plain = _places(text)
    assert over.words.startswith("runs on Flink, not here: row windows (ROWS n PRECEDING) cannot be compiled; use a")
    assert reading.words.startswith('runs on Flink, not here: no pump fills the stream "A"')
    assert spots.words.startswith("runs neither here nor on Flink: HOTSPOTS cannot be compiled")
    assert plain.words == "runs here, and on Flink"


# What Flink SQL cannot say is left out on request, and the rest is generated.
def test_program_is_generated_in_part() -> None:
    generated = generate(compile_text(_TEXT, to_flink=True), in_part=True)
    assert generated.sinks == ["A"]
    assert len(generated.inserts) == 1
