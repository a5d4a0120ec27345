"""The client of an HAProxy line ends at the colon before its port."""

from __future__ import annotations

import random
import re

from streamtally.formats.engine.columns import FLAGS
from streamtally.formats.haproxy import CLIENT


def test_the_client_is_what_trying_every_end_would_give() -> None:
    end = r"):[0-9]{1,5}\x20\["
    client, rng = re.compile(f"({CLIENT}{end}", FLAGS), random.Random(1)
    every_end = re.compile(rf"([^\s:]++|\S+(?=:[0-9]{{1,5}}\x20\[){end}", FLAGS)
    matches = 0
    for _ in range(5000):
        line = "".join(
            rng.choices((":", "::", "1", "80", "a", "-", ":80 [", " [", "\t", "123456"), k=rng.randrange(1, 9))
        )
        matched, expected = client.match(line), every_end.match(line)
        matches += expected is not None
        assert (matched and matched.regs) == (expected and expected.regs)
    assert matches > 300
