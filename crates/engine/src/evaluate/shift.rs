//! Covariate shift of one column: new rows against training rows, by counts and two-sample tests.

use std::collections::HashMap;

use collegium_manifest::ColumnType;
use collegium_probe::{
    Family, chance_index, counts_differ, in_bin, numbers_differ, stability_index, tenths,
};
use collegium_records::{ColumnShift, LevelRows, ShiftBin, ShiftHistogram, three_digits};
use collegium_table::{Column, Values};

use super::sample::MOST;
use crate::rows::evenly;

/// Levels that have a bin of the stability index each.
const LEVELS: usize = 50;
/// Most unseen levels that are counted one by one.
const UNSEEN: usize = 10_000;
/// Of these, those that are named.
const NAMED: usize = 20;
/// Bars of a picture.
const BARS: usize = 24;

/// A value as a number: of a time its microseconds, of an image its mean brightness; NaN where it is
/// missing or has no order.
pub(crate) fn ordered(values: &Values, row: usize) -> f64 {
    match values {
        _ if values.is_missing(row) => f64::NAN,
        Values::Number(values) => values[row],
        Values::Time(values) => values[row] as f64,
        Values::Image { shape, pixels } => {
            let size = shape.size();
            let sum: u64 = pixels[row * size..(row + 1) * size].iter().map(|p| u64::from(*p)).sum();
            sum as f64 / size.max(1) as f64
        }
        Values::Boolean(_) | Values::Category { .. } => f64::NAN,
    }
}

/// A column under watch.
pub(super) struct Watched {
    /// As the table spells it.
    pub(super) column: String,
    pub(super) kind: ColumnType,
    training_missing: u64,
    missing: u64,
    side: Kind,
}

enum Kind {
    Ordered(Ordered),
    Levels(Levels),
}

struct Ordered {
    /// Training values, sorted: all, or evenly chosen ones.
    training: Vec<f64>,
    range: Option<(f64, f64)>,
    cuts: Vec<f64>,
    bins: [Vec<u64>; 2],
    edges: Vec<f64>,
    bars: [Vec<u64>; 2],
    outside: u64,
}

#[derive(Default)]
struct Levels {
    /// Most frequent first.
    texts: Vec<String>,
    codes: HashMap<String, usize>,
    training: Vec<u64>,
    new: Vec<u64>,
    unseen: HashMap<String, u64>,
    /// Rows of further unseen levels, which are not counted one by one.
    beyond: u64,
}

impl Watched {
    /// A column as it is on the training rows.
    pub(super) fn new(column: &Column, rows: &[u32]) -> Self {
        let missing = rows.iter().filter(|row| column.is_missing(**row as usize)).count();
        let side = match &column.values {
            Values::Boolean(_) | Values::Category { .. } => Kind::Levels(Levels::new(column, rows)),
            values => Kind::Ordered(Ordered::new(values, rows)),
        };
        Self {
            column: column.name.clone(),
            kind: column.kind(),
            training_missing: missing as u64,
            missing: 0,
            side,
        }
    }

    /// New rows, without those of `seen`.
    pub(super) fn add(&mut self, column: &Column, seen: &[bool]) {
        let unseen = |row: &usize| !seen.get(*row).copied().unwrap_or(false);
        for row in (0..column.len()).filter(unseen) {
            if column.is_missing(row) {
                self.missing += 1;
                continue;
            }
            match &mut self.side {
                Kind::Ordered(ordered_side) => ordered_side.add(ordered(&column.values, row)),
                Kind::Levels(levels) => levels.add(column, row),
            }
        }
    }

    /// Compares the two samples. `sampled` are the new rows' numbers that the test looks at; NaN is missing.
    pub(super) fn finish(self, name: String, sampled: &[f64], family: &Family) -> ColumnShift {
        let kind = self.kind;
        let (mut found, training_known, new_known) = match self.side {
            Kind::Ordered(side) => side.finish(kind, sampled, family),
            Kind::Levels(side) => side.finish(family),
        };
        let missing = [self.training_missing, self.missing];
        if missing != [0, 0] {
            let [training, new] = missing;
            found.bins.push(ShiftBin { label: "missing".to_owned(), training, new });
            let (before, after) = ([training_known, training], [new_known, new]);
            let name = format!("{} missing", family.name);
            found.missing = counts_differ(&before, &after, &Family { name: &name, ..*family });
        }
        let side = |of: fn(&ShiftBin) -> u64| found.bins.iter().map(of).collect::<Vec<u64>>();
        let (training, new) = (side(|bin| bin.training), side(|bin| bin.new));
        let p_values: Vec<f64> =
            [&found.values, &found.missing].into_iter().flatten().map(|t| t.p_value).collect();
        let smallest = p_values.iter().copied().fold(1.0, f64::min);
        ColumnShift {
            column: name,
            kind: self.kind.name().to_owned(),
            psi: stability_index(&training, &new),
            psi_by_chance: chance_index(&training, &new),
            p_value: (smallest * p_values.len().max(1) as f64).min(1.0),
            missing_rows: self.missing,
            ..found
        }
    }
}

impl Ordered {
    fn new(values: &Values, rows: &[u32]) -> Self {
        let mut sorted: Vec<f64> = rows.iter().map(|&row| ordered(values, row as usize)).collect();
        sorted.retain(|x| !x.is_nan());
        sorted.sort_unstable_by(f64::total_cmp);
        let cuts = tenths(&sorted);
        let edges = edges(&sorted);
        let mut made = Self {
            range: sorted.first().copied().zip(sorted.last().copied()),
            bins: [vec![0; cuts.len() + 1], vec![0; cuts.len() + 1]],
            bars: [(); 2].map(|()| vec![0; edges.len().saturating_sub(1)]),
            cuts,
            edges,
            training: Vec::new(),
            outside: 0,
        };
        sorted.iter().for_each(|&x| made.count(0, x));
        if sorted.len() > MOST {
            // Every so many of sorted values: the distribution function stays what it is.
            let places: Vec<u32> = (0..sorted.len() as u32).collect();
            sorted = evenly(&places, MOST).into_iter().map(|at| sorted[at as usize]).collect();
        }
        made.training = sorted;
        made
    }

    fn count(&mut self, side: usize, x: f64) {
        self.bins[side][in_bin(&self.cuts, x)] += 1;
        if let Some(last) = self.bars[side].len().checked_sub(1) {
            let at = self.edges[1..].partition_point(|edge| *edge < x).min(last);
            self.bars[side][at] += 1;
        }
    }

    fn add(&mut self, x: f64) {
        self.count(1, x);
        self.outside += u64::from(self.range.is_some_and(|(low, high)| x < low || x > high));
    }

    fn finish(self, kind: ColumnType, sampled: &[f64], family: &Family) -> (ColumnShift, u64, u64) {
        let known: Vec<f64> = sampled.iter().copied().filter(|x| !x.is_nan()).collect();
        let [training, new] = self.bins;
        let rows = [&training, &new].map(|side| side.iter().sum::<u64>());
        let labels = labels(&self.cuts, kind);
        let bins = labels.into_iter().zip(training.into_iter().zip(new));
        let bins = bins.map(|(label, (training, new))| ShiftBin { label, training, new });
        let [before, after] = self.bars;
        let outside =
            (self.range.is_some() && rows[1] > 0).then(|| self.outside as f64 / rows[1] as f64);
        let histogram = (!self.edges.is_empty()).then_some(ShiftHistogram {
            edges: self.edges,
            training: before,
            new: after,
        });
        let found = ColumnShift {
            values: numbers_differ(&self.training, &known, family),
            outside,
            bins: bins.collect(),
            histogram,
            ..nothing()
        };
        (found, rows[0], rows[1])
    }
}

/// Equal steps between the .5 % and 99.5 % quantile; none where these are one value.
fn edges(sorted: &[f64]) -> Vec<f64> {
    let at = |share: f64| sorted.get((share * sorted.len() as f64) as usize).copied();
    let (Some(low), Some(high)) = (at(0.005), at(0.995).or(sorted.last().copied())) else {
        return Vec::new();
    };
    let step = (high - low) / BARS as f64;
    if !(step.is_normal() && step > 0.0) {
        return Vec::new();
    }
    (0..=BARS).map(|bar| if bar == BARS { high } else { low + step * bar as f64 }).collect()
}

/// Bins between cuts, in words.
fn labels(cuts: &[f64], kind: ColumnType) -> Vec<String> {
    let word = |value: f64| match kind {
        ColumnType::Time => {
            Column::new("", Values::Time(vec![value as i64])).text(0).unwrap_or_default()
        }
        _ if value.fract() == 0.0 && value.abs() < 1e9 => format!("{value}"),
        _ => three_digits(value),
    };
    let (Some(first), Some(last)) = (cuts.first(), cuts.last()) else {
        return vec!["all values".to_owned()];
    };
    let between = cuts.windows(2).map(|pair| format!("{} to {}", word(pair[0]), word(pair[1])));
    std::iter::once(format!("<= {}", word(*first)))
        .chain(between)
        .chain([format!("> {}", word(*last))])
        .collect()
}

impl Levels {
    fn new(column: &Column, rows: &[u32]) -> Self {
        let mut counts: HashMap<String, u64> = HashMap::new();
        for text in rows.iter().filter_map(|&row| column.text(row as usize)) {
            *counts.entry(text).or_default() += 1;
        }
        let sorted = by_frequency(counts);
        Self {
            codes: sorted.iter().enumerate().map(|(at, (text, _))| (text.clone(), at)).collect(),
            new: vec![0; sorted.len()],
            training: sorted.iter().map(|(_, rows)| *rows).collect(),
            texts: sorted.into_iter().map(|(text, _)| text).collect(),
            ..Self::default()
        }
    }

    fn add(&mut self, column: &Column, row: usize) {
        let Some(text) = column.text(row) else { return };
        if let Some(at) = self.codes.get(&text) {
            self.new[*at] += 1;
        } else if self.unseen.len() < UNSEEN || self.unseen.contains_key(&text) {
            *self.unseen.entry(text).or_default() += 1;
        } else {
            self.beyond += 1;
        }
    }

    fn finish(self, family: &Family) -> (ColumnShift, u64, u64) {
        let unseen = by_frequency(self.unseen);
        let unseen_rows = unseen.iter().map(|(_, rows)| rows).sum::<u64>() + self.beyond;
        // Every level is a bin of the test, unseen ones too.
        let more = unseen.iter().map(|(_, rows)| *rows).chain([self.beyond]);
        let all: Vec<u64> = self.new.iter().copied().chain(more).collect();
        let mut before = self.training.clone();
        before.resize(all.len(), 0);
        let named =
            self.texts.len().min(if self.texts.len() > LEVELS + 1 { LEVELS } else { LEVELS + 1 });
        let mut bins: Vec<ShiftBin> = (0..named)
            .map(|at| ShiftBin {
                label: self.texts[at].clone(),
                training: self.training[at],
                new: self.new[at],
            })
            .collect();
        if self.texts.len() > named {
            let rest = |of: &[u64]| of[named..].iter().sum();
            let (training, new) = (rest(&self.training), rest(&self.new));
            bins.push(ShiftBin { label: "other levels".to_owned(), training, new });
        }
        if unseen_rows > 0 {
            bins.push(ShiftBin { label: "unseen".to_owned(), training: 0, new: unseen_rows });
        }
        let rows = [&before, &all].map(|side| side.iter().sum::<u64>());
        let unseen = unseen.into_iter().take(NAMED);
        let found = ColumnShift {
            values: counts_differ(&before, &all, family),
            unseen_rows,
            unseen: unseen.map(|(level, rows)| LevelRows { level, rows }).collect(),
            bins,
            ..nothing()
        };
        (found, rows[0], rows[1])
    }
}

/// Most frequent first; equally frequent ones by the alphabet.
pub(super) fn by_frequency(counts: HashMap<String, u64>) -> Vec<(String, u64)> {
    let mut sorted: Vec<(String, u64)> = counts.into_iter().collect();
    sorted.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    sorted
}

fn nothing() -> ColumnShift {
    ColumnShift {
        column: String::new(),
        kind: String::new(),
        psi: 0.0,
        psi_by_chance: 0.0,
        values: None,
        missing: None,
        p_value: 1.0,
        adjusted: 1.0,
        moved: false,
        missing_rows: 0,
        unseen_rows: 0,
        unseen: Vec::new(),
        outside: None,
        bins: Vec::new(),
        histogram: None,
    }
}

#[cfg(test)]
mod tests {
    use collegium_digest::Digest;

    use super::*;

    fn shift(training: Values, new: Values, sampled: &[f64]) -> ColumnShift {
        let rows: Vec<u32> = (0..training.len() as u32).collect();
        let mut watched = Watched::new(&Column::new("x", training), &rows);
        watched.add(&Column::new("x", new), &[]);
        let key = Digest::of(b"k");
        watched.finish("t.x".to_owned(), sampled, &Family { key: &key, name: "t.x", tests: 1 })
    }

    #[test]
    fn a_number_has_tenths_bars_a_range_and_missing_values() {
        let training: Vec<f64> = (0..100).map(f64::from).chain([f64::NAN]).collect();
        let new = vec![-5.0, 5.0, 50.0, 99.0, 120.0, f64::NAN];
        let found = shift(Values::Number(training), Values::Number(new.clone()), &new);
        assert_eq!(found.outside, Some(0.4));
        assert_eq!(found.missing_rows, 1);
        let labels: Vec<&str> = found.bins.iter().map(|bin| bin.label.as_str()).collect();
        assert_eq!(
            (labels[0], labels[1], labels[9], labels[10]),
            ("<= 9", "9 to 19", "> 89", "missing")
        );
        assert!(found.bins[..10].iter().all(|bin| bin.training == 10));
        let histogram = found.histogram.expect("a number has one");
        assert_eq!(histogram.training.iter().sum::<u64>(), 100);
        assert_eq!(histogram.new.iter().sum::<u64>(), 5);
        assert!(found.values.is_some() && found.missing.is_some());
        assert!(found.p_value >= found.missing.expect("some are missing").p_value);
    }

    #[test]
    fn levels_come_by_frequency_and_unseen_ones_are_counted() {
        let training = Values::Category {
            codes: vec![0, 1, 1, 1, 0, 2],
            levels: ["a", "b", "c"].map(str::to_owned).to_vec(),
        };
        let new = Values::Category {
            codes: vec![0, 3, 3, 1, u32::MAX],
            levels: ["b", "c", "unused", "z"].map(str::to_owned).to_vec(),
        };
        let found = shift(training, new, &[]);
        let bins: Vec<(&str, u64, u64)> =
            found.bins.iter().map(|bin| (bin.label.as_str(), bin.training, bin.new)).collect();
        assert_eq!(
            bins,
            [("b", 3, 1), ("a", 2, 0), ("c", 1, 1), ("unseen", 0, 2), ("missing", 0, 1)]
        );
        assert_eq!(found.unseen, [LevelRows { level: "z".to_owned(), rows: 2 }]);
        assert_eq!(found.outside, None);
    }

    #[test]
    fn what_was_empty_in_training_may_hold_anything() {
        let found =
            shift(Values::Number(vec![f64::NAN; 30]), Values::Number(vec![1.0; 30]), &[1.0; 30]);
        assert!(found.values.is_none() && found.outside.is_none() && found.histogram.is_none());
        assert!(found.missing.expect("some are missing").p_value < 1e-9);
    }
}
