"""`sparring adapt SOURCE TARGET`: two folders in; a classifier, predictions and a report out.

Knows the order of things and the last lines. Which model is kept, and why, is in `runs.twins`.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from sparring import defaults
from sparring.cli import command_line
from sparring.cli.common import JointRunOptions, apart, at_least_one, size_of, training
from sparring.errors import RequestError, TrainingFailed

if TYPE_CHECKING:
    from sparring.report.answer import Answered


def adapt(
    source: Annotated[str, tyro.conf.arg(metavar="SOURCE")],
    target: Annotated[str, tyro.conf.arg(metavar="TARGET")],
    /,
    shared: JointRunOptions,
    method: str = "auto",
    backbone: str | None = None,
    size: int | None = None,
    steps: int = defaults.ADAPT_STEPS,
    batch_size: int = defaults.BATCH,
    seed: int = 0,
    labelled_target: Path | None = None,
    proba: bool = False,
    out: Path = Path("adapted"),
) -> None:
    """Carry a classifier from labelled images to images that have no labels.

    Trains on SOURCE alone, and on SOURCE with the images of TARGET, and keeps the second model only
    where every check without labels prefers it. OUT gets model/, predictions.csv with a row for
    each file of TARGET, and report.html. Started again with the same OUT it goes on where it was.

    Args:
        source: Labelled images: class folders, images with a list, a zip; or a data set's name.
        target: Images to label: any folder or zip. Labels that lie there are not read.
        shared: What is trained on, and where.
        method: auto, the best general method, or one of those for two domains in `sparring train`.
        backbone: Classify by what this network sees, trained by others and left as it is, in place
            of training one: its name on the hub, such as facebook/dinov2-small, or a folder with
            config.json, model.safetensors and preprocessor_config.json. Needs sparring[backbone].
        size: Height and width in pixels that images are taken at, their central square; by
            default what the backbone asks for, or a power of two that suits SOURCE, 32 at most.
        steps: Batches to train on; none with a backbone.
        batch_size: Images in a batch, of each domain.
        seed: The same seed gives the same weights on the same machine.
        labelled_target: CSV of `file_name,label` for images of TARGET, to measure by and no more.
        proba: Whether predictions.csv has a column for the probability of each class.
        out: Folder to write.
    """
    from sparring.data import unsorted
    from sparring.frozen import Frozen
    from sparring.report.answer import Answered
    from sparring.report.page import build
    from sparring.runs.folder import Run
    from sparring.runs.progress import Screen
    from sparring.runs.records import Plan
    from sparring.runs.schedule import check_output
    from sparring.runs.twins import carrier, conclude, twins

    at_least_one("--size", size)  # before anything is fetched
    shared.start_processes()
    chosen, target = carrier(method, backbone), _place(target)
    asked = chosen.preparation.edge if isinstance(chosen, Frozen) else None
    pixels = size or asked or size_of(source, shared.data, None, defaults.ADAPT_SIZE)
    jobs = twins(chosen, (source, target), seed, training(steps, batch_size, seed), pixels)
    apart(out, source, target)
    check_output(out)
    device = shared.machine().device
    library = shared.library()
    images = unsorted.read(Path(target), pixels, library.get(source, pixels).account.white)
    library.put(target, images.dataset)
    classes = jobs[0].data(library)[0].train.label_names
    known = None
    if labelled_target is not None:
        known = unsorted.labelled(images, labelled_target, classes)
    Screen().say(f"{images.told}; all are taken at {pixels} x {pixels} pixels (--size)")
    runs, lines = [Run(out / "runs" / job.name) for job in jobs], list[str]()

    def finish(place: Path, failed: bool = False) -> Path:
        if failed or all(run.finished for run in runs):
            answer, table = conclude(place, jobs, images, known, proba, device)
            lines.extend([*_words(Answered(place, answer), target), table])
        return build(place)

    budget = f"{steps:,} steps" if backbone is None else f"no training, on {backbone}"
    plan = Plan(command=command_line(), budget=budget, purpose="training")
    try:
        page = shared.play(jobs, out, plan, finish, library=library)
    except TrainingFailed:
        if not runs[0].finished:
            raise
        page = finish(out, failed=True)  # the source-only model is there, and it is an answer
    lines.append(f"{out / 'model'}: label others with `sparring predict {out} IMAGES`")
    print("\n".join([*lines, str(page)]))


def _place(target: str) -> str:
    """TARGET as a path also where a set of the catalogue has its name. Raises RequestError."""
    from sparring.data.catalogue import KNOWN

    if target not in KNOWN:
        return target
    if not Path(target).exists():
        raise RequestError(
            f"{target} is a set's name, and TARGET a folder or zip of images: name that, or carry "
            f"one set to another with `sparring train METHOD --source ... --target {target}`"
        )
    return f"./{target}"


def _words(found: "Answered", target: str) -> list[str]:
    """What to expect of the model that is kept, and whether adaptation helped."""
    answer = found.answer
    lines = [
        f"expected accuracy on {target}: {answer.expected:.0%} ({answer.low:.0%} to "
        f"{answer.high:.0%}), estimated without labels"
    ]
    if found.measured:
        kept, other = found.measured
        twin = "source only" if answer.helped else "adapted"
        beside = f"; {twin}: {other.value:.1%}" if other else ""
        lines.append(
            f"measured on {kept.n:,} labelled images: {kept.value:.1%} ({kept.low:.1%} to "
            f"{kept.high:.1%}){beside}"
        )
    model = "adapted" if answer.helped else "source-only"
    helped = "helped" if answer.helped else "did not help"
    return [*lines, f"adaptation {helped}: the {model} model is kept. {answer.why}"]
