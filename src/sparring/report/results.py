"""results.json, schema 1: every number of a reproduction for programs to read.

Knows groups, verdicts and pictures; knows no page. Accuracies are fractions.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from sparring.report import classifiers, without_labels
from sparring.report.groups import Adaptation, Generation
from sparring.report.picture import Picture
from sparring.report.runs import Run
from sparring.report2019.claims.verdicts import Evidence, Verdict
from sparring.report2019.published import SCENARIOS


def results(
    evidence: Evidence, pictures: dict[str, Picture], verdicts: tuple[Verdict, ...]
) -> dict[str, Any]:
    """The content of results.json; paths of figures are relative to its folder."""
    rep = evidence.rep
    return {
        "schema": 1,
        "environment": rep.runs[0].machine if rep.runs else {},
        "command": rep.command,
        "budget": rep.budget,
        "seeds": list(rep.seeds),
        "data": _data(evidence),
        "generation": {
            "dcgan": _generation(None),
            "acgan": _generation(None),
            **{group.key: _generation(group) for group in evidence.generators},
        },
        "adaptation": [_adaptation(evidence, group) for group in evidence.adaptations],
        "dsn_less_dann": [
            {"source": sets[0], "target": sets[1]} | difference.as_dict()
            for sets, difference in classifiers.dsn_less_dann(evidence.adaptations).items()
        ],
        **_without_labels(rep.every_run),
        "figures": {key: _relative(picture.path, rep.out) for key, picture in pictures.items()},
        "claims": [
            {
                "id": v.claim.id,
                "claim": v.claim.text,
                "verdict": v.verdict,
                "n": v.n,
                "evidence": v.evidence,
                "scores": {
                    name: {arm: summary.as_dict() for arm, summary in arms.items()}
                    for name, arms in v.finding.scores.items()
                },
            }
            for v in verdicts
        ],
        "missing": [name for name, _ in rep.missing],
        "events": list(rep.events),
    }


def _data(evidence: Evidence) -> dict[str, Any]:
    rep = evidence.rep
    entries = {}
    for name in rep.sets:
        use, facts = rep.use(name), rep.facts(name)
        sizes = {key: facts.get(key) for key in ("train", "test", "fingerprint")}
        entries[name] = {"kind": use.kind, "asked": use.asked, "why": use.why, **sizes}
    return entries


def _generation(group: Generation | None) -> dict[str, Any]:
    if group is None:
        return {"faces": None, "attributes": [], "n": 0, "runs": []}
    return {
        "faces": group.faces,
        "attributes": list(group.attributes),
        "n": len(group.runs),
        "runs": [run.name for run in group.runs],
        "extractor": group.extractor.get("name"),
        **{name: summary.as_dict() for name, summary in group.metrics.items()},
        "details": [_details(run) for run in group.runs],
    }


def _details(run: Run) -> dict[str, Any]:
    """The tables behind a generator's metrics, as the run has them."""
    parts = ("extractor", "fidelity", "judge", "scorecard", "memorisation", "notes")
    return {"run": run.name} | {part: run.scores[part] for part in parts if part in run.scores}


def _adaptation(evidence: Evidence, group: Adaptation) -> dict[str, Any]:
    asked = evidence.rep.asked(group.sets)
    printed = evidence.printed(group)
    return {
        "method": group.method,
        "source": group.source,
        "target": group.target,
        **{s.replace("-", "_"): group.score(s).as_dict() for s in SCENARIOS},
        "gap_closed": group.gap_closed.as_dict(),
        "adapted_less_source_only": group.gain.as_dict(),
        **{
            measure.key: {"source_only": before.as_dict(), "adapted": after.as_dict()}
            for measure, before, after in classifiers.measured(group)
        },
        "selection": [
            {"run": run.name} | run.scores["selection"]
            for run in group.of("adapted")
            if "selection" in run.scores
        ],
        "alarm": [found.as_dict() for found in without_labels.comparisons(group.runs)],
        "confusion": [
            {"run": run.name, "counts": run.scores["confusion"]}
            for run in group.runs
            if run.scores.get("confusion")
        ],
        "labels_opened": {run.name: run.openings for run in group.runs if run.openings},
        "source_report": printed
        and {
            "source": asked[0],
            "target": asked[1],
            **printed._asdict(),
            "gap_closed": printed.gap_closed,
            "same_data": evidence.rep.faithful(group.sets),
        },
        "run_names": [run.name for run in group.runs],
    }


def _without_labels(runs: tuple[Run, ...]) -> dict[str, Any]:
    """How good what works without target labels is, over all runs of classifiers."""
    return {
        "selection": without_labels.Selection.of(runs).as_dict(),
        "alarm": without_labels.alarm_as_dict(without_labels.alarm(runs)),
        "accuracy_estimates": {
            name: {"absolute_error": error.as_dict()}
            for name, error in without_labels.estimate_errors(runs).items()
        },
        "target_labels": asdict(without_labels.LabelReads.of(runs)),
    }


def _relative(path: Path, base: Path) -> str:
    return path.relative_to(base).as_posix()
