"""How botocore reads its data files for the functions: the same data in a fraction of the time.

botocore looks into the folder of each of AWS's services before it loads the model of one, and parses JSON with Python's
own library. Source: botocore's documentation, "Loaders Reference".
"""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

import orjson
from botocore.loaders import JSONFileLoader, Loader


class _FileLoader(JSONFileLoader):
    def load_file(self, file_path: str) -> Any:
        """The data of a file; None if there is none. Args: file_path: without what its name ends in."""
        for suffix, open_file in ((".json", open), (".json.gz", gzip.open)):
            try:
                with open_file(file_path + suffix, "rb") as file:
                    return orjson.loads(file.read())
            except FileNotFoundError:
                continue
        return None


class DataLoader(Loader):
    """botocore's loader for some services.

    Args:
        services: all that there are clients of.
        data_path: ``AWS_DATA_PATH``: folders with more data; None if it is not set.
    """

    def __init__(self, services: tuple[str, ...], data_path: str | None) -> None:
        folders = filter(None, (data_path or "").split(os.pathsep))
        paths = [str(Path(os.path.expandvars(folder)).expanduser()) for folder in folders]
        super().__init__(extra_search_paths=paths, file_loader=_FileLoader())
        self._services = list(services)

    def list_available_services(self, type_name: str) -> list[str]:
        """The services that there may be clients of, without looking for the others."""
        return self._services
