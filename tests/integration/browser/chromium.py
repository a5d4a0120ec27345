"""Chromium that a test drives: pages whose events never end cannot be printed by its command line."""

from __future__ import annotations

import json
import os
import select
import shlex
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
    # Chromium has errands of its own; in a test they reach nobody.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
SECONDS = 60


class Chromium:
    """A browser with one page, driven by the DevTools protocol over a pipe: messages end in a zero byte."""

    def __init__(self, folder: Path, url: str) -> None:
        orders, self._orders = os.pipe()
        self._answers, answers = os.pipe()
        command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={folder / 'profile'}", "--remote-debugging-pipe"]
        shell = f"exec {shlex.join(command)} 3<&{orders} 4>&{answers}"
        self._process = subprocess.Popen(
            ["bash", "-c", shell], pass_fds=(orders, answers), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        os.close(orders)
        os.close(answers)
        self._data = b""
        self._number = 0
        self._session: dict[str, str] = {}
        target = self.call("Target.createTarget", url=url)["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = {"sessionId": attached["sessionId"]}

    def call(self, method: str, **parameters: Any) -> Any:
        """Call a method of the protocol. Returns: its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters, **self._session}
        os.write(self._orders, json.dumps(message).encode() + b"\0")
        while (answer := self._read()).get("id") != self._number:
            pass  # an event
        assert "error" not in answer, answer
        return answer["result"]

    def evaluate(self, expression: str) -> Any:
        """The value of an expression in the page."""
        return self.call("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def wait_for(self, expression: str) -> None:
        """Wait until an expression is true."""
        end = time.monotonic() + SECONDS
        while not self.evaluate(expression):
            assert time.monotonic() < end, f"never true: {expression}"
            time.sleep(0.1)

    def close(self) -> None:
        """End the browser."""
        self._process.terminate()
        self._process.wait(30)
        os.close(self._orders)
        os.close(self._answers)

    def _read(self) -> dict[str, Any]:
        end = time.monotonic() + SECONDS
        while b"\0" not in self._data:
            assert select.select([self._answers], [], [], max(end - time.monotonic(), 0))[0], "no answer"
            part = os.read(self._answers, 1 << 20)
            assert part, "the browser ended"
            self._data += part
        message, _, self._data = self._data.partition(b"\0")
        answer: dict[str, Any] = json.loads(message)
        return answer
