"""The report's page as text: what it holds, and that no log line acts in it."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from streamtally.report.counts_block import script
from streamtally.report.data import (
    DayVisitors,
    LastDocuments,
    OutputCounts,
    PathTimes,
    ReportData,
    TimesAt,
    TimesOverTime,
    TopList,
)
from streamtally.report.page import render_report
from tests.unit.report.hostile import TEXTS, hostile_report


class Page(HTMLParser):
    """The tags of a page with their attributes, and its text outside scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.comments: list[str] = []
        self.text = ""
        self.scripts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def handle_data(self, data: str) -> None:
        if self.cdata_elem is None:
            self.text += data
        elif self.cdata_elem == "script":
            self.scripts.append(data)


@pytest.fixture(scope="module")
def hostile_page() -> str:
    return render_report(hostile_report())


EMPTY = ReportData(pipeline="p", generated_at="now", lines=0, rows=0)


# The page's tags are the same whether the texts are hostile or plain: no text becomes a tag, an attribute, a comment.
def test_no_text_becomes_markup(hostile_page: str) -> None:
    data = hostile_report()
    assert data.compared is not None
    plain_top = TopList([("plain", count) for _, count in data.top_requests.entries], 2000)
    plain = replace(
        data,
        pipeline="plain",
        generated_at="plain",
        inputs=["plain"],
        outputs=[replace(output, name="plain") for output in data.outputs],
        last_documents=[
            replace(output, name="plain", columns=["a", "b", "c"], rows=[("plain", *row[1:]) for row in output.rows])
            for output in data.last_documents
        ],
        top_requests=plain_top,
        top_hosts=plain_top,
        top_agents=plain_top,
        top_paths=plain_top,
        top_methods=plain_top,
        top_protocols=plain_top,
        not_found=plain_top,
        static_files=plain_top,
        top_queries=plain_top,
        client_errors=plain_top,
        referring_sites=plain_top,
        virtual_hosts=plain_top,
        path_bytes=plain_top,
        browsers=plain_top,
        systems=plain_top,
        bots=plain_top,
        countries=plain_top,
        path_times=[replace(path, path="plain") for path in data.path_times],
        path_errors=[replace(path, path="plain") for path in data.path_errors],
        unknown_units=["plain"],
        server_errors=plain_top,
        compared=replace(data.compared, pipeline="plain", generated_at="plain", inputs=["plain"] * len(TEXTS)),
        compared_lists=[
            replace(compared, entries=[("plain", *entry[1:]) for entry in compared.entries])
            for compared in data.compared_lists
        ],
        unparsed_lines=[replace(line, file="plain", reason="plain", text="plain") for line in data.unparsed_lines],
    )
    hostile, harmless = Page(hostile_page), Page(render_report(plain))
    assert hostile.tags == harmless.tags
    assert hostile.comments == []
    assert "style" not in {name for _, attrs in hostile.tags for name in attrs}
    assert not [name for _, attrs in hostile.tags for name in attrs if name.startswith("on")]


# Every hostile text is there to be read, with what would act written as an escape.
def test_hostile_texts_are_shown(hostile_page: str) -> None:
    text = Page(hostile_page).text
    for shown in (*TEXTS[:11], r"\x1b[31mred\x1b]0;title\x07", r"\u202egnp.exe", r"\u2028line", r"\x9b31m", r"\ud800"):
        assert shown in text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800]", text)


# The page's policy allows its own script and sheet, by their hashes, and nothing else; nothing is loaded.
def test_policy(hostile_page: str) -> None:
    page = Page(hostile_page)
    policy = next(attrs["content"] for tag, attrs in page.tags if attrs.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    sheets = re.findall(r"<style>(.*?)</style>", hostile_page, re.DOTALL)
    assert len(sheets) == 1
    block, run = page.scripts
    sources = [base64.b64encode(hashlib.sha256(part.encode()).digest()).decode() for part in (run, sheets[0])]
    assert policy == (
        f"default-src 'none'; script-src 'sha256-{sources[0]}'; style-src 'sha256-{sources[1]}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    assert run == script()
    loaded = [attrs for _, attrs in page.tags if attrs.keys() & {"src", "srcset", "href", "action", "data"}]
    assert loaded == [{"rel": "icon", "href": "data:,"}]
    assert [attrs for tag, attrs in page.tags if tag == "script"] == [{"type": "application/json", "id": "counts"}, {}]
    assert not any(text[:20] in block for text in TEXTS)
    assert "<" not in block


# Without counts there is no script either, and the policy allows none.
def test_no_script_without_counts() -> None:
    page = render_report(replace(hostile_report(), selection=None))
    assert Page(page).scripts == []
    assert "script-src" not in page


# The script writes texts as texts: it has none of the ways to make markup or code of one.
def test_script() -> None:
    run = script()
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|Function\(|import\(|fetch|XMLHttp|setAttribute\(.on",
        run,
    )
    assert "</script" not in run
    assert '"use strict"' in run
    assert len(run.encode()) < 20_000
    assert not re.search(r"^(//|\*|/\*.*\*/$)", run, re.MULTILINE)


# The chart has one shape for each class, in the order in which they are stacked, and each step's numbers to hover.
def test_chart_over_time(hostile_page: str) -> None:
    page = Page(hostile_page)
    classes = [attrs["class"] for tag, attrs in page.tags if tag == "path"]
    assert classes == ["c2", "c3", "c4", "c5", "c0", "c2", "curve c2", "curve c4", "curve c5"]
    assert "2025-03-01 00:06: 2xx 7, 3xx 7, 4xx 7, 5xx 7, other 7" in page.text


# The bar under each text is as long as its share of the greatest count, and the table has the number.
def test_bars_of_top_lists() -> None:
    page = Page(
        render_report(replace(EMPTY, top_requests=TopList([("GET /", 80), ("GET /a", 20), ("GET /b", 1)], 200)))
    )
    assert [attrs["width"] for tag, attrs in page.tags if tag == "rect"] == ["100.0%", "25.0%", "1.2%"]


# The charts come first and the ledger last.
def test_order_of_sections(hostile_page: str) -> None:
    headings = re.findall("<h2>(.*?)</h2>", hostile_page)
    assert headings[0] == "Status classes over time"
    assert headings[-1] == "Ledger"


# The title names the log and its period.
@pytest.mark.parametrize(
    "inputs, minutes, title",
    [
        (["logs/access.log"], [0, 90], "access.log, 2025-03-01 00:00 to 2025-03-01 01:30"),
        (["a.log", "b.log", "c.log"], [5], "a.log and 2 more, 2025-03-01 00:05"),
        ([], [], "p"),
    ],
)
def test_title(inputs: list[str], minutes: list[int], title: str) -> None:
    counts = [(1_740_787_200_000 + 60_000 * minute, None if minute else 200, 1) for minute in minutes]
    page = render_report(replace(EMPTY, inputs=inputs, status_by_minute=counts))
    assert f"<title>Streamtally: {title}</title>" in page


# An output's section has its newest documents first, with numbers as they are written.
def test_outputs() -> None:
    documents = LastDocuments("COUNTS", ["host", "year"], [["a", 2024], [None, 2025.5]], 70)
    page = render_report(replace(EMPTY, last_documents=[documents, LastDocuments("NONE", [], [], 0)]))
    assert "<h2>Output COUNTS</h2>" in page
    assert "The last 2 of 70 documents" in page
    assert re.findall('<td class="(?:number|text)">(.*?)</td>', page)[:4] == ["null", "2025.5", "a", "2024"]
    assert "NONE" not in page


# A log of a day and more has a grid of hours and weekdays.
def test_hours() -> None:
    counts = [(1_740_787_200_000, 200, 5), (1_740_787_200_000 + 86_400_000, 200, 7)]  # a Saturday, and the day after
    page = Page(render_report(replace(EMPTY, status_by_minute=counts)))
    assert "Sat 00:00: 5" in page.text
    assert "Sun 00:00: 7" in page.text
    assert "Hours and weekdays" not in Page(render_report(replace(EMPTY, status_by_minute=counts[:1]))).text


# Visitors of a month are bars by day; a longer log has a chart and its table. Estimates are named.
def test_visitors() -> None:
    days = [DayVisitors(86_400_000 * day, 5 + day) for day in range(40)]
    page = Page(render_report(replace(EMPTY, visitors=days[:2])))
    assert "An address with its user agent is one visitor a day" in page.text
    assert "HyperLogLog" not in page.text
    assert [attrs["width"] for tag, attrs in page.tags if tag == "rect"] == ["83.3%", "100.0%"]
    page = Page(render_report(replace(EMPTY, visitors=[*days, DayVisitors(86_400_000 * 50, 20_000, False)])))
    assert "estimated (HyperLogLog" in page.text
    assert "1970-02-20 00:00: 20,000" in page.text
    assert "1970-02-2020,000estimated" in page.text


# Sizes are shown for people, and exactly in the table.
def test_bandwidth() -> None:
    data = replace(
        EMPTY, bytes_by_minute=[(0, 1_234_567), (60_000, 999)], path_bytes=TopList([("/a", 1_235_000)], 1_235_566)
    )
    text = Page(render_report(data)).text
    for part in (
        "1.24 MBsent",
        "1970-01-01 00:001.23 MB1,234,567",
        "999 B999",
        "/a1.24 MB1,235,000100.0 %",
        "of 1.24 MB",
    ):
        assert part in text


# Response times are shown over time and by path, and what is not known is named.
def test_response_times() -> None:
    times = TimesOverTime(60_000, [TimesAt(0, 3, 1500, 20_000, 3_000_000)], TimesAt(0, 3, 1500, 20_000, 3_000_000))
    paths = [PathTimes("/slow", 3, 3_021_500, 1500, 20_000, 3_000_000)]
    text = Page(render_report(replace(EMPTY, response_times=times, path_times=paths, unknown_units=["took"]))).text
    for part in ("1970-01-01 00:0031.5 ms20 ms3 s", "/slow33.02 s1.5 ms20 ms3 s", "The unit of took is not known"):
        assert part in text
    assert "rare ones are left out" not in text
    assert "rare ones are left out" in render_report(replace(EMPTY, path_times=paths, leaves_path_times_out=True))


# The numbers of the ledger are shown with whether they add up, for lines and for each output.
def test_ledger() -> None:
    data = replace(EMPTY, lines=1234567, rows=1234000, unparsed=500, empty=60, failed=7)
    data = replace(data, outputs=[OutputCounts("COUNTS", 1233000, 400, 590, 10)])
    text = Page(render_report(data)).text
    for part in ("1,234,567", "1,234,000", "The ledger balances", "COUNTS", "1,233,000", "500 lines did not parse"):
        assert part in text
    assert "does not balance" in Page(render_report(replace(data, failed=8))).text


# Each top list says whether it is exact, and by how much it may err if it is not.
def test_error_of_top_lists() -> None:
    exact = replace(EMPTY, top_requests=TopList([("GET /", 50)], 200))
    text = Page(render_report(exact)).text
    assert "Exact counts." in text
    assert "25.0 %" in text
    about = replace(EMPTY, top_hosts=TopList([("192.0.2.1", 5000)], 20000, 1234))
    assert "may be up to 1,234 too high" in Page(render_report(about)).text


# A run without a row still makes a page; it has no empty charts.
def test_nothing_to_show() -> None:
    page = Page(render_report(EMPTY))
    assert "Every line parsed." in page.text
    assert "svg" not in {tag for tag, _ in page.tags}
    assert "Top" not in page.text


# The chart has its table and the bars are in theirs; every table has a caption and headed columns, so that the page can
# be heard as well as seen.
def test_accessible(hostile_page: str) -> None:
    page = Page(hostile_page)
    names = [tag for tag, _ in page.tags]
    charts = [attrs for tag, attrs in page.tags if attrs.get("class") == "chart"]
    assert len(charts) == 3
    assert all(attrs["role"] == "img" and attrs["aria-label"] for attrs in charts)
    assert names.count("details") == 3
    assert all("aria-hidden" in attrs for tag, attrs in page.tags if tag == "svg" and attrs.get("class") == "bar")
    assert names.count("table") == names.count("caption") == 13 + 17 + 17
    assert all(attrs.get("scope") == "col" for tag, attrs in page.tags if tag == "th")
    assert ("html", {"lang": "en"}) in page.tags


# The same data gives the same page, byte for byte: there is no clock and no chance in it.
def test_deterministic(hostile_page: str) -> None:
    assert render_report(hostile_report()) == hostile_page
    assert len(hostile_page.encode()) < 700_000


# A screen reader lists the regions by their names, so no two have the same.
def test_regions_have_names_of_their_own() -> None:
    names = re.findall(r'role="region" aria-label="([^"]*)"', render_report(hostile_report()))
    assert len(names) > 10
    assert len(set(names)) == len(names)
