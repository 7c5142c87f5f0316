//! Train, validation and test split: how the rows of a data source are divided.
//!
//! Whatever the rule, a row's side follows from what the row itself says (its identity, a column, its
//! file, its time) and from the file's settings, never from the other rows.

use std::collections::BTreeMap;

use toml::Spanned;

use super::Rotation;

/// `data.NAME.split`
#[derive(Debug, Clone)]
pub struct Split {
    /// What decides.
    pub rule: SplitRule,
    /// Share of training rows.
    pub train: f64,
    /// Share of validation rows (early stopping, certificates). Where a column or files say which rows
    /// are for training: the share of these that validates instead.
    pub valid: f64,
    /// Share of test rows.
    pub test: f64,
    /// Rows that agree on these columns fall on one side; empty: a row is a group of its own. With a
    /// split by time they decide no side, unless it holds groups out.
    pub by: Vec<Spanned<String>>,
    /// Keep the shares within each value of this column.
    pub stratify: Option<Spanned<String>>,
    /// The seed of sides and folds. `pipeline.seed` moves neither.
    pub seed: u64,
    /// Another deal of the same rows; `None`: the one that the file declares.
    pub rotation: Option<Rotation>,
}

/// What decides on which side a row falls.
#[derive(Debug, Clone)]
pub enum SplitRule {
    /// Chance: a hash of the row's identity, cut at the shares.
    Shares,
    /// A column says it.
    Column(ByColumn),
    /// The file that the row was read from says it.
    Files(ByFiles),
    /// Training before validation before test.
    Time(ByTime),
}

/// A column holds the side of each row.
#[derive(Debug, Clone)]
pub struct ByColumn {
    /// The column.
    pub column: Spanned<String>,
    /// Its values that mean training.
    pub train: Vec<Spanned<String>>,
    /// Which rows validate.
    pub valid: ValidRows,
    /// Its values that mean test.
    pub test: Vec<Spanned<String>>,
    /// Its values whose rows are on no side.
    pub unused: Vec<Spanned<String>>,
}

/// Which rows of a split by a column validate.
#[derive(Debug, Clone)]
pub enum ValidRows {
    /// Those with these values.
    Values(Vec<Spanned<String>>),
    /// [`Split::valid`] of the training rows, by groups.
    Drawn,
    /// Those that the column calls validation by a usual name; if there are none, as [`Self::Drawn`].
    Found,
}

/// Each side has files of its own.
#[derive(Debug, Clone)]
pub struct ByFiles {
    /// The validation rows; without it they are drawn from the training rows.
    pub valid: Option<Spanned<String>>,
    /// The test rows.
    pub test: Spanned<String>,
}

/// Sides follow each other in time.
#[derive(Debug, Clone)]
pub struct ByTime {
    /// The column of times, or of numbers that stand for them (years).
    pub column: Spanned<String>,
    /// The first time of validation; `None`: so that [`Split::valid`] of the rows lie in it.
    pub valid_from: Option<Spanned<String>>,
    /// The first time of test; `None`: so that [`Split::test`] of the rows lie in it.
    pub test_from: Option<Spanned<String>>,
    /// Rows so shortly before a boundary are on no side.
    pub gap: Option<Spanned<Gap>>,
    /// How long a block of time is whose rows are resampled together; `None`: by the autocorrelation of losses.
    /// It decides on no row's side.
    pub block: Option<Spanned<Gap>>,
    /// Groups of `by` are dealt to sides too, and a row whose group and time disagree is on none.
    pub hold_groups: bool,
}

/// A length of time.
#[derive(Debug, Clone, PartialEq)]
pub enum Gap {
    /// `"7 days"`
    Span {
        /// As it is written.
        text: String,
        /// Its length.
        microseconds: i64,
    },
    /// In the unit of a numeric column.
    Number(f64),
}

impl Split {
    /// How rows fall on sides, as a sentence without a full stop.
    pub fn words(&self) -> String {
        let share = |part: f64| format!("{} %", (1000.0 * part).round() / 10.0);
        let code = |text: &Spanned<String>| format!("`{}`", text.get_ref());
        let list = |all: &[Spanned<String>]| all.iter().map(code).collect::<Vec<_>>().join(", ");
        let mut text = match &self.rule {
            SplitRule::Shares => format!(
                "at random: {} training, {} validation, {} test",
                share(self.train),
                share(self.valid),
                share(self.test)
            ),
            SplitRule::Column(rule) => {
                let valid = match &rule.valid {
                    ValidRows::Values(values) => list(values),
                    ValidRows::Drawn => format!("{} of the training rows", share(self.valid)),
                    ValidRows::Found => {
                        format!("as it says, or {} of the training rows", share(self.valid))
                    }
                };
                format!(
                    "by column {}: training {}, validation {valid}, test {}",
                    code(&rule.column),
                    list(&rule.train),
                    list(&rule.test)
                )
            }
            SplitRule::Files(rule) => format!(
                "by file: test {}, validation {}",
                code(&rule.test),
                match &rule.valid {
                    Some(file) => code(file),
                    None => format!("{} of the training rows", share(self.valid)),
                }
            ),
            SplitRule::Time(rule) => {
                let from = |at: &Option<Spanned<String>>, part| match at {
                    Some(time) => format!("from {}", time.get_ref()),
                    None => format!("the latest {}", share(part)),
                };
                let valid = match &rule.valid_from {
                    Some(time) => format!("from {}", time.get_ref()),
                    None => format!("the {} before the test rows", share(self.valid)),
                };
                let gap = match &rule.gap {
                    Some(gap) => format!(
                        "; rows less than {} before a boundary are on no side",
                        match gap.get_ref() {
                            Gap::Span { text, .. } => text.clone(),
                            Gap::Number(number) => number.to_string(),
                        }
                    ),
                    None => String::new(),
                };
                format!(
                    "by time ({}): validation {valid}, test {}{gap}",
                    code(&rule.column),
                    from(&rule.test_from, self.test)
                )
            }
        };
        let by = list(&self.by);
        match &self.rule {
            _ if self.by.is_empty() => {}
            SplitRule::Time(rule) if rule.hold_groups => {
                text += &format!("; groups of equal {by} are held out too");
            }
            SplitRule::Time(_) => {}
            _ => text += &format!("; rows with equal {by} are on one side"),
        }
        if let Some(column) = &self.stratify {
            text += &format!("; shares are kept within each value of {}", code(column));
        }
        text
    }

    /// Where whole groups are drawn, so that the shares of rows are not those that were declared: the shares that came
    /// out of `rows` training, validation and test rows, as words that go on after [`Split::words`].
    pub fn came_out(&self, rows: [u64; 3]) -> Option<String> {
        let drawn = match &self.rule {
            SplitRule::Shares => true,
            SplitRule::Column(rule) => !matches!(rule.valid, ValidRows::Values(_)),
            SplitRule::Files(rule) => rule.valid.is_none(),
            SplitRule::Time(rule) => rule.hold_groups,
        };
        let all: u64 = rows.iter().sum();
        if self.by.is_empty() || !drawn || all == 0 {
            return None;
        }
        // The last digit that is shown decides whether they differ.
        let tenths = |part: f64| (1000.0 * part).round();
        let shares = rows.map(|rows| tenths(rows as f64 / all as f64));
        let declared = [self.train, self.valid, self.test].map(tenths);
        if matches!(self.rule, SplitRule::Shares) && shares == declared {
            return None;
        }
        let shown = shares.map(|share| format!("{}", share / 10.0)).join(" / ");
        let by: Vec<String> = self.by.iter().map(|name| format!("`{}`", name.get_ref())).collect();
        Some(format!(
            "; as whole groups of {} are drawn, {shown} % of the rows came out",
            by.join(", ")
        ))
    }

    /// Every setting that decides which side a row falls on, by its key: what two splits are compared by.
    pub fn settings(&self) -> BTreeMap<String, String> {
        let names = |names: &[Spanned<String>]| {
            let names: Vec<&str> = names.iter().map(|name| name.get_ref().as_str()).collect();
            names.join(", ")
        };
        let text = |value: &Spanned<String>| value.get_ref().clone();
        let valid = ("valid", self.valid.to_string());
        let mut found = vec![("seed", self.seed.to_string())];
        found.extend(self.rotation.as_ref().map(|rotation| ("rotation", rotation.to_string())));
        match &self.rule {
            SplitRule::Shares => found.extend([
                ("train", self.train.to_string()),
                valid,
                ("test", self.test.to_string()),
            ]),
            SplitRule::Column(rule) => {
                found.extend([
                    ("column", text(&rule.column)),
                    ("train", names(&rule.train)),
                    ("test", names(&rule.test)),
                ]);
                found.push(match &rule.valid {
                    ValidRows::Values(values) => ("valid", names(values)),
                    ValidRows::Drawn | ValidRows::Found => valid,
                });
                found.extend((!rule.unused.is_empty()).then(|| ("unused", names(&rule.unused))));
            }
            SplitRule::Files(rule) => {
                found.push(("test_file", text(&rule.test)));
                found.push(match &rule.valid {
                    Some(file) => ("valid_file", text(file)),
                    None => valid,
                });
            }
            SplitRule::Time(rule) => {
                found.push(("time", text(&rule.column)));
                found.push(match &rule.valid_from {
                    Some(from) => ("valid_from", text(from)),
                    None => valid,
                });
                found.push(match &rule.test_from {
                    Some(from) => ("test_from", text(from)),
                    None => ("test", self.test.to_string()),
                });
                found.extend(rule.gap.as_ref().map(|gap| ("gap", gap.get_ref().to_string())));
                found.extend(rule.hold_groups.then(|| ("hold_groups", "true".to_owned())));
            }
        }
        if !self.by.is_empty() {
            found.push(("by", names(&self.by)));
        }
        if let Some(column) = &self.stratify {
            found.push(("stratify", column.get_ref().clone()));
        }
        found.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }

    /// The settings of a split by time.
    pub fn time(&self) -> Option<&ByTime> {
        match &self.rule {
            SplitRule::Time(time) => Some(time),
            _ => None,
        }
    }

    /// Are folds forward in time?
    pub fn is_forward(&self) -> bool {
        self.time().is_some()
    }

    /// The column that the rule names, if it names one.
    pub fn column(&self) -> Option<&Spanned<String>> {
        match &self.rule {
            SplitRule::Column(rule) => Some(&rule.column),
            SplitRule::Time(rule) => Some(&rule.column),
            SplitRule::Shares | SplitRule::Files(_) => None,
        }
    }
}

impl Gap {
    /// Its length: microseconds, or the column's own unit.
    pub fn length(&self) -> f64 {
        match self {
            Self::Span { microseconds, .. } => *microseconds as f64,
            Self::Number(number) => *number,
        }
    }
}

impl std::fmt::Display for Gap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Span { text, .. } => f.write_str(text),
            Self::Number(number) => write!(f, "{number}"),
        }
    }
}
