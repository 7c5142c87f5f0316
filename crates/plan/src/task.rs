//! Type of prediction task (classification or regression) that a target asks for.

use std::fmt;

use collegium_manifest::{ColumnType, Task};

/// What is known of a target column.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetFacts {
    /// Its type.
    pub kind: ColumnType,
    /// Only 0, 1 and missing values?
    pub binary: bool,
    /// Only whole numbers and missing values?
    pub integer: bool,
    /// The texts or whole numbers that occur, as far as they are known, sorted.
    pub levels: Vec<String>,
}

/// Why a target cannot be predicted as asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskError {
    /// Whole numbers may be classes or quantities: the file must say.
    Ambiguous,
    /// Texts are not quantities.
    TextRegression,
    /// A quantity with fractions has no classes.
    NumberClassification,
    /// Dates are neither.
    Time,
    /// Nor are images.
    Image,
    /// Fewer than two classes.
    OneClass(Vec<String>),
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ambiguous => f.write_str("an integer target may mean classes or a quantity"),
            Self::TextRegression => f.write_str("a text target cannot be regressed on"),
            Self::NumberClassification => f.write_str("a target with fractions has no classes"),
            Self::Time => f.write_str("a date or time cannot be a target"),
            Self::Image => f.write_str("an image cannot be a target"),
            Self::OneClass(classes) => match classes.first() {
                Some(only) => write!(f, "the target has only one class, `{only}`"),
                None => f.write_str("the target has no values"),
            },
        }
    }
}

impl TaskError {
    /// The way out.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Ambiguous => {
                "add `task = \"classification\"` or `task = \"regression\"` to the expert"
            }
            Self::TextRegression => "remove `task`, or choose a numeric target",
            Self::NumberClassification => {
                "remove `task`, or derive a class: `derive = { late = \"delay > 15\" }`"
            }
            Self::Time => "derive a number or a class from it with `derive`",
            Self::Image => "choose a column of labels or numbers; images can only be inputs",
            Self::OneClass(_) => {
                "choose a target with at least two classes among the expert's rows"
            }
        }
    }
}

/// The task of an expert and its classes, from what the file says and what the target holds.
///
/// A column of only 0 and 1 counts as boolean; booleans and texts are classified; numbers with
/// fractions are regressed on; any other integer column must say.
///
/// # Errors
/// [`TaskError`] when file and column do not go together.
pub fn resolve_task(
    declared: Option<Task>,
    target: &TargetFacts,
) -> Result<(Task, Vec<String>), TaskError> {
    let texts = |pair: [&str; 2]| pair.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
    let task = match (target.kind, declared) {
        (ColumnType::Time, _) => return Err(TaskError::Time),
        (ColumnType::Image, _) => return Err(TaskError::Image),
        (ColumnType::Category, Some(Task::Regression)) => return Err(TaskError::TextRegression),
        (ColumnType::Category | ColumnType::Boolean, None) => Task::Classification,
        (ColumnType::Number, None) if target.binary => Task::Classification,
        (ColumnType::Number, None) if target.integer => return Err(TaskError::Ambiguous),
        (ColumnType::Number, None) => Task::Regression,
        (ColumnType::Number, Some(Task::Classification)) if !target.integer => {
            return Err(TaskError::NumberClassification);
        }
        (_, Some(task)) => task,
    };
    let classes = match (task, target.kind) {
        (Task::Regression, _) => Vec::new(),
        (Task::Classification, ColumnType::Boolean) => texts(["false", "true"]),
        (Task::Classification, ColumnType::Number) if target.binary => texts(["0", "1"]),
        (Task::Classification, _) => target.levels.clone(),
    };
    if task == Task::Classification && classes.len() < 2 {
        return Err(TaskError::OneClass(classes));
    }
    Ok((task, classes))
}
