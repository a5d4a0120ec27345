"""Where each pump runs."""

from __future__ import annotations

from streamtally.sql.flink.program import generate
from streamtally.sql.flink.where import pump_places, section
from tests.unit.sql.programs import compile_text

_TEXT = """CREATE STREAM a (x VARCHAR(20), n BIGINT);
CREATE PUMP pa AS INSERT INTO a SELECT STREAM "host", COUNT(*) FROM SOURCE_SQL_STREAM_001 AS s
GROUP BY "host", FLOOR(s.ROWTIME TO MINUTE);
CREATE STREAM b (x VARCHAR(20));
CREATE PUMP pb AS INSERT INTO b SELECT STREAM REGEX_REPLACE("host", '(a)', '$1$1', 1, 0) FROM SOURCE_SQL_STREAM_001;
"""


# A pump runs here, on Flink too, or not there with the reason.
def test_each_pump_has_its_place() -> None:
    first, second = pump_places(compile_text(_TEXT))
    assert (first.pump, first.words) == ("PA", "runs here, and on Flink")
    assert second.words.startswith("runs here; not on Flink: REGEX_REPLACE with a group")
    assert any("state" in line for line in section([first, second]))


# What Flink SQL cannot say is left out on request, and the rest is generated.
def test_program_is_generated_in_part() -> None:
    generated = generate(compile_text(_TEXT), in_part=True)
    assert generated.sinks == ["A"]
    assert len(generated.inserts) == 1
