"""Own images in folders: a folder of class folders, or a flat folder of unlabelled images."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from sparring.data.decode import tolerated
from sparring.data.files import (
    Files,
    entries,
    images_of,
    is_list,
    kinds,
    no_images,
    shared,
    unwrapped,
)
from sparring.data.images import Account, class_order
from sparring.data.splits import Split, divide, hash_split, marked, whole
from sparring.data.stored import Part, Stored, numbers, told_apart
from sparring.errors import RequestError


def stored(root: Path) -> Stored:
    """The images of a folder or zip as they lie, in sorted order.

    Images in two or more folders: each folder is a class, named after it. Otherwise there are no
    labels. Folders that are named after splits (see splits.py) are these, and either may be
    unlabelled; without them `hash_split` makes the split.
    Raises RequestError where there are no images, or the layout is none of these.
    """
    files = entries(root)
    images = unwrapped(images_of(files))
    if not images:
        raise no_images(root, files)
    account = Account(kinds(files))
    marks, classes_of = _folders(images)
    split = whole(marks.values())
    if not split:
        _no_half_split(marks, root)
    sides = [*divide(marks, {}, root, account)] if split else [list(images)]
    named = len({classes_of[name] for side in sides for name in side} - {""}) > 1
    if named:
        sides = [_without_loose(side, classes_of, root, account) for side in sides]
    if not split:
        sides = [*hash_split(sides[0], root, classes_of if named else None)]
    labelled = [named and any(classes_of[name] for name in side) for side in sides]
    pairs = list(zip(sides, labelled, strict=True))
    names = class_order({classes_of[name] for side, on in pairs if on for name in side})
    told_apart(names, root)
    if lists := list(filter(is_list, files)):
        words = f"the folders are the classes; to take {lists[0]}, name it: {root / lists[0]}"
        account.notes.append(
            words if named else f"{lists[0]} labels no image there: it is not used"
        )
    parts = []
    for side, on in pairs:
        rows = {name: [classes_of[name]] for name in side}
        labels = numbers(rows, root, names, attributes=False) if on else None
        parts.append(Part.of(images, side, labels))
    return Stored(root, parts, names, account)


def are_classes(files: Files) -> bool:
    """Whether the images lie in two or more folders that are not splits."""
    return len(set(_folders(unwrapped(images_of(files)))[1].values()) - {""}) > 1


def _folders(images: Files) -> tuple[dict[str, Split | None], dict[str, str]]:
    """By image, the split that a folder says, and the folder that says its class; "" for none."""
    marks = {name: marked(name)[0] for name in images}
    inside = _inside(images) if whole(marks.values()) else {name: name for name in images}
    return marks, {name: _top(path) for name, path in inside.items()}


def _inside(images: Files) -> dict[str, str]:
    """The path of each image of a split, without what wraps all of them, or all of its split.

    So `images` is no class in train/images/cat/1.png, nor in test/images/1.png. A class of which
    alone a split has images is told by another split, which has it beside others.
    """
    splits: dict[Split, dict[str, str]] = defaultdict(dict)
    for name in images:
        split, rest = marked(name)
        if split:
            splits[split][name] = rest
    paths = {name: rest for rests in splits.values() for name, rest in rests.items()}
    start = len(shared(paths.values()))
    tops = [{_top(rest[start:]) for rest in rests.values()} for rests in splits.values()]
    classes = {top for found in tops if len(found) > 1 for top in found}
    for rests in splits.values():
        wrap = shared(rests.values())
        cut = start if _top(wrap[start:]) in classes else len(wrap)
        paths |= {name: rest[cut:] for name, rest in rests.items()}
    return {name: paths.get(name, name) for name in images}


def _top(path: str) -> str:
    """The first folder of a path, "" where there is none."""
    return path.split("/")[0] if "/" in path else ""


def _no_half_split(marks: Mapping[str, Split | None], root: Path) -> None:
    """Raise RequestError where a folder is named after a split that has no counterpart.

    But a folder `train` with pictures, beside others, is a class: of vehicles.
    """
    there = sorted({split for split in marks.values() if split})
    inner = any(split and name.count("/") > 1 for name, split in marks.items())
    if there and (inner or None not in marks.values()):
        raise RequestError(
            f"{root} has folders for {' and '.join(there)} only: make both train/ and test/"
        )


def _without_loose(
    side: list[str], classes: Mapping[str, str], root: Path, account: Account
) -> list[str]:
    """The images of a side but for a few that lie beside its class folders. Raises RequestError."""
    loose = [name for name in side if not classes[name]]
    if not loose or len(loose) == len(side):
        return side
    if len(loose) > tolerated(len(side)):
        raise RequestError(f"{root}: {loose[0]} lies beside the class folders: move it into one")
    account.left_out["beside the class folders"] += len(loose)
    return [name for name in side if classes[name]]
