"""Skill against a constant: its tests, recalibration and verdict."""

import numpy as np
from scipy import optimize, stats
from sklearn import linear_model

from models import CLIP, Classifier, Regression
from report import CHANCE, REPORT, check_interval

LEVEL = 1e-3  # of a claim of skill, one-sided


def student(influence, units, gain, least=0.0):
    """One-sided probability of a gain, and half the width of its 95 % interval."""
    sums = units.sums(influence)[0]
    n = len(sums)
    if n < 2:
        return None
    variance = np.sum(sums**2) * n / (n - 1)
    most = max(variance, least)
    p = stats.t.sf(gain / np.sqrt(most), n - 1) if most > 0 else float(gain <= 0)
    return max(p, 2.0**-n), stats.t.isf(0.025, n - 1) * np.sqrt(variance)


def auc_test(model, units):
    y, n = model.y, len(model.y)
    ranked = [1] if model.binary else [k for k in range(model.k) if 0 < np.sum(y == k) < n]
    area, influence, scores = 0.0, np.zeros(n), []
    for k in ranked:
        own, score = y == k, model.p[:, k]
        p, q = own.sum(), n - own.sum()
        rank = stats.rankdata(score)
        below = rank[own] - stats.rankdata(score[own])  # negatives below each positive, ties half
        above = p - (rank[~own] - stats.rankdata(score[~own]))
        auc = below.sum() / p / q
        area += auc / len(ranked)
        influence[own] += (below / q - auc) / p / len(ranked)
        influence[~own] += (above / p - auc) / q / len(ranked)
        scores.append((rank - (n + 1) / 2) / (p * q * len(ranked)))
    # Labels dealt at random: the variance of sum a(row, label) over all orders (Hoeffding 1951).
    a = np.zeros((n, model.k))
    for k, score in zip(ranked, scores):
        a[:, k] = score
    share = np.bincount(y, minlength=model.k)
    centred = a - (a @ share / n)[:, None]  # less the row's mean; columns have mean 0
    least = np.sum(centred**2 * share) / (n - 1)
    p_value, reach = student(influence, units, area - 0.5, least)
    return {"metric": "auc", "before": 0.5, "after": area, "p_value": p_value, "reach": reach}


def loss_test(metric, ours, theirs, units):
    influence = ((ours - theirs) - (ours - theirs).mean()) / len(ours)
    p_value, reach = student(influence, units, theirs.mean() - ours.mean())
    return {"metric": metric, "before": theirs.mean(), "after": ours.mean(), "p_value": p_value, "reach": reach}


def variance_test(metric, predicted, constant, truth, units):
    ours, theirs = (predicted - truth) ** 2, (constant - truth) ** 2
    n = len(truth)
    p_value, _ = student(((ours - theirs) - (ours - theirs).mean()) / n, units, theirs.mean() - ours.mean())
    ratio = ours.mean() / theirs.mean()
    influence = (ours - ours.mean() - ratio * (theirs - theirs.mean())) / (n * theirs.mean())
    _, reach = student(influence, units, 1 - ratio)
    return {"metric": metric, "before": 0.0, "after": 1 - ratio, "p_value": p_value, "reach": reach}


class Recalibration:
    """z = slope * ln(p / share) + ln share + shift, with a normal prior (deviation 1) around slope 1 and shift 0."""

    def __init__(self, valid, shares, sloped):
        self.logs = np.log(np.maximum(shares / shares.sum(), CLIP))
        k = len(shares)
        x, truth = self.evidence(valid.p), np.eye(k)[valid.y]

        def objective(theta):
            slope = theta[0] if sloped else 0.0
            z = slope * x + self.logs + theta[1:]
            most = z.max(1, keepdims=True)
            total = most + np.log(np.exp(z - most).sum(1, keepdims=True))
            residual = np.exp(z - total) - truth
            value = np.sum((total - z) * truth) + 0.5 * np.sum(theta[1:] ** 2)
            gradient = np.r_[np.sum(residual * x), residual.sum(0) + theta[1:]]
            if sloped:
                value += 0.5 * (theta[0] - 1) ** 2
                gradient[0] += theta[0] - 1
            else:
                gradient[0] = 0.0
            return value, gradient

        start = np.r_[float(sloped), np.zeros(k)]
        found = optimize.minimize(objective, start, jac=True, method="BFGS", options={"gtol": 1e-8, "maxiter": 500})
        self.slope, self.shifts = (found.x[0] if sloped else 0.0), found.x[1:]

    def evidence(self, p):
        return np.log(np.clip(p, CLIP, 1 - CLIP)) - self.logs

    def losses(self, test):
        z = self.slope * self.evidence(test.p) + self.logs + self.shifts
        most = z.max(1)
        return most + np.log(np.exp(z - most[:, None]).sum(1)) - z[np.arange(len(z)), test.y]


def line(valid):
    fitted = linear_model.LinearRegression().fit(valid.p[:, None], valid.y)
    slope = max(0.0, fitted.coef_[0])
    return slope, valid.y.mean() - slope * valid.p.mean()


def recalibrated(valid, test, shares):
    """Each row's log loss, or the corrected predictions."""
    if isinstance(test, Regression):
        slope, shift = line(valid)
        return Regression(slope * test.p + shift, test.y)
    return Recalibration(valid, shares, True).losses(test)


def holm(values):
    order, least, found = np.argsort(values), 0.0, [0.0] * len(values)
    for rank, at in enumerate(order):
        least = max(least, min(1.0, values[at] * (len(values) - rank)))
        found[at] = least
    return found


def check_skill(name, said, valid, test, constant, shares, middle, units):
    if units.count == 1 or said.get("not_judged"):
        REPORT.missing.append(f"{name}: skill not judged by the audit ({said.get('not_judged')})")
        return
    if isinstance(test, Classifier):
        expert = Recalibration(valid, shares, True)
        base = Recalibration(valid, shares, False)
        expert = base if expert.slope < 0 else expert
        after = expert.losses(test)
        tests = [auc_test(test, units), loss_test("recalibrated_log_loss", after, base.losses(test), units)]
        value, slope, plain = after.mean(), expert.slope, test.losses.mean()
    else:
        corrected = recalibrated(valid, test, None)
        tests = [
            variance_test("r2", test.p, middle, test.y, units),
            variance_test("recalibrated_r2", corrected.p, valid.y.mean(), test.y, units),
        ]
        value, slope, plain = np.sqrt(corrected.losses.mean()), line(valid)[0], np.sqrt(test.losses.mean())
        if len(test.y) <= 2000:
            text = "R² of at most 2,000 rows is also tested by dealing the truth at random, which is not repeated here"
            REPORT.missing.append(f"{name}: {text}")
    for one, adjusted in zip(tests, holm([one["p_value"] for one in tests])):
        one["adjusted"] = adjusted
    REPORT.exact(f"{name}: loss after recalibration", value, said["recalibration"]["value"])
    REPORT.exact(f"{name}: slope of recalibration", slope, said["recalibration"]["slope"], 1.0)
    REPORT.exact(f"{name}: loss", plain, said["value"])
    if [one["metric"] for one in tests] != [one["metric"] for one in said["tests"]]:
        REPORT.fail(f"{name}: tests of skill in other metrics: {said['tests']}")
        return
    for mine, theirs in zip(tests, said["tests"]):
        label, difference = f"{name}: skill in {mine['metric']}", mine["after"] - mine["before"]
        REPORT.exact(label, mine["after"], theirs["after"])
        REPORT.exact(f"{label}, baseline", mine["before"], theirs["before"])
        REPORT.exact(f"{label}, low end", difference - mine["reach"], theirs["interval"]["low"], 2 * mine["reach"])
        REPORT.exact(f"{label}, high end", difference + mine["reach"], theirs["interval"]["high"], 2 * mine["reach"])
        # Tails far out are small differences of large numbers: beyond 1e-12 they need not agree.
        REPORT.exact(f"{label}, p", max(mine["p_value"], 1e-12), max(theirs["p_value"], 1e-12))
        REPORT.exact(f"{label}, p by Holm", max(mine["adjusted"], 1e-12), max(theirs["adjusted"], 1e-12))
    ours, theirs = units.sums([test.losses, constant.losses])
    gains = np.concatenate([1 - (counts @ ours) / (counts @ theirs) for counts in units.batches()])
    gain = 1 - ours.sum() / theirs.sum()
    REPORT.exact(f"{name}: gain over a constant", gain, said["gain"], 1e-3)
    interval = check_interval(f"{name}: gain over a constant", units, gain, gains, said["gain_interval"], 200)
    shown = any(one["adjusted"] <= LEVEL for one in tests)
    tame = interval[0] > 0 or not (gain < 0 or value < plain)
    mine = "no-skill" if not shown else "skilful" if tame else "ranks-but-overconfident"
    REPORT.count(f"skill: {mine}")
    if mine != said["verdict"]:
        both = f"gain {said['gain_interval']} in the audit, {interval} here"
        text = f"{name}: skill is {said['verdict']} in the audit, {mine} here; {both}"
        near = (
            shown and said["verdict"] != "no-skill" and not units.few and units.chance(gains, 0.0, "low", 200) >= CHANCE
        )
        (REPORT.near if near else REPORT.failures).append(text)
    # No probability is less than 2^-n of n units, and Holm doubles it: of ten no claim is possible.
    least = 2 * 2.0**-units.count
    if mine == "no-skill" and least > LEVEL:
        figures = ", ".join(f"{one['metric']} {one['after']:.3f}" for one in tests)
        REPORT.certain.append(f"{name}: {figures}; p by Holm is {least:.4f} at least, with {units.count} units")
