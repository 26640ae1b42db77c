"""One file a format. A new one is a file here and a line in `catalogue`.

    idx.py      MNIST              parquet.py  the hub's schema: MNIST-M, SVHN, own sets
    mat.py      SVHN               listed.py   a list of labels: MNIST-M's release, own sets
    usps.py     USPS               folders.py  class folders, and flat folders without labels
    celeba.py   CelebA

A format has `found(folder) -> bool` and `read(place, size) -> (train, test)`, two `Images` of
`size` pixels. `read` raises RequestError for whatever files can do wrong: missing, damaged, too
large, or at odds with their labels.
"""
