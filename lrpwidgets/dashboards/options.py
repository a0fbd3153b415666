"""What a dashboard was asked to open, handed from the command line to the kernels that run the notebooks.

The command and the kernel are two processes, so `Options` travels as JSON in one environment variable.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lrpwidgets.subjects import Subject

VARIABLE = "LRPWIDGETS_OPTIONS"

BEGIN = "digits"
"""The subject that is opened if none was asked for."""

WHOLE = "clever-hans"
"""The subject whose whole data set is explained if none was asked for."""


@dataclass(frozen=True)
class Options:
    """Which subject to open, and where to compute; `None` leaves the choice to the subject."""

    subject: str | None = None
    """a name out of `subjects.names()`, or somebody's own code as `lrpwidgets.subjects.own` spells it"""
    store: str | None = None
    """a folder with a relevance store, for `spray`, or a reference store, for `maximize`, as an absolute path"""
    arch: str | None = None
    """a torchvision classification model, for `imagenet` only"""
    weights: str | None = None
    """a torchvision weights name or a file, for `imagenet` only"""
    images: str | None = None
    """a folder of pictures, as an absolute path: a kernel has another working directory"""
    crop: int | None = None
    """height and width of the input in pixels, for `imagenet` only"""
    classes: str | None = None
    """a file with the names of the classes, as an absolute path"""
    split: str | None = None
    """which part of `images`"""
    folder: str | None = None
    """the working directory for somebody's own code, as an absolute path"""
    select: str | None = None
    """a key, an attribute or a position in what the model returns, where its scores are"""
    memory: int | None = None
    """bytes that a kernel may take"""
    device: str | None = None
    """as `torch.device` spells it"""

    def to_environment(self) -> dict[str, str]:
        """Environment variables from which a kernel reads these options."""
        return {VARIABLE: json.dumps(asdict(self))}

    @classmethod
    def from_environment(cls) -> Options:
        """The options this kernel was started with, or the defaults outside `lrpwidgets serve`."""
        return cls(**json.loads(os.environ.get(VARIABLE, "{}")))

    def load_subject(self, default: str = BEGIN) -> Subject:
        """Load the model and the dataset, those of the subject `default` if none was asked for; may take seconds."""
        from lrpwidgets import subjects
        from lrpwidgets.subjects.own import is_own

        own = self.subject is not None and is_own(self.subject)
        names = ("images", "classes") if own else ("arch", "weights", "crop", "classes", "split")
        chosen = {name: value for name in names if (value := getattr(self, name)) is not None}
        select = key(self.select)
        if self.folder is not None:
            os.chdir(self.folder)  # the code may name files from there, also later, and a kernel begins elsewhere
        if self.images is not None and not own:
            return subjects.from_folder(self.images, select=select, **chosen)
        return subjects.load(self.subject or default, select=select, **chosen)

    def selecting(self, subject: Subject) -> Subject:
        """The subject, its scores found where these options say, if they do."""
        return subject.selecting(key(self.select))


def key(select: str | None) -> str | int | None:
    """A position for a whole number, else the word itself: text of the command line is never run."""
    return int(select) if select is not None and select.removeprefix("-").isdecimal() else select
