"""How much processor time the page of `sim app` takes to draw a month, and to open: `python benchmarks/page.py`.

It serves the page, opens it in Chromium without a screen or graphics processor, lets the first runs end, and then shows
one month after another, each only once the one before is painted. Told is the processor time of the browser's main
thread, which does script, layout and painting, as Chromium counts it for that thread: other work on the machine counts
not. The median is over ROUNDS times all months. Needs the extra `app` and the group `browser`.
"""

import asyncio
import pathlib
import shutil
import statistics
import tempfile
import threading
import time

from playwright.sync_api import CDPSession, Page, sync_playwright

import sim.app.page
from sim.app.server import App

ROUNDS = 3
PATIENCE = 600_000  #: a first run compiles the model [ms]
OPTIONS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
#: plays: shows every month in turn, each when the one before is on the screen, and returns their number
PLAY = """async () => {
  const named = (name) => Bokeh.documents.map(one => one.get_model_by_name(name)).find(Boolean);
  const slider = named("month"), play = named("play");
  const painted = () => new Promise(done => requestAnimationFrame(() => setTimeout(done)));
  play.tags = [-1];  // the page takes itself to be playing, and tells the server nothing
  for (let month = 1; month <= slider.end; month++) { slider.value = month; await painted(); await painted(); }
  play.tags = [0];
  return slider.end;
}"""


def processor_seconds(session: CDPSession) -> float:
    """Return the processor time that the page's main thread has taken so far."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return float(next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration"))


def frames(page: Page, layer: str) -> None:
    """Print what a month of a layer takes."""
    page.get_by_role("button", name=layer, exact=True).click()
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    taken = []
    for _round in range(ROUNDS):
        before = processor_seconds(session)
        months = page.evaluate(PLAY)
        taken.append((processor_seconds(session) - before) / months)
    print(f"a month of {layer.lower()}: {1000 * statistics.median(taken):.1f} ms")
    session.detach()


def main() -> None:
    """Serve the page from a folder of its own and measure it."""
    box: dict[str, App] = {}
    ready, page_for = threading.Event(), sim.app.page.page_for

    def timed(app: App, lang: str) -> object:
        before = time.thread_time()
        made = page_for(app, lang)
        print(f"building a page: {time.thread_time() - before:.2f} s of the server")
        return made

    def serve(root: pathlib.Path) -> None:
        asyncio.set_event_loop(asyncio.new_event_loop())
        before = time.thread_time()
        box["app"] = app = App(0, "en", root)
        print(f"starting the server: {time.thread_time() - before:.2f} s")
        app.start()
        app.server.io_loop.add_callback(ready.set)
        app.server.io_loop.start()
        app.stop()

    sim.app.page.page_for = timed
    with tempfile.TemporaryDirectory() as root, sync_playwright() as playwright:
        thread = threading.Thread(target=serve, args=(pathlib.Path(root),), daemon=True)
        thread.start()
        ready.wait()
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=OPTIONS)
        for _time in range(2):
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.set_default_timeout(PATIENCE)
            session = page.context.new_cdp_session(page)
            session.send("Performance.enable", {"timeDomain": "threadTicks"})
            page.goto(box["app"].address)
            page.get_by_text("active startups in the region").first.wait_for()
            print(f"opening a page: {processor_seconds(session):.2f} s of the browser")
        for layer in ("Startups", "Rent"):
            frames(page, layer)
        browser.close()
        loop = box["app"].server.io_loop
        loop.add_callback(loop.stop)
        thread.join()


if __name__ == "__main__":
    main()
