//! Functions of one encoded column: normal scores and piecewise-linear encodings.

/// A function of one column, none of whose columns is set where the value is missing.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnMap {
    /// The encoded column that it reads.
    pub column: usize,
    /// The column that is 1 where the value is missing, if there is one.
    pub missing: Option<usize>,
    /// The function.
    pub map: Map,
}

impl ColumnMap {
    /// Its argument in an encoded row; `None` where it is missing.
    pub(super) fn value(&self, x: &[f32]) -> Option<f32> {
        match self.missing {
            Some(column) if x[column] != 0.0 => None,
            _ => Some(x[self.column]),
        }
    }
}

/// What a column becomes.
#[derive(Debug, Clone, PartialEq)]
pub enum Map {
    /// Normal scores by rank: the line through points, constant beyond the first and the last. One column.
    Scores {
        /// Where the points lie, strictly ascending; at least two.
        values: Vec<f32>,
        /// The score at each.
        scores: Vec<f32>,
    },
    /// A piecewise-linear encoding (PLE): a column a bin, which rises from 0 to 1 within it.
    Bins {
        /// Where bins begin and end, strictly ascending; at least two.
        edges: Vec<f32>,
    },
}

impl Map {
    /// Its columns.
    pub fn width(&self) -> usize {
        match self {
            Self::Scores { .. } => 1,
            Self::Bins { edges } => edges.len() - 1,
        }
    }

    /// Rows of weights that a value takes part in.
    pub(super) fn terms(&self) -> usize {
        match self {
            Self::Scores { .. } => 1,
            Self::Bins { .. } => 2,
        }
    }

    /// Are its points in order?
    pub(super) fn is_whole(&self) -> bool {
        let ascends = |points: &[f32]| {
            points.len() >= 2
                && points
                    .windows(2)
                    .all(|pair| pair[0] < pair[1] && pair[1] - pair[0] < f32::INFINITY)
        };
        match self {
            Self::Scores { values, scores } => ascends(values) && values.len() == scores.len(),
            Self::Bins { edges } => ascends(edges),
        }
    }

    /// Writes its columns, which are all zero.
    pub(super) fn write(&self, value: f32, out: &mut [f32]) {
        match self {
            Self::Scores { values, scores } => out[0] = score(values, scores, value).0,
            Self::Bins { edges } => {
                let (bin, share, _) = bin(edges, value);
                out[..bin].fill(1.0);
                out[bin] = share;
            }
        }
    }

    /// Which of its columns moves with the value, and how fast; `None`: none does.
    pub(super) fn slope(&self, value: f32) -> Option<(usize, f32)> {
        match self {
            Self::Scores { values, scores } => {
                score(values, scores, value).1.map(|slope| (0, slope))
            }
            Self::Bins { edges } => {
                let (bin, _, slope) = bin(edges, value);
                slope.map(|slope| (bin, slope))
            }
        }
    }
}

/// The score at a value, and its slope between the first and the last point.
pub(super) fn score(values: &[f32], scores: &[f32], value: f32) -> (f32, Option<f32>) {
    let above = values.partition_point(|point| *point <= value);
    if above == 0 {
        return (scores[0], None);
    }
    let (Some(right), left) = (values.get(above), values[above - 1]) else {
        return (scores[scores.len() - 1], None);
    };
    let slope = (scores[above] - scores[above - 1]) / (right - left);
    (scores[above - 1] + slope * (value - left), Some(slope))
}

/// The bin that a value lies in, how much of it lies below the value, and the slope of that share.
pub(super) fn bin(edges: &[f32], value: f32) -> (usize, f32, Option<f32>) {
    let last = edges.len() - 1;
    let bin = edges[1..last].partition_point(|edge| *edge <= value);
    let (from, to) = (edges[bin], edges[bin + 1]);
    let inside = value >= from && value <= to;
    let share = ((value - from) / (to - from)).clamp(0.0, 1.0);
    (bin, share, inside.then(|| 1.0 / (to - from)))
}
