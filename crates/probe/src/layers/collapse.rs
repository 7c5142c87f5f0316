//! Neural collapse: whether the rows of a class become one point, and the class means a simplex.
//!
//! Papyan, Han and Donoho (2020, *Prevalence of neural collapse during the terminal phase of deep
//! learning training*) leave room that published codes fill differently. Here, with C the classes
//! that have rows, μ_c their means and N the rows:
//!
//! - **μ_G = 1/C Σ μ_c**, the mean of the class means, not that of the rows. They are the same where
//!   classes are balanced, as in the paper. Elsewhere the mean of the rows is drawn to the frequent
//!   classes, and the vertices of a perfect simplex would not be one seen from there.
//! - **NC1 = tr(S_W)/tr(S_B)**, tr(S_W) = 1/N Σ ‖x − μ_c(x)‖² over rows, tr(S_B) = 1/C Σ ‖μ_c − μ_G‖².
//!   The paper has tr(S_W S_B⁺)/C, which needs an inverse that few rows do not support.
//! - **NC2** = mean over i ≠ j of (cos(μ_i − μ_G, μ_j − μ_G) + 1/(C − 1))². Two classes lie opposite
//!   each other around their middle whatever the network does: it is then 0 and says nothing.
//! - **NC3** = ‖W/‖W‖ − M/‖M‖‖², Frobenius norms, M the μ_c − μ_G as columns and W the head's weights
//!   of the same classes less their mean over these classes. The paper does not subtract it, but a
//!   vector that is added to all classes' weights moves no prediction, and weight decay, which the
//!   paper's networks have, takes it out. A single logit w is the pair −w/2, w/2. It lies between 0
//!   (one direction) and 4 (opposite); unrelated weights give 2.
//! - **NC4** = share of rows whose nearest class mean (Euclidean; the first of equals) is the
//!   predicted class.
//!
//! **Test rows.** What is said of rows is measured against means that were there before them: NC1
//! and NC4 of test rows use the *training* means, and so does S_B. Around means of their own, a class
//! with a single test row would have collapsed by definition, n rows per class would lose 1/n of
//! their scatter, and a class that has moved as a whole would not show. In the words of Hui, Belkin
//! and Nakkiran (2022, arXiv 2202.08384) this is the strong form of collapse on test rows. What is
//! said of means (NC2, NC3) is of the test rows' own means; those of few rows carry noise.

use collegium_records::Collapse;
use nalgebra::DMatrix;

/// Part of the mean square of the activations (of the largest norm of a centred mean, squared) below
/// which a difference of means is rounding.
const ROUNDING: f64 = 1e-24;

/// The means of the classes that have rows.
pub struct ClassMeans {
    /// Where a class's column is.
    place: Vec<Option<usize>>,
    /// `units × classes present`.
    means: DMatrix<f64>,
    /// The same less their mean.
    centred: DMatrix<f64>,
}

impl ClassMeans {
    /// From `rows × units` activations, row-major. Rows with a label of `classes` or more are of a
    /// class that the model does not know, and are left out; classes without rows have no mean.
    ///
    /// `None` with fewer than two classes present, when all means are equal up to rounding, or when
    /// an activation is not finite.
    ///
    /// # Panics
    /// When the lengths contradict each other (a mistake of the caller, which no data can cause).
    pub fn new(activations: &[f32], units: usize, labels: &[u32], classes: usize) -> Option<Self> {
        assert_eq!(activations.len(), labels.len() * units, "units for each label");
        let mut counts = vec![0_u64; classes];
        for &label in labels {
            if let Some(count) = counts.get_mut(label as usize) {
                *count += 1;
            }
        }
        let mut present = 0;
        let place: Vec<Option<usize>> = counts
            .iter()
            .map(|&count| {
                present += usize::from(count > 0);
                (count > 0).then(|| present - 1)
            })
            .collect();
        if present < 2 || units == 0 {
            return None;
        }
        let mut means = DMatrix::<f64>::zeros(units, present);
        let (mut square, mut rows) = (0.0, 0_u64);
        for (row, &label) in activations.chunks_exact(units).zip(labels) {
            let Some(column) = place_of(&place, label) else { continue };
            rows += 1;
            for (sum, &x) in means.column_mut(column).iter_mut().zip(row) {
                *sum += f64::from(x);
                square += f64::from(x).powi(2);
            }
        }
        for (class, column) in place.iter().enumerate() {
            if let Some(column) = column {
                means.column_mut(*column).unscale_mut(counts[class] as f64);
            }
        }
        let centre = means.column_mean();
        let mut centred = means.clone();
        centred.column_iter_mut().for_each(|mut column| column -= &centre);
        let between = centred.norm_squared() / present as f64;
        // Written so that NaN fails.
        let told_apart = between > ROUNDING * square / rows as f64;
        (told_apart && square.is_finite()).then_some(Self { place, means, centred })
    }

    fn units(&self) -> usize {
        self.means.nrows()
    }

    /// The class whose mean is nearest to a row.
    fn nearest(&self, row: &[f32]) -> Option<usize> {
        let mut best = None;
        for (class, column) in self.place.iter().enumerate() {
            let Some(column) = column else { continue };
            let distance = squared_distance(row, self.means.column(*column).as_slice());
            if best.is_none_or(|(least, _)| distance < least) {
                best = Some((distance, class));
            }
        }
        best.map(|(_, class)| class)
    }

    /// NC2.
    fn angles(&self) -> Option<f64> {
        let classes = self.centred.ncols();
        let norms: Vec<f64> =
            self.centred.column_iter().map(|column| column.norm_squared()).collect();
        let largest = norms.iter().fold(0.0_f64, |a, &b| a.max(b));
        let ideal = -1.0 / (classes as f64 - 1.0);
        let products = self.centred.tr_mul(&self.centred);
        let (mut sum, mut pairs) = (0.0, 0_u64);
        for i in 0..classes {
            for j in 0..i {
                // A mean in the very middle has no direction.
                if norms[i].min(norms[j]) > ROUNDING * largest {
                    let cosine = products[(i, j)] / (norms[i] * norms[j]).sqrt();
                    sum += (cosine - ideal).powi(2);
                    pairs += 1;
                }
            }
        }
        (pairs > 0).then(|| sum / pairs as f64)
    }

    /// NC3.
    fn duality(&self, weight: &[f32], outputs: usize) -> Option<f64> {
        let classes = self.place.len();
        let one = outputs == 1 && classes == 2;
        assert!(one || outputs == classes, "the head has an output for each class");
        assert_eq!(weight.len(), self.units() * outputs, "a weight for each unit and output");
        let mut head = DMatrix::<f64>::zeros(self.units(), self.centred.ncols());
        for (class, column) in self.place.iter().enumerate() {
            let Some(column) = *column else { continue };
            for unit in 0..self.units() {
                head[(unit, column)] = if one {
                    f64::from(weight[unit]) * (class as f64 - 0.5)
                } else {
                    f64::from(weight[unit * outputs + class])
                };
            }
        }
        let common = head.column_mean();
        head.column_iter_mut().for_each(|mut column| column -= &common);
        let norm = head.norm();
        let difference = head.unscale(norm) - self.centred.unscale(self.centred.norm());
        (norm > 0.0 && norm.is_finite()).then(|| difference.norm_squared())
    }
}

fn place_of(place: &[Option<usize>], label: u32) -> Option<usize> {
    place.get(label as usize).copied().flatten()
}

fn squared_distance(row: &[f32], mean: &[f64]) -> f64 {
    row.iter().zip(mean).map(|(&x, m)| (f64::from(x) - m).powi(2)).sum()
}

/// Neural collapse of the rows that the means come from: training rows. See the top of this file
/// for the conventions.
///
/// `activations` is `rows × units`, row-major; `predicted` holds the predicted classes; `head` is the
/// last layer's weight, `units × outputs`, row-major, with the number of outputs: one per class, or
/// a single logit of the second of two.
///
/// `None` where [`ClassMeans::new`] is.
///
/// # Panics
/// When the lengths contradict each other (a mistake of the caller, which no data can cause).
pub fn collapse(
    activations: &[f32],
    units: usize,
    labels: &[u32],
    classes: usize,
    predicted: &[u32],
    head: Option<(&[f32], usize)>,
) -> Option<Collapse> {
    let means = ClassMeans::new(activations, units, labels, classes)?;
    measure(&means, &means, activations, labels, predicted, head)
}

/// Neural collapse of other rows, test rows, against the means of training rows. Rows of a class
/// without a training mean are left out.
///
/// `None` where [`ClassMeans::new`] of these rows is.
///
/// # Panics
/// When the lengths contradict each other (a mistake of the caller, which no data can cause).
pub fn collapse_against(
    training: &ClassMeans,
    activations: &[f32],
    labels: &[u32],
    predicted: &[u32],
    head: Option<(&[f32], usize)>,
) -> Option<Collapse> {
    let known: Vec<u32> = labels
        .iter()
        .map(|&label| place_of(&training.place, label).map_or(u32::MAX, |_| label))
        .collect();
    let own = ClassMeans::new(activations, training.units(), &known, training.place.len())?;
    measure(training, &own, activations, &known, predicted, head)
}

/// NC1 and NC4 against one set of means, NC2 and NC3 of the other.
fn measure(
    fixed: &ClassMeans,
    own: &ClassMeans,
    activations: &[f32],
    labels: &[u32],
    predicted: &[u32],
    head: Option<(&[f32], usize)>,
) -> Option<Collapse> {
    assert_eq!(labels.len(), predicted.len(), "a prediction for each label");
    let (mut rows, mut within, mut agree) = (0_u64, 0.0, 0_u64);
    for ((row, &label), &predicted) in
        activations.chunks_exact(fixed.units()).zip(labels).zip(predicted)
    {
        let Some(column) = place_of(&fixed.place, label) else { continue };
        rows += 1;
        within += squared_distance(row, fixed.means.column(column).as_slice());
        agree += u64::from(fixed.nearest(row) == Some(predicted as usize));
    }
    let between = fixed.centred.norm_squared() / fixed.centred.ncols() as f64;
    Some(Collapse {
        rows,
        nc1: within / rows as f64 / between,
        nc2: own.angles()?,
        nc3: head.and_then(|(weight, outputs)| own.duality(weight, outputs)),
        nc4: agree as f64 / rows as f64,
    })
}
