"""Both sides of benches/agop.sh: runs the example and PyTorch in turns and compares."""

import os

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import pathlib
import re
import statistics
import subprocess
import sys
import time

import numpy
import torch
from torch.func import jacrev, vmap

torch.set_num_threads(1)
example, folder = sys.argv[1], pathlib.Path(sys.argv[2])
WIDTHS = [784, 256, 256, 10]


def read(name):
    return torch.from_numpy(numpy.fromfile(folder / name, dtype="<f4").copy())


weights, layers, at = read("weights"), [], 0
for inputs, outputs in zip(WIDTHS, WIDTHS[1:]):
    size = inputs * outputs
    layers.append((weights[at : at + size].reshape(inputs, outputs), weights[at + size : at + size + outputs]))
    at += size + outputs
rows = read("rows").reshape(-1, WIDTHS[0])


def network(x):
    for i, (weight, bias) in enumerate(layers):
        x = x @ weight + bias
        if i + 1 < len(layers):
            x = torch.relu(x)
    return x


jacobian = vmap(jacrev(network), chunk_size=None)


def agop():
    with torch.no_grad():
        j = jacobian(rows).reshape(-1, WIDTHS[0])
        return j.T @ j / len(rows)


theirs = agop()
ours = read("agop").reshape(WIDTHS[0], WIDTHS[0])
error = float((ours - theirs).norm() / theirs.norm())
print(f"relative difference of the matrices (Frobenius): {error:.1e}")

pattern = re.compile(r"^(AGOP|bootstraps) ([0-9.]+) seconds", re.M)
ratios, costs, peers = [], [], []
for turn in range(5):
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        agop()
        seconds.append(time.perf_counter() - start)
    peer = statistics.median(seconds)
    told = dict(pattern.findall(subprocess.run([example], check=True, capture_output=True, text=True).stdout))
    alone, both = float(told["AGOP"]), float(told["bootstraps"])
    ratios.append(peer / alone)
    costs.append(both / alone)
    peers.append(peer)
    print(f"turn {turn + 1}: PyTorch {1e3 * peer:.1f} ms, AGOP {1e3 * alone:.1f} ms ({peer / alone:.1f} x), "
          f"with 20 bootstraps {1e3 * both:.1f} ms ({both / alone:.2f} AGOPs)")
ratio, cost = statistics.median(ratios), statistics.median(costs)
print(f"median: {ratio:.1f} times PyTorch {torch.__version__}; bootstraps cost {cost:.2f} AGOPs")
good = [error < 1e-4, ratio >= 8, cost <= 3]
for what, held in zip(["matrices agree to 1e-4", "at least 8 times as fast", "bootstraps at most 3 AGOPs"], good):
    print(f"{'holds' if held else 'FAILS'}: {what}")
sys.exit(not all(good))
