"""One run from request to scores: load the data, build, train, measure, write the run folder.

Jobs know data, methods by their role, the trainer and the measures; they know no report.
"""

from sparring.jobs.adaptation import AdaptationJob, Scenario
from sparring.jobs.datasets import Library
from sparring.jobs.generation import GenerationJob
from sparring.jobs.instruments import ExtractorName

Job = GenerationJob | AdaptationJob

__all__ = ["AdaptationJob", "ExtractorName", "GenerationJob", "Job", "Library", "Scenario"]
