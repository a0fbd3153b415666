"""The dashboard in a real browser: from a moved slider to new pixels, and from opening to the first heatmap."""

from __future__ import annotations

import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from .allocator import untuned
from .timing import table

SHARED = Path(os.environ.get("LRPWIDGETS_DATA", Path(__file__).parents[3] / "shared" / "data"))
SUBJECTS: dict[str, list[str]] = {"digits": []}
if SHARED.is_dir():
    SUBJECTS["squeezenet"] = ["--arch", "squeezenet1_0", "--images", str(SHARED / "imagenet")]

# Every row's first slider, from the input up: the event, then the frame in which the new pixels are painted.
MOVE = """
async ({ row, share }) => {
  const heatmap = document.querySelector(".lrp-heatmap");
  const rows = [...document.querySelectorAll(".lrp-rules tbody tr")].filter((each) => each.querySelector("input"));
  const slider = rows[row].querySelector("input");
  const painted = new Promise((resolve) => {
    const observer = new MutationObserver(() => {
      observer.disconnect();
      requestAnimationFrame(() => setTimeout(() => resolve(performance.now())));
    });
    observer.observe(heatmap, { attributeFilter: ["data-seq"] });
  });
  slider.value = Number(slider.min) + share * (Number(slider.max) - Number(slider.min));
  const started = performance.now();
  slider.dispatchEvent(new Event("input"));
  return (await painted) - started;
}
"""
DRAWN = "Number(document.querySelector('.lrp-heatmap')?.dataset.seq) > 0"


def measure(device: str, rounds: int) -> list[dict[str, Any]]:
    """Print and return seconds to the first heatmap and milliseconds from slider to pixels."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import lrpwidgets"], check=True)
    whole = time.perf_counter() - started
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", ""], check=True)
    print(f"\nimport lrpwidgets: {whole - (time.perf_counter() - started):.2f} s more than Python alone")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        measured = [_subject(browser, name, options, device, rounds) for name, options in SUBJECTS.items()]
    rows = [
        [m["subject"], f"{m['cold']:.1f} s", f"{m['preheated']:.1f} s"]
        + [f"{m['slider'][place]:.0f} ms" if place in m["slider"] else "—" for place in ("lowest", "highest")]
        for m in measured
    ]
    columns = ["subject", "first heatmap, cold", "preheated", "slider to pixels, lowest row", "highest row"]
    table("The dashboard explore, medians", columns, rows)
    return measured


def _subject(browser: Browser, name: str, options: list[str], device: str, rounds: int) -> dict[str, Any]:
    with _served([*options, "--device", device]) as (address, started):
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(address)  # at once: the kernel still has to start
        page.wait_for_function(DRAWN, timeout=120_000)
        cold = time.perf_counter() - started
        page.wait_for_function("document.querySelector('.lrp-light').dataset.state === 'ready'")
        page.wait_for_timeout(5000)  # the thumbnails are looked at, and the next kernel is heated
        slider = {place: _slide(page, row, rounds) for place, row in _rows(page).items()}
        page.goto("about:blank")
        preheated = []
        for _ in range(3):
            page.wait_for_timeout(8000)  # for the pool to be full again
            started = time.perf_counter()
            page.goto(address)
            page.wait_for_function(DRAWN, timeout=120_000)
            preheated.append(time.perf_counter() - started)
        page.close()
    return {"subject": name, "cold": cold, "preheated": statistics.median(preheated), "slider": slider}


def _rows(page: Page) -> dict[str, int]:
    count = page.locator(".lrp-rules tbody tr:has(input)").count()
    return {"highest": 0, "lowest": count - 1}


def _slide(page: Page, row: int, rounds: int) -> float:
    shares = [0.2 + 0.6 * i / (3 * rounds) for i in range(3 * rounds)]
    return statistics.median(page.evaluate(MOVE, {"row": row, "share": share}) for share in shares)


@contextmanager
def _served(options: list[str]) -> Iterator[tuple[str, float]]:
    environment = untuned() | ({"TORCH_HOME": str(SHARED / "torch_home")} if SHARED.is_dir() else {})
    command = [
        str(Path(sys.executable).with_name("lrpwidgets")),
        "serve",
        "explore",
        "--no-browser",
        "--port",
        "0",
    ]
    started = time.perf_counter()
    server = subprocess.Popen([*command, *options], env=environment, text=True, stdout=subprocess.PIPE)
    try:
        assert server.stdout
        found = next(filter(None, (re.search(r"http://\S+", line) for line in server.stdout)))
        yield found[0], started
    finally:
        server.terminate()
        server.wait()
