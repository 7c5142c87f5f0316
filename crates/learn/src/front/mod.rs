//! The front of a network: non-linear encodings of numbers, as part of the first layer.
//!
//! Beside its encoded columns x a network may be given functions of single columns: their normal scores by rank, and
//! piecewise-linear encodings (Gorishniy et al. 2022), which let the first layer bend at the edges of bins. They belong
//! to the network and not to the encoder, so that everything around it (importances, exchanges, repairs, linear
//! baselines) goes on in columns of declared inputs: gradients are pulled back through the front.
//!
//! Of the wide row (x, functions of x) little is not zero, and of a piecewise-linear encoding what comes before a bin is
//! all ones. So nobody writes it out: see [`sparse`].

mod fit;
mod map;
pub(crate) mod sparse;
mod stored;

pub use map::{ColumnMap, Map};
pub(crate) use stored::StoredFront;

use crate::Dense;

/// Functions of encoded columns that a first layer is given beside them.
#[derive(Debug, Clone, PartialEq)]
pub struct Front {
    /// Encoded columns.
    inputs: usize,
    /// Columns that are given through their functions alone, ascending.
    replaced: Vec<usize>,
    /// In the order of their columns behind the encoded ones.
    maps: Vec<ColumnMap>,
}

impl Front {
    /// Columns of an encoded row.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Columns that the first layer has weights for: the encoded ones, then those of each function.
    pub fn width(&self) -> usize {
        self.inputs + self.maps.iter().map(|map| map.map.width()).sum::<usize>()
    }

    /// Multiply-adds of a row for each unit: what is not zero of it.
    pub fn terms(&self) -> u64 {
        (self.inputs + self.maps.iter().map(|map| map.map.terms()).sum::<usize>()) as u64
    }

    /// Is a column given through functions?
    pub(crate) fn bends(&self, column: usize) -> bool {
        self.maps.iter().any(|map| map.column == column)
    }

    /// The same front where its columns have other places: `to` says which.
    pub(crate) fn moved(&self, inputs: usize, to: impl Fn(usize) -> Option<usize>) -> Option<Self> {
        let maps = self.maps.iter().map(|map| {
            let missing = match map.missing {
                None => None,
                Some(column) => Some(to(column)?),
            };
            Some(ColumnMap { column: to(map.column)?, missing, map: map.map.clone() })
        });
        let maps = maps.collect::<Option<Vec<_>>>()?;
        let mut replaced =
            self.replaced.iter().map(|column| to(*column)).collect::<Option<Vec<_>>>()?;
        replaced.sort_unstable();
        Some(Self { inputs, replaced, maps })
    }

    /// Rows as the first layer has weights for them, rows × [`width`](Self::width), from encoded rows.
    pub fn widened(&self, x: &[f32]) -> Vec<f32> {
        let width = self.width();
        let mut wide = vec![0.0; x.len() / self.inputs.max(1) * width];
        for (x, wide) in x.chunks_exact(self.inputs.max(1)).zip(wide.chunks_exact_mut(width)) {
            let (own, mut rest) = wide.split_at_mut(self.inputs);
            own.copy_from_slice(x);
            self.replaced.iter().for_each(|column| own[*column] = 0.0);
            for map in &self.maps {
                let (out, behind) = rest.split_at_mut(map.map.width());
                rest = behind;
                if let Some(value) = map.value(x) {
                    map.map.write(value, out);
                }
            }
        }
        wide
    }

    /// Gradients at wide rows, (rows · each) × [`width`](Self::width), as gradients at the encoded rows `x`:
    /// (rows · each) × inputs.
    pub fn pull_back(&self, x: &[f32], gradients: &[f32], each: usize) -> Vec<f32> {
        let (inputs, width) = (self.inputs, self.width());
        let mut pulled = vec![0.0; gradients.len() / width * inputs];
        let of_rows =
            gradients.chunks_exact(each * width).zip(pulled.chunks_exact_mut(each * inputs));
        for (x, (gradients, pulled)) in x.chunks_exact(inputs).zip(of_rows) {
            for (gradient, pulled) in
                gradients.chunks_exact(width).zip(pulled.chunks_exact_mut(inputs))
            {
                pulled.copy_from_slice(&gradient[..inputs]);
                self.replaced.iter().for_each(|column| pulled[*column] = 0.0);
            }
            let mut from = inputs;
            for map in &self.maps {
                let slope = map.value(x).and_then(|value| map.map.slope(value));
                if let Some((place, slope)) = slope {
                    for k in 0..each {
                        pulled[k * inputs + map.column] +=
                            slope * gradients[k * width + from + place];
                    }
                }
                from += map.map.width();
            }
        }
        pulled
    }

    /// Why it cannot stand before a first layer, for so many encoded columns.
    pub(crate) fn misfit(&self, first: Option<&Dense>, inputs: usize) -> Option<&'static str> {
        let columns = self.maps.iter().flat_map(|map| map.missing.into_iter().chain([map.column]));
        let within =
            columns.chain(self.replaced.iter().copied()).all(|column| column < self.inputs);
        let whole = within
            && self.inputs == inputs
            && self.inputs > 0
            && self.maps.iter().all(|map| map.map.is_whole())
            && first.is_some_and(|layer| layer.inputs == self.width());
        (!whole).then_some("the encodings of its numbers do not fit its encoder or first layer")
    }
}

#[cfg(test)]
mod tests;
