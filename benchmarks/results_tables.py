"""The tables of docs/results.md, from the files in docs/results/: results.json, and studies'.

    python -m benchmarks.results_tables          writes them anew, between the markers there

What stands outside the markers is written by hand.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from statistics import mean, stdev
from typing import Any

DOCS = Path(__file__).parent.parent / "docs"
ADAPTATION = ("source_only", "adapted", "target_only")
GENERATION = ("frechet", "kid", "recall", "attribute_accuracy", "flipped")
FEW = 3
"""Up to so many labels are named; more are counted."""


def percent(summary: dict[str, Any]) -> str:
    """`93.4 ± 0.3`, or a dash."""
    if summary.get("mean") is None:
        return "-"
    sd = f" ± {100 * summary['sd']:.1f}" if summary.get("sd") is not None else ""
    return f"{100 * summary['mean']:.1f}{sd}"


def number(summary: dict[str, Any] | None) -> str:
    """Three digits, and the spread; a dash for what was not measured."""
    if not summary or summary.get("mean") is None:
        return "-"
    sd = f" ± {summary['sd']:.2g}" if summary.get("sd") is not None else ""
    return f"{summary['mean']:.3g}{sd}"


def length(entry: dict[str, Any]) -> str:
    """How long was trained."""
    return f"{entry['steps']:,} x {entry['batch_size']}"


def adaptation(found: dict[str, Any]) -> Iterator[str]:
    """One row for each method and pair."""
    yield "| source → target | method | steps x batch | source only | adapted | target only | n |"
    yield "|---|---|---|---|---|---|---|"
    for entry in found["adaptation"]:
        cells = (percent(entry[name]) for name in ADAPTATION)
        pair, name = (
            f"{entry['source']} → {entry['target']}",
            f"{entry['method']} ({entry['preset']})",
        )
        row = (pair, name, length(entry), *cells, str(entry["adapted"]["n"]))
        yield f"| {' | '.join(row)} |"


def generation(found: dict[str, Any]) -> Iterator[str]:
    """One row for each generator, and one for its running mean where that stands beside it."""
    yield "| data | method | steps x batch | Fréchet | KID | recall | as asked | pairs flip | n |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for entry in found["generation"].values():
        labels = entry["labels"]
        words = labels if len(labels) <= FEW else [f"{len(labels)} labels"]
        name = " ".join([entry["method"], *words])
        for title, scores in ((name, entry), (f"{name}, averaged", entry.get("averaged"))):
            if scores:
                cells = [number(scores.get(metric)) for metric in GENERATION]
                row = (entry["images"], title, length(entry), *cells, str(len(entry["runs"])))
                yield f"| {' | '.join(row)} |"


def spread(values: list[float | None]) -> str:
    """`93.4 ± 0.3` of shares; a dash of none."""
    return percent(summary(values))


def study(found: dict[str, Any]) -> Iterator[str]:
    """The rows of a study of adaptation, or of generators; see `benchmarks.study`."""
    of_generators = found["rows"][0]["scenario"] == "generation"
    yield from (generators if of_generators else classifiers)(found["rows"])


def classifiers(rows: list[dict[str, Any]]) -> Iterator[str]:
    """One row for each arm on each pair."""
    titles = "arm | steps | source only | adapted | estimate too high by | alarm | n"
    yield f"| source → target | {titles} |"
    yield "|---|---|---|---|---|---|---|---|"
    arms: dict[tuple[str, ...], dict[str, dict[str, Any]]] = {}
    for row in rows:
        arms.setdefault((*row["sets"], row["arm"]), {})[row["scenario"]] = row
    for (source, target, arm), scenarios in arms.items():
        adapted = scenarios["adapted"]
        accuracy = {name: spread(row["accuracy"]) for name, row in scenarios.items()}
        pairs = zip(adapted["estimated"], adapted["accuracy"], strict=True)
        rings = [rings for rings in adapted["rings"] if rings is not None]
        cells = (
            f"{source} → {target}",
            arm,
            f"{adapted['steps']:,}",
            accuracy.get("source-only", "-"),
            accuracy["adapted"],
            spread([said - true for said, true in pairs]),
            f"{sum(rings)} of {len(rings)}" if rings else "-",
            str(len(adapted["seeds"])),
        )
        yield f"| {' | '.join(cells)} |"


def generators(rows: list[dict[str, Any]]) -> Iterator[str]:
    """One row for each arm, and one for its running mean where that stands beside it."""
    titles = "steps x batch | Fréchet | KID | recall | as asked | pairs flip | n"
    yield f"| data | arm | {titles} |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for row in rows:
        for name, found in ((row["arm"], "metrics"), (f"{row['arm']}, averaged", "averaged")):
            if not row[found][0]:
                continue
            columns = [[one.get(metric) for one in row[found]] for metric in GENERATION]
            cells = [number(summary(column)) for column in columns]
            parts = (*row["sets"], name, length(row), *cells, str(len(row["seeds"])))
            yield f"| {' | '.join(parts)} |"


def summary(values: list[float | None]) -> dict[str, Any]:
    """Mean and spread of what is there."""
    there = [value for value in values if value is not None]
    return {
        "mean": mean(there) if there else None,
        "sd": stdev(there) if there[1:] else None,
    }


def tables(path: Path) -> str:
    """What the program said of its runs in the file at `path`, as Markdown."""
    found = json.loads(path.read_text())
    where = found["environment"]
    commit = f"commit {where['commit']}, " if where["commit"] else ""
    machine = where["cpu"] if where["device"] == "cpu" else where["device"]
    parts = [f"`{found['command']}` ({commit}{machine})"]
    kinds = {"adaptation": adaptation, "generation": generation, "rows": study}
    parts += ["\n".join(table(found)) for kind, table in kinds.items() if found.get(kind)]
    return "\n\n".join(parts)


def renewed(text: str) -> str:
    """The page with every table between `<!-- NAME.json -->` and `<!-- end -->` made anew."""

    def table(match: re.Match[str]) -> str:
        return f"<!-- {match[1]} -->\n\n{tables(DOCS / 'results' / match[1])}\n\n<!-- end -->"

    return re.sub(r"<!-- (\S+\.json) -->.*?<!-- end -->", table, text, flags=re.DOTALL)


if __name__ == "__main__":
    page = DOCS / "results.md"
    page.write_text(renewed(page.read_text()))
