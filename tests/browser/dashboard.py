"""The dashboard `explore` on a page, and what a person does there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from playwright.sync_api import Page, expect

from lrpwidgets.colours import WHITE, coloured
from lrpwidgets.lrp import Composite, Explanation, composites
from lrpwidgets.subjects import Subject

SEQUENCE = "Number(document.querySelector('.lrp-heatmap')?.dataset.seq)"
NEXT_FRAME = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
READ = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return { size: [canvas.height, canvas.width, 4], data: [...data] };
}"""


@dataclass(frozen=True)
class Dashboard:
    """The page, and what a person does there."""

    page: Page

    @property
    def heatmap(self):
        return self.page.locator(".lrp-pixels").nth(1)

    @property
    def error(self):
        return self.page.locator(".lrp-status .lrp-error p")

    def pixels(self, which: int = 1) -> np.ndarray:
        """Colours of the heatmap, or of the input (0), one for each pixel: (H, W, 3)."""
        self.page.evaluate(NEXT_FRAME)  # a view draws with the next frame
        read = self.page.locator(".lrp-pixels").nth(which).evaluate(READ)
        return np.array(read["data"], np.uint8).reshape(read["size"])[..., :3]

    def shows(self, explanation: Explanation, paper: tuple[int, int, int] = WHITE) -> None:
        """The heatmap has the colours of `explanation`."""
        relevance = explanation.relevance[0].sum(0).numpy()
        colours = coloured(relevance, end_of_scale(relevance), paper=paper).astype(int)
        difference = np.abs(self.pixels() - colours)
        assert difference.max() <= 1, f"{(difference > 1).any(-1).mean():.0%} of the pixels differ"

    @contextmanager
    def redrawn(self) -> Iterator[None]:
        """Wait until what is done inside has changed the heatmap, and the answer is complete."""
        before = self.page.evaluate(SEQUENCE)
        yield
        self.page.wait_for_function(f"{SEQUENCE} > {before}")
        expect(self.page.locator(".lrp-light").filter(visible=True)).to_have_attribute("data-state", "ready")

    def row(self, layers: str):
        """The row of the rules for a family of layers."""
        families = self.page.get_by_role("button", name="families", exact=True)
        if families.get_attribute("aria-pressed") != "true":
            families.click()
        return self.page.locator(".lrp-rules tbody tr").filter(has_text=layers)

    def layer(self, name: str):
        """The row of the rules for one layer."""
        self.page.get_by_role("button", name="layers", exact=True).click()
        return self.page.locator(".lrp-rules tbody tr").filter(
            has=self.page.get_by_title(f"Look inside {name}", exact=True)
        )

    def look_at(self, item: int) -> None:
        """Click on a thumbnail."""
        with self.redrawn():
            self.page.locator(f".lrp-thumbnails [data-index='{item}']").click()

    def turn(self, layers: str, position: float) -> float:
        """Move a slider of a row; the value it stands for."""
        slider = self.row(layers).locator("input")
        with self.redrawn():
            slider.fill(str(position))
        return float(f"{10 ** float(slider.input_value()):.3g}")

    def choose(self, label: str, option: str) -> None:
        with self.redrawn():
            self.page.get_by_label(label, exact=True).select_option(option)

    @contextmanager
    def looked_inside(self) -> Iterator[None]:
        """Wait until what is done inside has changed what is shown of a layer."""
        inside = self.page.locator(".lrp-inside")
        before = inside.get_attribute("data-seq") or ""
        yield
        expect(inside).not_to_have_attribute("data-seq", before)

    def choose_channel(self, layer: str, place: int = 0) -> int:
        """Open a layer and choose one of its channels, by its rank."""
        choice = self.page.get_by_label("Layer to look into")
        if choice.input_value() != layer:
            with self.looked_inside():
                choice.select_option(layer)
        tile = self.page.locator(".lrp-tile:not([data-channel=all])").nth(place)
        with self.looked_inside():
            tile.click()
        return int(tile.get_attribute("data-channel") or "")

    def upload(self, name: str, content: bytes) -> None:
        file = {"name": name, "mimeType": "image/png", "buffer": content}
        self.page.locator(".lrp-strip input[type=file]").set_input_files(file)

    def still_works(self) -> None:
        """A rule changes the heatmap, and no error is left."""
        rule = self.page.locator(".lrp-rules tbody tr").last.locator("select")
        with self.redrawn():
            rule.select_option("Flat" if rule.input_value() != "Flat" else "WSquare")
        expect(self.error).to_have_count(0)

    def settled(self) -> Dashboard:
        """All inputs were looked at: nothing happens any more without a person."""
        total = self.page.locator(".lrp-count b").inner_text().split()[0].replace(",", "")
        expect(self.page.locator(".lrp-strip")).to_have_attribute("data-looked", total)
        return self


def end_of_scale(*maps: np.ndarray) -> float:
    """Where the colours of maps end that have one scale together, unless a person has it otherwise."""
    return max(float(np.percentile(np.abs(each), 99.5)) for each in maps)


def opened(page: Page) -> Dashboard:
    """The dashboard on `page`, once there is a heatmap."""
    page.wait_for_function(f"{SEQUENCE} > 0")
    return Dashboard(page)


BEGIN = composites.get("epsilon_plus_flat")
"""The composite that the dashboard begins with."""


def with_gamma(subject: Subject) -> Composite:
    """The composite whose convolutions have a slider."""
    low, high = subject.bounds
    return composites.get("epsilon_gamma_box", low=low, high=high)
