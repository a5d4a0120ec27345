"""Errors in AWS's form."""

from __future__ import annotations


class ApiError(Exception):
    """An error in AWS's form.

    Attributes:
        response: as in an SDK's error.
        advice: what the one who runs the endpoint can do, for its own log; AWS's text stays as it is.
    """

    def __init__(self, code: str, message: str, status: int = 400, advice: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.advice = advice
        self.response = {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {"HTTPStatusCode": status},
        }


def invalid(where: str, constraint: str) -> ApiError:
    """The error for a member of a request that breaks a constraint. Args: where: its path, as AWS names it."""
    text = f"1 validation error detected: Value at '{where}' failed to satisfy constraint: {constraint}"
    return ApiError("ValidationException", text)
