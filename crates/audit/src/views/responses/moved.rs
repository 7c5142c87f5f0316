//! Raw values of a declared input, read from some rows and set to others.

use std::sync::Arc;

use collegium_engine::inputs::InputData;
use collegium_table::{Column, MISSING_CODE, Matrix, Values};

/// The raw values of an input on some rows.
pub(super) enum Raw {
    /// NaN is missing.
    Numbers(Vec<f64>),
    Levels {
        /// By row, below the number of names; `None` is missing.
        codes: Vec<Option<u32>>,
        names: Vec<String>,
    },
}

/// The values of an input on these rows of the table, or the end of a sentence that says why it has no response.
pub(super) fn raw(data: &InputData, rows: &[u32]) -> Result<Raw, &'static str> {
    let levels = |codes: &[u32], names: &[String]| {
        let known = |row: &u32| {
            let code = codes[*row as usize];
            (code != MISSING_CODE && (code as usize) < names.len()).then_some(code)
        };
        Raw::Levels { codes: rows.iter().map(known).collect(), names: names.to_vec() }
    };
    let number = |values: &dyn Fn(usize) -> f64| {
        Raw::Numbers(rows.iter().map(|&row| values(row as usize)).collect())
    };
    Ok(match data {
        InputData::Column(column) => match &column.values {
            Values::Number(values) => number(&|row| values[row]),
            Values::Boolean(values) => {
                let codes: Vec<u32> = values
                    .iter()
                    .map(|value| if *value > 1 { MISSING_CODE } else { u32::from(*value) })
                    .collect();
                levels(&codes, &["false".to_owned(), "true".to_owned()])
            }
            Values::Category { codes, levels: names } => levels(codes, names),
            Values::Time(_) => return Err("is a time, which has cycles beside its order"),
            Values::Image { .. } => return Err("is an image"),
        },
        InputData::Label(codes, names) => levels(codes, names),
        InputData::Logit(matrix) | InputData::Plain(matrix) | InputData::Handed(matrix) => {
            match matrix.width {
                1 => number(&|row| f64::from(matrix.row(row)[0])),
                _ => return Err("holds several numbers, which move together"),
            }
        }
    })
}

/// The same kind of input with these numbers, one to a row.
pub(super) fn with_numbers(data: &InputData, values: &[f64]) -> InputData {
    let matrix = || {
        let data = values.iter().map(|value| *value as f32).collect();
        Arc::new(Matrix { rows: values.len(), width: 1, data })
    };
    match data {
        InputData::Logit(_) => InputData::Logit(matrix()),
        InputData::Plain(_) => InputData::Plain(matrix()),
        InputData::Handed(_) => InputData::Handed(matrix()),
        InputData::Column(_) | InputData::Label(..) => {
            InputData::Column(Arc::new(Column::new("moved", Values::Number(values.to_vec()))))
        }
    }
}

/// The same kind of input with one level on so many rows.
pub(super) fn with_level(data: &InputData, level: u32, rows: usize) -> InputData {
    match data {
        InputData::Label(_, names) => InputData::Label(vec![level; rows], names.clone()),
        InputData::Column(column) => {
            let values = match &column.values {
                Values::Category { levels, .. } => {
                    Values::Category { codes: vec![level; rows], levels: levels.clone() }
                }
                _ => Values::Boolean(vec![u8::from(level == 1); rows]),
            };
            InputData::Column(Arc::new(Column::new("moved", values)))
        }
        InputData::Logit(_) | InputData::Plain(_) | InputData::Handed(_) => {
            with_numbers(data, &vec![f64::from(level); rows])
        }
    }
}
