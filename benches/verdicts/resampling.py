"""What is drawn again, and the intervals that follow."""

import numpy as np
from scipy import stats

DRAWN = {"rows": 2000, "groups": 40_000}  # our resamples


class Units:
    """What is drawn again: rows or groups of them, and the rules of the interval."""

    def __init__(self, codes, rows, seed):
        if codes is not None:
            codes = np.unique(codes, return_inverse=True)[1]
            if codes.max() + 1 == rows:
                codes = None
        self.codes, self.rows = codes, rows
        self.count = rows if codes is None else int(codes.max()) + 1
        self.grouped = codes is not None
        self.few = self.grouped and self.count < 20
        self.random = np.random.Generator(np.random.PCG64(seed))
        self.drawn = self.count if self.few else DRAWN["groups" if self.grouped else "rows"]

    def sums(self, values):
        """Columns of values, summed over units."""
        values = np.atleast_2d(np.asarray(values, float))
        if not self.grouped:
            return values
        return np.array([np.bincount(self.codes, v, self.count) for v in values])

    def batches(self):
        """Counts of units, resamples x units."""
        if self.few:
            yield 1.0 - np.eye(self.count)
            return
        size = max(1, min(self.drawn, 4_000_000 // self.count))
        for start in range(0, self.drawn, size):
            n = min(size, self.drawn - start)
            picked = self.random.integers(0, self.count, (n, self.count))
            picked += np.arange(n)[:, None] * self.count
            yield np.bincount(picked.ravel(), minlength=n * self.count).reshape(n, self.count).astype(float)

    def tail(self):
        if not self.grouped:
            return 0.025
        g = self.count
        return stats.norm.sf(stats.t.isf(0.025, g - 1) * np.sqrt(g / (g - 1)))

    def interval(self, point, values):
        if self.count == 1:
            return None
        if self.few:
            if not np.all(np.isfinite(values)):
                return None
            n = len(values)
            reach = stats.t.isf(0.025, n - 1) * np.sqrt(np.var(values) * (n - 1))
            return point - reach, point + reach
        values = values[np.isfinite(values)]
        return tuple(np.quantile(values, [self.tail(), 1 - self.tail()], method="weibull"))

    def chance(self, values, at, side, resamples):
        """Two-sided probability that the end of an interval of so many resamples lies as far out as `at`."""
        values = values[np.isfinite(values)]
        if side == "high":
            values, at = -values, -at
        within = 1e-9 * max(1e-9, np.abs(values).max())
        below, upto = np.mean(values < at - within), np.mean(values <= at + within)
        share = min(max(self.tail(), below), upto)
        slack = 2 * np.sqrt(max(share * (1 - share), 1 / len(values)) / len(values))
        share = min(max(self.tail(), share - slack), share + slack)
        place = self.tail() * (resamples + 1)
        beta = stats.beta(place, resamples + 1 - place)
        return 2 * min(beta.cdf(share), beta.sf(share))


def blocks_of(times, series):
    """Blocks of time by the longest autocorrelation time of some series; rows of one time are one step."""
    distinct, step = np.unique(times, return_inverse=True)
    steps = len(distinct)
    together = -(-steps // 4096)
    cells = -(-steps // together)
    longest = 1.0
    for values in series:
        sums = np.bincount(step // together, values - values.mean(), cells)
        longest = max(longest, memory(sums))
    wanted = max(1, int(np.ceil((longest - 1 / longest) / 0.04))) * together
    each = min(wanted, max(1, steps // 10))
    count = max(1, steps // each)
    return step * count // steps, wanted > max(1, steps // 10)


def memory(values):
    """Integrated autocorrelation time by the initial monotone sequence (Geyer 1992)."""
    centred = values - values.mean()
    n = len(centred)
    size = 1 << (2 * n - 1).bit_length()
    spectrum = np.fft.rfft(centred, size)
    covariance = np.fft.irfft(spectrum * spectrum.conj(), size)[:n]
    if n < 4 or covariance[0] <= 0:
        return 1.0
    pairs = (covariance[0 : 2 * (n // 4) : 2] + covariance[1 : 2 * (n // 4) : 2]) / covariance[0]
    pairs = np.minimum.accumulate(pairs)
    stop = np.argmax(pairs <= 0) if np.any(pairs <= 0) else len(pairs)
    return max(1.0, 2 * pairs[:stop].sum() - 1)
