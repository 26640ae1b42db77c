"""Images: from files in their official formats to uint8 tensors in memory.

    images.py     Images, DataSet: what every reader returns and all else receives
    catalogue.py  the one place for names: `load("mnist-m", data, size=32)`
    files.py      files of a folder or a zip; which of them are test; damaged ones
    decode.py     compressed pictures -> uint8 [3, S, S]
    pixels.py     resizing of tensors; digits and their labels

    idx.py        MNIST                      parquet.py    the hub's schema: MNIST-M, SVHN, own
    mat.py        SVHN                       listed.py     a list of labels: MNIST-M's release, own
    usps.py       USPS                       folders.py    class folders, flat folders
    celeba.py     CelebA

    standins/     images that the program draws itself
    mnist_m.py    builds MNIST-M from MNIST and photographs

A reader is a function `read(place, size) -> (train, test)`, two `Images` of that size. It raises
`RequestError` for whatever a file can do wrong: missing, damaged, or at odds with its labels.
"""
