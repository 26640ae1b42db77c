"""The methods, one file each. A new method is one file and one line here.

Methods know the game, networks and augmentation; nothing of data sets, the trainer or the report.
"""

from typing import Any

from sparring import defaults
from sparring.errors import unknown
from sparring.game import AdaptationMethod, GenerativeMethod, Method
from sparring.methods.acgan import ACGAN
from sparring.methods.dann import DANN
from sparring.methods.dcgan import DCGAN
from sparring.methods.dsn import DSN
from sparring.methods.mean_teacher import MeanTeacher
from sparring.methods.projection_gan import ProjectionGAN

METHODS: dict[str, type[Method]] = {
    "dcgan": DCGAN,
    "acgan": ACGAN,
    "dann": DANN,
    "dsn": DSN,
    "mean-teacher": MeanTeacher,
    "projection-gan": ProjectionGAN,
}
"""Every method by its name on the command line."""


def name_of(method: Method) -> str:
    """The name under which a method's class is registered."""
    return next(name for name, kind in METHODS.items() if kind is type(method))


def adaptation(name: str) -> AdaptationMethod:
    """The method for two domains called `name`, or "auto". Raises RequestError for others."""
    return _called(name, defaults.ADAPT, AdaptationMethod)


def generation(name: str) -> GenerativeMethod:
    """The generator called `name`, or "auto". Raises RequestError for others."""
    return _called(name, defaults.GENERATE, GenerativeMethod)


def _called(name: str, auto: str, kind: type) -> Any:
    known = {one: method for one, method in METHODS.items() if issubclass(method, kind)}
    if name not in ("auto", *known):
        raise unknown("method", name, ["auto", *known])
    return known[auto if name == "auto" else name]()
