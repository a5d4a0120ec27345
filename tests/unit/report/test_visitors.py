"""Visitors of a day are exact up to a number, and estimated beyond it, however they are merged."""

from __future__ import annotations

from streamtally.report.visitors import DAY_MS, Visitors


def people(first: int, last: int) -> list[tuple[str, str]]:
    return [(f"192.0.2.{number % 250}", f"agent {number}") for number in range(first, last)]


# An address and its agent are one visitor a day, whatever the parts in which they come.
def test_exact() -> None:
    one, two = Visitors(), Visitors()
    one.add(3, [("192.0.2.1", "curl"), ("192.0.2.1", "curl"), ("192.0.2.1", "wget"), ("192.0.2.2", "curl")])
    two.add(3, [("192.0.2.2", "curl"), ("192.0.2.3", "curl")])
    two.add(1, [("192.0.2.2", "curl")])
    one.merge(two)
    assert [(day.start_ms, day.visitors, day.is_exact) for day in one.days()] == [
        (DAY_MS, 1, True),
        (3 * DAY_MS, 4, True),
    ]


# What an address ends with is not what an agent begins with.
def test_parts_are_apart() -> None:
    visitors = Visitors()
    visitors.add(0, [("ab", "c"), ("a", "bc")])
    assert visitors.days()[0].visitors == 2


# 10,000 are exact and 10,001 are an estimate within four standard errors, in whatever parts they come.
def test_estimated_beyond() -> None:
    visitors = Visitors()
    for first in range(0, 10_000, 2500):
        part = Visitors()
        part.add(0, people(first, first + 2500))
        visitors.merge(part)
    assert (visitors.days()[0].visitors, visitors.days()[0].is_exact) == (10_000, True)
    visitors.add(0, people(0, 40_000))
    more = Visitors()
    more.add(0, people(30_000, 50_000))
    visitors.merge(more)
    (day,) = visitors.days()
    assert not day.is_exact
    assert abs(day.visitors - 50_000) < 4 * 0.0081 * 50_000


# Very many days do not fill the memory: the days with the most are estimated first, small ones stay exact.
def test_bounded() -> None:
    visitors = Visitors(max_kept=2000)
    for day in range(4):
        visitors.add(day, people(0, 600 + day))
    visitors.add(9, people(0, 10))
    assert [day.is_exact for day in visitors.days()] == [True, True, False, True, True] or sum(
        not day.is_exact for day in visitors.days()
    ) == 1
    assert visitors.days()[-1].visitors == 10


# Days that come back after others were counted are counted on.
def test_days_come_back() -> None:
    visitors = Visitors(exact=100)
    for first in range(0, 120, 20):
        for day in (1, 2):
            part = Visitors(exact=100)
            part.add(day, people(first, first + (30 if day == 1 else 10)))
            visitors.merge(part)
    other = Visitors(exact=100)
    other.merge(visitors)
    for merged in (visitors, other):
        assert [day.is_exact for day in merged.days()] == [False, True]
        assert merged.days()[1].visitors == 60
