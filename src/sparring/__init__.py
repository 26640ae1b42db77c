"""sparring: adversarial learning on images. Networks that train by sparring.

    import sparring
    adapter = sparring.Adapter().fit("renders/", "photographs/")   # labelled, and not
    adapter.predict("photographs/"), adapter.helped_
    shoes = sparring.Generator().fit("shoes/")
    shoes.sample(16, seed=0, label="boot")
    model = sparring.load("adapted")                               # what a command or `save` wrote
    model.predict("folder/of/images")

Importing it takes no time and changes nothing: torch is imported when one of these is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sparring.estimators import Adapter, Generator
    from sparring.model import load

__version__ = "0.2.0"
__all__ = ["Adapter", "Generator", "__version__", "load"]
_HOMES = {"Adapter": "sparring.estimators", "Generator": "sparring.estimators"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'sparring' has no attribute '{name}'")
    return getattr(import_module(_HOMES.get(name, "sparring.model")), name)
