"""A headless Chromium, spoken to over a pair of pipes: no driver, no port, nothing to install beside the browser."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars", "--remote-debugging-pipe",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
)  # fmt: skip


def chromium() -> str | None:
    """The browser of this machine, or None."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Tab:
    """One page. `problems` collects console errors, uncaught exceptions and requests that leave the file."""

    def __init__(self, to_browser: Any, from_browser: Any) -> None:
        self._to, self._from = to_browser, from_browser
        self._number = 0
        self._session = ""
        self._events: list[dict[str, Any]] = []
        self.problems: list[str] = []
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._ask(f"{domain}.enable")

    def open(self, address: str) -> None:
        """Load a page and wait until it is there."""
        if "#" in address:  # else it might be the page that is open already, which then loads nothing
            self.open("about:blank")
        self._events.clear()
        self._ask("Page.navigate", url=address)
        while not any(event["method"] == "Page.loadEventFired" for event in self._events):
            self._read()

    def run(self, script: str) -> Any:
        """The value of a JavaScript expression, awaited if it is a promise."""
        answer = self._ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"].get("exception", {}).get("description", "script failed"))
        return answer["result"].get("value")

    def shape(self, width: int, height: int = 900, dark: bool = False, media: str = "", script: bool = True) -> None:
        """The window's size, the colour scheme, the medium ("print"), and whether script runs."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self._ask("Emulation.setDeviceMetricsOverride", **size)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self._ask("Emulation.setEmulatedMedia", media=media, features=scheme)
        self._ask("Emulation.setScriptExecutionDisabled", value=not script)

    def picture(self, file: Path, whole: bool = False) -> None:
        """A screenshot: of the window, or of the whole page."""
        data = self._ask("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"]
        file.write_bytes(base64.b64decode(data))

    def pdf(self, file: Path) -> None:
        """The page as it is printed."""
        file.write_bytes(base64.b64decode(self._ask("Page.printToPDF", preferCSSPageSize=True)["data"]))

    def _ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._to.write(json.dumps(message).encode() + b"\0")
        self._to.flush()
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                result: dict[str, Any] = answer["result"]
                return result

    def _read(self) -> dict[str, Any]:
        text = bytearray()
        while (byte := self._from.read(1)) != b"\0":
            if not byte:
                raise RuntimeError("the browser has gone")
            text += byte
        answer: dict[str, Any] = json.loads(text)
        if "method" in answer:
            self._events.append(answer)
            self._note(answer["method"], answer.get("params", {}))
        return answer

    def _note(self, method: str, told: dict[str, Any]) -> None:
        if method == "Runtime.exceptionThrown":
            self.problems.append(f"exception: {told['exceptionDetails'].get('text')}")
        elif method == "Log.entryAdded" and told["entry"]["level"] in ("error", "warning"):
            self.problems.append(f"log: {told['entry']['text']}")
        elif method == "Runtime.consoleAPICalled" and told["type"] in ("error", "warning", "assert"):
            self.problems.append(f"console: {told['args']}")
        elif method == "Network.requestWillBeSent" and not told["request"]["url"].startswith(
            ("file:", "data:", "about:")
        ):
            self.problems.append(f"request: {told['request']['url']}")


@contextmanager
def tab(browser: str) -> Iterator[Tab]:
    """A tab of a fresh browser with a profile of its own."""
    hears, speaks = os.pipe(), os.pipe()

    def connect() -> None:  # the browser listens on 3 and answers on 4
        ears, mouth = os.dup(hears[0]), os.dup(speaks[1])
        os.dup2(ears, 3)
        os.dup2(mouth, 4)

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [browser, *_FLAGS, f"--user-data-dir={profile}"], pass_fds=(3, 4), preexec_fn=connect,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(hears[0])
        os.close(speaks[1])
        with os.fdopen(hears[1], "wb") as to_browser, os.fdopen(speaks[0], "rb") as from_browser:
            try:
                yield Tab(to_browser, from_browser)
            finally:
                process.kill()
                process.wait()
