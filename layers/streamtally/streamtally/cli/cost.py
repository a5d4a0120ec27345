"""``streamtally cost``: the monthly bill of a pipeline, from a sample of its log."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from streamtally.aws.clients import Aws
from streamtally.aws.regions import region_problem
from streamtally.cli.shared.aws_options import echo_json
from streamtally.cli.shared.cost_output import Estimate, show_estimate
from streamtally.cli.shared.source_options import SourceOptions
from streamtally.cost.bill import Case
from streamtally.cost.prices import Prices, prices_of, read_prices, with_prices
from streamtally.cost.volumes import Stack, Traffic, batch_lines
from streamtally.errors import SettingsError
from streamtally.local.cost_sample import bundled_prices, line_bytes, logged_rate, measure, read_sample
from streamtally.local.folder import read_folder, read_text
from streamtally.local.logs import MAX_LINE_BYTES, check_logs
from streamtally.transform.pipeline import load_pipeline

if TYPE_CHECKING:
    from streamtally.aws.streams.traffic import StreamTraffic

DEFAULT_REGION = "us-east-1"


def execute(
    aws: Aws,
    log: str,
    folder: Path | None,
    lines_a_day: float | None,
    stream: str | None,
    lines_a_record: float | None,
    price_file: Path | None,
    as_json: bool,
    **source_options: str | None,
) -> None:
    """Run ``streamtally cost``. Raises: SettingsError: an option cannot be used."""
    if stream is not None and lines_a_day is not None:
        raise SettingsError("--stream and --lines-a-day exclude each other: the stream says how much arrives")
    for name, value in (("--lines-a-day", lines_a_day), ("--lines-a-record", lines_a_record)):
        if value is not None and not math.isfinite(value):
            raise SettingsError(f"{name} {value}: must be a number")
    arrived = _arrived(aws, stream) if stream is not None else None
    prices = _prices(_region(aws, stream), price_file)
    document = read_folder(folder)
    document = {**document, "source": SourceOptions(**source_options).apply(document["source"])}
    pipeline = load_pipeline(document, ZoneInfo)
    check_logs([log])
    sample = read_sample(log, pipeline.source)
    size = line_bytes(sample)
    _check_record(size, lines_a_record)
    if arrived is not None:
        traffic, origin = _stream_traffic(arrived, size, lines_a_record), f"{stream}, mean of its last days with data"
    else:
        traffic, origin = _traffic(lines_a_day, lines_a_record, logged_rate(sample))
    measured = measure(pipeline, sample, batch_lines(size, traffic, Stack()), traffic.lines_a_record)
    estimate = Estimate(Case(traffic, measured), prices, origin, datetime.now(UTC).date())
    if as_json:
        echo_json(estimate.to_json())
    else:
        show_estimate(estimate)


def _prices(region: str, file: Path | None) -> Prices:
    """Raises: SettingsError: the region has no prices, or the file is no price file."""
    listed = bundled_prices()
    if file is not None:
        try:
            listed = with_prices(listed, read_prices(read_text(file)))
        except SettingsError as error:
            text = str(error)
            raise SettingsError(text if text.startswith(f"{file}: ") else f"--prices {file}: {text}") from None
    if not any(price.region == region for price in listed) and (problem := region_problem(region)):
        raise SettingsError(problem)
    return prices_of(listed, region)


def _region(aws: Aws, stream: str | None) -> str:
    """The stream's region, or the one that was named; otherwise the first one that had prices."""
    if stream is not None:
        return aws.region
    return aws.given_region or DEFAULT_REGION


def _check_record(line_bytes: float, lines_a_record: float | None) -> None:
    """Raises: SettingsError: Firehose takes no record with so many lines."""
    most = int(MAX_LINE_BYTES / line_bytes)
    if lines_a_record is not None and lines_a_record > max(most, 1):
        raise SettingsError(
            f"--lines-a-record {lines_a_record:,.12g}: Firehose takes records of up to {MAX_LINE_BYTES:,} bytes, which "
            f"{most:,} of these lines fill"
        )


def _traffic(lines_a_day: float | None, lines_a_record: float | None, logged: float | None) -> tuple[Traffic, str]:
    if lines_a_day is None and logged is None:
        raise SettingsError("the log's times span less than a minute, so there is no rate: use --lines-a-day")
    if lines_a_day is None and logged is not None:
        return Traffic(logged, lines_a_record or 1.0), "the log's own times"
    return Traffic(lines_a_day or 1.0, lines_a_record or 1.0), "--lines-a-day"


def _arrived(aws: Aws, stream: str) -> StreamTraffic:
    from streamtally.aws.streams.traffic import read_traffic

    return read_traffic(aws, stream, datetime.now(UTC))


def _stream_traffic(arrived: StreamTraffic, size: float, lines_a_record: float | None) -> Traffic:
    in_each = lines_a_record or max(1.0, arrived.bytes_a_day / arrived.records_a_day / size)
    return Traffic(arrived.records_a_day * in_each, in_each)
