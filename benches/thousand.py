#!/usr/bin/env python3
"""Writes a pipeline of 1,000 experts, or of more: `thousand.py DIR [CHAINS]`.

27 chains (by default) of 37 experts, each fed by the one before it, and one sink over the ends of the
chains, on a table of 60 rows and a column for each chain. One epoch of a network without hidden layers
each: what it times is Collegium's own bookkeeping, not training.
"""

import pathlib
import random
import sys

CHAINS, LENGTH = 27, 37

# In-sample feeding: what is timed is bookkeeping, and folds would make six fits of every one.
FED = 'upstream = "in-sample"\n'


def main():
    """Writes `pipelines/thousand.toml` and its table under the folder given."""
    folder = pathlib.Path(sys.argv[1]) / "pipelines"
    chains = int(sys.argv[2]) if len(sys.argv) > 2 else CHAINS
    (folder / "data").mkdir(parents=True)
    draw = random.Random(1)
    columns = [f"x{at}" for at in range(chains)]
    lines = [",".join([*columns, "y"])]
    for _ in range(60):
        x = [draw.gauss(0, 1) for _ in columns]
        lines.append(",".join([*(f"{value:.3f}" for value in x), f"{sum(x) + draw.gauss(0, 1):.3f}"]))
    (folder / "data" / "thousand.csv").write_text("\n".join(lines) + "\n")

    settings = 'target = "t.y"\nmodel = { type = "mlp", hidden = [] }\n'
    settings += "train = { epochs = 1, batch = 64, patience = 0 }\n"
    text = '[pipeline]\nname = "thousand"\nformat = 1\nseed = 1\n\n[data.t]\npath = "data/thousand.csv"\n'
    text += "split = { train = 0.6, valid = 0.2, test = 0.2 }\n\n"
    for chain in range(chains):
        for at in range(LENGTH):
            fed = f'"c{chain}_{at - 1}.value", ' if at else ""
            text += f'[expert.c{chain}_{at}]\ninputs = [{fed}"t.x{chain}"]\n{FED if at else ""}{settings}\n'
    ends = ", ".join(f'"c{chain}_{LENGTH - 1}.value"' for chain in range(chains))
    text += f"[expert.sink]\ninputs = [{ends}]\n{FED}{settings}"
    text += "[evaluate]\nbaselines = []\n"
    (folder / "thousand.toml").write_text(text)
    assert text.count("[expert.") == chains * LENGTH + 1


if __name__ == "__main__":
    main()
