"""Images: from files in their usual formats to uint8 tensors in memory, and on to batches.

images.py        Images, DataSet: what every reader returns and all else receives; `summary`
catalogue.py     the one place for names: `load("mnist-m", data, size=32)`, `proposed_size`
feed.py          images in memory -> batches on the device

files.py         files of a folder or a zip; damaged ones
splits.py        which of them are for testing
tables.py        lists of labels as people write them, and the file that a row means
stored.py        a set of pictures as it lies -> `Images`
decode.py        compressed pictures -> uint8 [3, S, S]
depth.py         pictures of more than 8 bits
pictures.py      files or arrays that a trained model is shown -> the same
pixels.py        resizing, and where the pixels of a large set lie
tensor_cache.py  what was decoded or drawn once, for the next start

formats/         one file a format: what lies in a folder -> two `Images`
standins/        images that the program draws itself
mnist_m.py       builds MNIST-M from MNIST and photographs
published.py     where published sets lie, and the hashes of their files
download.py      from there into their folders
"""
