"""sparring: adversarial learning on images. Networks that train by sparring.

    import sparring
    model = sparring.load("report/runs/NAME")
    model.predict("folder/of/images")          # of a classifier
    model.sample(16, seed=0, Smiling=1)        # of a generator

Importing it takes no time and changes nothing: torch is imported when a model is loaded.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sparring.model import Classifier, Generator, load

__version__ = "0.2.0"
__all__ = ["Classifier", "Generator", "__version__", "load"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'sparring' has no attribute '{name}'")
    from sparring import model

    return getattr(model, name)
