//! Classification metrics with row weights: everything that does not depend on the weights is computed
//! once, so that a weighted measurement is one pass over each ranking and one over the rows.

use collegium_records::CLASSIFICATION_METRICS;

use crate::{ClassDecision, Classes, ranking::Areas, resample::Counts};

const METRICS: usize = CLASSIFICATION_METRICS.len();

/// Bins of the calibration error.
pub(crate) const BINS: usize = 15;

/// Smallest probability that a logarithm is taken of: `f32` probabilities hold no finer
/// distinction from 1.
const CLIP: f64 = 1e-7;

/// Classes whose scores are read side by side: as many as a cache line holds.
const TOGETHER: usize = 16;

/// A view of predicted probabilities, `rows × width` row-major; width 1 (or 2) is binary, with the
/// second class's probability last in the row.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) probability: &'a [f32],
    pub(crate) width: usize,
    pub(crate) labels: &'a [u32],
    decision: ClassDecision,
}

impl<'a> View<'a> {
    /// Checks the shapes.
    ///
    /// # Panics
    /// When the slices do not belong together: a mistake of the caller, which no data can cause.
    pub(crate) fn new(
        probability: &'a [f32],
        width: usize,
        labels: &'a [u32],
        classes: impl Into<Classes>,
    ) -> Self {
        let Classes { count: classes, decision } = classes.into();
        assert!(width > 0, "a row has at least one probability");
        assert_eq!(probability.len(), labels.len() * width, "probabilities are rows × width");
        assert!(
            width == classes || (width == 1 && classes <= 2),
            "{width} probabilities a row for {classes} classes"
        );
        Self { probability, width, labels, decision }
    }

    pub(crate) fn is_binary(&self) -> bool {
        self.width <= 2
    }

    /// The classes whose rows are ranked against all others: the positive one of a binary
    /// classifier, else each that occurs.
    pub(crate) fn ranked(&self) -> impl Iterator<Item = u32> {
        let positive = self.decision.positive;
        let classes = if self.is_binary() { positive..positive + 1 } else { 0..self.width as u32 };
        classes.filter(|class| self.labels.contains(class))
    }

    pub(crate) fn row(&self, row: usize) -> &'a [f32] {
        &self.probability[row * self.width..(row + 1) * self.width]
    }

    /// The positive class's probability.
    pub(crate) fn positive(&self, row: usize) -> f32 {
        self.decision.of_positive(self.second(row))
    }

    /// The probability of the second of two classes.
    fn second(&self, row: usize) -> f32 {
        self.probability[(row + 1) * self.width - 1]
    }

    /// The score by which rows are ranked for a class.
    fn score(&self, row: usize, class: u32) -> f32 {
        if self.is_binary() { self.positive(row) } else { self.row(row)[class as usize] }
    }

    /// The scores of all rows for each of some classes, in their order. Some classes are read side by side: the
    /// scores of one lie a whole row apart, and each would be a cache line of its own.
    pub(crate) fn each_column(&self, classes: &[u32], mut each: impl FnMut(u32, &[f32])) {
        let rows = self.labels.len();
        for together in classes.chunks(TOGETHER) {
            let mut columns = vec![0.0; together.len() * rows];
            for row in 0..rows {
                for (at, &class) in together.iter().enumerate() {
                    columns[at * rows + row] = self.score(row, class);
                }
            }
            for (at, &class) in together.iter().enumerate() {
                each(class, &columns[at * rows..(at + 1) * rows]);
            }
        }
    }

    /// The predicted class and its probability: the positive class above the threshold, else the first of
    /// the largest.
    pub(crate) fn top(&self, row: usize) -> (u32, f32) {
        if self.is_binary() {
            let class = self.decision.class(self.second(row));
            let p = self.second(row);
            return (class, if class == 1 { p } else { 1.0 - p });
        }
        let mut best = (0, f32::NEG_INFINITY);
        for (class, &p) in self.row(row).iter().enumerate() {
            if p > best.1 {
                best = (class as u32, p);
            }
        }
        best
    }

    /// The probability given to the true class: 0 for a class that the model does not know.
    pub(crate) fn of_truth(&self, row: usize) -> f64 {
        match (self.labels[row], self.is_binary()) {
            (0, true) => 1.0 - f64::from(self.second(row)),
            (1, true) => f64::from(self.second(row)),
            (_, true) => 0.0,
            (label, false) => self.row(row).get(label as usize).map_or(0.0, |&p| f64::from(p)),
        }
    }

    /// −ln of the clipped probability of the true class.
    pub(crate) fn log_loss(&self, row: usize) -> f64 {
        -self.of_truth(row).clamp(CLIP, 1.0 - CLIP).ln()
    }

    /// Input of the calibration error: a probability and whether it came true. Binary: of the
    /// positive class; else: of the predicted class.
    pub(crate) fn calibrated(&self, row: usize) -> (f64, bool) {
        self.calibrated_at(row, self.top(row))
    }

    /// The same of a row whose predicted class is known.
    fn calibrated_at(&self, row: usize, (class, p): (u32, f32)) -> (f64, bool) {
        match self.is_binary() {
            true => (f64::from(self.positive(row)), self.labels[row] == self.decision.positive),
            false => (f64::from(p), self.labels[row] == class),
        }
    }

    /// Binary: (p − y)²; else the sum of that over classes (Brier's own definition).
    fn brier(&self, row: usize) -> f64 {
        if self.is_binary() {
            return (1.0 - self.of_truth(row)).powi(2);
        }
        let label = self.labels[row] as usize;
        let known: f64 = self
            .row(row)
            .iter()
            .enumerate()
            .map(|(class, &p)| (f64::from(p) - f64::from(u8::from(class == label))).powi(2))
            .sum();
        known + f64::from(u8::from(label >= self.width))
    }
}

/// The bin of a probability: 15 of equal width, closed below, the last closed on both sides.
pub(crate) fn bin(p: f64) -> usize {
    ((p * BINS as f64) as usize).min(BINS - 1)
}

/// Predictions and labels, prepared.
pub(crate) struct Scored {
    /// The positive class, of two.
    positive: Option<usize>,
    classes: usize,
    labels: Vec<u32>,
    predicted: Vec<u32>,
    log_loss: Vec<f64>,
    brier: Vec<f64>,
    bin: Vec<u8>,
    /// Predicted probability minus outcome: its weighted sum over a bin is what the calibration
    /// error adds up.
    gap: Vec<f64>,
    areas: Vec<Areas>,
    /// What each row's decision costs; empty where errors have no costs.
    cost: Vec<f64>,
}

impl Scored {
    /// `None` when there are no rows or a probability is not a number: nothing is defined then.
    pub(crate) fn new(view: &View) -> Option<Self> {
        let rows = view.labels.len();
        if rows == 0 || view.probability.iter().any(|p| !p.is_finite()) {
            return None;
        }
        let top: Vec<(u32, f32)> = (0..rows).map(|row| view.top(row)).collect();
        let (bin, gap) = (0..rows)
            .map(|row| {
                let (p, hit) = view.calibrated_at(row, top[row]);
                (bin(p) as u8, p - f64::from(u8::from(hit)))
            })
            .unzip();
        let ranked: Vec<u32> = view.ranked().collect();
        let mut areas = Vec::with_capacity(ranked.len());
        view.each_column(&ranked, |class, scores| {
            areas.push(Areas::new(scores, |row| view.labels[row] == class));
        });
        let decision = view.decision;
        let cost = top.iter().zip(view.labels).filter(|_| view.is_binary());
        let cost = cost.filter_map(|((class, _), label)| decision.cost(*label, *class)).collect();
        Some(Self {
            positive: view.is_binary().then_some(view.decision.positive as usize),
            classes: view.width.max(2),
            labels: view.labels.to_vec(),
            predicted: top.into_iter().map(|(class, _)| class).collect(),
            log_loss: (0..rows).map(|row| view.log_loss(row)).collect(),
            brier: (0..rows).map(|row| view.brier(row)).collect(),
            bin,
            gap,
            areas,
            cost,
        })
    }

    pub(crate) fn rows(&self) -> usize {
        self.labels.len()
    }

    /// Every metric of [`CLASSIFICATION_METRICS`] with row weights, on each lane; NaN where not defined.
    pub(crate) fn measure<const L: usize>(&self, weights: &[Counts<L>]) -> [[f64; L]; METRICS] {
        let (mut total, mut hits) = ([0.0; L], [0.0; L]);
        let (mut log_loss, mut brier) = ([0.0; L], [0.0; L]);
        let mut gaps = [[0.0; L]; BINS];
        // By class: true positives, predicted, actual.
        let mut counts = vec![[[0.0; L]; 3]; self.classes];
        for (row, weight) in weights.iter().enumerate() {
            let weight = weight.map(f64::from);
            let (label, predicted) = (self.labels[row] as usize, self.predicted[row] as usize);
            let hit = f64::from(u8::from(label == predicted));
            let gap = &mut gaps[usize::from(self.bin[row])];
            for lane in 0..L {
                total[lane] += weight[lane];
                hits[lane] += weight[lane] * hit;
                log_loss[lane] += weight[lane] * self.log_loss[row];
                brier[lane] += weight[lane] * self.brier[row];
                gap[lane] += weight[lane] * self.gap[row];
            }
            let [positive, claimed, _] = &mut counts[predicted];
            for lane in 0..L {
                positive[lane] += weight[lane] * hit;
                claimed[lane] += weight[lane];
            }
            if let Some([_, _, actual]) = counts.get_mut(label) {
                for lane in 0..L {
                    actual[lane] += weight[lane];
                }
            }
        }
        let [auc, precision] = self.ranked(weights, total);
        let [ratio, found, f1] = self.decided(&counts);
        let mut ece = [0.0; L];
        for gap in &gaps {
            for lane in 0..L {
                ece[lane] += gap[lane].abs();
            }
        }
        for sum in [&mut hits, &mut log_loss, &mut brier, &mut ece] {
            for lane in 0..L {
                sum[lane] /= total[lane];
            }
        }
        let cost = self.expected_cost(weights, total);
        [hits, auc, precision, f1, ratio, found, log_loss, brier, ece, cost]
    }

    /// Mean cost of the decisions; NaN where errors have no costs.
    fn expected_cost<const L: usize>(&self, weights: &[Counts<L>], total: [f64; L]) -> [f64; L] {
        if self.cost.is_empty() {
            return [f64::NAN; L];
        }
        let mut sum = [0.0; L];
        for (weight, cost) in weights.iter().zip(&self.cost) {
            for lane in 0..L {
                sum[lane] += f64::from(weight[lane]) * cost;
            }
        }
        std::array::from_fn(|lane| sum[lane] / total[lane])
    }

    /// Of two classes the share of rows that are predicted positive, with row weights; else NaN.
    pub(crate) fn predicted_positive<const L: usize>(&self, weights: &[Counts<L>]) -> [f64; L] {
        let Some(positive) = self.positive else { return [f64::NAN; L] };
        let [mut rows, mut claimed] = [[0.0; L]; 2];
        for (weight, &predicted) in weights.iter().zip(&self.predicted) {
            for lane in 0..L {
                let weight = f64::from(weight[lane]);
                rows[lane] += weight;
                claimed[lane] += if predicted as usize == positive { weight } else { 0.0 };
            }
        }
        std::array::from_fn(|lane| claimed[lane] / rows[lane])
    }

    /// AUC and average precision: the mean over the classes where each is defined.
    fn ranked<const L: usize>(&self, weights: &[Counts<L>], total: [f64; L]) -> [[f64; L]; 2] {
        let mut means = [[Mean::default(); L]; 2];
        for areas in &self.areas {
            let values = areas.measure(weights, total);
            for (mean, values) in means.iter_mut().zip(values) {
                for lane in 0..L {
                    mean[lane].add(values[lane]);
                }
            }
        }
        means.map(|lanes| lanes.map(Mean::value))
    }

    /// Precision, recall and F1: of the positive class, or their means over the classes that occur or were
    /// predicted, where one that was never predicted has precision 0 and one without rows recall 0.
    fn decided<const L: usize>(&self, counts: &[[[f64; L]; 3]]) -> [[f64; L]; 3] {
        if let Some(positive) = self.positive {
            let [right, claimed, actual] = counts[positive];
            return [
                std::array::from_fn(|lane| right[lane] / claimed[lane]),
                std::array::from_fn(|lane| right[lane] / actual[lane]),
                std::array::from_fn(|lane| 2.0 * right[lane] / (claimed[lane] + actual[lane])),
            ];
        }
        let mut means = [[Mean::default(); L]; 3];
        for [right, claimed, actual] in counts {
            for lane in 0..L {
                // 0/0, of a class that neither occurs nor is predicted, is not counted.
                let any = claimed[lane] + actual[lane];
                let share = |of: f64| if any > 0.0 { right[lane] / of.max(1.0) } else { f64::NAN };
                means[0][lane].add(share(claimed[lane]));
                means[1][lane].add(share(actual[lane]));
                means[2][lane].add(2.0 * right[lane] / any);
            }
        }
        means.map(|lanes| lanes.map(Mean::value))
    }
}

/// A mean over what is defined: NaN when nothing is.
#[derive(Clone, Copy, Default)]
struct Mean {
    sum: f64,
    count: f64,
}

impl Mean {
    fn add(&mut self, value: f64) {
        if !value.is_nan() {
            self.sum += value;
            self.count += 1.0;
        }
    }

    fn value(self) -> f64 {
        self.sum / self.count
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Rows of three class probabilities with many ties, a label and a weight.
    fn rows() -> impl Strategy<Value = Vec<([u8; 3], u32, u16)>> {
        prop::collection::vec(([1_u8..5, 1..5, 1..5], 0_u32..4, 0_u16..4), 1..40)
    }

    fn measured(p: &[f32], width: usize, y: &[u32], w: &[u16]) -> Option<[[f64; 1]; METRICS]> {
        let weights: Vec<Counts<1>> = w.iter().map(|&w| [w]).collect();
        Scored::new(&View::new(p, width, y, width.max(2))).map(|s| s.measure(&weights))
    }

    proptest! {
        #[test]
        fn weights_are_the_same_as_repeated_rows(rows in rows(), width in prop::sample::select(vec![1, 2, 3])) {
            let (mut p, mut y, mut w) = (Vec::new(), Vec::new(), Vec::new());
            let (mut p_many, mut y_many) = (Vec::new(), Vec::new());
            for (scores, label, weight) in rows {
                let sum: u8 = scores.iter().sum();
                let row: Vec<f32> =
                    scores[..width].iter().map(|&s| f32::from(s) / f32::from(sum)).collect();
                p.extend(&row);
                y.push(label);
                w.push(weight);
                for _ in 0..weight {
                    p_many.extend(&row);
                    y_many.push(label);
                }
            }
            let ones = vec![1; y_many.len()];
            if let Some(expanded) = measured(&p_many, width, &y_many, &ones) {
                let weighted = measured(&p, width, &y, &w).expect("rows");
                for ((name, a), b) in CLASSIFICATION_METRICS.iter().zip(weighted).zip(expanded) {
                    prop_assert!(
                        (a[0] - b[0]).abs() < 1e-12 || (a[0].is_nan() && b[0].is_nan()),
                        "{name} {a:?} {b:?}"
                    );
                }
            }
        }

        #[test]
        fn a_lane_does_not_see_its_neighbours(rows in rows()) {
            let p: Vec<f32> = rows.iter().map(|r| f32::from(r.0[0]) / 5.0).collect();
            let y: Vec<u32> = rows.iter().map(|r| r.1.min(1)).collect();
            let scored = Scored::new(&View::new(&p, 1, &y, 2)).expect("rows");
            let four: Vec<Counts<4>> = rows.iter().map(|r| [1, r.2, 2, 0]).collect();
            let alone: Vec<Counts<1>> = rows.iter().map(|r| [r.2]).collect();
            for (together, alone) in scored.measure(&four).iter().zip(scored.measure(&alone)) {
                prop_assert_eq!(together[1].to_bits(), alone[0].to_bits());
            }
        }
    }
}
