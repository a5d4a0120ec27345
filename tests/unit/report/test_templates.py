"""HTML comes from the templates alone, and whatever text they are given stays a text: in every component and page."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jinja2 import UndefinedError

from streamtally.local.live.page import live_page
from streamtally.report.environment import environment
from streamtally.report.figures import Area, Chart, Hover, Key, Shape, Tick
from streamtally.report.hours import Day, Hour, Hours
from streamtally.report.rendering import render_page, render_parts
from streamtally.report.view import Component, Details, Paragraph, Tile, Tiles, bar_table, section, table
from streamtally.text import visible
from tests.unit.report.hostile import TEXTS

PACKAGE = Path(__file__).resolve().parents[3] / "layers/streamtally/streamtally"
FOLDERS = (PACKAGE / "report", PACKAGE / "local/live")
MODULES = sorted(path for folder in FOLDERS for path in folder.glob("*.py"))
TEMPLATES = sorted(path for folder in FOLDERS for path in (folder / "templates").iterdir())
MARKUP = re.compile(r"<\s*[A-Za-z/!?]|/>|&(?:[a-z]+|#\w+);")

FRAGMENTS = (
    *("</script>", "<script>", "</style>", "</title>", "</textarea>", "<!--", "-->", "--!>", "<![CDATA[", "]]>", "<?x"),
    *("<svg onload=alert(1)>", "<img src=x onerror=alert(1)>", "javascript:", "'", '"', "`", "<", ">", "=", "/", "&"),
    *("&lt;", "&#60;", "&quot", "&NewLine;", "{{", "}}", "{{ 7*7 }}", "{% raw %}", "{%", "%}", "{#", "#}", "{", "%s"),
    *("\x00", "\x1b[2J", "\n", "\r", "\t", "\x7f", "\x85", "\xa0", "\xad", "\u061c", "\u200b", "\u200f", "\u202e"),
    *("\u2028", "\u2029", "\u2066", "\ufeff", "\ufffe", "\uffff", "\ud800", "\udfff", "\U000e0041", "\U0001f600"),
    *("日本", "e\u0301", "\\u003c", "\\", "$&", "x" * 400),
)
texts = st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(st.characters(exclude_categories=()), max_size=8))).map(
    "".join
)
PLAIN = "PLAIN"


class Events(HTMLParser):
    """What a parser finds: tags with their attributes, text, and whatever else there is."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.text = ""
        self.others: list[str] = []
        self.feed(str(html))  # of a Markup it would make others
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, attrs))

    def handle_endtag(self, tag: str) -> None:
        self.tags.append((f"/{tag}", []))

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.others.append(data)

    def unknown_decl(self, data: str) -> None:
        self.others.append(data)

    def handle_pi(self, data: str) -> None:
        self.others.append(data)

    def put(self, text: str) -> tuple[object, str]:
        """The tags and the text, with a text in place of the plain one."""
        tags = [
            (tag, [(name, value and value.replace(PLAIN, text)) for name, value in attrs]) for tag, attrs in self.tags
        ]
        return tags, self.text.replace(PLAIN, text)


AREA = Area(0, 60_000, 12, 2)
COMPONENTS: dict[str, Callable[[str], Component]] = {
    "section": lambda text: section(text, Paragraph(text), section(text), follows=text),
    "paragraph": lambda text: Paragraph(text, text),
    "details": lambda text: Details(text, Paragraph(text, "soft")),
    "tiles": lambda text: Tiles([Tile(text, text, text, True), Tile(text, text)]),
    "table": lambda text: table(text, [text, "n"], [(text, 1234), (text, 5)], text),
    "bars": lambda text: bar_table(text, [text, text], [(text, text), (text, text)], [3, 1], 1),
    "chart": lambda text: Chart(
        text,
        AREA,
        [Key("c2", text, text, follows=True), Key("c4", text)],
        [Shape(text, "M0 0")],
        [Hover(0, text), Hover(1, text)],
        (text, text),
        [Tick("0", text)],
    ),
    "hours": lambda text: Hours(text, [Day(text, [Hour("0.5", text)] * 3)] * 2),
}


# A text is where the plain one would be, as tags' contents and in attributes, and changes nothing else.
@pytest.mark.parametrize("name", COMPONENTS)
@given(text=texts.filter(bool))  # an empty one may leave out its attribute or its tag
@example(text=TEXTS[0])
@example(text="{{ 7*7 }}{% raw %}")
def test_a_text_stays_a_text(name: str, text: str) -> None:
    made = Events(render_parts([COMPONENTS[name](text)]))
    plain = Events(render_parts([COMPONENTS[name](PLAIN)]))
    assert made.others == []
    assert (made.tags, made.text) == plain.put(visible(text, 1000))


# The commands of a path are whole, however long, and still a text.
@given(text=texts)
def test_a_path_stays_a_text(text: str) -> None:
    chart = Chart("", AREA, [], [Shape("c2", text)], [], ("", ""), [])
    drawn = [dict(attrs)["d"] for tag, attrs in Events(render_parts([chart])).tags if tag == "path"]
    assert drawn == [visible(text)]


# The components of the tests are all that there are.
def test_every_component_is_tried() -> None:
    macros = environment().get_template("components.html").module.MACROS  # type: ignore[attr-defined]
    assert {COMPONENTS[name](PLAIN).macro for name in COMPONENTS} == set(macros)


# The pages around the components: their titles, what is said about a log, and the filter's text are cut as they should.
@given(text=texts)
def test_a_page_keeps_its_texts(text: str) -> None:
    def live(shown: str) -> Events:
        return Events(live_page(shown, render_parts([Paragraph("x")]), shown))

    made, plain = live(text), live(PLAIN)
    assert [tag for tag, _ in made.tags] == [tag for tag, _ in plain.tags]
    assert made.text == plain.put(visible(text, 300))[1]
    (shown,) = (dict(attrs)["value"] for tag, attrs in made.tags if tag == "input")
    assert shown == visible(text, 200)


# A body that no template made is a text, too.
def test_a_page_escapes_what_is_no_part() -> None:
    assert "&lt;b&gt;" in live_page("x", "<b>")


# A block of JSON cannot be ended from within, and holds what it was given.
@given(text=texts)
@example(text="</script><!--<script>")
def test_json_in_a_script_stays_json(text: str) -> None:
    page = render_report_page(counts={"texts": {text: [text, 1]}})
    (block,) = re.findall(r'<script type="application/json" id="counts">(.*?)</script>', page, re.DOTALL)
    assert json.loads(block) == {"texts": {text: [text, 1]}}
    assert not re.search(r"[<>&'\n\u2028\u2029]", block)


def render_report_page(**values: object) -> str:
    given = {"title": "t", "about": "a", "tiles": Tiles([]), "sections": [], "footer": "f", "style": "", "script": "1"}
    return render_page("report.html", **{**given, **values})


# A value that a template needs and is not given is an error, never an empty text.
def test_a_missing_value_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="'counts' is undefined"):
        render_report_page()


def strings_of(source: str) -> Iterator[tuple[int, str]]:
    """The texts of a module that are no docstrings: (line, text), also the parts of f-strings."""
    tree = ast.parse(source)
    docstrings = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.lineno, node.value


# No module joins HTML: a tag in a text of Python is one that no template escapes.
@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_no_module_has_markup(path: Path) -> None:
    source = path.read_text("utf-8")
    assert [(line, text) for line, text in strings_of(source) if MARKUP.search(text)] == []
    assert not re.search(r"\bMarkup\(|\bfrom html import|\bhtml\.escape", source)


# The guard of the test above.
@pytest.mark.parametrize("made", ['f"<p>{x}</p>"', '"<" "b>" + x', '"</li>"', '"&lt;" + x', 'f"<rect x={x}/>"'])
def test_markup_is_found(made: str) -> None:
    assert any(MARKUP.search(text) for _, text in strings_of(f'"""A docstring: <p>."""\nmade = {made}'))


# Only the page's own sheet and script are inserted as they are; no template turns escaping off.
@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_escape(path: Path) -> None:
    source = path.read_text("utf-8")
    assert set(re.findall(r"\{\{([^{}]*)\|\s*safe\b", source)) <= {" style", " script"}
    assert not re.search(r"\bautoescape\b|\bsafe\s*\(|\|\s*(?:xmlattr|urlize|forceescape|striptags)\b|~", source)
    assert not re.search(r"=\s*\{\{", source), "an attribute without quotes"
    assert not re.search(r"""\b(?:on\w+|href|src|style|action|srcdoc)\s*=\s*["'][^"']*\{\{""", source)


# Line ends of a template are not in the page next to tags and blocks; elsewhere they are spaces.
def test_line_ends() -> None:
    source = '<p\n  class="a">\n  {{ x }}\n  {% if x %}\n    <b>one\n    two</b>\n  {% endif %}\n</p>\n'
    assert environment().from_string(source).render(x="text\n") == r'<p class="a">text\x0a<b>one two</b></p>'
