"""`sparring generate IMAGES`: a folder in; a generator, samples and a report out."""

from pathlib import Path
from typing import Annotated

import tyro

from sparring import defaults
from sparring.cli import command_line
from sparring.cli.common import JointRunOptions, apart, size_of, training
from sparring.cli.sample import sample


def generate(
    images: Annotated[str, tyro.conf.arg(metavar="IMAGES")],
    /,
    shared: JointRunOptions,
    method: str = "auto",
    labels: str = "all",
    size: int | None = None,
    steps: int = defaults.GENERATE_STEPS,
    batch_size: int = defaults.BATCH,
    seed: int = 0,
    out: Path = Path("generated"),
) -> None:
    """Learn to draw images like those in a folder, of a class or with attributes where it has them.

    OUT gets model/, samples.png and report.html. Started again with the same OUT it goes on where
    it was.

    Args:
        images: At least 200 images: a folder or zip, flat, of class folders, or with a list; or a
            data set's name.
        shared: What is trained on, and where.
        method: auto, the best general method, or a generator in `sparring train`.
        labels: What can be asked for: "all" that the images have, "none", names with commas, or a
            CSV that says it: a column of file names, and `label` or columns of 0 and 1.
        size: Height and width in pixels: 16, 32, 64, ...; by default what suits the images, 64 at
            most.
        steps: Batches to train on. More than an earlier call had: it goes on; fewer than a stopped
            one was to have: it ends there.
        batch_size: Images in a batch.
        seed: The same seed gives the same weights on the same machine.
        out: Folder to write.
    """
    from sparring.report.page import build
    from sparring.runs.folder import Run, publish
    from sparring.runs.generator import run_of
    from sparring.runs.progress import Screen
    from sparring.runs.records import Plan
    from sparring.runs.schedule import check_output

    shared.start_processes()
    apart(out, images)
    check_output(out)
    library = shared.library()
    pixels = size_of(images, shared.data, size, defaults.GENERATE_SIZE)
    length = training(steps, batch_size, seed)
    rest = seed, length, pixels, defaults.JUDGE_STEPS
    job = run_of(library, method, images, labels, *rest)
    found = job.data(library).train
    asked = ", ".join(found.label_names) if job.labels else "nothing"
    Screen().say(
        f"{images}: {len(found):,} images to learn from, at {pixels} x {pixels} pixels (--size); "
        f"to be asked for: {asked} (--labels)"
    )
    plan = Plan(command=command_line(), budget=f"{steps:,} steps", purpose="training")
    page = shared.play([job], out, plan, build, library=library)
    publish(Run(out / "runs" / job.name), out)
    pairs = found.label_names[0] if job.labels and found.kind == "attributes" else None
    count = 10 if pairs else 64
    sample(out / "model", shared, out=out / "samples.png", count=count, seed=seed, pairs=pairs)
    print(f"{out / 'model'}: draw others with `sparring sample {out}`")
    print(page)
