"""results.json, schema 1: every number of a reproduction for programs to read.

Knows groups, verdicts and pictures; knows no page. Accuracies are fractions. A number that is not
finite is written as null, so that any JSON reader can read the file.
"""

import math
from pathlib import Path
from typing import Any

from sparring.report.claims import Evidence, Verdict
from sparring.report.figures import Picture
from sparring.report.groups import Adaptation, Generation
from sparring.report.source2019 import SCENARIOS


def results(
    evidence: Evidence, pictures: dict[str, Picture], verdicts: tuple[Verdict, ...]
) -> dict[str, Any]:
    """The content of results.json; paths of figures are relative to its folder."""
    rep = evidence.rep
    content = {
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
        "figures": {key: _relative(picture.path, rep.out) for key, picture in pictures.items()},
        "claims": [
            {
                "id": v.claim.id,
                "claim": v.claim.text,
                "verdict": v.verdict,
                "n": v.n,
                "evidence": v.evidence,
            }
            for v in verdicts
        ],
        "missing": [name for name, _ in rep.missing],
        "events": list(rep.events),
    }
    cleaned = _finite(content)
    assert isinstance(cleaned, dict)
    return cleaned


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
        **{name: summary.as_dict() for name, summary in group.metrics.items()},
    }


def _adaptation(evidence: Evidence, group: Adaptation) -> dict[str, Any]:
    asked = evidence.rep.asked(group.sets)
    printed = evidence.printed(group)
    return {
        "method": group.method,
        "source": group.source,
        "target": group.target,
        **{s.replace("-", "_"): group.score(s).as_dict() for s in SCENARIOS},
        "gap_closed": group.gap_closed.as_dict(),
        "mixing": {s.replace("-", "_"): group.score(s, "mixing").as_dict() for s in SCENARIOS[:2]},
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


def _relative(path: Path, base: Path) -> str:
    return path.relative_to(base).as_posix()


def _finite(value: Any) -> Any:
    """`value` with every float that is not finite replaced by None."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value
