"""sparring: adversarial learning on images. Networks that train by sparring."""

__version__ = "0.1.0"
