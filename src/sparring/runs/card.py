"""The words of a model card: what a model learned from, how it scores, what it is not for."""

from sparring.runs.records import Config, Data
from sparring.runs.scores import ClassifierScores, GeneratorScores, Scores


def text(config: Config, scores: Scores) -> str:
    """The card of a run's model, in Markdown, without a head."""
    trained = config.training
    caution = "They are of the last state of one training: another seed gives other numbers."
    how = f"{trained.steps:,} steps on batches of {trained.batch_size}, in {trained.precision}"
    if backbone := config.settings.get("backbone"):
        how = f"fitted in closed form to the features of {backbone}, which was not trained"
        caution = "Any seed gives the same."
    worth = _classifier(scores) if isinstance(scores, ClassifierScores) else _generator(scores)
    data = "\n".join(f"- {role}: {_set(data)}" for role, data in config.data.items())
    return f"""# {config.method} ({config.scenario})

Preset {config.preset}, seed {config.seed}: {how}; images of {config.size} x {config.size} pixels.

## Data

{data}

## Scores

{worth}

{caution}

## Not for

Images unlike those above, decisions about people, and anything where an error harms.
"""


def _set(data: Data) -> str:
    drawn = ", drawn by the program" if data.kind == "stand-in" else ""
    return f"{data.name} ({data.train:,} training and {data.test:,} test images{drawn})"


def _classifier(scores: ClassifierScores) -> str:
    right = "not known: it has no labels"
    if scores.accuracy is not None:
        right = f"{scores.accuracy:.1%} of {scores.test_images:,} test images"
    return f"""- right on the target: {right}
- right on the source's test images: {scores.source_accuracy:.1%}
- estimated without target labels: {scores.expected:.1%}"""


def _generator(scores: GeneratorScores) -> str:
    known = {name: value for name, value in scores.metrics.items() if value is not None}
    named = {name: name.replace("_", " ") for name in known} | {"frechet": scores.distance}
    return "\n".join(f"- {named[name]}: {value:.4g}" for name, value in known.items())
