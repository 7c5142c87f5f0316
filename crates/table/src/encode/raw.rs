//! Vector–Jacobian products (vjp) of encoders: gradients at encoded columns to gradients at raw values.
//!
//! An expert's own encoding of a column (its mean, its deviation, which levels it knows) is no place
//! to compare experts in, or to add up what reaches an output on several ways. Raw coordinates are:
//!
//! | input | coordinates |
//! |---|---|
//! | number, boolean, outputs of an upstream | the value itself, in its own units |
//! | category | one per level of the column, 0 or 1 |
//! | time | its seconds, and sine and cosine of each cycle |
//! | image | the pixels, 0 to 255 |
//! | an indicator of missing values | itself |
//! | label of an upstream | none: what is rounded to a class has no derivative |
//!
//! Where a value was clipped, or missing and replaced by the mean, the derivative is 0.

use std::ops::Range;

use super::{
    Encoder, Source,
    category::{Levels, Place},
    part::{Part, clipped, truth},
    time,
};
use crate::{Matrix, Values, column::image};

/// One declared input in raw coordinates.
#[derive(Debug, Clone, PartialEq)]
pub struct Coordinates {
    /// `flights.hour`, `flights.origin = EWR`, `flights.wind_speed missing`.
    pub names: Vec<String>,
    /// Their values, rows × names; a missing number is 0 beside its indicator.
    pub values: Matrix,
}

impl Encoder {
    /// The raw coordinates of one declared input (by position) on some rows.
    ///
    /// # Panics
    /// If the source is not of the kind that was fitted, or a row does not exist: encode the same rows
    /// first, which says so as an error.
    pub fn coordinates(&self, input: usize, source: &Source, rows: &[u32]) -> Coordinates {
        let part = &self.parts[input];
        let names = part.coordinate_names(&self.names[input], source);
        let mut values = Matrix::zeros(rows.len(), names.len());
        for (i, &row) in rows.iter().enumerate() {
            part.place(source, row as usize, values.row_mut(i));
        }
        Coordinates { names, values }
    }

    /// Vector–Jacobian product (vjp): gradients with respect to the encoded columns, (rows · each) × width, as
    /// gradients with respect to the raw coordinates of one declared input: (rows · each) × coordinates.
    ///
    /// # Panics
    /// As [`Self::coordinates`].
    pub fn pull_back(
        &self,
        input: usize,
        source: &Source,
        rows: &[u32],
        gradients: &[f32],
        each: usize,
    ) -> Matrix {
        let part = &self.parts[input];
        let columns: Range<usize> = self.groups()[input].clone();
        let width = self.width();
        let size = part.coordinate_names(&self.names[input], source).len();
        let links = part.links(source, size);
        let mut out = Matrix::zeros(rows.len() * each, size);
        let mut slopes = vec![0.0; size];
        for (i, &row) in rows.iter().enumerate() {
            part.slopes(source, row as usize, &mut slopes);
            for k in i * each..(i + 1) * each {
                let gradient = &gradients[k * width..][..width][columns.clone()];
                for ((cell, link), slope) in out.row_mut(k).iter_mut().zip(&links).zip(&slopes) {
                    if let Some(column) = link {
                        *cell = gradient[*column] * slope;
                    }
                }
            }
        }
        out
    }
}

impl Part {
    fn coordinate_names(&self, name: &str, source: &Source) -> Vec<String> {
        match (self, source) {
            (Self::Label { .. }, _) => Vec::new(),
            (Self::Category { levels }, Source::Column(column)) => {
                let Values::Category { levels: texts, .. } = &column.values else {
                    return Vec::new();
                };
                let texts = texts.iter().map(|text| format!("{name} = {text}"));
                texts.chain(levels.has_missing().then(|| format!("{name} missing"))).collect()
            }
            // An upstream's indicator of missing values is no way back into it.
            (Self::Logit { scales, .. } | Self::Plain { scales, .. }, _) => {
                (0..scales.len()).map(|i| format!("{name}[{i}]")).collect()
            }
            _ => self.column_names(name),
        }
    }

    /// The encoded column that each coordinate acts through.
    fn links(&self, source: &Source, size: usize) -> Vec<Option<usize>> {
        match (self, source) {
            (Self::Category { levels }, Source::Column(column)) => match &column.values {
                Values::Category { levels: texts, .. } => level_links(levels, texts),
                _ => Vec::new(),
            },
            _ => (0..size).map(Some).collect(),
        }
    }

    /// Derivative of each linked column by its coordinate, at one row.
    fn slopes(&self, source: &Source, row: usize, out: &mut [f32]) {
        out.fill(1.0);
        match (self, source) {
            (Self::Number { scale, .. }, Source::Column(column)) => {
                if let Values::Number(values) = &column.values {
                    out[0] = scale.slope(values[row]);
                }
            }
            (Self::Boolean { scale, .. }, Source::Column(column)) => {
                if let Values::Boolean(values) = &column.values {
                    out[0] = scale.slope(truth(values[row]));
                }
            }
            (Self::Time { clock, .. }, Source::Column(column)) => {
                if let Values::Time(values) = &column.values {
                    let missing = values[row] == time::MISSING;
                    let slope = if missing { 0.0 } else { clock.slope(values[row]) };
                    let width = clock.width();
                    out[..width].fill(f32::from(u8::from(!missing)));
                    out[0] = slope;
                }
            }
            (Self::Image { pixels }, Source::Column(_)) => out.fill(pixels.slope()),
            (Self::Logit { scales, .. }, Source::Logit(matrix)) => {
                for ((cell, scale), value) in out.iter_mut().zip(scales).zip(matrix.row(row)) {
                    let free = f64::from(*value) == clipped(*value);
                    *cell = if free { scale.slope(f64::from(*value)) } else { 0.0 };
                }
            }
            (Self::Plain { scales, .. }, Source::Plain(matrix)) => {
                for ((cell, scale), value) in out.iter_mut().zip(scales).zip(matrix.row(row)) {
                    *cell = scale.slope(f64::from(*value));
                }
            }
            _ => {}
        }
    }

    /// Writes one row's coordinates; `out` is all zero.
    fn place(&self, source: &Source, row: usize, out: &mut [f32]) {
        let mut number = |value: f64, indicator: bool| match (value.is_nan(), indicator, out.len())
        {
            (true, true, 2..) => out[1] = 1.0,
            (false, _, 1..) => out[0] = value as f32,
            _ => {}
        };
        match (self, source) {
            (Self::Number { missing, .. }, Source::Column(column)) => {
                if let Values::Number(values) = &column.values {
                    number(values[row], *missing);
                }
            }
            (Self::Boolean { missing, .. }, Source::Column(column)) => {
                if let Values::Boolean(values) = &column.values {
                    number(truth(values[row]), *missing);
                }
            }
            (Self::Category { .. }, Source::Column(column)) => {
                if let Values::Category { codes, levels } = &column.values {
                    // Missing comes after the levels, if training ever saw it.
                    let at = (codes[row] as usize).min(levels.len());
                    if let Some(cell) = out.get_mut(at) {
                        *cell = 1.0;
                    }
                }
            }
            (Self::Time { clock, missing }, Source::Column(column)) => {
                if let Values::Time(values) = &column.values {
                    match values[row] == time::MISSING {
                        true if *missing => out[clock.width()] = 1.0,
                        true => {}
                        false => clock.place(values[row], out),
                    }
                }
            }
            (Self::Image { .. }, Source::Column(column)) => {
                if let Values::Image { shape, pixels } = &column.values {
                    let image = image(*shape, pixels, row);
                    out.iter_mut().zip(image).for_each(|(cell, pixel)| *cell = f32::from(*pixel));
                }
            }
            (Self::Logit { .. }, Source::Logit(matrix))
            | (Self::Plain { .. }, Source::Plain(matrix))
            | (Self::Handed { .. }, Source::Handed(matrix)) => {
                for (cell, value) in out.iter_mut().zip(matrix.row(row)) {
                    *cell = if value.is_nan() { 0.0 } else { *value };
                }
            }
            _ => {}
        }
    }
}

fn level_links(levels: &Levels, texts: &[String]) -> Vec<Option<usize>> {
    let places = levels.translate(texts).into_iter().map(|place| match place {
        Place::Column(at) => Some(at),
        Place::Other { .. } => levels.other_column(),
    });
    places.chain(levels.has_missing().then(|| Some(levels.width() - 1))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Column;

    fn encoder(column: &Column, rows: &[u32]) -> Encoder {
        Encoder::fit(&["t.x".to_owned()], &[Source::Column(column)], rows).unwrap()
    }

    #[test]
    fn a_numbers_derivative_is_in_its_own_units_and_ends_where_it_is_clipped() {
        let mut values: Vec<f64> = (0..100).map(|i| f64::from(i) * 10.0).collect();
        values.extend([f64::NAN, 1e9]);
        let column = Column::new("x", Values::Number(values));
        let rows: Vec<u32> = (0..101).collect();
        let encoder = encoder(&column, &rows);
        let source = Source::Column(&column);
        // Two gradients a row, over the value and its indicator.
        let gradients = [2.0, 5.0, -1.0, 7.0].repeat(3);
        let back = encoder.pull_back(0, &source, &[50, 100, 101], &gradients, 2);
        let at = |row: f64| {
            let x = encoder.encode(&[source], &[(row as u32)]).unwrap();
            f64::from(x.row(0)[0])
        };
        let slope = (at(51.0) - at(50.0)) / 10.0;
        assert!((f64::from(back.row(0)[0]) - 2.0 * slope).abs() < 1e-6);
        assert!((f64::from(back.row(1)[0]) + slope).abs() < 1e-6);
        assert_eq!(back.row(0)[1], 5.0);
        // Missing, and clipped.
        assert_eq!((back.row(2), back.row(4)), (&[0.0, 5.0][..], &[0.0, 5.0][..]));
        let coordinates = encoder.coordinates(0, &source, &[50, 100]);
        assert_eq!(coordinates.names, ["t.x", "t.x missing"]);
        assert_eq!(coordinates.values.data, [500.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn every_level_of_a_column_is_a_coordinate_also_where_the_encoder_pools_it() {
        let mut codes = vec![0; 6000];
        codes.extend(vec![1; 6000]);
        codes.extend([2, 3]);
        let levels = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
        let column = Column::new("x", Values::Category { codes, levels });
        let encoder = encoder(&column, &(0..12_002).collect::<Vec<u32>>());
        assert_eq!(encoder.width(), 3);
        let source = Source::Column(&column);
        let back = encoder.pull_back(0, &source, &[0], &[1.0, 2.0, 3.0], 1);
        assert_eq!(back.data, [1.0, 2.0, 3.0, 3.0]);
        let coordinates = encoder.coordinates(0, &source, &[0, 12_001]);
        assert_eq!(coordinates.names[3], "t.x = d");
        assert_eq!(coordinates.values.data, [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn an_upstreams_logits_have_slopes_and_its_label_has_none() {
        let logits = Matrix { rows: 3, width: 1, data: vec![-1.0, 1.0, 20.0] };
        let names = ["a.logit".to_owned()];
        let encoder = Encoder::fit(&names, &[Source::Logit(&logits)], &[0, 1]).unwrap();
        let back = encoder.pull_back(0, &Source::Logit(&logits), &[0, 2], &[3.0, 3.0], 1);
        assert_eq!(back.data, [3.0, 0.0]);
        let classes = ["no".to_owned(), "yes".to_owned()];
        let label = Source::Label(&[0, 1, 1], &classes);
        let encoder = Encoder::fit(&["a.label".to_owned()], &[label], &[0, 1]).unwrap();
        let back = encoder.pull_back(0, &label, &[0], &vec![1.0; encoder.width()], 1);
        assert_eq!((back.rows, back.width), (1, 0));
    }
}
