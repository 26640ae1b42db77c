"""The benchmark's images, twice: arrays that ours reads once, and files that the tutorials read.

Faces are JPEG files of 178x218 pixels, as CelebA has them; digits are PNG files of 28 and 32
pixels, as MNIST and MNIST-M come unpacked. The transforms are those of the tutorials (resize,
crop, to tensor, normalise), with Pillow and torch alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from sparring.data.images import Images
from sparring.data.standins import draw

COUNT = 2_000
"""Images of each set: enough that no cache of the processor holds them."""
FACE_WIDTH, FACE_HEIGHT = 178, 218
ATTRIBUTE = 0  # "Smiling"

Transform = Callable[[Image.Image], Tensor]


@dataclass(frozen=True)
class Pictures:
    """One image set in a folder: pixels.npy and labels.npy, and `files/` with one file an image.

    names: of the classes or attributes.
    """

    folder: Path
    names: tuple[str, ...]

    def images(self) -> Images:
        """The set in memory: uint8 [N, 3, S, S] with its labels."""
        pixels, labels = (np.load(self.folder / f"{name}.npy") for name in ("pixels", "labels"))
        return Images(torch.from_numpy(pixels), torch.from_numpy(labels), self.names)


def write(images: Images, folder: Path, picture: Callable[[Image.Image], Image.Image]) -> Pictures:
    """Write `images` into `folder`; `picture` makes the picture that is stored of each.

    Files end in .png where the stored picture is square, else in .jpg.
    """
    assert images.labels is not None
    (folder / "files").mkdir(parents=True)
    np.save(folder / "pixels.npy", images.pixels.numpy())
    np.save(folder / "labels.npy", images.labels.numpy())
    for number, pixels in enumerate(images.pixels.permute(0, 2, 3, 1).numpy()):
        stored = picture(Image.fromarray(pixels))
        kind = "png" if stored.width == stored.height else "jpg"
        stored.save(folder / "files" / f"{number:06d}.{kind}", quality=90)
    return Pictures(folder, images.label_names)


def _portrait(face: Image.Image) -> Image.Image:
    """A face of 64x64 pixels as a photograph of 178x218, its sides cut."""
    tall = face.resize((FACE_HEIGHT, FACE_HEIGHT), Image.Resampling.BICUBIC)
    left = (FACE_HEIGHT - FACE_WIDTH) // 2
    return tall.crop((left, 0, left + FACE_WIDTH, FACE_HEIGHT))


def write_faces(folder: Path, count: int = COUNT) -> Pictures:
    """Toy faces with one attribute: JPEG files of 178x218."""
    faces = draw("toy-faces", count, 1).train
    assert faces.labels is not None
    one = slice(ATTRIBUTE, ATTRIBUTE + 1)
    smiling = Images(faces.pixels, faces.labels[:, one].clone(), faces.label_names[one])
    return write(smiling, folder, _portrait)


def write_digits(folder: Path, count: int = COUNT) -> tuple[Pictures, Pictures]:
    """Source and target digits: PNG files of 28x28 and of 32x32."""
    source, target = (draw(name, count, 1).train for name in ("photo-digits", "street-digits"))
    small = write(source, folder / "source", lambda digit: digit.resize((28, 28)))
    return small, write(target, folder / "target", lambda digit: digit)


def resize(image: Image.Image, size: int) -> Image.Image:
    """Scale so that the shorter side has `size` pixels; bilinear, as torchvision's Resize."""
    shorter = min(image.size)
    width, height = (round(side * size / shorter) for side in image.size)
    return image.resize((width, height), Image.Resampling.BILINEAR)


def centre_crop(image: Image.Image, size: int) -> Image.Image:
    """Cut out the central square of `size` pixels."""
    left, top = (image.width - size) // 2, (image.height - size) // 2
    return image.crop((left, top, left + size, top + size))


def to_tensor(image: Image.Image) -> Tensor:
    """RGB picture to float32 [3, H, W] in [0, 1]."""
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous().float().div(255)


def normalise(image: Tensor, mean: float = 0.5, deviation: float = 0.5) -> Tensor:
    """Subtract `mean` from every channel and divide by `deviation`: [0, 1] to [-1, 1]."""
    return image.sub_(mean).div_(deviation)


@dataclass(frozen=True)
class ImageFiles(Dataset[tuple[Tensor, Tensor]]):
    """Image files with labels: each is opened, decoded and transformed when it is asked for."""

    paths: list[Path]
    labels: Tensor
    size: int

    @classmethod
    def of(cls, pictures: Pictures, size: int) -> "ImageFiles":
        labels = torch.from_numpy(np.load(pictures.folder / "labels.npy"))
        return cls(sorted((pictures.folder / "files").iterdir()), labels, size)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        with Image.open(self.paths[index]) as file:
            image = file.convert("RGB")
        image = centre_crop(resize(image, self.size), self.size)
        return normalise(to_tensor(image)), self.labels[index]
