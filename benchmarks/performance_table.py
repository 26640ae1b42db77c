"""Prints the table of docs/performance.md from what `sparring bench --json FILE` wrote.

Run: python -m benchmarks.performance_table FILE
"""

import json
import sys
from pathlib import Path
from typing import Any

HEAD = (
    "| | tutorial, images/s | ours, images/s | ratio (quartiles) | of the limit "
    "| peak MB (data) | outside the step |\n|---|---|---|---|---|---|---|"
)


def line(row: dict[str, Any]) -> str:
    low, high = row["ratio_spread"]
    outside = row["outside_fraction"]
    cells = [
        row["method"].upper() + (f", {row['encoder']}" if row["encoder"] else ""),
        f"{row['reference_images_per_second']:,.0f}",
        f"{row['images_per_second']:,.0f}",
        f"{row['ratio']:.2f} ({low:.2f}-{high:.2f})",
        f"{row['limit_fraction']:.0%}",
        f"{row['peak_memory_mb']:,.0f} ({row['data_mb']:,.0f})",
        "not known" if outside is None else f"{outside:.1%}",
    ]
    return f"| {' | '.join(cells)} |"


def machine(row: dict[str, Any]) -> str:
    facts, rates = row["machine"], row["machine"]["rates"]
    return (
        f"Machine: {facts['cpu']}, {facts['device']}, {facts['threads']} threads, torch "
        f"{facts['torch']}; best rates {rates['float32'] / 1e9:,.0f} Gflop/s in float32, "
        f"{rates['bfloat16'] / 1e9:,.0f} in bfloat16, {rates['bandwidth'] / 1e9:.1f} GB/s. "
        f"Commit: {facts['commit']}. Batches of {row['batch_size']}."
    )


def main() -> None:
    rows = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    print("\n".join([HEAD, *map(line, rows), "", machine(rows[0])]))


if __name__ == "__main__":
    main()
