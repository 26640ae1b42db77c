import numpy as np
import pytest
import torch

from sparring.data.standins import ATTRIBUTES, draw, faces
from sparring.data.standins.looks import draw_looks
from sparring.data.standins.parts import mouth

PLAIN = {name: name == "Young" for name in ATTRIBUTES}


def _faces(n: int, **changed: bool) -> dict[str, np.ndarray]:
    return {name: np.full(n, value) for name, value in {**PLAIN, **changed}.items()}


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_every_attribute_shows_in_every_face(name: str) -> None:
    without, with_ = (
        faces._paint(faces._face(np.random.default_rng(0), _faces(40, **{name: value})))
        for value in (False, True)
    )
    changed = ((without - with_)[:, :3].abs().amax(1) > 20).sum((1, 2))
    assert changed.min() >= 10


def test_smile_bends_the_mouth_up() -> None:
    for smiling in (True, False):
        rng = np.random.default_rng(0)
        looks = draw_looks(rng, _faces(100, Smiling=smiling))
        # The parting line of the lips; y points down.
        curve = mouth(rng, looks)[0].points[:, :13, 1]
        rise = curve[:, 6] - curve[:, 0]
        assert (rise > 0.1).all() if smiling else (rise <= 0).all()


def test_teeth_are_shown_in_most_smiles_and_only_there() -> None:
    rng = np.random.default_rng(0)
    has = _faces(400)
    has["Smiling"] = np.arange(400) < 200
    teeth = mouth(rng, draw_looks(rng, has))[2].shown
    assert 0.6 < teeth[:200].mean() < 0.9
    assert not teeth[200:].any()


def test_attributes_are_about_as_frequent_as_in_celeba() -> None:
    has = faces._attributes(np.random.default_rng(0), 20_000)
    celeba = {
        "Smiling": 0.48,
        "Male": 0.42,
        "Eyeglasses": 0.065,
        "Young": 0.77,
        "Blond_Hair": 0.15,
        "Mustache": 0.04,
        "Bangs": 0.15,
        "Wearing_Hat": 0.05,
        "Big_Nose": 0.235,
        "Pale_Skin": 0.043,
    }
    assert tuple(celeba) == tuple(has) == ATTRIBUTES
    for name, frequency in celeba.items():
        assert has[name].mean() == pytest.approx(frequency, abs=0.05), name
    assert not (has["Mustache"] & ~has["Male"]).any()
    assert not (has["Bangs"] & has["Wearing_Hat"]).any()
    assert has["Blond_Hair"][~has["Male"]].mean() > 3 * has["Blond_Hair"][has["Male"]].mean()


def test_labels_are_the_attributes_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faces, "CHUNK", 16)
    images = draw("toy-faces", 40, 1).train
    has = faces._attributes(np.random.default_rng([0, 0]), 40)
    assert images.labels is not None
    assert images.labels.shape == (40, 10)
    for column, name in enumerate(ATTRIBUTES):
        assert images.labels[:, column].tolist() == has[name].astype(int).tolist()


def test_faces_stand_in_the_middle_before_a_background() -> None:
    painted = faces._paint(faces._face(np.random.default_rng(0), _faces(60)))
    cover = painted[:, 3]
    assert cover[:, 26:38, 26:38].min() == 255
    assert cover[:, 0, [0, 63]].max() == 0
    # Colour comes multiplied by cover, so nothing shines where nothing is.
    assert torch.all(painted[:, :3].amax(1) <= cover)


def test_background_is_seen_only_where_the_face_is_not() -> None:
    painted = torch.zeros(200, 4, 64, 64)
    painted[:, :, 16:48, 16:48] = 255
    pictures = faces._photograph(np.random.default_rng(0), painted).float()
    assert pictures[:, :, 16:48, 16:48].mean() > 225
    assert 90 < pictures[:, :, :16].mean() < 160
    assert pictures[:, :, :16].mean((1, 2, 3)).std() > 40
