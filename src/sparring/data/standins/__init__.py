"""Stand-ins: sets that the program draws itself, so that everything can be tried offline.

Knows its own drawings; knows no real set and no file. Each is a `DataSet` of kind "stand-in" and
must be called one wherever its numbers appear.
"""

from sparring.data.standins.faces import toy_faces
from sparring.data.standins.photo import photo_digits
from sparring.data.standins.street import street_digits

__all__ = ["photo_digits", "street_digits", "toy_faces"]
