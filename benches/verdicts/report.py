"""What was compared, and how it came out."""

BOUND = 1e-5  # relative, of figures in which nothing is random
CHANCE = 1e-3  # of a false alarm over all ends; of a near verdict


class Report:
    """What was compared, what failed, what is near, what could not be had."""

    def __init__(self):
        self.failures, self.near, self.missing, self.certain, self.ends, self.widths = [], [], [], [], [], []
        self.counts, self.largest = {}, 0.0

    def count(self, what):
        self.counts[what] = self.counts.get(what, 0) + 1

    def fail(self, text):
        self.failures.append(text)

    def exact(self, name, ours, theirs, scale=0.0, kind="figures without random numbers"):
        self.count(kind)
        apart = abs(ours - theirs) / max(abs(ours), abs(theirs), scale, 1e-9)
        self.largest = max(self.largest, apart)
        if not apart <= BOUND:
            self.fail(f"{name}: {theirs!r} in the audit, {ours!r} here")


REPORT = Report()


def larger_is_better(metric):
    return metric in ("accuracy", "auc", "average_precision", "f1", "precision", "recall", "r2", "recalibrated_r2")


def verdict(metric, interval, margin):
    if interval is None:
        return "cannot-tell"
    low, high = interval
    if margin is not None and -margin <= low and high <= margin:
        return "same"
    if not larger_is_better(metric):
        low, high = -high, -low
    return "better" if low > 0 else "worse" if high < 0 else "cannot-tell"


def check_interval(name, units, point, values, theirs, resamples, bounds=None):
    """An interval of the audit against our resamples. Returns ours."""
    ours = units.interval(point, values)
    if (ours is None) != (theirs is None):
        REPORT.fail(f"{name}: interval {theirs} in the audit, {ours} here")
        return ours
    if ours is None:
        return None
    if bounds and units.few:
        ours = max(ours[0], bounds[0]), min(ours[1], bounds[1])
    for end, mine in zip(("low", "high"), ours):
        if units.few:
            REPORT.exact(f"{name}, {end} end", mine, theirs[end], abs(ours[1] - ours[0]), "ends of jackknife intervals")
        else:
            REPORT.count("ends of bootstrap intervals")
            text = f"{name}, {end} end: {theirs[end]:.6g} in the audit, {mine:.6g} here"
            REPORT.ends.append((units.chance(values, theirs[end], end, resamples), text))
    if not units.few and ours[1] - ours[0] > 1e-9:
        REPORT.widths.append((theirs["high"] - theirs["low"]) / (ours[1] - ours[0]))
    return ours


def check_verdict(name, metric, units, values, ours, theirs, margin, said=None, resamples=200):
    """The verdict by our interval, by that of the audit, and the one that its sentence states."""
    mine = verdict(metric, ours, margin)
    stated = verdict(metric, theirs and (theirs["low"], theirs["high"]), margin)
    if said not in (None, stated):
        REPORT.fail(f"{name}: it is said to be {said}, and by the audit's own interval {theirs} it is {stated}")
    REPORT.count(f"verdicts: {mine}")
    if mine == stated:
        return
    text = f"{name}: {stated} in the audit, {mine} here; interval {theirs} in the audit, {ours} here"
    borders = [0.0] + ([] if margin is None else [margin, -margin])
    close = not units.few and any(
        units.chance(values, border, end, resamples) >= CHANCE for border in borders for end in ("low", "high")
    )
    (REPORT.near if close else REPORT.failures).append(text)
