"""The words of a model card: what a model learned from, how it scores, what it is not for."""

from sparring.runs.records import ClassifierScores, Config, Data, GeneratorScores, Scores


def text(config: Config, scores: Scores) -> str:
    """The card of a run's model, in Markdown, without a head."""
    trained = config.training
    lines = [
        f"# {config.method} ({config.scenario})",
        "",
        f"Preset {config.preset}, seed {config.seed}: {trained.steps:,} steps on batches of "
        f"{trained.batch_size}, in {trained.precision}; images of {config.size} x {config.size} "
        "pixels.",
        "",
        "## Data",
        "",
        *(f"- {role}: {_set(data)}" for role, data in config.data.items()),
        "",
        "## Scores",
        "",
        *(_classifier(scores) if isinstance(scores, ClassifierScores) else _generator(scores)),
        "",
        "They are of the last state of one training: another seed gives other numbers.",
        "",
        "## Not for",
        "",
        "Images unlike those above, decisions about people, and anything where an error harms.",
        "",
    ]
    return "\n".join(lines)


def _set(data: Data) -> str:
    drawn = ", drawn by the program" if data.kind == "stand-in" else ""
    return f"{data.name} ({data.train:,} training and {data.test:,} test images{drawn})"


def _classifier(scores: ClassifierScores) -> list[str]:
    right = "not known: it has no labels"
    if scores.accuracy is not None:
        right = f"{scores.accuracy:.1%} of {scores.test_images:,} test images"
    return [
        f"- right on the target: {right}",
        f"- right on the source's test images: {scores.source_accuracy:.1%}",
        f"- estimated without target labels: {scores.estimated.thresholded_entropy:.1%}",
    ]


def _generator(scores: GeneratorScores) -> list[str]:
    known = {name: value for name, value in scores.metrics.items() if value is not None}
    return [f"- {name.replace('_', ' ')}: {value:.4g}" for name, value in known.items()]
