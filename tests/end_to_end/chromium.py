"""A real browser: Debian's Chromium without a window, driven by tests/clients/browser.mjs. Tabs have names; each call waits for its end."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.sdk import CLIENTS, Worker

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome") or ""
PHONE = {"viewport": {"width": 390, "height": 844}, "isMobile": True, "hasTouch": True}
DARK = {"colorScheme": "dark"}
PLAIN = {"javaScriptEnabled": False}


@dataclass(slots=True)
class Chromium:
    worker: Worker

    def open(self, page: str, **how: Any) -> Tab:
        tab = Tab(self.worker, page)
        tab.do("open", **how)
        return tab

    def close_all(self) -> None:
        Tab(self.worker, "").do("close_all")


@dataclass(slots=True)
class Tab:
    worker: Worker
    page: str

    def do(self, action: str, /, **how: Any) -> Any:
        self.worker.start({"do": action, "page": self.page, **how})
        told = self.worker.next()
        assert "error" not in told, f"{action} {how}: {told['error']}"
        return told["done"]

    def goto(self, url: str) -> int:
        return int(self.do("goto", url=url))

    def click(self, what: str) -> None:
        self.do("click", what=what)

    def fill(self, what: str, text: str) -> None:
        self.do("fill", what=what, text=text)

    def press(self, keys: str) -> None:
        self.do("press", keys=keys)

    def type(self, text: str) -> None:
        self.do("type", text=text)

    def wait(self, what: str) -> str:
        """Until it is there and seen; its text."""
        return str(self.do("wait", what=what))

    def until(self, script: str) -> None:
        self.do("until", script=script)

    def arrived(self, url: str) -> str:
        return str(self.do("arrived", url=url))

    def ask(self, script: str) -> Any:
        return self.do("ask", script=script)

    @property
    def text(self) -> str:
        return str(self.do("text"))

    @property
    def title(self) -> str:
        return str(self.do("title"))

    def faults(self, site: str) -> list[str]:
        """What scripts of this site threw, and what its policy refused."""
        return [fault for fault in self.do("faults") if fault.startswith(site)]

    def accessibility_faults(self) -> list[str]:
        return list(self.do("axe"))


@contextmanager
def chromium(folder: Path) -> Iterator[Chromium]:
    if not CHROMIUM or not shutil.which("node") or not (CLIENTS / "node_modules" / "playwright-core").is_dir():
        pytest.skip("needs chromium (apt-get install chromium), node, and scripts/bootstrap --clients")
    worker = Worker([shutil.which("node") or "node", str(CLIENTS / "browser.mjs"), CHROMIUM, str(folder)])
    try:
        yield Chromium(worker)
    finally:
        worker.close()
