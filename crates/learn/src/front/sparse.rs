//! Rows as what is not zero of them, and the first layer on such rows.
//!
//! A row is a short list of (place, factor) and the first layer's sum b + Σ factor · T\[place\], where the table T holds
//! the rows of W and, behind them, the sums of the first 1, 2, … rows of each piecewise-linear encoding: whatever the
//! bins, a value takes one of these sums and a share of one row. Backward, δ is scattered to the same places; what
//! reached the sum of t rows then belongs to each of these rows, which are suffix sums. One-hot columns cost one row each
//! in the same way.
//!
//! Additions come in the order of the list, so a row has the same bits in any batch and chunk.

use super::{
    Front, Map,
    map::{bin, score},
};
use crate::{Dense, kernel::vectorised};

/// Encoded rows, each a list of places in a [`Table`] with their factors.
#[derive(Debug, Clone)]
pub(crate) struct SparseRows {
    /// Where the list of each row ends.
    ends: Vec<usize>,
    terms: Vec<Term>,
}

#[derive(Debug, Clone, Copy)]
struct Term {
    place: u32,
    factor: f32,
}

/// The rows of a first layer's weights, and the sums of those of piecewise-linear encodings.
pub(crate) struct Table {
    units: usize,
    values: Vec<f32>,
}

impl SparseRows {
    fn terms(&self, row: usize) -> &[Term] {
        let from = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.terms[from..self.ends[row]]
    }
}

impl Front {
    /// Rows × inputs as lists.
    pub(crate) fn sparse(&self, x: &[f32]) -> SparseRows {
        let mut is_replaced = vec![false; self.inputs];
        self.replaced.iter().for_each(|column| is_replaced[*column] = true);
        let rows = x.len() / self.inputs.max(1);
        let mut ends = Vec::with_capacity(rows);
        let mut terms = Vec::with_capacity(rows * (4 + 3 * self.maps.len()));
        let add = |terms: &mut Vec<Term>, place: usize, factor: f32| {
            if factor != 0.0 {
                terms.push(Term { place: place as u32, factor });
            }
        };
        for x in x.chunks_exact(self.inputs.max(1)) {
            for (column, value) in x.iter().enumerate().filter(|(column, _)| !is_replaced[*column])
            {
                add(&mut terms, column, *value);
            }
            let (mut own, mut sums) = (self.inputs, self.width());
            for map in &self.maps {
                let value = map.value(x);
                match (&map.map, value) {
                    (_, None) => {}
                    (Map::Scores { values, scores }, Some(value)) => {
                        add(&mut terms, own, score(values, scores, value).0);
                    }
                    (Map::Bins { edges }, Some(value)) => {
                        let (bin, share, _) = bin(edges, value);
                        if bin > 0 {
                            add(&mut terms, sums + bin - 1, 1.0);
                        }
                        add(&mut terms, own + bin, share);
                    }
                }
                own += map.map.width();
                sums += map.map.sums();
            }
            ends.push(terms.len());
        }
        SparseRows { ends, terms }
    }

    /// The table of a first layer.
    pub(crate) fn table(&self, layer: &Dense) -> Table {
        let units = layer.outputs;
        let mut values = Vec::with_capacity((self.width() + self.sums()) * units);
        values.extend_from_slice(&layer.weight);
        let mut own = self.inputs;
        for map in &self.maps {
            for bin in 0..map.map.sums() {
                let row = (own + bin) * units;
                let sum = values.len();
                values.extend_from_within(row..row + units);
                if bin > 0 {
                    let (before, sums) = values.split_at_mut(sum);
                    sums.iter_mut().zip(&before[sum - units..]).for_each(|(sum, w)| *sum += w);
                }
            }
            own += map.map.width();
        }
        Table { units, values }
    }

    fn sums(&self) -> usize {
        self.maps.iter().map(|map| map.map.sums()).sum()
    }

    /// ∂loss/∂W of the first layer, width × units, from ∂loss/∂z of some rows.
    pub(crate) fn gradient(
        &self,
        x: &SparseRows,
        rows: &[u32],
        delta: &[f32],
        units: usize,
    ) -> Vec<f32> {
        let mut table = vec![0.0; (self.width() + self.sums()) * units];
        vectorised(
            #[inline(always)]
            || {
                for (row, delta) in rows.iter().zip(delta.chunks_exact(units)) {
                    for Term { place, factor } in x.terms(*row as usize) {
                        let into = &mut table[*place as usize * units..][..units];
                        into.iter_mut().zip(delta).for_each(|(sum, d)| *sum += factor * d);
                    }
                }
            },
        );
        let mut sums = table.split_off(self.width() * units);
        let mut own = self.inputs;
        let mut from = 0;
        for map in &self.maps {
            // What reached the sum of the first t + 1 rows reached row t, and all before it.
            for bin in (0..map.map.sums()).rev() {
                let sum = (from + bin) * units;
                let into = &mut table[(own + bin) * units..][..units];
                into.iter_mut().zip(&sums[sum..]).for_each(|(g, s)| *g += s);
                if bin > 0 {
                    let (before, here) = sums.split_at_mut(sum);
                    let before = &mut before[sum - units..];
                    before
                        .iter_mut()
                        .zip(&here[..units])
                        .for_each(|(before, here)| *before += here);
                }
            }
            own += map.map.width();
            from += map.map.sums();
        }
        table
    }
}

impl Map {
    /// How many sums of its rows a table holds: all but the last bin's.
    fn sums(&self) -> usize {
        match self {
            Self::Scores { .. } => 0,
            Self::Bins { .. } => self.width() - 1,
        }
    }
}

impl Table {
    /// `out = b + Σ factor · T[place]` for some rows; `out` is overwritten.
    pub(crate) fn forward(
        &self,
        x: &SparseRows,
        rows: impl Iterator<Item = usize>,
        bias: &[f32],
        out: &mut [f32],
    ) {
        let units = self.units;
        if units == 0 {
            return;
        }
        vectorised(
            #[inline(always)]
            || {
                for (row, out) in rows.zip(out.chunks_exact_mut(units)) {
                    let terms = x.terms(row);
                    let mut column = 0;
                    while column + 64 <= units {
                        self.sum::<64>(terms, bias, column, out);
                        column += 64;
                    }
                    while column + 16 <= units {
                        self.sum::<16>(terms, bias, column, out);
                        column += 16;
                    }
                    while column < units {
                        self.sum::<1>(terms, bias, column, out);
                        column += 1;
                    }
                }
            },
        );
    }

    #[inline(always)]
    fn sum<const C: usize>(&self, terms: &[Term], bias: &[f32], column: usize, out: &mut [f32]) {
        let mut sums = [0.0_f32; C];
        sums.copy_from_slice(&bias[column..column + C]);
        for Term { place, factor } in terms {
            let mut w = [0.0_f32; C];
            w.copy_from_slice(&self.values[*place as usize * self.units + column..][..C]);
            for (sum, w) in sums.iter_mut().zip(&w) {
                *sum += factor * w;
            }
        }
        out[column..column + C].copy_from_slice(&sums);
    }
}
