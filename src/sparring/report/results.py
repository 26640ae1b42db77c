"""results.json, schema 2: every number of an output folder for programs to read.

Knows groups and pictures; knows no page. Accuracies are fractions, null where there are no labels.
Every entry has a `key` of its own. Clients add entries of their own (`page.Section`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from sparring.report import without_labels
from sparring.report.collect import Report
from sparring.report.groups import (
    Adaptation,
    Generation,
    Group,
    classifier_scores,
    compared,
    generator_scores,
)
from sparring.report.picture import Picture
from sparring.runs.records import SCENARIOS

plain = msgspec.to_builtins


def results(
    report: Report,
    generators: Sequence[Generation],
    adaptations: Sequence[Adaptation],
    pictures: Mapping[str, Picture],
    notes: Sequence[str],
) -> dict[str, Any]:
    """The content of results.json; paths are relative to its folder."""
    runs = report.every_run
    return {
        "schema": 2,
        "environment": plain(report.runs[0].environment) if report.runs else {},
        "command": report.plan.command,
        "budget": report.plan.budget,
        "purpose": report.plan.purpose,
        "seeds": list(report.seeds),
        "data": {name: _data(report, name) for name in report.sets},
        "generation": {group.key: _generation(report, group) for group in generators},
        "adaptation": [_adaptation(report, group) for group in adaptations],
        "comparisons": [
            {"key": one.later.key, "less": one.former.key} | one.difference.as_dict()
            for one in compared(adaptations)
        ],
        "selection": without_labels.Choices.of(runs).as_dict(),
        "alarm": without_labels.alarm_as_dict(without_labels.alarm(runs)),
        "accuracy_estimates": {
            name: {"absolute_error": error.as_dict()}
            for name, error in without_labels.estimate_errors(runs).items()
        },
        "target_labels": without_labels.LabelReads.of(runs)._asdict(),
        "figures": {
            key: picture.path(report.out).relative_to(report.out).as_posix()
            for key, picture in pictures.items()
        },
        "missing": dict(report.missing),
        "events": list(report.events),
        "notes": list(notes),
    }


def _data(report: Report, name: str) -> dict[str, Any]:
    use, facts = report.use(name), report.facts(name)
    seen = plain(facts) if facts else dict.fromkeys(("train", "test", "labelled", "fingerprint"))
    return seen | {"kind": use.kind, "asked": use.asked, "why": use.why}


def _named(report: Report, group: Group) -> dict[str, Any]:
    """What an entry is of, and where its models lie."""
    models = [run.path / "model" for run in group.runs]
    return {
        "key": group.key,
        "method": group.method,
        "preset": group.config.preset,
        "arm": group.config.arm,
        **{role: data.name for role, data in group.config.data.items()},
        "labels": list(group.config.label_names),
        "steps": group.config.training.steps,
        "batch_size": group.config.training.batch_size,
        "runs": [run.name for run in group.runs],
        "models": [path.relative_to(report.out).as_posix() for path in models if path.is_dir()],
    }


def _generation(report: Report, group: Generation) -> dict[str, Any]:
    return _named(report, group) | {
        "extractor": group.extractor and group.extractor.name,
        "compared_images": group.compared,
        "frechet_note": group.bias,
        **{name: summary.as_dict() for name, summary in group.metrics.items()},
        "averaged": {name: summary.as_dict() for name, summary in group.averaged.items()},
        "details": [{"run": r.name} | plain(generator_scores(r)) for r in group.runs],
    }


def _adaptation(report: Report, group: Adaptation) -> dict[str, Any]:
    scored = [(run, classifier_scores(run)) for run in group.runs]
    names = group.config.label_names
    return _named(report, group) | {
        "accuracy": group.over(group.shown.config.scenario).mean,
        **{s.replace("-", "_"): group.over(s).as_dict() for s in SCENARIOS},
        "gap_closed": group.gap_closed.as_dict(),
        "adapted_less_source_only": group.gain.as_dict(),
        **{
            name: {"source_only": before.as_dict(), "adapted": after.as_dict()}
            for name, (before, after) in group.measures.items()
        },
        "predicted_shares": [
            {"run": run.name, "shares": dict(zip(names, scores.predicted_shares, strict=True))}
            for run, scores in scored
        ],
        "selection": [
            {"run": run.name} | plain(scores.selection)
            for run, scores in scored
            if scores.selection
        ],
        "alarm": [found.as_dict() for found in without_labels.comparisons(group.runs)],
        # Rows: true classes, in the order of `classes`; columns: predicted ones.
        "confusion": [
            {"run": run.name, "classes": list(names), "counts": plain(scores.confusion)}
            for run, scores in scored
            if scores.confusion
        ],
        "labels_opened": {run.name: plain(run.openings.openings) for run in group.runs},
    }
