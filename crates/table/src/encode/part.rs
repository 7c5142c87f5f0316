//! Encoding of one declared input.

use serde::{Deserialize, Serialize};

use super::{
    CLIP, EncodeError, Scaling, Source,
    category::Levels,
    number::{Fitted, Floor, Scale},
    outside::OutOfRange,
    pixels::Pixels,
    time::{self, Clock},
};
use crate::{ColumnType, ImageShape, Matrix, Values, column::image};

/// By the kind of input; `missing` says that an indicator column follows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Part {
    Number { scale: Scale, missing: bool },
    Boolean { scale: Scale, missing: bool },
    Category { levels: Levels },
    Time { clock: Clock, missing: bool },
    Logit { scales: Vec<Scale>, missing: bool },
    Plain { scales: Vec<Scale>, missing: bool },
    Label { levels: Levels },
    Image { pixels: Pixels },
    Handed { width: usize },
}

/// Rows of one input that held what training never saw.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) unseen: u64,
    pub(super) missing: u64,
    pub(super) outside: Option<OutOfRange>,
}

impl Counts {
    fn saw(&mut self, outside: OutOfRange) {
        match &mut self.outside {
            Some(all) => all.add(&outside),
            none => *none = Some(outside),
        }
    }
}

/// Writes one row of a source into cells that are all zero.
pub(super) type Writer<'a> = Box<dyn Fn(usize, &mut [f32], &mut Counts) + 'a>;

/// The stored form of a boolean as a number.
pub(super) fn truth(value: u8) -> f64 {
    match value {
        0 => 0.0,
        1 => 1.0,
        _ => f64::NAN,
    }
}

pub(super) fn clipped(logit: f32) -> f64 {
    f64::from(logit).clamp(-CLIP, CLIP)
}

impl Part {
    pub(super) fn fit(
        name: &str,
        source: &Source,
        rows: &[u32],
        scaling: Scaling,
        notes: &mut Vec<String>,
    ) -> Result<Self, EncodeError> {
        let at = |row: &u32| *row as usize;
        Ok(match source {
            Source::Column(column) => match &column.values {
                Values::Number(values) => {
                    let fitted =
                        Scale::fit(name, rows.iter().map(|r| values[at(r)]), Floor::Column)?;
                    let missing = describe(name, &fitted, notes);
                    let scale = match scaling {
                        Scaling::Standard => fitted.scale,
                        Scaling::Robust => fitted.scale.robust(rows.iter().map(|r| values[at(r)])),
                    };
                    Self::Number { scale, missing }
                }
                Values::Boolean(values) => {
                    let numbers = rows.iter().map(|r| truth(values[at(r)]));
                    let fitted = Scale::fit(name, numbers, Floor::Column)?;
                    let missing = describe(name, &fitted, notes);
                    Self::Boolean { scale: fitted.scale, missing }
                }
                Values::Category { codes, levels } => {
                    let codes = rows.iter().map(|r| codes[at(r)]);
                    Self::Category { levels: Levels::fit(name, codes, levels, notes) }
                }
                Values::Time(values) => {
                    let (clock, fitted) = Clock::fit(name, rows.iter().map(|r| values[at(r)]))?;
                    Self::Time { clock, missing: describe(name, &fitted, notes) }
                }
                Values::Image { shape, pixels } => {
                    Self::Image { pixels: Pixels::fit(name, *shape, pixels, rows, notes) }
                }
            },
            Source::Label(codes, texts) => {
                let codes = rows.iter().map(|r| codes[at(r)]);
                Self::Label { levels: Levels::fit(name, codes, texts, notes) }
            }
            Source::Logit(matrix) => {
                let (scales, missing) =
                    fit_matrix(name, matrix, rows, clipped, Floor::Logit, notes)?;
                Self::Logit { scales, missing }
            }
            Source::Plain(matrix) => {
                let (scales, missing) =
                    fit_matrix(name, matrix, rows, f64::from, Floor::Output, notes)?;
                Self::Plain { scales, missing }
            }
            Source::Handed(matrix) => Self::Handed { width: matrix.width },
        })
    }

    /// How it scales a number.
    pub(super) fn scaling(&self) -> Scaling {
        match self {
            Self::Number { scale, .. } if scale.is_robust() => Scaling::Robust,
            _ => Scaling::Standard,
        }
    }

    /// Does it encode numbers that differ?
    pub(super) fn is_number(&self) -> bool {
        matches!(self, Self::Number { scale, .. } if !scale.is_constant())
    }

    /// The shape of its images, if that is what it encodes.
    pub(super) fn shape(&self) -> Option<ImageShape> {
        match self {
            Self::Image { pixels } => Some(pixels.shape),
            _ => None,
        }
    }

    pub(super) fn width(&self) -> usize {
        match self {
            Self::Number { missing, .. } | Self::Boolean { missing, .. } => {
                1 + usize::from(*missing)
            }
            Self::Category { levels } | Self::Label { levels } => levels.width(),
            Self::Time { clock, missing } => clock.width() + usize::from(*missing),
            Self::Logit { scales, missing } | Self::Plain { scales, missing } => {
                scales.len() + usize::from(*missing)
            }
            Self::Image { pixels } => pixels.width(),
            Self::Handed { width } => *width,
        }
    }

    /// [`Part::width`], if anybody can count so many.
    pub(super) fn checked_width(&self) -> Option<usize> {
        match self {
            Self::Image { pixels } => {
                let ImageShape { height, width, channels } = pixels.shape;
                height.checked_mul(width)?.checked_mul(channels)
            }
            part => Some(part.width()),
        }
    }

    pub(super) fn column_names(&self, name: &str) -> Vec<String> {
        let (mut names, missing) = match self {
            Self::Number { missing, .. } | Self::Boolean { missing, .. } => {
                (vec![name.to_owned()], *missing)
            }
            Self::Category { levels } | Self::Label { levels } => {
                return levels.column_names(name);
            }
            Self::Image { pixels } => return pixels.column_names(name),
            Self::Handed { width: 1 } => (vec![name.to_owned()], false),
            Self::Handed { width } => {
                ((0..*width).map(|i| format!("{name}[{i}]")).collect(), false)
            }
            Self::Time { clock, missing } => (clock.column_names(name), *missing),
            Self::Logit { scales, missing } | Self::Plain { scales, missing } => {
                let names = match scales.len() {
                    1 => vec![name.to_owned()],
                    width => (0..width).map(|i| format!("{name}[{i}]")).collect(),
                };
                (names, *missing)
            }
        };
        if missing {
            names.push(format!("{name} missing"));
        }
        names
    }

    /// What writes a row of `source` into columns of this part, which are all zero.
    pub(super) fn writer<'a>(
        &'a self,
        name: &str,
        source: &'a Source,
    ) -> Result<Writer<'a>, EncodeError> {
        Ok(match (self, source) {
            (Self::Number { scale, missing }, Source::Column(column)) => {
                let Values::Number(values) = &column.values else {
                    return Err(self.mismatch(name, source));
                };
                Box::new(|row, out, counts| {
                    let value = values[row];
                    out[0] = scale.apply(value);
                    if let Some(outside) = scale.outside(value, false) {
                        counts.saw(outside);
                    }
                    flag(value.is_nan(), *missing, out, counts);
                })
            }
            (Self::Boolean { scale, missing }, Source::Column(column)) => {
                let Values::Boolean(values) = &column.values else {
                    return Err(self.mismatch(name, source));
                };
                Box::new(|row, out, counts| {
                    let value = truth(values[row]);
                    out[0] = scale.apply(value);
                    flag(value.is_nan(), *missing, out, counts);
                })
            }
            (Self::Category { levels }, Source::Column(column)) => {
                let Values::Category { codes, levels: texts } = &column.values else {
                    return Err(self.mismatch(name, source));
                };
                let places = levels.translate(texts);
                Box::new(move |row, out, counts| levels.write(codes[row], &places, out, counts))
            }
            (Self::Label { levels }, Source::Label(codes, texts)) => {
                let places = levels.translate(texts);
                Box::new(move |row, out, counts| levels.write(codes[row], &places, out, counts))
            }
            (Self::Time { clock, missing }, Source::Column(column)) => {
                let Values::Time(values) = &column.values else {
                    return Err(self.mismatch(name, source));
                };
                Box::new(|row, out, counts| {
                    clock.write(values[row], out);
                    if let Some(outside) = clock.outside(values[row]) {
                        counts.saw(outside);
                    }
                    flag(values[row] == time::MISSING, *missing, out, counts);
                })
            }
            (Self::Image { pixels: fitted }, Source::Column(column)) => {
                let Values::Image { shape, pixels } = &column.values else {
                    return Err(self.mismatch(name, source));
                };
                if *shape != fitted.shape {
                    return Err(self.mismatch(name, source));
                }
                let levels = fitted.levels();
                Box::new(move |row, out, _| {
                    for (cell, pixel) in out.iter_mut().zip(image(*shape, pixels, row)) {
                        *cell = levels[usize::from(*pixel)];
                    }
                })
            }
            (Self::Logit { scales, missing }, Source::Logit(outputs))
                if outputs.width == scales.len() =>
            {
                Box::new(|row, out, counts| {
                    write_outputs(scales, outputs.row(row), clipped, *missing, out, counts);
                })
            }
            (Self::Plain { scales, missing }, Source::Plain(outputs))
                if outputs.width == scales.len() =>
            {
                Box::new(|row, out, counts| {
                    write_outputs(scales, outputs.row(row), f64::from, *missing, out, counts);
                })
            }
            (Self::Handed { width }, Source::Handed(outputs)) if outputs.width == *width => {
                Box::new(|row, out, _| out.copy_from_slice(outputs.row(row)))
            }
            _ => return Err(self.mismatch(name, source)),
        })
    }

    fn mismatch(&self, name: &str, source: &Source) -> EncodeError {
        let outputs = |what: &str, width: usize| match width {
            1 => format!("{what} of width 1"),
            width => format!("{what} of width {width}"),
        };
        let expected = match self {
            Self::Number { .. } => "a number".to_owned(),
            Self::Boolean { .. } => "a boolean".to_owned(),
            Self::Category { .. } => "a category".to_owned(),
            Self::Time { .. } => "a time".to_owned(),
            Self::Label { .. } => "an expert's label".to_owned(),
            Self::Logit { scales, .. } => outputs("an expert's logit", scales.len()),
            Self::Plain { scales, .. } => outputs("an expert's output", scales.len()),
            Self::Image { pixels } => format!("an image of {}", pixels.shape),
            Self::Handed { width } => outputs("an expert's prediction", *width),
        };
        let found = match source {
            Source::Column(column) => match (column.kind(), column.values.shape()) {
                (_, Some(shape)) => format!("an image of {shape}"),
                (ColumnType::Number, _) => "a number".to_owned(),
                (ColumnType::Boolean, _) => "a boolean".to_owned(),
                (ColumnType::Time, _) => "a time".to_owned(),
                (ColumnType::Category | ColumnType::Image, _) => "a category".to_owned(),
            },
            Source::Label(..) => "an expert's label".to_owned(),
            Source::Logit(matrix) => outputs("an expert's logit", matrix.width),
            Source::Plain(matrix) => outputs("an expert's output", matrix.width),
            Source::Handed(matrix) => outputs("an expert's prediction", matrix.width),
        };
        EncodeError::Kind { name: name.to_owned(), expected, found }
    }
}

/// Sets the indicator, which is the last column, or counts a surprise.
fn flag(is_missing: bool, indicator: bool, out: &mut [f32], counts: &mut Counts) {
    match (is_missing, indicator, out.last_mut()) {
        (true, true, Some(cell)) => *cell = 1.0,
        (true, false, _) => counts.missing += 1,
        _ => {}
    }
}

fn write_outputs(
    scales: &[Scale],
    values: &[f32],
    widen: fn(f32) -> f64,
    indicator: bool,
    out: &mut [f32],
    counts: &mut Counts,
) {
    for ((scale, value), cell) in scales.iter().zip(values).zip(out.iter_mut()) {
        *cell = scale.apply(widen(*value));
    }
    flag(values.iter().any(|value| value.is_nan()), indicator, out, counts);
}

fn fit_matrix(
    name: &str,
    matrix: &Matrix,
    rows: &[u32],
    widen: fn(f32) -> f64,
    floor: Floor,
    notes: &mut Vec<String>,
) -> Result<(Vec<Scale>, bool), EncodeError> {
    let mut scales = Vec::with_capacity(matrix.width);
    let mut missing = false;
    for column in 0..matrix.width {
        let values = rows.iter().map(|row| widen(matrix.row(*row as usize)[column]));
        let fitted = Scale::fit(name, values, floor)?;
        let title = match matrix.width {
            1 => name.to_owned(),
            _ => format!("{name}[{column}]"),
        };
        missing |= describe(&title, &fitted, notes);
        scales.push(fitted.scale);
    }
    Ok((scales, missing))
}

/// Notes what is odd about a number; was it ever missing?
fn describe(name: &str, fitted: &Fitted, notes: &mut Vec<String>) -> bool {
    if fitted.present == 0 {
        notes.push(format!("`{name}` is missing in all training rows"));
    } else if fitted.scale.is_constant() {
        let use_left = match fitted.missing {
            0 => "tells the expert nothing",
            _ => "only tells the expert whether it is missing",
        };
        notes.push(format!("`{name}` is constant in the training rows and {use_left}"));
    }
    fitted.missing > 0
}
