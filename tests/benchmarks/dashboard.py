"""The dashboard in a real browser: from a moved slider to new pixels, and from opening to the first heatmap."""

from __future__ import annotations

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import torchvision
from playwright.sync_api import Browser, Page, sync_playwright

from .allocator import untuned
from .timing import table

SHARED = Path(os.environ.get("LRPWIDGETS_DATA", Path(__file__).parents[3] / "shared" / "data"))
PICTURES = ["--images", str(SHARED / "imagenet")]

# The event, then the frame in which the new pixels are painted.
MOVE = """
async ({ row, share }) => {
  const heatmap = document.querySelector(".lrp-heatmap");
  const slider = document.querySelectorAll(".lrp-rules tbody tr:not([hidden], .lrp-block) input")[row];
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
  const took = (await painted) - started;
  slider.dispatchEvent(new Event("change"));
  return took;
}
"""
# A hand that moves the slider in every frame: new heatmaps per second.
DRAG = """
async ({ row, seconds }) => {
  const heatmap = document.querySelector(".lrp-heatmap");
  const slider = document.querySelectorAll(".lrp-rules tbody tr:not([hidden], .lrp-block) input")[row];
  let drawn = 0;
  const observer = new MutationObserver(() => (drawn += 1));
  observer.observe(heatmap, { attributeFilter: ["data-seq"] });
  const [low, high, started] = [Number(slider.min), Number(slider.max), performance.now()];
  for (let now = started; now < started + 1000 * seconds; ) {
    slider.value = low + (high - low) * (0.5 + 0.4 * Math.sin(now / 300));
    slider.dispatchEvent(new Event("input"));
    now = await new Promise(requestAnimationFrame);
  }
  observer.disconnect();
  slider.dispatchEvent(new Event("change"));
  return drawn / seconds;
}
"""
# From the click on Cancel to the status line that says so.
CANCEL = """
async () => {
  const status = document.querySelector(".lrp-status");
  const said = new Promise((resolve) => {
    const observer = new MutationObserver(() => {
      if (!status.querySelector(".lrp-waiting").hidden) return;
      observer.disconnect();
      resolve(performance.now());
    });
    observer.observe(status, { subtree: true, attributes: true, childList: true });
  });
  const started = performance.now();
  status.querySelector(".lrp-waiting button").click();
  return (await said) - started;
}
"""
DRAWN = "Number(document.querySelector('.lrp-heatmap')?.dataset.seq) > 0"
READY = "document.querySelector('.lrp-light').dataset.state !== 'busy'"


NETWORKS = ("digits", "squeezenet1_0", "resnet50", "resnet152")


def measure(device: str, rounds: int, networks: list[str] | None) -> list[dict[str, Any]]:
    """Print and return seconds to the first heatmap, milliseconds from slider to pixels, and to a cancellation."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import lrpwidgets"], check=True)
    whole = time.perf_counter() - started
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", ""], check=True)
    print(f"\nimport lrpwidgets: {whole - (time.perf_counter() - started):.2f} s more than Python alone")
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        opened = {name: _options(name, folder) for name in networks or NETWORKS if name == "digits" or SHARED.is_dir()}
        measured = [_subject(browser, name, options, device, rounds) for name, options in opened.items()]
    places = ("lowest", "middle", "highest")
    rows = [
        [m["subject"], f"{m['cold']:.1f} s", f"{m['preheated']:.1f} s"]
        + [f"{m['slider'][place]:.0f} ms" for place in places]
        + [f"{m['drag']:.0f} /s", "—" if m["cancel"] is None else f"{m['cancel']:.0f} ms"]
        for m in measured
    ]
    columns = ["subject", "first heatmap, cold", "preheated", *(f"slider to pixels, {place} layer" for place in places)]
    table("The dashboard explore, medians", [*columns, "heatmaps in a drag, lowest layer", "Cancel"], rows)
    return measured


def _options(name: str, folder: str) -> list[str]:
    """What to open; the weights of the larger networks are random, which changes no time."""
    if name == "digits":
        return []
    if name == "squeezenet1_0":
        return ["--arch", name, "--crop", "227", *PICTURES]
    weights = Path(folder) / f"{name}.pth"
    torch.save(torchvision.models.get_model(name).state_dict(), weights)
    return ["--arch", name, "--weights", str(weights), *PICTURES]


def _subject(browser: Browser, name: str, options: list[str], device: str, rounds: int) -> dict[str, Any]:
    with _served([*options, "--device", device]) as (address, started):
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(address)  # at once: the kernel still has to start
        page.wait_for_function(DRAWN, timeout=120_000)
        cold = time.perf_counter() - started
        _settle(page)
        unfold = page.get_by_role("button", name="unfold all")
        if unfold.count():
            unfold.click()
        slider = {place: _slide(page, row, rounds) for place, row in _rows(page).items()}
        drag = page.evaluate(DRAG, {"row": _rows(page)["lowest"], "seconds": 3})
        page.wait_for_function(READY)
        cancel = [found for _ in range(3) if (found := _cancel(page)) is not None]
        page.goto("about:blank")
        preheated = []
        for _ in range(3):
            page.wait_for_timeout(8000)  # for the pool to be full again
            started = time.perf_counter()
            page.goto(address)
            page.wait_for_function(DRAWN, timeout=120_000)
            preheated.append(time.perf_counter() - started)
        page.close()
    return {
        "subject": name,
        "cold": cold,
        "preheated": statistics.median(preheated),
        "slider": slider,
        "drag": drag,
        "cancel": statistics.median(cancel) if cancel else None,
    }


def _settle(page: Page) -> None:
    """All inputs were looked at, and the next kernel is heated."""
    page.wait_for_function(READY)
    total = page.locator(".lrp-count b").inner_text().split()[0].replace(",", "")
    page.wait_for_selector(f".lrp-strip[data-looked='{total}']", timeout=180_000)
    page.wait_for_timeout(5000)


def _rows(page: Page) -> dict[str, int]:
    """Sliders from the output down; every layer obeys the γ-rule first."""
    page.get_by_label("Composite", exact=True).select_option("epsilon_gamma_box")
    page.wait_for_selector("[aria-label^='gamma for']")
    page.wait_for_function(READY)
    count = page.locator(".lrp-rules tbody tr:not([hidden], .lrp-block) input").count()
    return {"lowest": count - 1, "middle": count // 2, "highest": 0}


def _slide(page: Page, row: int, rounds: int) -> float:
    shares = [0.2 + 0.6 * i / (3 * rounds) for i in range(3 * rounds)]
    return statistics.median(page.evaluate(MOVE, {"row": row, "share": share}) for share in shares)


def _cancel(page: Page) -> float | None:
    """Look at the next input, and cancel as soon as that is offered; None if the answer is there before."""
    before = page.evaluate("Number(document.querySelector('.lrp-heatmap').dataset.seq)")
    page.locator("[data-shortcut=j]").click()
    page.wait_for_function(
        "(before) => !document.querySelector('.lrp-waiting').hidden"
        " || Number(document.querySelector('.lrp-heatmap').dataset.seq) > before",
        arg=before,
    )
    waits = page.locator(".lrp-waiting").is_visible()
    took: float | None = page.evaluate(CANCEL) if waits else None
    page.wait_for_function(READY)
    return took


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
