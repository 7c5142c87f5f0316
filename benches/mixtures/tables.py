"""The tables of the benchmark: each function puts the files of one data set into a folder and says what was left
out. Tables of more than 20,000 rows are thinned to so many, drawn once; pictures are not, since the
differences that they are to show are of half a point."""

import csv
import gzip
import math
import random

MOST = 20_000


def thin(rows):
    """At most so many rows, in their order."""
    if len(rows) <= MOST:
        return rows
    kept = sorted(random.Random(1).sample(range(len(rows)), MOST))
    return [rows[i] for i in kept]


def write(path, header, rows):
    with open(path, "w", newline="") as file:
        out = csv.writer(file)
        out.writerow(header)
        out.writerows(rows)


def linked(file, name):
    def make(data, _repository, folder):
        (folder / name).symlink_to((data / file).resolve())
        with open(data / file) as lines:
            return f"all {sum(1 for _ in lines) - 1:,} rows"

    return make


def adult(data, _repository, folder):
    with open(data / "adult/adult_train.csv") as file:
        header, *rows = csv.reader(file)
    kept = thin(rows)
    write(folder / "adult.csv", header, kept)
    return f"{len(kept):,} of {len(rows):,} rows (the published training file)"


def bike(data, _repository, folder):
    """With the logarithm of the count, which SQLite does not have."""
    with open(data / "bike-sharing/hour.csv") as file:
        header, *rows = csv.reader(file)
    count = header.index("cnt")
    write(folder / "bike.csv", [*header, "rented"], [[*r, repr(math.log1p(int(r[count])))] for r in rows])
    return f"all {len(rows):,} rows"


def kin40k(data, _repository, folder):
    with gzip.open(data / "uci-regression/kin40k/data.csv.gz", "rt") as file:
        rows = list(csv.reader(file))
    kept = thin(rows)
    write(folder / "kin40k.csv", [*(f"x{i}" for i in range(8)), "y"], kept)
    return f"{len(kept):,} of {len(rows):,} rows"


def flights(_data, repository, folder):
    for file in sorted((repository / "pipelines/data").glob("*.parquet")):
        (folder / file.name).symlink_to(file)
    return "every third day of the year"


def fashion(data, _repository, folder):
    """IDX files of 14 × 14: each pixel is the mean of 2 × 2."""
    with gzip.open(data / "fashion-mnist/train-images-idx3-ubyte.gz") as file:
        pixels = file.read()[16:]
    with gzip.open(data / "fashion-mnist/train-labels-idx1-ubyte.gz") as file:
        labels = file.read()[8:]
    kept = range(len(labels))
    with open(folder / "fashion-images.idx3-ubyte", "wb") as file:
        file.write(bytes([0, 0, 8, 3]) + b"".join(n.to_bytes(4, "big") for n in (len(kept), 14, 14)))
        for image in kept:
            for at in range(784 * image, 784 * (image + 1), 56):
                above, below = pixels[at : at + 28], pixels[at + 28 : at + 56]
                four = zip(above[::2], above[1::2], below[::2], below[1::2])
                file.write(bytes((sum(block) + 2) // 4 for block in four))
    with open(folder / "fashion-labels.idx1-ubyte", "wb") as file:
        file.write(bytes([0, 0, 8, 1]) + len(kept).to_bytes(4, "big"))
        file.write(bytes(labels[image] for image in kept))
    return f"{len(kept):,} of {len(labels):,} pictures (the published training file)"


TABLES = {
    "ai4i": linked("ai4i2020/ai4i2020.csv", "ai4i.csv"),
    "adult": adult,
    "bike": bike,
    "wine": linked("wine-quality/winequality.csv", "wine.csv"),
    "letter": linked("keel-uci/letter.csv", "letter.csv"),
    "kin40k": kin40k,
    "flights": flights,
    "fashion": fashion,
    "fashion-few": fashion,
}
