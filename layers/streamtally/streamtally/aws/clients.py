"""Where every SDK client is made: for the functions, and for the operator's commands. Tests replace them here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, cached_property
from typing import Any

from streamtally.errors import StreamtallyError
from streamtally.text import near_names, one_line, visible

CONNECT_SECONDS = 3
READ_SECONDS = 10
"""A function's limits for one request, of records or objects of at most some MB: a request that begins late must not
outlast the invocation."""

OPERATOR_CONNECT_SECONDS = 5
OPERATOR_READ_SECONDS = 30
"""The same for the commands, which no invocation ends."""

MAX_MESSAGE_CHARS = 500
_SERVICES = ("firehose", "s3", "kinesis", "secretsmanager", "glue")
"""Those of the functions' clients."""
_MAX_NAMES = 12
NO_REGION = "no region: pass --region, or set AWS_REGION"
_NO_CREDENTIALS = "no AWS credentials: pass --profile, or sign in (aws sso login, aws configure)"


@cache
def firehose_client() -> Any:
    """botocore's Firehose client, once per execution environment. It does not retry: :mod:`sinks.firehose` does."""
    return _function_client("firehose", max_attempts=1)


@cache
def s3_client() -> Any:
    """botocore's S3 client, once per execution environment."""
    return _function_client("s3", max_attempts=2)


@cache
def kinesis_client() -> Any:
    """botocore's Kinesis client, for a data stream as source. It does not retry: :mod:`sinks.firehose` does."""
    return _function_client("kinesis", max_attempts=1)


@cache
def secrets_client() -> Any:
    """botocore's Secrets Manager client, once per execution environment."""
    return _function_client("secretsmanager", max_attempts=3)


@cache
def glue_client() -> Any:
    """botocore's Glue client, for the table of Parquet files."""
    return _function_client("glue", max_attempts=3)


def _function_client(service: str, max_attempts: int) -> Any:
    config = _config(CONNECT_SECONDS, READ_SECONDS, total_max_attempts=max_attempts)
    return _function_session().create_client(service, config=config)


@cache
def _function_session() -> Any:
    """botocore's session: boto3 adds nothing that the functions use, and a third of a second to their start."""
    from botocore.session import get_session

    from streamtally.aws.sdk_data import DataLoader

    session = get_session()
    session.register_component("data_loader", DataLoader(_SERVICES, session.get_config_variable("data_path")))
    return session


def _config(connect_seconds: float, read_seconds: float, **retries: Any) -> Any:
    """botocore's configuration: limits in seconds, and what differs from its standard retries."""
    from botocore.config import Config

    options: Any = {"mode": "standard", **retries}
    return Config(connect_timeout=connect_seconds, read_timeout=read_seconds, retries=options)


class AwsError(StreamtallyError):
    """AWS refused a request, or could not be reached: one line.

    Attributes:
        code: AWS's error code, "" if there is none.
    """

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code

    @property
    def is_denied(self) -> bool:
        """Whether a permission is missing."""
        return self.code in ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")


class Aws:
    """AWS as the commands reach it: profile, region and endpoint as in the AWS CLI. Tests replace :meth:`make_client`.

    Args:
        endpoint_url: for every service; None leaves it to ``AWS_ENDPOINT_URL`` and its variants, as the AWS CLI does.
    """

    def __init__(self, profile: str | None = None, region: str | None = None, endpoint_url: str | None = None) -> None:
        self.profile, self.endpoint_url = profile, endpoint_url
        self.given_region = region
        """The region that was asked for by name; None leaves it to the environment and the profile."""
        self._clients: dict[str, Any] = {}

    @cached_property
    def session(self) -> Any:
        """boto3's session. Raises: AwsError: the profile does not exist."""
        from boto3 import Session
        from botocore.session import Session as CoreSession

        from streamtally.aws.instance_credentials import look_quickly

        with aws_errors():
            # As in the AWS CLI, AWS_REGION wins over AWS_DEFAULT_REGION; boto3 reads only the latter.
            region = self.given_region or os.environ.get("AWS_REGION") or None
            core = CoreSession(profile=self.profile)
            self._check_profile(core)
            session = Session(region_name=region, botocore_session=core)
            look_quickly(core.get_component("credential_provider"))
            return session

    @staticmethod
    def _check_profile(core: Any) -> None:
        """Raises: AwsError: the profile does not exist."""
        name = core.profile  # of the option or the environment; None: the default one, which need not exist
        if name is None or name in (names := core.available_profiles):
            return
        near = near_names(name, names, 1)
        there = f"the profiles are {', '.join(names[:_MAX_NAMES])}" if names else "there are none (aws configure)"
        raise AwsError(f"no AWS profile {visible(name, 60)!r}: " + (f"did you mean {near[0]!r}?" if near else there))

    @property
    def region(self) -> str:
        """The region, "" if none is set. One that is named needs no SDK, which a user's setup may not have."""
        named = self.given_region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        return named or str(self.session.region_name or "")

    def region_problem(self) -> str:
        """Why requests can reach no region, and what to do; an empty text if they can.

        Another endpoint, such as an emulator's, takes any name.
        """
        if not self.region:
            return NO_REGION
        from streamtally.aws.regions import region_problem  # the functions have a region

        is_elsewhere = self.endpoint_url or os.environ.get("AWS_ENDPOINT_URL")
        return "" if is_elsewhere else region_problem(self.region)

    def client(self, service: str) -> Any:
        """A service's client, made once. Raises: AwsError: no region, or an invalid endpoint."""
        if service not in self._clients:
            self._clients[service] = self.make_client(service)
        return self._clients[service]

    def make_client(self, service: str) -> Any:
        """A new client of a service. Raises: AwsError, as :meth:`client`."""
        self._check_account()
        config = _config(OPERATOR_CONNECT_SECONDS, OPERATOR_READ_SECONDS)
        with aws_errors():
            return self.session.client(service, endpoint_url=self.endpoint_url, config=config)

    def _check_account(self) -> None:
        """Raises: AwsError: names all that is missing at once, before a request waits for it."""
        with aws_errors():
            parts = [problem] if (problem := self.region_problem()) else []
            if self.session.get_credentials() is None:
                parts.append(_NO_CREDENTIALS)
        if parts:
            raise AwsError("; ".join(parts))

    def call(self, service: str, operation: str, **parameters: Any) -> Any:
        """One request, such as ``call("firehose", "describe_delivery_stream", …)``. Raises: AwsError."""
        client = self.client(service)
        with aws_errors():
            return getattr(client, operation)(**parameters)


@contextmanager
def aws_errors() -> Iterator[None]:
    """Turns what boto3 raises into an :class:`AwsError`: one line that says what to do."""
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError
    from botocore.exceptions import ParamValidationError as InvalidError
    from botocore.parsers import ResponseParserError

    try:
        yield
    except ClientError as error:
        details = error.response.get("Error") or {}
        code = str(details.get("Code", ""))
        text = f"{error.operation_name}: {code}: {_short(details.get('Message', ''))}{_advice(code)}"
        raise AwsError(text, code) from None
    except NoRegionError:
        raise AwsError(NO_REGION) from None
    except NoCredentialsError:
        raise AwsError(_NO_CREDENTIALS) from None
    except InvalidError as error:
        raise AwsError(f"not a valid request: {_short(error)}") from None
    except ResponseParserError as error:
        raise AwsError(f"the endpoint's response is not one of AWS: {one_line(error, 200)}") from None
    except (BotoCoreError, ValueError) as error:
        raise AwsError(_short(error)) from None


def _short(text: object) -> str:
    return one_line(text, MAX_MESSAGE_CHARS)


def _advice(code: str) -> str:
    if code in ("ExpiredToken", "ExpiredTokenException", "RequestExpired"):
        return " (sign in again)"
    if code in ("InvalidSignatureException", "SignatureDoesNotMatch", "RequestTimeTooSkewed"):
        return " (check the clock and the keys)"
    return ""
