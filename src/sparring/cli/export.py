"""`sparring export`: a trained model as one file for other programs."""

from pathlib import Path
from typing import Annotated, Literal

import tyro

from sparring.cli.common import a_file
from sparring.storage import write_atomically


def export(
    model: Annotated[Path, tyro.conf.arg(metavar="MODEL")],
    /,
    to: Literal["onnx", "pt2"],
    out: Path | None = None,
) -> None:
    """Write a trained model as one file for other programs.

    Pixels go in and out as bytes: a classifier takes uint8 [N, S, S, 3] and gives probabilities, a
    generator takes noise (and labels) and gives uint8 [N, S, S, 3], for any N at the model's size
    S. Names and sizes are in the file's metadata. The file is compared with the model in PyTorch,
    and written where they agree to 1e-4.

    Args:
        model: Folder of a model, of a run, or of a report with a single run.
        to: onnx, for ONNX Runtime and others (needs the extra "onnx"); pt2, for torch.export.load.
        out: File to write; by default model.onnx or model.pt2.
    """
    from sparring.export import export, signature
    from sparring.model import Classifier, load

    out = out or Path(f"model.{to}")
    a_file(out)
    trained = load(model)
    file, difference = export(trained, to)
    write_atomically(out, file)
    beyond = "" if isinstance(trained, Classifier) else " beyond rounding"
    print(f"{out}: {signature(trained)}; differs from PyTorch by {difference:.1e}{beyond} at most")
