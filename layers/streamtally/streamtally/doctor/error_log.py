"""Known errors in logs: the Kinesis Agent's own log, and the files that Firehose writes under its error prefixes."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from streamtally.doctor.firehose_codes import Meaning, explain_code
from streamtally.doctor.refusals import BY_STATUS, REFUSALS, known
from streamtally.findings import Finding
from streamtally.text import one_line


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


KNOWN = (
    known("stream-missing", r"ResourceNotFoundException|Firehose \S+ not found|Status Code: 404",
           "the stream is not in the region that is called", "fix deliveryStream, or the region in firehose.endpoint"),
    known("credentials-expired", r"ExpiredToken|security token .{0,40}(expired|invalid)|UnrecognizedClient",
           "the credentials are expired or invalid", "renew them, or give the machine a role"),
    known("credentials-absent", r"Unable to load (AWS )?credentials|NoCredentials",
           "there are no credentials", "give the machine a role with firehose:PutRecordBatch"),
    known("clock-skew", r"Signature (expired|not yet current)|RequestTimeTooSkewed|InvalidSignatureException",
           "the machine's clock is wrong", "turn on NTP (chrony), and check timedatectl"),
    known("opensearch-read-only", r"read-only-allow-delete|FORBIDDEN/12|cluster_block_exception|index read-only",
           "OpenSearch is read-only, usually because of a full disk", "free disk space, then set index.blocks to null"),
    known("opensearch-disk", r"disk (usage )?exceeded|flood.?stage|low disk|FreeStorageSpace|no space left",
           "OpenSearch's disk is full", "shorten the retention, or enlarge the volume"),
    known("opensearch-mapping", r"mapper_parsing_exception|strict_dynamic_mapping|document_parsing_exception|"
           r"failed to parse field|total fields", "the mapping rejects documents in OpenSearch",
           "run streamtally indices plan, then apply; check the field that the line names"),
    known("opensearch-permission", r"security_exception|no permissions for \["
           r"|errorCode\W+401\b|\b401\b.{0,20}Unauthorized|User: anonymous",
           "OpenSearch rejects the stream's role", "streamtally indices apply maps the role; see docs/deploy.md"),
    known("permission", r"AccessDenied|not authorized to perform|not authorised",
           "a permission is missing", "add the action that the line names to the role's policy"),
    known("throttled", r"ServiceUnavailableException|ThrottlingException|Slow down|RequestLimitExceeded",
           "the stream throttles requests", "request a higher quota, or spread the load"),
    known("log-readable", r"Permission denied|AccessDeniedException.{0,40}/|FileNotFoundException",
           "the agent cannot read its log", "run streamtally doctor agent.json to see which directory"),
    known("transform-timeout", r"Task timed out after|Status: timeout",
           "the function exceeds its time limit", "give it more memory or time (at most 300 s), or a buffer of 1 MB"),
    known("transform-memory", r"Runtime\.OutOfMemory|signal: killed|Runtime\.ExitError|\bMemoryError",
           "the function has too little memory", "raise its MemorySize (the template's TransformMemory)"),
    known("transform-settings", r"SettingsError|PlanError|UnknownFormatError|"
           r"Runtime\.ImportModuleError|No module named",
           "the function cannot start", "fix what the line names; then run sam build and sam deploy"),
    known("summary-stream", r"SinkError|PartialWriteError|documents could not be (?:put|sent)",
           "the second stream does not accept the counts", "check that stream: streamtally doctor log-summary-stream"),
    known("ledger", r"ledger out of balance",
           "the ledger of a batch does not balance, which is a bug in Streamtally", "report it, with the line"),
    known("transform-failed", r"Lambda\.(FunctionError|InvokeFailed|FunctionTimedOut|JsonProcessingException|"
           r"InvokeAccessDenied|MissingRecordId|DuplicatedRecordId|ResponseTooLarge)|FunctionError",
           "the transform failed", "check the function's log; then run streamtally redrive"),
    known("unparsed", r"Lambda\.ProcessingFailedStatus|ProcessingFailed",
           "records whose lines do not parse", "run streamtally parse on their rawData to see why"),
    known("agent-memory", r"OutOfMemoryError|StackOverflowError",
           "the agent's Java ran out of memory or stack", "send raw lines, or raise START_MAX_HEAP"),
)  # fmt: skip
"""In the order in which they are tried on a line that is no record of Firehose: the first that matches names it."""
_ERROR = re.compile(r"ERROR|WARN|Error\b|Exception|errorCode|error_code|timed out|Status: timeout|out of balance")
_SEVERE = re.compile(r"\bERROR\b|Exception|\"errorCode\"")
_CODE = re.compile(r'"(?:last)?error_?code"\s*:\s*"?([^",}]{1,200})', re.IGNORECASE)
_MESSAGE = re.compile(r'"(?:(?:last)?error_?)?message"\s*:\s*"', re.IGNORECASE)
_RAW = re.compile(r'"(?:rawData|attemptEndingTimestamp)"\s*:')
_VARIABLE = re.compile(r"\d+|[0-9a-f]{8,}|'[^']*'|\[[^\]]*\]")
MAX_UNKNOWN = 20
"""Kinds of unknown errors that are shown, each whole."""
_EXAMPLE_CHARS = 600
_READ_CHARS = 8_000
"""Of a message, in which patterns look: a reason stands at its beginning, and a message may quote a document."""


@dataclass(frozen=True, slots=True)
class Record:
    """An error record of Firehose: its code, and the message that it got."""

    code: str
    message: str


def read_record(line: str) -> Record | None:
    """The error record in a line of an error file, or of Firehose's log; None: it is another line.

    A record that is not valid JSON (a message whose quotes are not escaped, a line that was cut) is read by its keys.
    """
    code_match = _CODE.search(line)
    if code_match is None:
        return None
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        document = None
    if isinstance(document, dict):
        keys = {str(key).lower().replace("_", ""): value for key, value in document.items()}
        code = keys.get("errorcode") or keys.get("lasterrorcode")
        message = keys.get("errormessage") or keys.get("lasterrormessage") or keys.get("message") or ""
        text = message if isinstance(message, str) else json.dumps(message)
        return Record(str(code), text) if code is not None else None
    start = _MESSAGE.search(line)
    rest = line[start.end() :] if start else ""
    end = _RAW.search(rest)
    return Record(code_match[1].strip(), rest[: end.start()].rstrip(' ,"') if end else rest)


def explain_record(record: Record) -> Meaning | None:
    """What an error record means: by OpenSearch's reason, by Firehose's code, by the status; None: it is unknown."""
    meaning = explain_code(record.code)
    by_destination = record.code.isdigit() or meaning is None or meaning[0] == "opensearch-refused"
    if by_destination:
        text = f"{record.code} {record.message[:_READ_CHARS]}"
        known_reason = next((kind for kind in REFUSALS if kind.pattern.search(text)), None)
        if known_reason:
            return known_reason.check, known_reason.text, known_reason.fix
    if meaning or record.code in BY_STATUS:
        return meaning or BY_STATUS[record.code]
    return None


def check_known_errors(log: ErrorLog) -> Iterator[Finding]:
    """Each known error once, with the number of its lines.

    Unknown ones: a record of Firehose is an error and shown whole; another line is a note.
    """
    counts: Counter[Meaning] = Counter()
    examples: dict[Meaning, str] = {}
    strange: dict[str, list[str]] = {}
    unknown: list[str] = []
    for line in log.lines:
        record = read_record(line)
        if record is None and not _ERROR.search(line):
            continue
        meaning = _explain(record, line)
        if meaning:
            counts[meaning] += 1
            examples[meaning] = f"{record.code}: {record.message}" if record else ""
        elif record:
            strange.setdefault(_VARIABLE.sub("", f"{record.code} {record.message[:500]}"), []).append(line)
        elif _SEVERE.search(line):
            unknown.append(line)
    for (check, text, fix), count in sorted(counts.items(), key=lambda entry: _ORDER.get(entry[0], len(_ORDER))):
        example = one_line(examples[check, text, fix], _EXAMPLE_CHARS, " …")
        shown = f"{text} ({count} of {len(log.lines)} lines)" + (f": {example}" if example else "")
        yield Finding(check, "error", shown, fix, log.where)
    yield from _report_strange(log, strange)
    if unknown:
        text = f"{len(unknown)} of {len(log.lines)} lines are errors of an unknown kind: {one_line(unknown[-1])}"
        yield Finding("unknown-error", "note", text, "read this line and those around it", log.where)


def _explain(record: Record | None, line: str) -> Meaning | None:
    meaning = explain_record(record) if record else None
    if meaning and record and record.code not in _BROAD:
        return meaning
    text = f'"errorCode":"{record.code}" {record.message[:_READ_CHARS]}' if record else line
    kind = next((kind for kind in KNOWN if kind.pattern.search(text)), None)
    return (kind.check, kind.text, kind.fix) if kind else meaning


def _report_strange(log: ErrorLog, strange: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    """Records of unknown kinds: each kind whole, since nobody can act on a part of it."""
    fix = "do what the message says; the records themselves are in the same object (streamtally redrive)"
    for lines in list(strange.values())[:MAX_UNKNOWN]:
        record = read_record(lines[-1])
        shown = f"{record.code}: {record.message}" if record and record.message else lines[-1]
        text = f"{len(lines)} of {len(log.lines)} lines are errors of an unknown kind: {one_line(shown)}"
        yield Finding("unknown-error", "error", text, fix, log.where)
    if len(strange) > MAX_UNKNOWN:
        text = f"{len(strange) - MAX_UNKNOWN} more unknown kinds of errors are not shown"
        yield Finding("unknown-error", "error", text, "remove the causes above, and run the doctor again", log.where)


_ORDER = {(kind.check, kind.text, kind.fix): place for place, kind in enumerate(KNOWN)}
_BROAD = frozenset(("Lambda.FunctionError", "Lambda.InvokeFailed", "Lambda.ProcessingFailedStatus"))
"""Codes whose message says more, which `KNOWN` reads."""


def check_log_readable(log: ErrorLog) -> Iterator[Finding]:
    """A log that may not be read hides its errors."""
    if log.error:
        fix = "get the permission logs:FilterLogEvents, or read the log in the console"
        yield Finding("log-unread", "warning", f"not checked: {log.error}", fix, log.where)


CHECKS: tuple[Callable[[ErrorLog], Iterable[Finding]], ...] = (check_known_errors, check_log_readable)
