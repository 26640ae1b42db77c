"""One run from request to scores: load the data, build, train, measure, write the run folder.

Jobs know data, methods by their role, the trainer and the measures; they know no report.
"""

from sparring.runs.classifier import AdaptationJob, Scenario
from sparring.runs.evaluators import ExtractorName
from sparring.runs.generator import GenerationJob
from sparring.runs.library import Library

Job = GenerationJob | AdaptationJob

__all__ = ["AdaptationJob", "ExtractorName", "GenerationJob", "Job", "Library", "Scenario"]
