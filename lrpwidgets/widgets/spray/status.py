"""What the atlas cost, how much of the store it is, and every error and caveat as a sentence."""

from __future__ import annotations

from ..base.status_line import Status
from .state import Investigation


class SprayStatus(Status):
    """Seconds, samples, neighbours and seed, what is under way, and what a person should know."""

    shared: Investigation
    follows = ("answer", "busy", "progress", "error", "ranking")

    def _show(self) -> None:
        state = self.shared
        stage, *progress = state.progress or ("", 0, 0)
        store, atlas = state.store, state.answer
        done = int(store.done.sum())
        parts: list[list[str]] = [["store ", f"{done:,}", f" of {len(store):,}"]]
        if atlas is not None:
            parts = [
                ["", _duration(atlas.seconds), " to the atlas"],
                ["", f"{len(atlas):,}", " maps, k = ", str(atlas.neighbors), " neighbours, seed ", str(atlas.seed)],
                *parts,
            ]
        caveats = [*store.info.caveats, *(atlas.notes if atlas is not None else ())]
        if failed := int((store.prediction == -1).sum()):
            caveats.append(f"{failed:,} inputs could not be explained; store.failures says why.")
        if done + failed < len(store):
            caveats.append("The store is not complete; the same `lrpwidgets attribute` goes on with it.")
        self.draw(
            state={
                "busy": state.busy,
                "stage": stage,
                "progress": progress,
                "error": state.error,
                "parts": parts,
                "caveats": caveats,
                "where": f"{state.explainer.device} · {store.info.dtype} store",
                "notes": state.subject.notes,
            }
        )


def _duration(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
