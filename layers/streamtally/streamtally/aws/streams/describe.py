"""Streams and functions as AWS describes them, with similar names if one does not exist."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from streamtally.attach.change import lambda_processor, parameters_of, processing_of
from streamtally.attach.destinations import find_destination
from streamtally.aws.clients import Aws, AwsError
from streamtally.errors import SettingsError
from streamtally.text import near_names

DEFAULT_STACK = "streamtally"
FUNCTION_OUTPUT = "TransformFunctionArn"
STREAM_PAGES_MAX = 20
"""How many pages of streams are searched for a similar name."""
_FUNCTION_ARN = re.compile(r"arn:aws[\w-]*:lambda:[a-z0-9-]+:\d{12}:function:[\w-]+(:[\w$-]+)?")
_FUNCTION_NAME = re.compile(r"[\w-]+(:[\w$-]+)?")


def read_stream(aws: Aws, name: str) -> dict[str, Any]:
    """A stream's description. Raises: AwsError: it does not exist (with similar names), or access is denied."""
    try:
        response = aws.call("firehose", "describe_delivery_stream", DeliveryStreamName=name)
    except AwsError as error:
        if error.code != "ResourceNotFoundException":
            raise
        raise AwsError(
            f"the delivery stream {name!r} does not exist in {aws.region}{_similar_streams(aws, name)}", error.code
        ) from None
    description: dict[str, Any] = response["DeliveryStreamDescription"]
    return description


def list_streams(aws: Aws) -> list[str]:
    """The names of the region's delivery streams, from at most ``STREAM_PAGES_MAX`` pages."""
    names: list[str] = []
    for _ in range(STREAM_PAGES_MAX):
        start = {"ExclusiveStartDeliveryStreamName": names[-1]} if names else {}
        page = aws.call("firehose", "list_delivery_streams", Limit=100, **start)
        names += page["DeliveryStreamNames"]
        if not page.get("HasMoreDeliveryStreams") or not page["DeliveryStreamNames"]:
            break
    return names


def _similar_streams(aws: Aws, name: str) -> str:
    """`` (did you mean …?)``, or the existing names; "" if they may not be listed."""
    try:
        names = list_streams(aws)
    except AwsError:
        return ""
    if near := near_names(name, names):
        return f" (did you mean {', '.join(near)}?)"
    return (
        f" (existing streams: {', '.join(names[:5])}{' …' if len(names) > 5 else ''})"
        if names
        else " (this region has no streams)"
    )


def find_function(aws: Aws, named: str | None, stack: str) -> str:
    """The function's ARN.

    Args:
        named: a name, ``name:alias`` or ARN; None: the function is the stack's output.
        stack: the stack's name.
    Raises: AwsError, SettingsError: the stack, its output or the function does not exist.
    """
    if named is None:
        try:
            stacks = aws.call("cloudformation", "describe_stacks", StackName=stack)["Stacks"]
        except AwsError as error:
            if not error.code:  # AWS did not answer: credentials, a region or the network are missing
                raise
            raise AwsError(
                f"there is no --function, and the stack {stack!r} cannot be read ({error})", error.code
            ) from None
        outputs = {output["OutputKey"]: output["OutputValue"] for output in stacks[0].get("Outputs") or []}
        if FUNCTION_OUTPUT not in outputs:
            raise SettingsError(
                f"the stack {stack!r} has no output {FUNCTION_OUTPUT}: name the function with --function"
            )
        return str(outputs[FUNCTION_OUTPUT])
    form = _FUNCTION_ARN if named.startswith("arn:") else _FUNCTION_NAME
    if not form.fullmatch(named):
        wanted = "NAME, NAME:ALIAS, or arn:aws:lambda:REGION:ACCOUNT:function:NAME[:ALIAS]"
        raise SettingsError(f"--function {named!r} is not the name of a function: write {wanted}")
    if named.startswith("arn:"):
        return named
    name, _, qualifier = named.partition(":")
    function = read_function(aws, name, qualifier)
    if function is None:
        raise SettingsError(f"the function {named!r} does not exist in {aws.region}: deploy it, or name another")
    bare = ":".join(str(function["FunctionArn"]).split(":")[:7])
    return f"{bare}:{qualifier}" if qualifier else bare


def read_function(aws: Aws, name: str, qualifier: str = "") -> dict[str, Any] | None:
    """Lambda's configuration of a function; None: it does not exist."""
    parameters = {"Qualifier": qualifier} if qualifier else {}
    try:
        configuration: dict[str, Any] = aws.call(
            "lambda", "get_function_configuration", FunctionName=name, **parameters
        )
    except AwsError as error:
        if error.code == "ResourceNotFoundException":
            return None
        raise
    return configuration


def attached_function(description: Mapping[str, Any]) -> str:
    """The ARN of the function that is attached to a stream; "": there is none, or processing is disabled."""
    try:
        processing = processing_of(find_destination(description).config)
    except SettingsError:
        return ""
    arn = parameters_of(lambda_processor(processing)).get("LambdaArn", "")
    return arn if processing["Enabled"] else ""
