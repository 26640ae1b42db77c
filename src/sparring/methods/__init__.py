"""The methods, one file each. A new method is one file and one line here.

Methods know the game, networks and augmentation; nothing of data sets, the trainer or the report.
"""

from sparring.game import Method
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
