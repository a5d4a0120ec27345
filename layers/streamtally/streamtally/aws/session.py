"""AWS as the operator's commands reach it: profile, region and endpoint as the AWS CLI's, errors as one line."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from streamtally.errors import StreamtallyError

CONNECT_SECONDS = 5
READ_SECONDS = 30


class AwsError(StreamtallyError):
    """AWS refused, or could not be asked: one line. ``code`` is AWS's error code, "" where it gave none."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code

    @property
    def is_denied(self) -> bool:
        return self.code in ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")


class Aws:
    """Clients for one profile, region and endpoint. Tests replace :meth:`make_client`.

    Args: endpoint_url: for every service; None leaves it to ``AWS_ENDPOINT_URL`` and its like, as the AWS CLI does.
    """

    def __init__(self, profile: str | None = None, region: str | None = None, endpoint_url: str | None = None) -> None:
        self.profile, self.endpoint_url = profile, endpoint_url
        self._region = region
        self._clients: dict[str, Any] = {}

    @cached_property
    def session(self) -> Any:
        """boto3's session. Raises: AwsError: the profile is unknown."""
        import boto3

        with aws_errors():
            # As the AWS CLI: AWS_REGION wins over AWS_DEFAULT_REGION, which is all that boto3 reads.
            region = self._region or os.environ.get("AWS_REGION") or None
            return boto3.Session(profile_name=self.profile, region_name=region)

    @property
    def region(self) -> str:
        """The region, "" where none is set."""
        return str(self.session.region_name or "")

    def client(self, service: str) -> Any:
        """A service's client, made once. Raises: AwsError: no region, an endpoint that is no address."""
        if service not in self._clients:
            self._clients[service] = self.make_client(service)
        return self._clients[service]

    def make_client(self, service: str) -> Any:
        """Makes a client."""
        from botocore.config import Config

        config = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"mode": "standard"},
        )
        with aws_errors():
            return self.session.client(service, endpoint_url=self.endpoint_url, config=config)

    def call(self, service: str, operation: str, **parameters: Any) -> Any:
        """One call, such as ``call("firehose", "describe_delivery_stream", …)``. Raises: AwsError."""
        client = self.client(service)
        with aws_errors():
            return getattr(client, operation)(**parameters)


@contextmanager
def aws_errors() -> Iterator[None]:
    """Turns what boto3 raises into one line that says what to do."""
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError
    from botocore.exceptions import ParamValidationError as InvalidError
    from botocore.parsers import ResponseParserError

    try:
        yield
    except ClientError as error:
        told = error.response.get("Error") or {}
        code = str(told.get("Code", ""))
        text = f"{error.operation_name}: {code}: {one_line(told.get('Message', ''))}{_advice(code)}"
        raise AwsError(text, code) from None
    except NoRegionError:
        raise AwsError("no region: give --region, or set AWS_REGION") from None
    except NoCredentialsError:
        raise AwsError("no AWS credentials: give --profile, or sign in (aws sso login, aws configure)") from None
    except InvalidError as error:
        raise AwsError(f"not a valid request: {one_line(error)}") from None
    except ResponseParserError as error:
        raise AwsError(f"the endpoint's answer is none of AWS's: {one_line(error)[:200]}") from None
    except (BotoCoreError, ValueError) as error:
        raise AwsError(one_line(error)) from None


def _advice(code: str) -> str:
    if code in ("ExpiredToken", "ExpiredTokenException", "RequestExpired"):
        return " (sign in again)"
    if code in ("InvalidSignatureException", "SignatureDoesNotMatch", "RequestTimeTooSkewed"):
        return " (is the clock right? are the keys?)"
    return ""


def one_line(text: Any) -> str:
    """A text of any length as one line."""
    return " ".join(str(text).split())[:500]
