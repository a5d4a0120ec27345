"""Imports saved objects into OpenSearch Dashboards."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import requests

from streamtally.aws.opensearch.addresses import read_address
from streamtally.aws.opensearch.transport.explain import explain_connection
from streamtally.errors import IndexPlanError

TIMEOUT_SECONDS = 60


def import_dashboards(url: str, ndjson: str, ca_certs: str | None = None, auth: Any = None) -> dict[str, Any]:
    """Import saved objects, replacing those with the same ids. Returns: the answer of Dashboards.

    Args:
        url: of Dashboards (``…/_dashboards`` on a domain of Amazon OpenSearch Service); may contain user and password.
    Raises: IndexPlanError: one line.
    """
    base = url.rstrip("/")
    if urlsplit(base).path in ("", "/"):
        base += "/_dashboards"
    files = {"file": ("streamtally.ndjson", ndjson.encode(), "application/x-ndjson")}
    try:
        answer = requests.post(
            f"{base}/api/saved_objects/_import",
            params={"overwrite": "true"},
            headers={"osd-xsrf": "true"},
            files=files,
            timeout=TIMEOUT_SECONDS,
            verify=ca_certs or True,
            auth=auth,
        )
        document = answer.json()
    except requests.RequestException as error:
        raise IndexPlanError(
            f"Dashboards at {read_address(base).name} cannot be reached: {explain_connection(str(error))}"
        ) from None
    except ValueError:
        raise IndexPlanError(f"Dashboards answered {answer.status_code}, not JSON") from None
    if not isinstance(document, dict):
        raise IndexPlanError(f"Dashboards answered {answer.status_code}, not a JSON object: is this its address?")
    if answer.status_code != 200 or not document.get("success"):
        raise IndexPlanError(
            f"Dashboards rejected the import: {answer.status_code} {document.get('errors') or document}"
        )
    return dict(document)
