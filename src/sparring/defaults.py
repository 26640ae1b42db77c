"""What `adapt`, `generate` and the Python face do where nothing is asked. Knows names and numbers.

`sparring.methods` finds the methods, and needs torch for it; this needs nothing.
"""

ADAPT, GENERATE = "mean-teacher", "projection-gan"
"""What "auto" adapts and generates with: the best general methods there are."""
ADAPT_STEPS, TUNE_STEPS, GENERATE_STEPS = 7000, 1500, 2000
"""Batches to train on. The first: ten minutes of a core; more is better still (docs/results.md)."""
BATCH = 64
ADAPT_SIZE, GENERATE_SIZE = 32, 64
"""Height and width of the images in pixels."""
JUDGE_STEPS, JUDGED = 600, 1000
"""A generator's judges: steps of their training, and images that they look at."""
FEWEST = 200
"""Images that a generator learns from, at least."""
