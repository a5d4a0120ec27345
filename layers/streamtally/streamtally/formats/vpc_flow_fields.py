r"""The fields of flow logs of Amazon VPC and of transit gateways, and the header line that names them in files.

A flow log has the default fields or those that its owner selected, in any order. The files that it delivers to Amazon
S3 begin with a line of their names; what it sends to CloudWatch Logs and Firehose has none.
Source: Amazon VPC user guide, "Flow log records", available fields (versions 2 to 10); Amazon VPC Transit Gateways
guide, "Transit Gateway Flow Log records".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from streamtally.formats.base import Field
from streamtally.formats.engine.columns import Column
from streamtally.lazy_patterns import pattern_when_used

MAX_FIELDS = 200
"""Fields of a header; there are about 60."""

ADDRESS = r"[0-9A-Fa-f.:]{2,45}|-"
_SHORT = "[0-9]{1,9}|-"
_LONG = "[0-9]{1,18}|-"


def _text(name: str, meaning: str, pattern: str = "") -> Column:
    return Column(name, "VARCHAR", meaning, pattern)


def _integer(name: str, meaning: str) -> Column:
    return Column(name, "INTEGER", meaning, _SHORT)


def _count(name: str, meaning: str) -> Column:
    return Column(name, "BIGINT", meaning, _LONG, repeats=True)


ACCOUNT = r"[0-9]{12}|unknown|-"
VERSION_2 = (
    Column("version", "INTEGER", "version of the log, 2 in the default format", "[0-9]{1,3}", before=""),
    _text("account_id", "account that owns the network interface", ACCOUNT),
    _text("interface_id", "id of the network interface"),
    _text("srcaddr", "source address", ADDRESS),
    _text("dstaddr", "destination address", ADDRESS),
    _integer("srcport", "source port"),
    _integer("dstport", "destination port"),
    _integer("protocol", "IANA's number of the protocol"),
    _count("packets", "packets in the interval"),
    _count("bytes", "bytes in the interval"),
    Column("start", "BIGINT", "time of the first packet, Unix seconds", _LONG),
    Column("end", "BIGINT", "time of the last packet, Unix seconds", _LONG),
    _text("action", "ACCEPT or REJECT", "ACCEPT|REJECT|-"),
    _text("log_status", "OK, NODATA (no traffic in the interval) or SKIPDATA (records skipped)", "OK|NODATA|SKIPDATA"),
)
_NEWER = (
    _text("vpc_id", "id of the VPC"),
    _text("subnet_id", "id of the subnet"),
    _text("instance_id", "id of the instance"),
    _integer("tcp_flags", "bitmask of the TCP flags"),
    _text("type", "IPv4, IPv6 or EFA"),
    _text("pkt_srcaddr", "source address of the packets", ADDRESS),
    _text("pkt_dstaddr", "destination address of the packets", ADDRESS),
    _text("region", "the region"),
    _text("az_id", "id of the availability zone"),
    _text("sublocation_type", "wavelength, outpost or localzone"),
    _text("sublocation_id", "id of the sublocation"),
    _text("pkt_src_aws_service", "AWS service of the source address"),
    _text("pkt_dst_aws_service", "AWS service of the destination address"),
    _text("flow_direction", "ingress or egress"),
    _integer("traffic_path", "path of egress traffic, by its number"),
    _text("ecs_cluster_arn", "ARN of the ECS cluster"),
    _text("ecs_cluster_name", "name of the ECS cluster"),
    _text("ecs_container_instance_arn", "ARN of the ECS container instance"),
    _text("ecs_container_instance_id", "id of the ECS container instance"),
    _text("ecs_container_id", "Docker's id of the first container"),
    _text("ecs_second_container_id", "Docker's id of the second container"),
    _text("ecs_service_name", "name of the ECS service"),
    _text("ecs_task_definition_arn", "ARN of the ECS task definition"),
    _text("ecs_task_arn", "ARN of the ECS task"),
    _text("ecs_task_id", "id of the ECS task"),
    _text("reject_reason", "why traffic was rejected"),
    _text("resource_id", "id of the resource that the flow log was created for"),
    _text("encryption_status", "whether the traffic was encrypted, by its number"),
)
_KNOWN = {column.name: column for column in (*VERSION_2, *_NEWER)}
_TRANSIT = (
    _text("resource_type", "TransitGateway or TransitGatewayAttachment", "TransitGateway[A-Za-z]{0,20}"),
    _text("tgw_id", "id of the transit gateway"),
    _text("tgw_attachment_id", "id of its attachment"),
    _text("tgw_src_vpc_account_id", "account of the source VPC"),
    _text("tgw_dst_vpc_account_id", "account of the destination VPC"),
    _text("tgw_src_vpc_id", "id of the source VPC"),
    _text("tgw_dst_vpc_id", "id of the destination VPC"),
    _text("tgw_src_subnet_id", "id of the source subnet"),
    _text("tgw_dst_subnet_id", "id of the destination subnet"),
    _text("tgw_src_eni", "id of the source's network interface"),
    _text("tgw_dst_eni", "id of the destination's network interface"),
    _text("tgw_src_az_id", "id of the source's availability zone"),
    _text("tgw_dst_az_id", "id of the destination's availability zone"),
    _text("tgw_pair_attachment_id", "id of the attachment on the other side"),
    _count("packets_lost_no_route", "packets lost, as there was no route"),
    _count("packets_lost_blackhole", "packets lost to a blackhole route"),
    _count("packets_lost_mtu_exceeded", "packets lost, as they were too large"),
    _count("packets_lost_ttl_expired", "packets lost, as their time to live expired"),
)
_KNOWN |= {column.name: column for column in _TRANSIT}
_TRANSIT_ORDER = (
    "version resource_type account_id tgw_id tgw_attachment_id tgw_src_vpc_account_id tgw_dst_vpc_account_id "
    "tgw_src_vpc_id tgw_dst_vpc_id tgw_src_subnet_id tgw_dst_subnet_id tgw_src_eni tgw_dst_eni tgw_src_az_id "
    "tgw_dst_az_id tgw_pair_attachment_id srcaddr dstaddr srcport dstport protocol packets bytes start end log_status "
    "type packets_lost_no_route packets_lost_blackhole packets_lost_mtu_exceeded packets_lost_ttl_expired tcp_flags "
    "region flow_direction pkt_src_aws_service pkt_dst_aws_service"
)
TRANSIT = tuple(_KNOWN[name] for name in _TRANSIT_ORDER.split())
"""The default fields of a transit gateway's flow log, in their order."""

FIELDS: tuple[Field, ...] = tuple(column.field for column in _KNOWN.values())

Convert = Callable[[str], Any]


def _converter(column: Column) -> Convert:
    fits = pattern_when_used(column.exact_pattern, re.ASCII)
    to_value: Convert = str if column.type == "VARCHAR" else int

    def convert(text: str) -> Any:
        if fits.fullmatch(text) is None:
            raise ValueError
        return None if text == "-" else to_value(text)

    return convert


CONVERTERS: Mapping[str, Convert] = {name: _converter(column) for name, column in _KNOWN.items()}
"""Field → the conversion of its text. Raises: ValueError: the text is not a value of the field."""

TELLING = frozenset(name for name, column in _KNOWN.items() if column.pattern)
"""The fields that not just any word fits."""

_NAME = r"[a-z][a-z0-9\-]{0,62}+"
_NAMES = "|".join(sorted((name.replace("_", "-") for name in _KNOWN), key=len, reverse=True))
HEADER_BEGINS = rf"(?:{_NAMES})\x20(?:{_NAMES})(?=\x20|\Z)"
"""How a header line begins: with the names of two fields."""
_HEADER_LINE = pattern_when_used(rf"{HEADER_BEGINS}(?:\x20{_NAME}){{0,{MAX_FIELDS}}}+\x20?\Z", re.ASCII)


def is_header(line: str) -> bool:
    """Whether a line is a header: names separated by spaces, of which the first two are known."""
    return _HEADER_LINE.match(line) is not None


def to_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """AWS's names of fields → names that are valid in SQL: ``account-id`` → ``account_id``."""
    return tuple(name.strip("${}").replace("-", "_") for name in names)
