"""Why OpenSearch refuses a document, a request or an index, by the reason in its answer: each with its fix.

Firehose writes the answer into its error records as it is. Source: the exceptions of OpenSearch and Elasticsearch
(``ShardLimitValidator``, ``AutoCreateIndex``, ``IngestService``, ``MapperService``, ``ClusterBlocks``, …), as their
answers give them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


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


def known(check: str, pattern: str, text: str, fix: str) -> KnownError:
    """A kind of error; its pattern ignores case."""
    return KnownError(check, re.compile(pattern, re.IGNORECASE), text, fix)


_PLAN = "streamtally indices plan names the cause"

REFUSALS = (
    # Limits of the cluster.
    known("shard-limit", r"maximum (normal |frozen )?shards open|max(imum)?[_ ]shards[_ ]per[_ ]node",
          "the cluster has as many shards as it may have, so no index can be made",
          "delete indices, rotate by week or month, add a data node, or raise cluster.max_shards_per_node"),
    known("circuit-breaker", r"circuit_?breaking_?exception|Data too large, data for",
          "a node of OpenSearch is short of memory (circuit breaker)",
          "use nodes with more memory, fewer shards, or a smaller buffer of the stream (SizeInMBs)"),
    known("opensearch-busy", r"es_?rejected_?execution|opensearch_?rejected_?execution|rejected execution of"
          r"|queue capacity|Too Many Requests|indexing_?pressure",
          "OpenSearch has more writes than it can take", "use more or larger data nodes, or more shards of partials"),
    known("request-too-large", r"\b413\b|Request ?Entity ?Too ?Large|Content ?Too ?Large|Request size exceeded"
          r"|Payload too large|entity content is too long|content length .{0,60}exceed",
          "a request is larger than the destination accepts",
          "set a smaller buffer of the stream (SizeInMBs 1 to 5); small instances take 10 MiB"),
    known("replicas", r"total awareness attributes|max cap on auto expand|expected total copies",
          "the number of copies does not fit the domain's zones (Multi-AZ with Standby)",
          "set replicas so that copies are a multiple of the zones, then run streamtally indices apply"),
    # Blocks and disks.
    known("opensearch-unavailable", r"SERVICE_UNAVAILABLE/\d+", "the cluster starts, or has no manager",
          "wait; GET _cluster/health says what is missing"),
    known("opensearch-disk", r"disk (usage )?exceeded|flood.?stage|low disk|FreeStorageSpace|no space left",
          "OpenSearch's disk is full", "shorten the retention, or enlarge the volume"),
    known("opensearch-read-only", r"read-only-allow-delete|read-only / allow delete|FORBIDDEN/\d+"
          r"|cluster_block_exception|index read-only|create-index blocked|blocked by:",
          "OpenSearch has a block, usually because of a full disk",
          "free disk space, then set the block that the line names to null (index.blocks or cluster.blocks)"),
    # Names: what a document is written to.
    known("auto-create", r"auto_create_index|index auto.?creation|auto.?create.{0,20}(index|indices)",
          "the cluster does not let documents make indices (action.auto_create_index)",
          "set action.auto_create_index to true, or add our names to its list; " + _PLAN),
    known("name-taken", r"op_type of create are allowed in data streams|creates data streams only|data.?stream.{0,80}"
          r"(not supported|only supports|is not allowed|conflict)|conflicts with data stream|already exists as alias"
          r"|alias.{0,60}(same name|already exists)",
          "a data stream or alias has the name of an index of ours", "rename index in pipeline.toml; " + _PLAN),
    known("no-write-index", r"no write index is defined|more than one index associated|has more than one (write )?ind"
          r"|write index is explicitly being disabled",
          "the alias that is written to has no write index, or several indices",
          "set is_write_index on one of its indices (POST _aliases)"),
    known("index-closed", r"index_?closed_?exception|\bclosed index\b|index is closed",
          "the index is closed", "open it (POST <index>/_open), or delete it"),
    known("index-missing", r"index_?not_?found_?exception|no such index|IndexNotFound",
          "the index does not exist and is not made by documents",
          "run streamtally indices apply; " + _PLAN),
    known("index-name", r"invalid_?index_?name_?exception|invalid index name",
          "the name of the index is not valid", "use lower case, without spaces or any of \\ / * ? \" < > | , #"),
    # What a document contains.
    known("field-limit", r"limit of (total |nested )?(fields|mapping depth|nested|field name).{0,40}exceeded"
          r"|total fields|total_fields", "the index has as many fields as it may have",
          "select fewer columns, set dynamic: false in its mapping, or raise index.mapping.total_fields.limit"),
    known("term-too-long", r"immense term|max_bytes_length_exceeded|bytes can be at most 32766",
          "a value is longer than a keyword may be (32,766 bytes)",
          "run streamtally indices apply, whose mapping has ignore_above; or shorten the column (LEFT, SUBSTRING)"),
    known("opensearch-mapping", r"mapper_?parsing|mapper \[.{1,200}\] (cannot|of different)|strict_?dynamic_?mapping"
          r"|document_?parsing|failed to parse|not_?x_?content|object mapping for \[|can't merge a non object"
          r"|different type|illegal_?argument_?exception.{0,40}mapper|x_?content_?parse|json_?parse_?exception"
          r"|tried to parse field",
          "the mapping rejects documents in OpenSearch",
          "run streamtally indices plan, then apply; check the field that the line names"),
    known("version-conflict", r"version_?conflict",
          "a document was written meanwhile by somebody else (version conflict)",
          "let nothing else write documents with our ids; settled documents are written again by the next run"),
    known("document-missing", r"document_?missing_?exception", "a document that should be updated does not exist",
          "let the stream index documents, not update them"),
    known("routing-missing", r"routing_?missing_?exception|routing is required",
          "documents of this index need a routing", "write to an index of ours, which needs none"),
    # Ingest pipelines.
    known("pipeline-missing", r"pipeline with id \[.{0,200}\] does not exist|pipeline .{0,100}(is missing|not found)",
          "the ingest pipeline that an index names does not exist",
          "run streamtally indices apply; if it is another's pipeline, make it or remove it from the template"),
    known("pipeline-failed", r"ingest_?processor_?exception|script_?exception|no ingest nodes|compilation_?rate"
          r"|circuit_breaking.{0,40}compil", "an ingest pipeline fails on documents",
          "run streamtally indices apply, and read what the line names"),
    # Permissions.
    known("opensearch-permission", r"security_?exception|no permissions for \[|User: anonymous"
          r"|\b401\b.{0,20}Unauthorized|authorization_exception|security plugin|not authorized to perform: es:|ESHttp",
          "OpenSearch rejects the stream's role",
          "streamtally indices apply maps the role; or add es:ESHttp* to the access policy; see docs/deploy.md"),
    # The cluster as a whole.
    known("opensearch-unavailable", r"no_?shard_?available|unavailable_?shards|primary shard is not active"
          r"|master_?not_?discovered|cluster_?manager_?not_?discovered|SERVICE_UNAVAILABLE|no.?master|node_?closed"
          r"|process_?cluster_?event_?timeout|failed to process cluster event|node_?not_?connected|node_?disconnected"
          r"|no cluster.?manager",
          "a part of the cluster does not answer (a missing shard, node or manager)",
          "GET _cluster/health and _cluster/allocation/explain say what is missing"),
    known("opensearch-unreachable", r"UnknownHost|Name or service not known|Connection (refused|reset|timed out)"
          r"|connect timed out|Read timed out|socket.?timeout|No route to host|Unable to execute HTTP request"
          r"|(SSL|PKIX|certificate).{0,60}(fail|error|invalid|expired|path)|receive_?timeout",
          "the destination does not answer Firehose",
          "check the endpoint; in a VPC, security groups must let port 443 pass from Firehose's network interfaces"),
)  # fmt: skip
"""In the order in which they are tried."""

BY_STATUS = {
    "400": ("opensearch-refused", "OpenSearch refuses documents", _PLAN),
    "401": ("opensearch-permission", "OpenSearch rejects the stream's role", "map the role: streamtally indices apply"),
    "403": ("opensearch-permission", "OpenSearch rejects the stream's role", "map the role: streamtally indices apply"),
    "404": ("index-missing", "the index, or the address of the domain, does not exist", _PLAN),
    "405": ("opensearch-refused", "the address does not take bulk requests", "give the endpoint of the domain itself"),
    "408": ("opensearch-unreachable", "requests time out", "use more or larger data nodes, or a smaller buffer"),
    "409": ("version-conflict", "documents were written meanwhile by somebody else", "let nothing else use our ids"),
    "413": ("request-too-large", "a request is larger than the domain accepts", "set a smaller buffer (SizeInMBs)"),
    "429": ("opensearch-busy", "OpenSearch has more writes than it can take", "use more or larger data nodes"),
    "500": ("opensearch-unavailable", "OpenSearch fails on requests", "read the domain's error log"),
    "502": ("opensearch-unavailable", "the domain does not answer", "check its health: GET _cluster/health"),
    "503": ("opensearch-unavailable", "the domain does not answer", "check its health: GET _cluster/health"),
    "504": ("opensearch-unavailable", "requests time out at the domain", "check its health: GET _cluster/health"),
}
"""HTTP status → check, text and fix, for an answer whose reason says nothing that is known."""
