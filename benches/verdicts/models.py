"""Metrics of predictions on test rows: by scikit-learn, and on resamples."""

import numpy as np
from sklearn import metrics

CLIP = 1e-7  # no probability is taken to be nearer to 0 or 1


class Classifier:
    def __init__(self, probability, labels, classes, predicted=None):
        self.p, self.y, self.k = probability, labels, classes
        self.binary = classes == 2
        if predicted is None:
            predicted = np.argmax(probability, 1) if not self.binary else (probability[:, 1] > 0.5).astype(int)
        self.said = predicted
        rows = np.arange(len(labels))
        self.losses = -np.log(np.clip(probability[rows, labels], CLIP, 1 - CLIP))
        truth = np.eye(classes)[labels]
        squares = (probability - truth) ** 2
        self.brier = squares[:, 1] if self.binary else squares.sum(1)

    def points(self):
        """By scikit-learn."""
        ranked = [1] if self.binary else [k for k in range(self.k) if 0 < np.sum(self.y == k) < len(self.y)]
        found = {
            "log_loss": metrics.log_loss(self.y, clipped(self.p), labels=range(self.k)),
            "accuracy": metrics.accuracy_score(self.y, self.said),
            "brier": float(np.mean(self.brier)),
            "auc": float(np.mean([metrics.roc_auc_score(self.y == k, self.p[:, k]) for k in ranked])),
            "average_precision": float(
                np.mean([metrics.average_precision_score(self.y == k, self.p[:, k]) for k in ranked])
            ),
        }
        if self.binary:
            told = {"zero_division": np.nan}
            found["precision"] = metrics.precision_score(self.y, self.said, **told)
            found["recall"] = metrics.recall_score(self.y, self.said, **told)
            found["f1"] = metrics.f1_score(self.y, self.said, **told)
        return {name: value for name, value in found.items() if np.isfinite(value)}

    def prepare(self, units):
        """What resamples of units need: sums over units, and of the AUC a matrix, or an order of rows."""
        y, said = self.y, self.said
        flags = [np.ones(len(y)), self.losses, said == y, self.brier]
        if self.binary:
            flags += [(said == 1) & (y == 1), said == 1, y == 1]
        self.sums = units.sums(flags).T
        self.ranked = [1] if self.binary else list(range(self.k))
        self.wins = {}
        for k in self.ranked:
            score, own = self.p[:, k], y == k
            self.wins[k] = pair_matrix(score, own, units) if units.grouped else tie_order(score, own)

    def resample(self, counts, units):
        s = counts @ self.sums
        n = s[:, 0]
        with np.errstate(invalid="ignore", divide="ignore"):
            found = {"log_loss": s[:, 1] / n, "accuracy": s[:, 2] / n, "brier": s[:, 3] / n}
            if self.binary:
                found["precision"] = s[:, 4] / s[:, 5]
                found["recall"] = s[:, 4] / s[:, 6]
                found["f1"] = 2 * s[:, 4] / (s[:, 5] + s[:, 6])
            areas = [
                by_matrix(counts, *self.wins[k]) if units.grouped else by_order(counts, *self.wins[k])
                for k in self.ranked
            ]
            found["auc"] = np.nanmean(areas, axis=0) if len(areas) > 1 else areas[0]
        return found


def clipped(p):
    """Probabilities that are nowhere 0 or 1, and that sum to one."""
    p = np.clip(p, CLIP, 1 - CLIP)
    return p / p.sum(1, keepdims=True)


def pair_matrix(score, own, units):
    """Pairs that the score orders rightly (ties count half), by unit of the positive and of the negative row."""
    g = units.count
    wins = np.zeros((g, g))
    positive, unit = score[own], units.codes[own]
    for h in range(g):
        negative = np.sort(score[~own & (units.codes == h)])
        won = (np.searchsorted(negative, positive, "left") + np.searchsorted(negative, positive, "right")) / 2
        wins[:, h] = np.bincount(unit, won, g)
    return wins, np.bincount(unit, minlength=g), np.bincount(units.codes[~own], minlength=g)


def by_matrix(counts, wins, positives, negatives):
    return np.einsum("bg,bg->b", counts @ wins, counts) / (counts @ positives) / (counts @ negatives)


def tie_order(score, own):
    order = np.argsort(score, kind="stable")
    ordered = score[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    return order, own[order].astype(float), starts


def by_order(counts, order, own, starts):
    areas = np.empty(len(counts))
    for at, weights in enumerate(counts):
        w = weights[order]
        positive = np.add.reduceat(w * own, starts)
        negative = np.add.reduceat(w * (1 - own), starts)
        below = np.cumsum(negative) - 0.5 * negative
        p, n = positive.sum(), negative.sum()
        areas[at] = positive @ below / p / n if p > 0 and n > 0 else np.nan
    return areas


class Regression:
    def __init__(self, predicted, truth):
        self.p, self.y = predicted, truth
        self.losses = (predicted - truth) ** 2

    def points(self):
        return {
            "rmse": metrics.root_mean_squared_error(self.y, self.p),
            "mae": metrics.mean_absolute_error(self.y, self.p),
            "r2": metrics.r2_score(self.y, self.p),
        }

    def prepare(self, units):
        centre = self.y - self.y.mean()
        flags = [np.ones(len(self.y)), self.losses, np.abs(self.p - self.y), centre, centre**2]
        self.sums = units.sums(flags).T

    def resample(self, counts, units):
        n, square, absolute, first, second = (counts @ self.sums).T
        return {
            "rmse": np.sqrt(square / n),
            "mae": absolute / n,
            "r2": 1 - square / (second - first**2 / n),
        }


def resampled(models, units):
    """Every metric of every model, and of every other less the first, on the same resamples."""
    parts = [[] for _ in models]
    for model in models:
        model.prepare(units)
    for counts in units.batches():
        for part, model in zip(parts, models):
            part.append(model.resample(counts, units))
    return [{m: np.concatenate([one[m] for one in part]) for m in part[0]} for part in parts]
