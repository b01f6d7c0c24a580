"""Take a picture of every page of the site, wide and narrow, light and dark, and fail where a table is cut.

Run by `make screenshots`; needs Chromium with its driver, and selenium. The pictures land in `site-screenshots/`.
"""

from __future__ import annotations

import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from selenium import webdriver

SITE = Path("site")
TARGET = Path("site-screenshots")
WIDTHS = (1400, 390)
SCHEMES = ("light", "dark")
CUT = """
const cut = [...document.querySelectorAll('table')].filter(t => t.getBoundingClientRect().right > innerWidth + 1
  || t.parentElement.scrollWidth > t.parentElement.clientWidth + 1).map(t => t.innerText.slice(0, 60));
if (document.documentElement.scrollWidth > innerWidth + 1) cut.push('the page itself');
return cut;
"""


class Quiet(SimpleHTTPRequestHandler):
    """Serves the site without a line for each request."""

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


def browser() -> webdriver.Chrome:
    """Start Chromium without a window."""
    options = webdriver.ChromeOptions()
    for option in ("headless=new", "no-sandbox", "disable-gpu", "disable-background-networking", "hide-scrollbars"):
        options.add_argument(f"--{option}")
    return webdriver.Chrome(options, webdriver.ChromeService("/usr/bin/chromedriver"))


def main() -> None:
    """Visit every page."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(SITE)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    TARGET.mkdir(exist_ok=True)
    problems = []
    pages = sorted(page.parent.relative_to(SITE).as_posix() for page in SITE.rglob("index.html"))
    window = browser()
    for width in WIDTHS:
        for scheme in SCHEMES:
            window.execute_cdp_cmd(
                "Emulation.setDeviceMetricsOverride",
                {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500},
            )
            media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
            window.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
            window.get(f"http://127.0.0.1:{server.server_port}/")
            window.execute_script("localStorage.clear()")  # the theme keeps the scheme that it saw first
            for page in pages:
                window.get(f"http://127.0.0.1:{server.server_port}/{page}/")
                problems += [f"{page} at {width} px, {scheme}: {cut!r}" for cut in window.execute_script(CUT)]
                window.save_screenshot(str(TARGET / f"{page.replace('/', '-')}-{width}-{scheme}.png"))
    window.quit()
    print(f"{len(pages)} pages, {len(problems)} cut tables; the pictures are in {TARGET}/")
    sys.exit("\n".join(problems) if problems else 0)


if __name__ == "__main__":
    main()
