"""Look at the documentation site in a browser: ``python -m tests.website``, which is ``make test-website``.

Some pages are shown by Debian's chromium, wide and narrow, light and dark. Wrong are errors on the console, what is
not found, what is asked of another host, diagrams that are not drawn, and pages wider than the window. The pictures are
in ``build/website/pictures``, for somebody to look at.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from threading import Thread
from typing import Any, Literal

from playwright.sync_api import Page, sync_playwright

from website.__main__ import BUILD, SITE
from website.__main__ import main as build
from website.diagrams import VERSION

__all__ = ["main"]

PAGES = (
    "index",
    "tutorial",
    "guide",
    "testing",
    "performance",
    "reference/pygorums",
    "reference/testing",
    "architecture",
)
WIDTHS = {"wide": 1400, "narrow": 400}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
PICTURES = BUILD / "pictures"


def main() -> int:
    """The exit status: 1 if something is wrong with a page; 0 if what it takes is not there, too."""
    chromium = shutil.which("chromium")
    if chromium is None:
        print("skipped: there is no chromium on PATH (Debian: apt-get install chromium)")
        return 0
    if build(["--diagrams"]):
        return 1
    if not (SITE / "assets" / "javascripts" / f"mermaid-{VERSION}.js").exists():
        print("skipped: diagrams cannot be looked at without mermaid, which npm has to fetch once")
        return 0
    wrong: list[str] = []
    with served() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for scheme, (name, width) in product(SCHEMES, WIDTHS.items()):
            window = browser.new_context(
                color_scheme=scheme, viewport={"width": width, "height": 900}, reduced_motion="reduce"
            )
            for page in PAGES:
                where = f"{page}, {scheme}, {name}"
                tab = window.new_page()
                wrong += [f"{where}: {each}" for each in look(tab, address, page)]
                picture = PICTURES / f"{page.replace('/', '-')}-{scheme}-{name}.png"
                tab.screenshot(path=picture)
                tab.close()
            window.close()
        browser.close()
    for each in wrong:
        print(each, file=sys.stderr)
    print(f"{len(PAGES)} pages, {'wrong' if wrong else 'fine'}: {PICTURES.relative_to(BUILD.parents[1])}/")
    return 1 if wrong else 0


def look(tab: Page, address: str, page: str) -> list[str]:
    """Open a page, scrolled to its first diagram if it has some; what is wrong with it."""
    wrong: list[str] = []

    def route(asked: Any) -> None:
        if asked.request.url.startswith((address, "data:", "blob:")):
            asked.continue_()
            return
        wrong.append(f"asks another host for {asked.request.url}")
        asked.abort()

    tab.route("**/*", route)
    tab.on("console", lambda message: wrong.append(f"console: {message.text}") if message.type == "error" else None)
    tab.on("pageerror", lambda error: wrong.append(f"raises: {error}"))
    tab.on("response", lambda got: wrong.append(f"{got.url}: {got.status}") if got.status >= 400 else None)
    tab.goto(f"{address}/{page}.html", wait_until="load")
    if 'class="mermaid"' in (SITE / f"{page}.html").read_text():
        # They are drawn into shadow roots, which take the place of the source.
        tab.wait_for_function("!document.querySelector('pre.mermaid') && document.querySelector('div.mermaid')")
        tab.evaluate("document.querySelector('div.mermaid').scrollIntoView()")
        heights = tab.evaluate("[...document.querySelectorAll('div.mermaid')].map(each => each.clientHeight)")
        wrong += [f"diagram {number} is not drawn" for number, height in enumerate(heights, 1) if height < 20]
    wide = tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if wide > 0:
        wrong.append(f"is {wide} pixels wider than the window")
    for link in tab.query_selector_all(".md-nav__link"):
        if not (link.text_content() or "").strip() and not link.get_attribute("for"):
            wrong.append(f"an entry of the navigation has no title: {link.get_attribute('href')}")
    return wrong


@contextmanager
def served() -> Iterator[str]:
    """The site's address, while it is served."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing of requests."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(SITE)))
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


if __name__ == "__main__":
    sys.exit(main())
