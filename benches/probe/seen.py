"""The AGOP and what follows from it, with PyTorch: gradients by vmap(jacrev), all in 64 bits."""

import os

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy
import torch
from torch.func import jacrev, vmap

torch.set_num_threads(1)


def network(layers, activation="relu"):
    """Weights are inputs × outputs."""
    layers = [(torch.as_tensor(w).double(), torch.as_tensor(b).double()) for w, b in layers]

    def apply(x):
        for i, (weight, bias) in enumerate(layers):
            x = x @ weight + bias
            if i + 1 < len(layers):
                x = torch.tanh(x) if activation == "tanh" else torch.relu(x)
        return x

    return apply


def jacobians(function, x):
    """Rows × outputs × inputs."""
    with torch.no_grad():
        return vmap(jacrev(function), chunk_size=250)(torch.as_tensor(x).double())


def outer(j, centred=True):
    """1/n Σ JᵀJ of Jacobians; `centred`: of the outputs less their mean."""
    rows = len(j)
    if centred and j.shape[1] > 1:
        j = j - j.mean(1, keepdim=True)
    j = j.reshape(-1, j.shape[-1])
    return (j.T @ j / rows).numpy()


def agop(function, x, centred=True):
    return outer(jacobians(function, x), centred)


def halves(function, x):
    """Cosine of the matrices, and overlap, of two halves of the rows: means of five divisions."""
    j, draw = jacobians(function, x), numpy.random.default_rng(1)
    pairs = []
    for _ in range(5):
        one, other = numpy.array_split(draw.permutation(len(x)), 2)
        pairs.append((outer(j[one]), outer(j[other])))
    return [float(numpy.mean([measure(a, b) for a, b in pairs])) for measure in (cosine, overlap)]


def root(matrix):
    values, vectors = numpy.linalg.eigh(matrix)
    return vectors @ numpy.diag(numpy.sqrt(numpy.maximum(values, 0.0))) @ vectors.T


def cosine(a, b):
    return float((a * b).sum() / numpy.linalg.norm(a) / numpy.linalg.norm(b))


def overlap(a, b, k=10):
    """1/k Σ cos² of the principal angles between the first k eigenvectors."""
    first = [numpy.linalg.eigh(m)[1][:, -k:] for m in (a, b)]
    return float(((first[0].T @ first[1]) ** 2).sum() / k)


def ansatz(layers, x, centred=True):
    """Cosine of WWᵀ with the root of the AGOP at its input, for the weights into every hidden layer."""
    found, at = [], numpy.asarray(x, dtype="f8")
    for i, (weight, bias) in enumerate(layers[:-1]):
        weight = numpy.asarray(weight, dtype="f8")
        found.append(cosine(weight @ weight.T, root(agop(network(layers[i:]), at, centred))))
        at = numpy.maximum(at @ weight + numpy.asarray(bias, dtype="f8"), 0.0)
    return found
