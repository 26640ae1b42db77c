"""The figures of experiments on claims: every run's score, by arm.

Knows verdicts and plots; knows no page.
"""

from collections.abc import Iterator, Sequence

from sparring.report import score_plots
from sparring.report.figures import Drawing
from sparring.report2019.claims.verdicts import Verdict


def drawings(verdicts: Sequence[Verdict]) -> Iterator[Drawing]:
    """One figure for each claim that has two arms with runs, or one arm with several."""
    for verdict in verdicts:
        scores = {
            name: {arm: summary.runs for arm, summary in arms.items() if summary.n}
            for name, arms in verdict.finding.scores.items()
        }
        panels = {name: arms for name, arms in scores.items() if sum(map(len, arms.values())) > 1}
        if panels:
            title = f"{verdict.claim}: every run, by arm"
            caption = f"{verdict.text} Each dot is a run, each bar a mean. {verdict.on}"
            figure = score_plots.strips(panels, title)
            yield Drawing(verdict.key, figure, title, verdict.sets, caption)
