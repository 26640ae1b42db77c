"""One run from request to scores: load the data, build, train, evaluate, write the run folder.

Runs know data, methods by their role, the trainer and the metrics; they know no report.
"""

from sparring.runs.classifier import ClassifierRun
from sparring.runs.frozen import FrozenRun
from sparring.runs.generator import GeneratorRun
from sparring.runs.library import Library
from sparring.runs.records import ExtractorName

Job = GeneratorRun | ClassifierRun

__all__ = [
    "ClassifierRun",
    "ExtractorName",
    "FrozenRun",
    "GeneratorRun",
    "Job",
    "Library",
]
