"""``run --follow``: the loop that counts lines while they are written, and what it shows."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import click
from rich.live import Live

from streamtally.aws.clock import now_ms
from streamtally.aws.sinks.objects import ObjectStore
from streamtally.cli.shared.console import Console
from streamtally.cli.shared.look_ups import add_look_ups
from streamtally.cli.shared.run_result import last_documents
from streamtally.errors import SettingsError
from streamtally.local.follow.counting import FollowCounting, Rate
from streamtally.local.follow.follower import Arrived, Follower
from streamtally.local.follow.objects import CollectedObjects
from streamtally.local.live.follow_page import FollowPage
from streamtally.local.live.parts import follow_parts
from streamtally.local.live.rates import RecentRate
from streamtally.local.live.snapshot import Snapshot
from streamtally.local.live.terminal import plain_line, terminal_view
from streamtally.local.live.texts import say_live
from streamtally.local.logs import check_logs, shown_name
from streamtally.local.processes import rare_collections
from streamtally.local.run import LocalRun
from streamtally.local.store import DuckDbStore
from streamtally.local.team import Job
from streamtally.report.texts import speaking
from streamtally.report.view import Component
from streamtally.text import visible

if TYPE_CHECKING:
    from streamtally.local.countries import Countries

POLL_SECONDS = 0.2
COUNT_SECONDS = 1.0
"""Lines are counted this often at least; a batch of a few lines costs nearly as much as one of hundreds."""
WAITING_LINES = 20_000
"""Lines are counted sooner if there are so many."""
VIEW_SECONDS, LINE_SECONDS = 2.0, 10.0
"""How often the terminal's view is drawn, and the plain line is printed."""
TOP_PATHS = 50


@dataclass(frozen=True, slots=True)
class FollowOptions:
    """What was said about following."""

    follow: bool
    from_end: bool
    interval: float | None
    page: int | None = None

    def check(self, url: str | None, workers: int | None) -> None:
        """Raises: SettingsError: options that exclude each other."""
        if not self.follow and (self.from_end or self.interval is not None or self.page is not None):
            raise SettingsError("--from-end, --interval and --page need --follow")
        if self.follow and workers is not None:
            raise SettingsError("--follow and --workers exclude each other: followed lines are counted by one process")
        if self.follow and url is not None:
            raise SettingsError(
                "--follow and --opensearch exclude each other: run streamtally local --opensearch and send it lines"
            )

    def open(self, names: list[str]) -> Follower | None:
        """What follows the logs; None if they are read once. Raises: SettingsError: a log cannot be read."""
        if self.follow:
            return Follower(names, self.from_end)
        check_logs(names)
        return None


@dataclass(slots=True)
class Following:
    """Follows logs and shows what they come to."""

    follower: Follower
    counting: FollowCounting
    objects: CollectedObjects
    names: Sequence[str]
    interval: float | None = None
    page: FollowPage | None = None
    shown_parts: Callable[[], Sequence[Component]] = tuple
    recent: RecentRate = field(default_factory=RecentRate)
    stop: threading.Event = field(default_factory=threading.Event)
    clock: Callable[[], float] = time.monotonic
    _shown_notices: int = 0
    _rate: Rate = field(default_factory=Rate)

    def run(self) -> None:
        """Count lines until a signal arrives, or until standard input ends and nothing else is followed."""
        with rare_collections(), _setting_on_signal(self.stop):
            console = Console(stderr=True)
            if console.is_terminal and not console.is_dumb_terminal:
                self._run_in(console)
            else:
                self._count_until_stopped(self.interval or LINE_SECONDS, self._print_line)
        self._print_notices()

    def _run_in(self, console: Console) -> None:
        ascii_only = not console.encoding.lower().startswith("utf")
        with Live(console=console, screen=True, auto_refresh=False, redirect_stdout=False) as live:

            def draw() -> None:
                view = terminal_view(self.snapshot(), console.width, console.height, ascii_only=ascii_only)
                live.update(view, refresh=True)

            draw()
            self._count_until_stopped(self.interval or VIEW_SECONDS, draw)

    def _count_until_stopped(self, interval: float, show: Callable[[], None]) -> None:
        waiting: list[Arrived] = []
        counted = shown = self.clock()
        while not self.follower.is_over and not self.stop.is_set():
            arrived = self.follower.poll()
            waiting += arrived
            now = self.clock()
            if waiting and (now - counted >= COUNT_SECONDS or _size(waiting) >= WAITING_LINES):
                self._count(waiting)
                waiting, counted = [], now
            if self.page is not None:
                self.recent.note(self.counting.run.ledger.lines)
                self.page.offer(self.shown_parts)
            if now - shown >= interval:
                show()
                shown = now
            if not arrived:
                self.stop.wait(POLL_SECONDS)
        self._count([*waiting, *self.follower.finish()])

    def _count(self, arrived: Sequence[Arrived]) -> None:
        self.counting.take(arrived)
        self.counting.forget(self.follower.logs)
        self.objects.write_due()

    def snapshot(self) -> Snapshot:
        """What is to be shown now."""
        ledger, summary = self.counting.run.ledger, self.counting.run.summary
        return Snapshot(
            logs=[shown_name(name) for name in self.names],
            lines=ledger.lines,
            rows=ledger.rows,
            unparsed=ledger.unparsed + ledger.failed,
            rate=self._rate.take(ledger.lines),
            classes=self.counting.classes,
            paths=summary.top_paths(TOP_PATHS),
            newest=list(self.counting.newest),
            notices=self.follower.notices,
        )

    def _print_line(self) -> None:
        self._print_notices()
        click.echo(plain_line(self.snapshot()), err=True)

    def _print_notices(self) -> None:
        for notice in self.follower.notices[self._shown_notices :]:
            click.echo(f"note: {visible(notice, 300)}", err=True)
        self._shown_notices = len(self.follower.notices)


def follow_logs(
    job: Job,
    follower: Follower,
    objects: ObjectStore,
    store: DuckDbStore,
    names: Sequence[str],
    options: FollowOptions,
    lines_per_record: int,
    arrival: str,
    lang: str,
    countries: Countries | None,
) -> LocalRun:
    """Count followed logs until the user ends it.

    Args: lang, countries: of the page.
    Returns: the run, with all its documents stored.
    Raises: SettingsError: the page's port cannot be used.
    """
    collected = CollectedObjects(objects)
    run = LocalRun(job.pipeline, collected, store, job.run_id, is_live=True)
    run.summary.watch(job.watched)
    counting = FollowCounting(run, job.make_worker(), lines_per_record, now_ms, arrival == "now")
    page = None if options.page is None else FollowPage(_title(names, lang), options.page, language=lang)
    if page is not None:
        click.echo(f"live page at {page.url}", err=True)
    following = Following(follower, counting, collected, names, options.interval, page)
    following.shown_parts = lambda: _shown_parts(following, store, countries)
    try:
        following.run()
    finally:
        if page is not None:
            page.close()
    run.put()
    collected.write_due(is_last=True)
    return run


def _title(names: Sequence[str], lang: str) -> str:
    first = shown_name(names[0]).rpartition("/")[2]
    with speaking(lang):
        if len(names) > 1:
            return say_live("title.more", first=first, count=len(names) - 1)
        return say_live("title.logs", first=first)


def _shown_parts(following: Following, store: DuckDbStore, countries: Countries | None) -> list[Component]:
    """The parts of the page: what is counted so far, and how fast."""
    counting, names = following.counting, following.names
    run = counting.run
    run.put()
    outputs = [last_documents(name, store, output) for name, output in run.pipeline.outputs.items()]
    data = run.summary.report_data(run.ledger, "", [shown_name(name) for name in names], "")
    data = add_look_ups(replace(data, last_documents=outputs), run.summary, countries, is_live=True)
    return follow_parts(data, following.recent, list(counting.newest), following.follower.notices, now_ms())


def _size(arrived: Sequence[Arrived]) -> int:
    return sum(len(lines.lines) for _, lists in arrived for lines in lists)


@contextmanager
def _setting_on_signal(stop: threading.Event) -> Iterator[None]:
    """Set an event when the user ends the program, instead of ending it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
    before = {number: signal.getsignal(number) for number in numbers}
    try:
        for number in numbers:
            if before[number] is not signal.SIG_IGN:  # nohup
                signal.signal(number, lambda *_: stop.set())
        yield
    finally:
        for number in numbers:
            signal.signal(number, before[number])
