//! Resolution and type checking of every expert's columns, with all errors at once.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, atomic::Ordering},
};

use collegium_data::{ColumnFacts, Side};
use collegium_manifest::{
    ClassWeights, ColumnType, DecisionThreshold, Diagnostic, Diagnostics, Input, Output,
    Requirement, SourceOrigin, Spanned, Task, suggest,
};
use collegium_plan::{TargetFacts, resolve_task};
use collegium_records::{CLASSIFICATION_METRICS, Code, EXPECTED_COST, REGRESSION_METRICS};
use collegium_table::Values;

use crate::{EngineError, NodeRef, Session, resolved::Resolved, rows::Rows};

/// Columns that are compared with wrong names to say what was meant, at most, in one session.
const COMPARISONS: usize = 500_000;
/// Columns that are listed where none is near.
const SHOWN: usize = 50;

/// So many classes are few, whatever the number of rows.
const FEW_CLASSES: usize = 20;

/// The raw columns of every expert and its ancestors, by name.
struct RawColumns<'a> {
    /// By expert; empty until it was read.
    of: Vec<Arc<[Input]>>,
    /// Lists by data source and names.
    known: HashMap<(&'a str, Vec<String>), Arc<[Input]>>,
}

impl<'a> RawColumns<'a> {
    fn new(experts: usize) -> Self {
        Self { of: vec![Arc::default(); experts], known: HashMap::new() }
    }

    /// Those of an expert that reads its `own` and, by what feeds it, those `above`.
    fn read(
        &mut self,
        index: usize,
        data: &'a str,
        own: Vec<&str>,
        above: &[usize],
    ) -> Arc<[Input]> {
        let held = |all: &[Input], name: &str| {
            all.binary_search_by(|input| input.column().unwrap_or_default().cmp(name)).is_ok()
        };
        // Most experts read nothing that the one above them does not read.
        let shared = above.first().map(|&from| &self.of[from]).filter(|first| {
            above.iter().all(|&from| Arc::ptr_eq(&self.of[from], first))
                && own.iter().all(|name| held(first, name))
        });
        let columns = match shared {
            Some(shared) => shared.clone(),
            None => {
                let fed = above.iter().flat_map(|&from| self.of[from].iter());
                let mut names: Vec<String> =
                    fed.filter_map(Input::column).chain(own).map(str::to_owned).collect();
                names.sort_unstable();
                names.dedup();
                let make = |(data, names): &(&str, Vec<String>)| {
                    let column = |name: &String| Input::Column {
                        data: (*data).to_owned(),
                        column: name.clone(),
                    };
                    names.iter().map(column).collect()
                };
                let known = self.known.entry((data, names));
                known.or_insert_with_key(make).clone()
            }
        };
        self.of[index] = columns.clone();
        columns
    }
}

impl Session {
    /// Checks every column, output, target and predicate; all findings at once.
    pub(crate) fn resolve(&self) -> Result<Vec<Resolved>, EngineError> {
        let mut wrong = Vec::new();
        let mut resolved: Vec<Option<Resolved>> = vec![None; self.pipeline.experts.len()];
        let mut raw = RawColumns::new(resolved.len());
        for &index in self.dag.order() {
            let expert = self.node(index).declared();
            let mut inputs = Vec::with_capacity(expert.inputs.len());
            let (mut own, mut above) = (Vec::new(), Vec::new());
            for input in &expert.inputs {
                match input.get_ref() {
                    Input::Column { data, column } => {
                        if let Some(unfit) = self.unfit(data, column, input.span()) {
                            wrong.push(unfit);
                        } else if self.column_facts(data, column).is_none() {
                            wrong.push(self.no_such_column(data, column, input.span()));
                        }
                        own.push(column.as_str());
                    }
                    Input::Output { expert, output } => {
                        let Some(from) = self.pipeline.experts.get_index_of(expert) else {
                            continue;
                        };
                        above.push(from);
                        if let Some(upstream) = &resolved[from]
                            && !has_output(upstream.task, *output)
                        {
                            wrong.push(self.no_such_output(
                                expert,
                                *output,
                                upstream,
                                input.span(),
                            ));
                        }
                    }
                }
                inputs.push(input.get_ref().clone());
            }
            if inputs.len() > 1 {
                inputs.sort_by_cached_key(ToString::to_string);
            }
            let raw = raw.read(index, &expert.data, own, &above);
            let target = &expert.target;
            if let Some(unfit) = self.unfit(&expert.data, target.get_ref(), target.span()) {
                wrong.push(unfit);
                continue;
            }
            let Some(facts) = self.column_facts(&expert.data, expert.target.get_ref()) else {
                wrong.push(self.no_such_column(
                    &expert.data,
                    expert.target.get_ref(),
                    expert.target.span(),
                ));
                continue;
            };
            let target = TargetFacts {
                kind: facts.kind,
                binary: facts.binary,
                integer: facts.integer,
                levels: self.node(index).levels(facts)?,
            };
            match resolve_task(expert.task.as_ref().map(|task| *task.get_ref()), &target) {
                Ok((task, classes)) => {
                    wrong.extend(self.node(index).class_for_each_row(facts, &classes));
                    wrong.extend(self.node(index).wrong_class_weights(task, &classes));
                    wrong.extend(self.node(index).wrong_decision(task, &classes));
                    resolved[index] = Some(Resolved { task, classes, inputs, raw });
                }
                Err(error) => wrong.push(
                    Diagnostic::error(
                        Code::TaskNotClear,
                        &self.pipeline.source,
                        expert.target.span(),
                        error.to_string(),
                    )
                    .label(format!("target of expert `{}`", self.node(index).name()))
                    .help(error.help()),
                ),
            }
            if let Err(error) = self.node(index).check_filter() {
                match error {
                    EngineError::Invalid(found) => wrong.extend(found.0),
                    other => return Err(other),
                }
            }
        }
        wrong.extend(self.wrong_gates(&resolved));
        wrong.extend(self.too_large(&resolved));
        wrong.extend(self.wrong_origins());
        wrong.extend(self.wrong_requirements(&resolved));
        wrong.extend(self.wrong_slices()?);
        if !wrong.is_empty() {
            return Err(EngineError::Invalid(Diagnostics(wrong)));
        }
        Ok(resolved.into_iter().flatten().collect())
    }

    /// Requirements that ask for a metric which the expert's task does not have.
    fn wrong_requirements(&self, resolved: &[Option<Resolved>]) -> Vec<Diagnostic> {
        let mut wrong = Vec::new();
        for requirement in &self.pipeline.evaluate.require {
            let asked = requirement.get_ref();
            if asked.metric == EXPECTED_COST {
                wrong.extend(self.costless(requirement));
                continue;
            }
            let task = self
                .pipeline
                .experts
                .get_index_of(&asked.expert)
                .and_then(|index| resolved[index].as_ref())
                .map(|resolved| resolved.task);
            let regression = REGRESSION_METRICS.contains(&asked.metric.as_str());
            let (task, other) = match task {
                Some(Task::Classification) if regression => {
                    ("classifies", CLASSIFICATION_METRICS.join(", "))
                }
                Some(Task::Regression) if !regression => {
                    ("is a regression", REGRESSION_METRICS.join(", "))
                }
                _ => continue,
            };
            let message = format!("expert `{}` {task} and has no `{}`", asked.expert, asked.metric);
            wrong.push(
                Diagnostic::error(
                    Code::NotARequirement,
                    &self.pipeline.source,
                    requirement.span(),
                    message,
                )
                .label("can never be met")
                .help(format!("its metrics are: {other}")),
            );
        }
        wrong
    }

    /// A requirement of an expected cost where errors have none.
    fn costless(&self, requirement: &Spanned<Requirement>) -> Option<Diagnostic> {
        let asked = requirement.get_ref();
        let expert = self.pipeline.experts.get(&asked.expert)?;
        let threshold = expert.decide.threshold.as_ref().map(|said| *said.get_ref());
        let costs = matches!(threshold, Some(DecisionThreshold::Costs { .. }));
        (asked.metric == EXPECTED_COST && !costs).then(|| {
            let message = format!("no error of expert `{}` has a cost", asked.expert);
            Diagnostic::error(
                Code::KeyNeedsAnother,
                &self.pipeline.source,
                requirement.span(),
                message,
            )
            .label("`expected_cost` needs the costs of errors")
            .help(format!(
                "give `{}`, a target of two classes, `threshold = {{ false_positive = 1, false_negative = 5 }}`",
                asked.expert
            ))
        })
    }

    /// Columns that should say where rows come from and do not exist.
    fn wrong_origins(&self) -> Vec<Diagnostic> {
        let sources = self.pipeline.data.iter();
        sources
            .filter_map(|(name, source)| match &source.origin {
                SourceOrigin::ByRow { column, .. } => Some((name, column)),
                SourceOrigin::Whole(_) => None,
            })
            .filter(|(name, column)| self.column_facts(name, column.get_ref()).is_none())
            .map(|(name, column)| {
                let unfit = self.unfit(name, column.get_ref(), column.span());
                let unknown = || self.no_such_column(name, column.get_ref(), column.span());
                unfit.unwrap_or_else(unknown)
            })
            .collect()
    }

    /// The image that a column was gathered into, which has left the table since.
    pub(crate) fn image_of(&self, data: &str, column: &str) -> Option<&str> {
        let columns = &self.data.get(data)?.facts.columns;
        let image = columns.iter().find(|known| known.pixels.iter().any(|name| name == column))?;
        Some(&image.name)
    }

    pub(crate) fn no_such_column(
        &self,
        data: &str,
        column: &str,
        span: std::ops::Range<usize>,
    ) -> Diagnostic {
        let known: Vec<&str> = self
            .data
            .get(data)
            .map(|prepared| prepared.facts.columns.iter().map(|c| c.name.as_str()).collect())
            .unwrap_or_default();
        // A wrong name or some are compared with all; of thousands nobody reads what was meant.
        let before = self.told.compared.fetch_add(known.len(), Ordering::Relaxed);
        let near = match before < COMPARISONS {
            true => suggest(column, known.iter().copied()),
            false => None,
        };
        let help = match (self.image_of(data, column), near) {
            (Some(image), _) => {
                format!("`{column}` is a pixel of the image `{data}.{image}`: read that")
            }
            (None, Some(near)) => format!("did you mean `{data}.{near}`?"),
            (None, None) if known.len() > SHOWN => {
                format!(
                    "its columns are: {} and {} more",
                    known[..SHOWN].join(", "),
                    known.len() - SHOWN
                )
            }
            (None, None) => format!("its columns are: {}", known.join(", ")),
        };
        let message = format!("data source `{data}` has no column `{column}`");
        Diagnostic::error(Code::NoSuchColumn, &self.pipeline.source, span, message)
            .label("no such column")
            .help(help)
    }

    fn no_such_output(
        &self,
        expert: &str,
        output: Output,
        upstream: &Resolved,
        span: std::ops::Range<usize>,
    ) -> Diagnostic {
        let task = match upstream.task {
            Task::Classification => "classifies",
            Task::Regression => "is a regression",
        };
        let known: Vec<String> = Output::ALL
            .into_iter()
            .filter(|&output| has_output(upstream.task, output))
            .map(|output| format!("`{expert}.{output}`"))
            .collect();
        let message = format!("expert `{expert}` {task} and has no output `{output}`");
        Diagnostic::error(Code::NoSuchOutput, &self.pipeline.source, span, message)
            .label("no such output")
            .help(format!("its outputs are {}", known.join(", ")))
    }
}

impl NodeRef<'_> {
    /// Evaluates an expert's `where` once per content of its table, to find what is wrong with it.
    fn check_filter(self) -> Result<(), EngineError> {
        let expert = self.declared();
        let Some(filter) = &expert.filter else { return Ok(()) };
        self.fit_filter()?;
        let key = self.session.rows_key(Rows::Side { expert: self.index, side: Side::Train });
        if self.session.store.memo(&key).is_some() {
            return Ok(());
        }
        match self.base_mask() {
            Ok(mask) if !mask.contains(&true) => {
                let message = format!(
                    "`where` of expert `{}` admits no row whose target is known",
                    self.name()
                );
                let diagnostic = Diagnostic::error(
                    Code::WhereAdmitsNothing,
                    &self.session.pipeline.source,
                    filter.span(),
                    message,
                )
                .label(format!("true for none of the rows of `{}`", expert.data))
                .help("compare it with the values that the column holds");
                Err(EngineError::Invalid(Diagnostics(vec![diagnostic])))
            }
            Ok(_) => {
                self.session.store.remember(key, key);
                Ok(())
            }
            Err(EngineError::Invalid(mut found)) => {
                for diagnostic in &mut found.0 {
                    diagnostic.place.get_or_insert_with(|| {
                        (self.session.pipeline.source.clone(), filter.span())
                    });
                    let asked = diagnostic.message.rsplit("no such column: ").next();
                    let column = asked.and_then(|name| name.rsplit('.').next()).unwrap_or_default();
                    if let Some(unfit) = self.session.unfit(&expert.data, column, filter.span())
                        && asked.is_some_and(|asked| asked.len() < diagnostic.message.len())
                    {
                        *diagnostic = unfit;
                        continue;
                    }
                    if let Some(image) = self.session.image_of(&expert.data, column) {
                        diagnostic.help = Some(format!(
                            "`{column}` is a pixel of the image `{image}`, which SQL cannot read: make \
                             a column of it in `query`"
                        ));
                    }
                }
                Err(EngineError::Invalid(found))
            }
            Err(other) => Err(other),
        }
    }

    /// The classes that a target holds: texts from the facts, whole numbers from the column.
    fn levels(self, facts: &ColumnFacts) -> Result<Vec<String>, EngineError> {
        let declared = self.declared().task.as_ref().map(|task| *task.get_ref());
        let numbers = facts.kind == ColumnType::Number && !facts.binary;
        if !numbers || declared != Some(Task::Classification) {
            return Ok(facts.levels.clone());
        }
        let table = self.table()?;
        let Some(column) = table.column(&facts.name) else { return Ok(Vec::new()) };
        let Values::Number(values) = &column.values else { return Ok(Vec::new()) };
        let distinct: BTreeSet<i64> =
            values.iter().filter(|v| !v.is_nan()).map(|&v| v as i64).collect();
        Ok(distinct.into_iter().map(|v| v.to_string()).collect())
    }

    /// A target of texts with a class for nearly every row. Where they look like numbers or dates, it is refused:
    /// nothing can be learned of such classes, and something else was meant. Plain texts are named.
    fn class_for_each_row(self, facts: &ColumnFacts, classes: &[String]) -> Option<Diagnostic> {
        let expert = self.declared();
        if let Some(fallen) = self.fallen_target(facts, classes) {
            return Some(fallen);
        }
        let rows = self.session.data[&expert.data].facts.rows - facts.missing;
        if facts.kind != ColumnType::Category
            || classes.len() < FEW_CLASSES
            || classes.len() as u64 * 2 <= rows
        {
            return None;
        }
        let message = format!(
            "the target `{}` has {} classes on {rows} rows, nearly each its own",
            facts.name,
            classes.len()
        );
        match collegium_data::resemblance(&facts.name, classes) {
            Some(help) => Some(
                Diagnostic::error(
                    Code::ClassForEachRow,
                    &self.session.pipeline.source,
                    expert.target.span(),
                    message,
                )
                .label(format!("target of expert `{}`", self.name()))
                .help(help),
            ),
            None => {
                let note = format!(
                    "expert.{}: {message}: a class that has one row is never both learned and measured",
                    self.name()
                );
                self.session.note(note);
                None
            }
        }
    }

    /// A target of numbers or times that is a category because of a few cells, with more classes than anybody
    /// would name: a regression was meant.
    fn fallen_target(self, facts: &ColumnFacts, classes: &[String]) -> Option<Diagnostic> {
        let expert = self.declared();
        let prepared = &self.session.data[&expert.data];
        let remark = prepared.facts.remarks.get(&facts.name)?;
        let numbers = matches!(remark.fallen_from?, ColumnType::Number | ColumnType::Time);
        if !numbers || expert.task.is_some() || classes.len() < FEW_CLASSES {
            return None;
        }
        let rows = prepared.facts.rows - facts.missing;
        let own = if classes.len() as u64 * 2 > rows { ", nearly each its own" } else { "" };
        let message = format!(
            "the target `{}` has {} classes on {rows} rows{own}: {}",
            facts.name,
            classes.len(),
            prepared.remark(&facts.name)?
        );
        let help = remark.help.clone().unwrap_or_default();
        Some(
            Diagnostic::error(
                Code::FallenType,
                &self.session.pipeline.source,
                expert.target.span(),
                message,
            )
            .label(format!("target of expert `{}`", self.name()))
            .help(format!("{help}; or, if each value is a class, `task = \"classification\"`")),
        )
    }

    /// `positive` and `threshold` that say nothing of this target.
    fn wrong_decision(self, task: Task, classes: &[String]) -> Option<Diagnostic> {
        let decide = &self.declared().decide;
        let source = &self.session.pipeline.source;
        let positive = decide.positive.as_ref();
        let threshold = decide.threshold.as_ref();
        let (key, place) = positive
            .map(|key| ("positive", key.span()))
            .or_else(|| threshold.map(|key| ("threshold", key.span())))?;
        if task == Task::Regression || classes.len() != 2 {
            let what = match task {
                Task::Regression => "is a number".to_owned(),
                Task::Classification => format!("has {} classes", classes.len()),
            };
            let message = format!("`{key}` is for a target of two classes");
            return Some(
                Diagnostic::error(Code::KeyDoesNotApply, source, place, message)
                    .label(format!("the target of `{}` {what}", self.name()))
                    .help("take it out"),
            );
        }
        if let Some(positive) = positive
            && !classes.contains(positive.get_ref())
        {
            let known = classes.iter().map(String::as_str);
            let message = format!("`{}` is no class of the target", positive.get_ref());
            return Some(
                Diagnostic::error(Code::UnknownClass, source, positive.span(), message)
                    .label("unknown class")
                    .help(match suggest(positive.get_ref(), known) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("its classes are: {}", classes.join(", ")),
                    }),
            );
        }
        let threshold =
            threshold.filter(|said| !matches!(said.get_ref(), DecisionThreshold::Fixed(_)))?;
        let sides = self.session.data[&self.declared().data].facts.sides;
        (sides[Side::Valid as usize] == 0).then(|| {
            let message = "`threshold` is chosen on validation rows, and there are none";
            Diagnostic::error(Code::KeyNeedsAnother, source, threshold.span(), message)
                .label("nothing to choose it on")
                .help("give `threshold` a number, or add `valid` to the `split`")
        })
    }

    /// `class_weights` that name no class, or that stand on a regression.
    fn wrong_class_weights(self, task: Task, classes: &[String]) -> Option<Diagnostic> {
        let expert = self.declared();
        let (message, help) = match (&expert.train.class_weights, task) {
            (ClassWeights::None, _) | (ClassWeights::Balanced, Task::Classification) => {
                return None;
            }
            (_, Task::Regression) => (
                format!("expert `{}` is a regression and has no `class_weights`", self.name()),
                "remove `class_weights`".to_owned(),
            ),
            (ClassWeights::Given(weights), Task::Classification) => {
                let unknown = weights.keys().find(|class| !classes.contains(class))?;
                let known = classes.iter().map(String::as_str);
                (
                    format!(
                        "`class_weights` of expert `{}` name `{unknown}`, which is no class of `{}`",
                        self.name(),
                        expert.target.get_ref()
                    ),
                    match suggest(unknown, known) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("its classes are: {}", classes.join(", ")),
                    },
                )
            }
        };
        Some(
            Diagnostic::error(
                Code::UnknownClass,
                &self.session.pipeline.source,
                expert.name.span(),
                message,
            )
            .label("this expert")
            .help(help),
        )
    }
}

/// Does a task have this output?
pub(crate) fn has_output(task: Task, output: Output) -> bool {
    match output {
        Output::Embedding | Output::Prediction => true,
        Output::Value => task == Task::Regression,
        Output::Probability | Output::Logit | Output::Label => task == Task::Classification,
    }
}
