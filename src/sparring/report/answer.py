"""What stands first on the page of two domains: which model is kept, how good it may be, and what
it says of the target's images, with those that it is surest of and least sure of.

Knows the answer of an output folder (`runs.records.Answer`) and its two runs.
"""

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from sparring.errors import RequestError
from sparring.metrics.statistics import Interval, of_share
from sparring.runs.folder import Run
from sparring.runs.records import Answer, Thumbnail
from sparring.runs.scores import ClassifierScores


@dataclass(frozen=True)
class Answered:
    """The answer of the output folder `out`."""

    out: Path
    answer: Answer

    @classmethod
    def of(cls, out: Path) -> "Answered | None":
        """None where the folder has no answer, or its model is trained on just now.

        Raises RequestError where it is damaged.
        """
        path = out / "answer.json"
        if not path.is_file():
            return None
        try:
            found = cls(out, msgspec.json.decode(path.read_bytes(), type=Answer))
        except msgspec.MsgspecError as error:
            raise RequestError(f"cannot read {path}: {error}; remove it") from error
        return found if found.kept.finished else None

    @property
    def kept(self) -> Run:
        """The run whose model is kept."""
        return Run(self.out / "runs" / self.answer.kept)

    @property
    def measured(self) -> tuple[Interval, Interval | None] | None:
        """Accuracy on the labelled target images, if any, of the kept run and of the other.

        None for one whose training failed, or goes on.
        """
        if not (n := self.answer.measured):
            return None

        def of(run: Run) -> Interval | None:
            if not run.finished:
                return None
            assert isinstance(run.scores, ClassifierScores)
            right = run.scores.accuracy  # None once it was trained on, and not yet measured
            return None if right is None else of_share(round(right * n), n)

        kept, other = of(self.kept), of(Run(self.out / "runs" / self.answer.other))
        return None if kept is None else (kept, other)

    @property
    def unsure(self) -> int:
        return sum(called.unsure for called in self.answer.called.values())

    @property
    def never(self) -> list[str]:
        """Classes that no image was called."""
        return [name for name, called in self.answer.called.items() if not called.images]

    @property
    def galleries(self) -> list[tuple[str, list[Thumbnail], list[Thumbnail]]]:
        """By class, the surest images and the least sure ones."""
        names = dict.fromkeys(one.label for one in self.answer.shown)
        return [
            (
                name,
                [one for one in self.answer.shown if one.label == name and one.sure],
                [one for one in self.answer.shown if one.label == name and not one.sure],
            )
            for name in names
        ]

    def as_dict(self) -> dict[str, Any]:
        """For results.json: all but the pictures."""
        plain: dict[str, Any] = msgspec.to_builtins(self.answer)
        return {name: value for name, value in plain.items() if name != "shown"}

    @staticmethod
    def embed(one: Thumbnail) -> str:
        """The thumbnail as a data URL."""
        return f"data:image/webp;base64,{base64.b64encode(one.webp).decode()}"
