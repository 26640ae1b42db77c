"""One file a format. A new one is a file here and a line in `catalogue`.

    idx.py      MNIST              parquet.py  the hub's schema: MNIST-M, SVHN, own sets
    mat.py      SVHN               listed.py   a list of labels: MNIST-M's release, own sets
    usps.py     USPS               folders.py  class folders, and flat folders without labels
    celeba.py   CelebA

A format has `found(place) -> bool`. Those of arrays have `read(place, size) -> Splits`, two
`Images` of `size` pixels and an account of what was left out, and `SIDE`, their size; those of
compressed pictures have `stored(place) -> Stored`, the set as it lies, whose `read(size)` gives
the same. All raise RequestError for whatever files can do wrong: missing, damaged, too large, or
at odds with their labels.
"""
