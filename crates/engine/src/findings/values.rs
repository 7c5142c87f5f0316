//! Suspicious values of inputs and target: codes that are read as quantities, outliers, inputs that give
//! the target away (data leakage). Examined once per content of the training rows and remembered.

use std::sync::Arc;

use collegium_data::Side;
use collegium_manifest::{Input, Task};
use collegium_probe::{Determined, Truth, codes, determined_by_levels, determined_by_order, far};
use collegium_records::{Level, Recipe, three_digits as three};
use collegium_table::{Column, MISSING_CODE, Values};

use super::{
    found::{Found, Hint},
    words,
};
use crate::{
    EngineError, NodeRef, Session,
    mutex::lock_mutex,
    rows::{Rows, SIDES, evenly, side_name},
};

/// Raised when more is looked for, or otherwise.
const FORM: u32 = 3;

/// So many training rows are compared with their targets; far values are looked for in all.
const ROWS: usize = 10_000;

/// Levels at most of a column of whole numbers that stands beside one that is out of order.
const COMPANION: usize = 12;

/// So many times as much as a line must few levels explain that keep to an order.
const MUCH_MORE: f64 = 1.5;

/// A whole number whose name ends so is a code, if its levels say more than a line.
const NAMES: [&str; 9] =
    ["_id", "_code", "code", "_type", "type", "_class", "_group", "_zone", "_region"];

/// The kinds of hints.
const KINDS: [&str; 4] =
    ["codes-as-quantities", "far-values", "determines-target", "level-for-nearly-every-row"];

pub(super) fn of(session: &Session, index: usize) -> Result<Vec<Found>, EngineError> {
    let spec = session.node(index).declared();
    let hints = session.node(index).hints()?;
    let found = hints.iter().filter_map(|hint| {
        let kind = KINDS.into_iter().find(|kind| *kind == hint.kind)?;
        let span = spec.inputs.get(hint.input).map_or_else(|| spec.target.span(), |i| i.span());
        let Hint { label, text, help, .. } = hint.clone();
        Some(Found { kind, level: Level::Note, span, label, text, help })
    });
    Ok(found.collect())
}

impl NodeRef<'_> {
    /// The hints about an expert's inputs, looked up or made.
    fn hints(self) -> Result<Arc<Vec<Hint>>, EngineError> {
        let first = self.session.alike().columns(self.index);
        if let Some(known) = lock_mutex(&self.session.alike().hints).get(&first) {
            return Ok(known.clone());
        }
        let mut recipe = Recipe::new("hints")
            .with("form", FORM)
            .with("rows", self.session.rows_key(Rows::Train { expert: self.index }))
            .with("task", self.resolved().task.name());
        // By place, since a hint names the place of its input. Nothing is looked for in what an upstream hands
        // over.
        for (at, input) in self.declared().inputs.iter().enumerate() {
            if let column @ Input::Column { .. } = input.get_ref() {
                recipe.set(format!("input.{at}"), column.to_string());
            }
        }
        let key = recipe.digest();
        let hints = Arc::new(self.session.remembered("hints", &key, || self.look_for_hints())?);
        lock_mutex(&self.session.alike().hints).insert(first, hints.clone());
        Ok(hints)
    }

    fn look_for_hints(self) -> Result<Vec<Hint>, EngineError> {
        let table = self.table()?;
        let spec = self.declared();
        let target = spec.target.get_ref();
        let all = self.session.rows(Rows::Train { expert: self.index })?;
        let rows = evenly(&all, ROWS);
        let truths = self.truths(&rows)?;
        let (mut ordered, mut few) = (Vec::new(), Vec::new());
        let mut hints = Vec::new();
        for (at, input) in spec.inputs.iter().enumerate() {
            let Input::Column { data, column } = input.get_ref() else { continue };
            if column == target {
                continue;
            }
            let Some(values) = table.column(column) else { continue };
            let name = format!("{data}.{column}");
            hints.extend(self.far_values(at, &name, values)?);
            // The others' truth says nothing of a row whose value is missing.
            let known: Vec<usize> =
                (0..rows.len()).filter(|&at| !values.is_missing(rows[at] as usize)).collect();
            let truth = truths.of(&known);
            if let Values::Number(numbers) = &values.values {
                let x: Vec<f64> = known.iter().map(|&at| numbers[rows[at] as usize]).collect();
                match codes(&x, truth.view()) {
                    Some(found) if is_suspect(column, &found) => {
                        ordered.push((at, column.as_str(), found));
                    }
                    Some(found) if found.levels <= COMPANION => few.push((column.as_str(), found)),
                    _ => {}
                }
            }
            let determined = determined(values, &known, &rows, truth.view());
            hints.extend(determined.map(|found| {
                determined_hint(at, &name, &format!("{data}.{target}"), known.len(), found)
            }));
        }
        hints.extend(codes_hint(&spec.data, &ordered, &few));
        hints.sort_by_key(|hint| KINDS.iter().position(|kind| *kind == hint.kind));
        Ok(hints)
    }

    fn truths(self, rows: &[u32]) -> Result<Truths, EngineError> {
        Ok(match self.resolved().task {
            Task::Classification => {
                let labels = self.labels()?;
                Truths::Classes(
                    rows.iter().map(|&row| labels[row as usize]).collect(),
                    self.resolved().classes.len(),
                )
            }
            Task::Regression => {
                let target = self.target_values()?;
                Truths::Values(rows.iter().map(|&row| target[row as usize]).collect())
            }
        })
    }

    fn far_values(
        self,
        at: usize,
        name: &str,
        column: &Column,
    ) -> Result<Option<Hint>, EngineError> {
        let Values::Number(numbers) = &column.values else { return Ok(None) };
        let train = self.session.rows(Rows::Train { expert: self.index })?;
        let trained: Vec<f64> = train
            .iter()
            .map(|&row| numbers[row as usize])
            .filter(|value| !value.is_nan())
            .collect();
        let mut rows = Vec::new();
        let mut ends = Vec::new();
        for side in SIDES {
            rows.extend(
                self.session.rows(Rows::Side { expert: self.index, side })?.iter().copied(),
            );
            ends.push((side, rows.len()));
        }
        let all: Vec<f64> = rows.iter().map(|&row| numbers[row as usize]).collect();
        let Some(found) = far(&trained, &all) else { return Ok(None) };
        let mut begin = 0;
        let mut by_side = Vec::new();
        let mut in_training = false;
        for (side, end) in ends {
            let count = found.places.iter().filter(|place| (begin..end).contains(*place)).count();
            if count > 0 {
                in_training |= side == Side::Train;
                by_side.push(format!("{count} {}", words::side_adjective(side_name(side))));
            }
            begin = end;
        }
        let row = rows[found.farthest];
        let far = match found.above && found.below {
            true => "far below or above",
            false if found.below => "far below",
            false => "far above",
        };
        let far = match found.spreads {
            true => "more than 100 spreads from".to_owned(),
            false => far.to_owned(),
        };
        let verb = if found.places.len() == 1 { "lies" } else { "lie" };
        let short = column.name.as_str();
        let bare = short.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && !short.starts_with(|c: char| c.is_ascii_digit());
        let quoted = match bare {
            true => short.to_owned(),
            false => format!("\"{}\"", short.replace('"', "\"\"")),
        };
        let (low, high) = (bound(found.low, -found.spread), bound(found.high, found.spread));
        let help = match in_training {
            true => {
                "the scale of the column is that of these values, and beside them all others look \
                 alike: "
            }
            false => "the expert has never seen such values: ",
        };
        let sentinel = found.same.map(|value| {
            let text = collegium_table::number_text(value);
            format!(
                "if {text} means that the value is missing, say so: `missing = {:?}` for all columns, or \
                 `nullif({quoted}, {text})` in `derive` for this one; else ",
                self.missing_with(&text)
            )
        });
        // The bounds leave a spread on each side of what is near.
        let bounded = match (found.below, found.above) {
            (true, true) => format!("min(max({quoted}, {low}), {high})"),
            (true, false) => format!("max({quoted}, {low})"),
            _ => format!("min({quoted}, {high})"),
        };
        let help = format!(
            "{help}{}correct them, leave their rows out with `where`, or bound the column in `derive`, as in \
             `{bounded}`",
            sentinel.unwrap_or_default()
        );
        Ok(Some(Hint {
            kind: "far-values".to_owned(),
            input: at,
            label: format!("as far out as {}", figure(all[found.farthest])),
            text: format!(
                "{} of {} values of `{name}` {verb} {far} all others ({}): {} {} in row {} of the table, where the median is {} and the spread between the quartiles \
                 {}",
                found.places.len(),
                all.iter().filter(|value| !value.is_nan()).count(),
                by_side.join(", "),
                if found.same.is_some() { "each is the same," } else { "such as" },
                figure(all[found.farthest]),
                row + 1,
                figure(found.median),
                figure(found.spread),
            ),
            help: Some(help),
        }))
    }
}

impl NodeRef<'_> {
    /// The texts that mean "missing" in an expert's data source, and one more.
    fn missing_with(self, text: &str) -> Vec<String> {
        let source = &self.session.pipeline.data[&self.declared().data];
        source.missing.iter().cloned().chain([text.to_owned()]).collect()
    }
}

/// Truths of the rows that are looked at.
enum Truths {
    Classes(Vec<u32>, usize),
    Values(Vec<f64>),
}

impl Truths {
    fn of(&self, places: &[usize]) -> Self {
        match self {
            Self::Classes(labels, classes) => {
                Self::Classes(places.iter().map(|&at| labels[at]).collect(), *classes)
            }
            Self::Values(values) => Self::Values(places.iter().map(|&at| values[at]).collect()),
        }
    }

    fn view(&self) -> Truth<'_> {
        match self {
            Self::Classes(labels, classes) => Truth::Classes { labels, classes: *classes },
            Self::Values(values) => Truth::Values(values),
        }
    }
}

/// Levels at most of a column of numbers that is looked up in, level by level.
const LOOKED_UP: usize = 64;

fn determined(column: &Column, known: &[usize], rows: &[u32], truth: Truth) -> Option<Determined> {
    let at = |place: &usize| rows[*place] as usize;
    let levels: Vec<u64> = match &column.values {
        Values::Number(numbers) => {
            let x: Vec<f64> = known.iter().map(|place| numbers[at(place)]).collect();
            if let Some(found) = determined_by_order(&x, truth) {
                return Some(found);
            }
            let levels: Vec<u64> = x.iter().map(|value| (value + 0.0).to_bits()).collect();
            // A number with a value for nearly every row is as numbers are.
            return determined_by_levels(&levels, truth)
                .filter(|found| matches!(found, Determined::Levels(n) if *n <= LOOKED_UP));
        }
        Values::Boolean(values) => known.iter().map(|place| u64::from(values[at(place)])).collect(),
        Values::Category { codes, .. } => known
            .iter()
            .map(|place| codes[at(place)])
            .filter(|code| *code != MISSING_CODE)
            .map(u64::from)
            .collect(),
        Values::Time(_) | Values::Image { .. } => return None,
    };
    determined_by_levels(&levels, truth)
}

fn determined_hint(at: usize, name: &str, target: &str, rows: usize, found: Determined) -> Hint {
    let how = match found {
        Determined::LevelForNearlyEveryRow(levels) => {
            return Hint {
                kind: "level-for-nearly-every-row".to_owned(),
                input: at,
                label: format!("{levels} levels"),
                text: format!(
                    "`{name}` has a level for nearly every row: {levels} on {rows} training rows"
                ),
                help: Some(
                    "nothing that is learned of one row helps with another: leave it out of `inputs`, \
                     or say its type with `types` if it is no category"
                        .to_owned(),
                ),
            };
        }
        Determined::Levels(levels) => format!("each of its {levels} levels has one value of it"),
        Determined::Thresholds(1) => "a threshold parts the classes".to_owned(),
        Determined::Thresholds(cuts) => format!("{cuts} thresholds part the classes"),
        Determined::Line(share) => {
            format!("a straight line in it has an R² of {share:.4}")
        }
        Determined::Order => "the target rises or falls with it without an exception".to_owned(),
    };
    Hint {
        kind: "determines-target".to_owned(),
        input: at,
        label: "determines the target".to_owned(),
        text: format!("`{name}` alone determines `{target}` on {rows} training rows: {how}"),
        help: Some(
            "is it known before the target is? If not, take it out of `inputs`: what it gives away in \
             training will not be there when it matters"
                .to_owned(),
        ),
    }
}

/// One hint for all columns of whole numbers, since they are changed in one line.
fn codes_hint(
    data: &str,
    found: &[(usize, &str, collegium_probe::Codes)],
    few: &[(&str, collegium_probe::Codes)],
) -> Option<Hint> {
    let (first, _, _) = found.first()?;
    let said: Vec<String> = found
        .iter()
        .map(|(_, column, codes)| {
            format!(
                "`{data}.{column}` ({} levels; they explain {} % of the target, a straight line {} %)",
                codes.levels,
                three(100.0 * codes.categories),
                three(100.0 * codes.line)
            )
        })
        .collect();
    let quoted = |column: &str| match column
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
    {
        true => format!("{column} = \"category\""),
        false => format!("{column:?} = \"category\""),
    };
    let types: Vec<String> = found.iter().map(|(_, column, _)| quoted(column)).collect();
    let mut help = format!(
        "if they are codes and not quantities, say so in `[data.{data}]`: `types = {{ {} }}`",
        types.join(", ")
    );
    if !few.is_empty() {
        let few: Vec<String> =
            few.iter().map(|(column, codes)| format!("`{column}` ({})", codes.levels)).collect();
        help.push_str(&format!("; these have few levels too: {}", few.join(", ")));
    }
    Some(Hint {
        kind: "codes-as-quantities".to_owned(),
        input: *first,
        label: "whole numbers of few levels".to_owned(),
        text: format!(
            "whole numbers of few levels are read as quantities, and the target does not follow their \
             order: {}",
            said.join(", ")
        ),
        help: Some(help),
    })
}

/// Do the levels not keep to their order, or say much more than a line?
fn is_suspect(column: &str, found: &collegium_probe::Codes) -> bool {
    let much_more = found.levels <= COMPANION && found.categories > MUCH_MORE * found.line;
    found.out_of_order || (found.beyond_line && (much_more || is_code(column)))
}

fn is_code(column: &str) -> bool {
    let lower = column.to_lowercase();
    lower == "id" || NAMES.iter().any(|end| lower.ends_with(end))
}

/// A bound beyond a value by this much, rounded if that keeps it beyond.
fn bound(value: f64, beyond: f64) -> String {
    let exact = value + beyond;
    let rounded = three(exact).parse().unwrap_or(exact);
    let outside = (rounded - value) * beyond > 0.0;
    collegium_table::number_text(if outside { rounded } else { exact })
}

/// A number in a sentence: large and small ones by their powers of ten.
fn figure(value: f64) -> String {
    match value.abs() {
        size if size != 0.0 && !(1e-4..1e6).contains(&size) => format!("{value:.3e}"),
        _ => three(value),
    }
}
