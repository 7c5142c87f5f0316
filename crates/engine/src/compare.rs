//! Past runs of a pipeline: found by number, time or `latest`, and held side by side.
//!
//! Two figures are only compared if they are figures of the same thing: one metric, one table, the same rows of it.
//! What differs between fits is read from their recipes, so it is what decided about the models, whether it came
//! from the pipeline file, from `--set` or from the data.

use std::collections::BTreeMap;

use collegium_records::{
    Code, CompareReport, ComparedFigure, ComparedNode, ComparedRun, FORMAT_VERSION, Ingredient,
    NodeRun, NotCompared, PastRun, Recipe, larger_is_better,
};
use collegium_store::Store;

use crate::EngineError;

/// The past runs of a pipeline, newest last, numbered from 1.
///
/// # Errors
/// [`EngineError::Store`].
pub fn past_runs(store: &Store, pipeline: &str) -> Result<Vec<PastRun>, EngineError> {
    let runs = store.runs()?.into_iter().filter(|(_, run)| run.pipeline == pipeline);
    let numbered = |(at, (when, run))| PastRun { number: at + 1, when, run };
    Ok(runs.enumerate().map(numbered).collect())
}

/// The run that is called so: by its number, by the time at which it ended (or how that begins), or as `latest`,
/// the last one that measured anything.
///
/// # Errors
/// [`EngineError::Usage`] if there is none, or more than one, or if it measured nothing.
pub fn find_run<'a>(runs: &'a [PastRun], called: &str) -> Result<&'a PastRun, EngineError> {
    let usage = |message: String| EngineError::Usage(Code::BadArguments, message);
    let measured = |run: &&PastRun| !run.run.nodes.is_empty();
    let Some(last) = runs.last() else {
        return Err(usage("there are no runs yet: begin with `collegium run`".to_owned()));
    };
    if called == "latest" {
        let latest = runs.iter().rfind(measured);
        return latest.ok_or_else(|| usage("no run has measured anything yet".to_owned()));
    }
    let found: Vec<&PastRun> = match called.parse::<usize>() {
        Ok(number) => runs.iter().filter(|run| run.number == number).collect(),
        Err(_) => {
            runs.iter().filter(|run| !called.is_empty() && run.when.starts_with(called)).collect()
        }
    };
    match found.as_slice() {
        [one] if measured(one) => Ok(one),
        [idle] => {
            let before = runs.iter().rfind(|run| run.number < idle.number && measured(run));
            let instead = before.map_or_else(String::new, |run| {
                format!("; the last one before it that measured is {}", run.number)
            });
            Err(usage(format!(
                "run {} had nothing to do, and measured nothing{instead}",
                idle.number
            )))
        }
        [] => Err(usage(format!(
            "there is no run `{called}`: `collegium log` lists them, from 1 to {}",
            last.number
        ))),
        several => {
            let numbers: Vec<String> = several.iter().map(|run| run.number.to_string()).collect();
            Err(usage(format!(
                "`{called}` begins the time of several runs: {}",
                numbers.join(", ")
            )))
        }
    }
}

/// Runs of a pipeline side by side, expert by expert.
///
/// # Errors
/// [`EngineError::Store`].
pub fn compare(
    store: &Store,
    pipeline: &str,
    runs: &[&PastRun],
) -> Result<CompareReport, EngineError> {
    let mut names: Vec<&str> = Vec::new();
    for node in runs.iter().flat_map(|run| &run.run.nodes) {
        if !names.contains(&node.name.as_str()) {
            names.push(&node.name);
        }
    }
    let mut nodes = Vec::with_capacity(names.len());
    for name in names {
        let each: Vec<Option<&NodeRun>> =
            runs.iter().map(|run| run.run.nodes.iter().find(|node| node.name == name)).collect();
        let mut recipes = Vec::with_capacity(each.len());
        for node in &each {
            recipes.push(match node.and_then(|node| node.recipe) {
                Some(digest) => store.recipe(&digest)?,
                None => None,
            });
        }
        let gone = each.iter().zip(&recipes).zip(runs).filter(|((node, recipe), _)| {
            node.is_some_and(|node| node.recipe.is_some()) && recipe.is_none()
        });
        let unknown = gone.map(|(_, run)| run.number).collect();
        let (contents, settings): (Values<'_>, Values<'_>) = differences(&recipes)
            .into_iter()
            .partition(|(_, values)| values.iter().flatten().any(|value| is_content(value)));
        let (contents, settings) = (shown(contents), shown(settings));
        nodes.push(ComparedNode { unknown, settings, contents, ..figures(name, &each) });
    }
    let of = |run: &&PastRun| ComparedRun {
        number: run.number,
        when: run.when.clone(),
        seconds: run.run.seconds,
        overrides: run.run.overrides.clone(),
    };
    Ok(CompareReport {
        format_version: FORMAT_VERSION,
        pipeline: pipeline.to_owned(),
        runs: runs.iter().map(of).collect(),
        nodes,
    })
}

/// The figures of an expert, and which of them may be compared.
fn figures(name: &str, each: &[Option<&NodeRun>]) -> ComparedNode {
    let first = each.iter().copied().flatten().find(|node| node.headline.is_some());
    let figure = |node: &NodeRun| ComparedFigure {
        outcome: node.outcome,
        headline: node.headline.clone(),
        not_compared: first.map_or(Some(NotCompared::NotMeasured), |first| unlike(first, node)),
        best: false,
        fits: node.fits,
        cpu_seconds: node.cpu_seconds,
    };
    let mut runs: Vec<Option<ComparedFigure>> = each.iter().map(|node| node.map(figure)).collect();
    let metric = first.and_then(|node| node.headline.as_ref()).map(|of| of.metric.clone());
    let larger = metric.as_deref().is_none_or(larger_is_better);
    let value = |figure: &ComparedFigure| match (&figure.headline, figure.not_compared) {
        (Some(headline), None) => Some(headline.value),
        _ => None,
    };
    let values: Vec<f64> = runs.iter().flatten().filter_map(value).collect();
    let (least, most) =
        (values.iter().copied().reduce(f64::min), values.iter().copied().reduce(f64::max));
    if least != most {
        let best = if larger { most } else { least };
        for figure in runs.iter_mut().flatten() {
            figure.best = value(figure).is_some() && value(figure) == best;
        }
    }
    ComparedNode {
        name: name.to_owned(),
        metric,
        runs,
        settings: BTreeMap::new(),
        contents: BTreeMap::new(),
        unknown: Vec::new(),
    }
}

/// Why a figure is not compared with the first; `None` where it is.
fn unlike(first: &NodeRun, node: &NodeRun) -> Option<NotCompared> {
    let (Some(one), Some(other)) = (&first.headline, &node.headline) else {
        return Some(NotCompared::NotMeasured);
    };
    if one.metric != other.metric {
        return Some(NotCompared::AnotherMetric);
    }
    if one.rotations != other.rotations {
        return Some(NotCompared::OtherRotations);
    }
    match (first.tested, node.tested) {
        (Some(one), Some(other)) if one.table != other.table => Some(NotCompared::AnotherTable),
        (Some(one), Some(other)) if one.rows != other.rows => Some(NotCompared::OtherTestRows),
        (Some(_), Some(_)) => None,
        // A run is as good as itself, whatever was written down of it.
        _ if std::ptr::eq(first, node) => None,
        _ => Some(NotCompared::RowsNotKnown),
    }
}

/// Values of ingredients by name, in the order of the runs.
type Values<'a> = BTreeMap<&'a str, Vec<Option<&'a Ingredient>>>;

/// Ingredients that are not the same in all recipes that are known.
fn differences(recipes: &[Option<Recipe>]) -> Values<'_> {
    let mut all = Values::new();
    for (at, recipe) in recipes.iter().enumerate() {
        for (name, value) in recipe.iter().flat_map(|recipe| &recipe.ingredients) {
            let values = all.entry(name).or_insert_with(|| vec![None; recipes.len()]);
            values[at] = Some(value);
        }
    }
    all.retain(|_, values| {
        let mut known = values.iter().zip(recipes).filter(|(_, recipe)| recipe.is_some());
        let first = known.next().map(|(value, _)| *value);
        known.any(|(value, _)| Some(*value) != first)
    });
    all
}

/// Is this the digest of some content, or a list that holds one?
fn is_content(value: &Ingredient) -> bool {
    match value {
        Ingredient::Digest(_) => true,
        Ingredient::List(items) => items.iter().any(is_content),
        _ => false,
    }
}

/// Values as they are shown.
fn shown(values: Values<'_>) -> BTreeMap<String, Vec<Option<String>>> {
    let row = |(name, values): (&str, Vec<Option<&Ingredient>>)| {
        let texts = values.into_iter().map(|value| value.map(ToString::to_string));
        (name.to_owned(), texts.collect())
    };
    values.into_iter().map(row).collect()
}
