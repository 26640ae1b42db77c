"""The doctor: what is wrong with a set of images, or between a source and a target.

findings.py    what is examined, and how a finding is told
facts.py       a set in numbers
files.py       files as they lie; read(): a set with its files
sets.py        pixels and labels of one set
duplicates.py  equal and nearly equal pictures, in one set or in two
domains.py     two sets compared: names of classes, encoding
"""

from itertools import chain

from sparring.data.doctor import domains, duplicates, files, sets
from sparring.data.doctor.facts import Facts, facts
from sparring.data.doctor.files import read
from sparring.data.doctor.findings import SEVERITIES, Finding, Shown, Subject

__all__ = ["Facts", "Finding", "Shown", "Subject", "examine", "facts", "read"]


def examine(*subjects: Subject) -> list[Finding]:
    """What is wrong with a set, or with a source and a target, the worst first."""
    alone = ((*files.check(s), *sets.check(s)) for s in subjects)
    found = [*chain.from_iterable(alone), *duplicates.check(subjects)]
    if len(subjects) == 2:
        found += domains.check(*subjects)
    return sorted(found, key=lambda finding: (SEVERITIES.index(finding.severity), -finding.count))
