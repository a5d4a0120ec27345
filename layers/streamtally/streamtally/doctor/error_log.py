"""Known errors in logs: the Kinesis Agent's own log, and the files that Firehose writes under its error prefixes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from streamtally.findings import Finding
from streamtally.text import one_line

_SHOWN_CHARS = 160


@dataclass(frozen=True, slots=True)
class ErrorLog:
    """The last lines of a log.

    Attributes:
        where: the log.
        lines: its last lines.
        error: why the log, or the rest of it, cannot be read; "": it was read.
    """

    where: str
    lines: Sequence[str]
    error: str = ""


@dataclass(frozen=True, slots=True)
class KnownError:
    """A kind of error, recognised by the text of its line.

    Attributes:
        check: the name of its finding.
        pattern: matches a line of this kind.
        text: what is wrong.
        fix: what to do.
    """

    check: str
    pattern: re.Pattern[str]
    text: str
    fix: str


def _known(check: str, pattern: str, text: str, fix: str) -> KnownError:
    return KnownError(check, re.compile(pattern, re.IGNORECASE), text, fix)


KNOWN = (
    _known("stream-missing", r"ResourceNotFoundException|Firehose \S+ not found|Status Code: 404",
           "the stream is not in the region that is called", "fix deliveryStream, or the region in firehose.endpoint"),
    _known("credentials-expired", r"ExpiredToken|security token .{0,40}(expired|invalid)|UnrecognizedClient",
           "the credentials are expired or invalid", "renew them, or give the machine a role"),
    _known("credentials-absent", r"Unable to load (AWS )?credentials|NoCredentials",
           "there are no credentials", "give the machine a role with firehose:PutRecordBatch"),
    _known("clock-skew", r"Signature (expired|not yet current)|RequestTimeTooSkewed|InvalidSignatureException",
           "the machine's clock is wrong", "turn on NTP (chrony), and check timedatectl"),
    _known("opensearch-read-only", r"read-only-allow-delete|FORBIDDEN/12|cluster_block_exception|index read-only",
           "OpenSearch is read-only, usually because of a full disk", "free disk space, then set index.blocks to null"),
    _known("opensearch-disk", r"disk (usage )?exceeded|flood.?stage|low disk|FreeStorageSpace|no space left",
           "OpenSearch's disk is full", "shorten the retention, or enlarge the volume"),
    _known("opensearch-mapping", r"mapper_parsing_exception|strict_dynamic_mapping|document_parsing_exception|"
           r"failed to parse field|total fields", "the mapping rejects documents in OpenSearch",
           "run streamtally indices plan, then apply; check the field that the line names"),
    _known("opensearch-permission", r"security_exception|no permissions for \["
           r"|errorCode\W+401\b|\b401\b.{0,20}Unauthorized|User: anonymous",
           "OpenSearch rejects the stream's role", "streamtally indices apply maps the role; see docs/deploy.md"),
    _known("permission", r"AccessDenied|not authorized to perform|not authorised",
           "a permission is missing", "add the action that the line names to the role's policy"),
    _known("throttled", r"ServiceUnavailableException|ThrottlingException|Slow down|RequestLimitExceeded",
           "the stream throttles requests", "request a higher quota, or spread the load"),
    _known("log-readable", r"Permission denied|AccessDeniedException.{0,40}/|FileNotFoundException",
           "the agent cannot read its log", "run streamtally doctor agent.json to see which directory"),
    _known("transform-timeout", r"Task timed out after|Status: timeout",
           "the function exceeds its time limit", "give it more memory or time (at most 300 s), or a buffer of 1 MB"),
    _known("transform-memory", r"Runtime\.OutOfMemory|signal: killed|Runtime\.ExitError|\bMemoryError",
           "the function has too little memory", "raise its MemorySize (the template's TransformMemory)"),
    _known("transform-settings", r"SettingsError|PlanError|UnknownFormatError|"
           r"Runtime\.ImportModuleError|No module named",
           "the function cannot start", "fix what the line names; then run sam build and sam deploy"),
    _known("summary-stream", r"SinkError|PartialWriteError|documents could not be (?:put|sent)",
           "the second stream does not accept the counts", "check that stream: streamtally doctor log-summary-stream"),
    _known("ledger", r"ledger out of balance",
           "the ledger of a batch does not balance, which is a bug in Streamtally", "report it, with the line"),
    _known("transform-failed", r"Lambda\.(FunctionError|InvokeFailed|FunctionTimedOut|JsonProcessingException|"
           r"InvokeAccessDenied|MissingRecordId|DuplicatedRecordId|ResponseTooLarge)|FunctionError",
           "the transform failed", "check the function's log; then run streamtally redrive"),
    _known("unparsed", r"Lambda\.ProcessingFailedStatus|ProcessingFailed",
           "records whose lines do not parse", "run streamtally parse on their rawData to see why"),
    _known("agent-memory", r"OutOfMemoryError|StackOverflowError",
           "the agent's Java ran out of memory or stack", "send raw lines, or raise START_MAX_HEAP"),
)  # fmt: skip
"""In the order in which they are tried: the first that matches a line names it."""
_ERROR = re.compile(r"ERROR|WARN|Error\b|Exception|errorCode|error_code|timed out|Status: timeout|out of balance")
_SEVERE = re.compile(r"\bERROR\b|Exception|\"errorCode\"")


def check_known_errors(log: ErrorLog) -> Iterator[Finding]:
    """Each known error once, with the number of its lines; unknown errors are a note."""
    counts: Counter[str] = Counter()
    unknown: list[str] = []
    for line in log.lines:
        if not _ERROR.search(line):
            continue
        known = next((kind for kind in KNOWN if kind.pattern.search(line)), None)
        if known is not None:
            counts[known.check] += 1
        elif _SEVERE.search(line):
            unknown.append(line)
    for kind in KNOWN:
        if counts[kind.check]:
            text = f"{kind.text} ({counts[kind.check]} of {len(log.lines)} lines)"
            yield Finding(kind.check, "error", text, kind.fix, log.where)
    if unknown:
        example = one_line(unknown[-1], _SHOWN_CHARS, " …")
        text = f"{len(unknown)} of {len(log.lines)} lines are errors of an unknown kind: {example}"
        yield Finding("unknown-error", "note", text, "read this line and those around it", log.where)


def check_log_readable(log: ErrorLog) -> Iterator[Finding]:
    """A log that may not be read hides its errors."""
    if log.error:
        fix = "get the permission logs:FilterLogEvents, or read the log in the console"
        yield Finding("log-unread", "warning", f"not checked: {log.error}", fix, log.where)


CHECKS: tuple[Callable[[ErrorLog], Iterable[Finding]], ...] = (check_known_errors, check_log_readable)
