"""What axe finds wrong with a page: https://github.com/dequelabs/axe-core."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page


def serious(page: Page) -> list[tuple[str, str]]:
    """Rules that are broken critically or seriously, and the first place of each."""
    found: list[dict[str, Any]] = Axe().run(page).response["violations"]
    return [(each["id"], each["nodes"][0]["html"][:200]) for each in found if each["impact"] in ("critical", "serious")]
