//! `collegium compare`: past runs side by side.

use std::process::ExitCode;

use collegium_engine::{find_run, past_runs};
use collegium_records::{
    Code, CompareReport, ComparedFigure, ComparedNode, Headline, NotCompared, Outcome, PastRun,
    metric_words,
};
use collegium_store::Store;

use super::print_json;
use crate::{
    args::Args,
    failure::Failure,
    human::{columns_that_fit, seconds, sentence, set, table, three, widest},
    locate::split,
};

/// Most differing settings, and most contents, of an expert that are shown.
const MOST: usize = 12;
/// Characters of a setting that are shown.
const LONGEST: usize = 20;

pub(crate) fn compare(args: &Args, targets: &[String]) -> Result<ExitCode, Failure> {
    let (named, called) = split(targets)?;
    if called.len() < 2 {
        return Err(Failure::usage(
            Code::BadArguments,
            "name two runs or more, as in `collegium compare 1 latest`; `collegium log` lists them",
        ));
    }
    let pipeline = crate::locate::load(args, named.as_deref())?;
    let store = Store::open_to_read(&pipeline.root)?;
    let runs = past_runs(&store, &pipeline.name)?;
    let mut chosen: Vec<&PastRun> = Vec::with_capacity(called.len());
    for called in &called {
        let run = find_run(&runs, called)?;
        if chosen.iter().any(|known| known.number == run.number) {
            let message = format!("`{called}` is run {}, which is named already", run.number);
            return Err(Failure::usage(Code::BadArguments, message));
        }
        chosen.push(run);
    }
    let report = collegium_engine::compare(&store, &pipeline.name, &chosen)?;
    match args.json {
        true => print_json(&report)?,
        false => crate::human::put(&words(&report))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn words(report: &CompareReport) -> String {
    let mut text = String::new();
    for run in &report.runs {
        let over = match run.overrides.is_empty() {
            true => String::new(),
            false => format!(", with {}", set(&run.overrides)),
        };
        let said = format!("ended {}, {}{over}", run.when, seconds(run.seconds));
        text.push_str(&sentence(&format!("run {}: ", run.number), &said));
    }
    for node in &report.nodes {
        text.push('\n');
        text.push_str(&of_expert(report, node));
    }
    if report.nodes.iter().flat_map(|node| node.runs.iter().flatten()).any(|figure| figure.best) {
        text.push_str("\n* the best of those that are compared\n");
    }
    text
}

/// The table of an expert, and what is to be said of it.
fn of_expert(report: &CompareReport, node: &ComparedNode) -> String {
    let metric = node.metric.as_deref().map_or("test", metric_words);
    let mut rows: Vec<Vec<String>> = vec![
        row(&node.name, report.runs.iter().map(|run| format!("run {}", run.number))),
        row(metric, node.runs.iter().map(|figure| value(figure.as_ref(), node.metric.as_deref()))),
        row("fits", node.runs.iter().map(|figure| cell(figure, |of| of.fits.to_string()))),
        row("CPU", node.runs.iter().map(|figure| cell(figure, |of| seconds(of.cpu_seconds)))),
    ];
    for (name, values) in node.settings.iter().take(MOST) {
        rows.push(row(name, values.iter().map(|value| short(value.as_deref().unwrap_or("–")))));
    }
    let column = |at: usize| widest(rows.iter().map(|row| row[at].as_str()));
    let room = columns_that_fit(column(0), (1..=report.runs.len()).map(column));
    rows.iter_mut().for_each(|row| row.truncate(room + 1));
    let mut text = table(&rows, &(1..=room).collect::<Vec<_>>());
    if room < report.runs.len() {
        let numbers = report.runs[room..].iter().map(|run| run.number.to_string());
        let said = format!("{}, which `--json` has", numbers.collect::<Vec<_>>().join(", "));
        text.push_str(&sentence("no room for run ", &said));
    }
    if node.settings.len() > MOST {
        let more = node.settings.len() - MOST;
        text.push_str(&format!("{more} more settings differ, which `--json` has\n"));
    }
    if !node.contents.is_empty() {
        let mut names: Vec<&str> = node.contents.keys().map(String::as_str).take(MOST).collect();
        let more = format!("{} more", node.contents.len().saturating_sub(MOST));
        names.extend((node.contents.len() > MOST).then_some(more.as_str()));
        text.push_str(&sentence("other contents: ", &names.join(", ")));
    }
    if node.settings.is_empty() && node.contents.is_empty() && node.unknown.is_empty() {
        text.push_str("no setting of its fit differs\n");
    }
    for number in &node.unknown {
        text.push_str(&format!("run {number}: its recipe is not in the store any more\n"));
    }
    for (run, figure) in report.runs.iter().zip(&node.runs) {
        let Some(figure) = figure else { continue };
        let failed = matches!(figure.outcome, Outcome::Failed | Outcome::Blocked);
        let said = match figure.not_compared {
            _ if failed => "it did not come to an end".to_owned(),
            None => continue,
            Some(NotCompared::NotMeasured) => NotCompared::NotMeasured.words().to_owned(),
            Some(why) => format!("not compared: {}", why.words()),
        };
        text.push_str(&sentence(&format!("run {}: ", run.number), &said));
    }
    text
}

fn row(name: &str, cells: impl Iterator<Item = String>) -> Vec<String> {
    std::iter::once(name.to_owned()).chain(cells).collect()
}

/// A setting, cut where it is long: `--json` has all of it.
fn short(value: &str) -> String {
    match value.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
    }
}

fn cell(figure: &Option<ComparedFigure>, shown: impl Fn(&ComparedFigure) -> String) -> String {
    figure.as_ref().map_or_else(|| "–".to_owned(), shown)
}

/// `0.912`, the best with a star, what is not compared in brackets and with its own metric.
fn value(figure: Option<&ComparedFigure>, metric: Option<&str>) -> String {
    let Some((figure, of)) = figure.and_then(|figure| Some((figure, figure.headline.as_ref()?)))
    else {
        return "–".to_owned();
    };
    let Headline { metric: own, value, .. } = of;
    match figure.not_compared {
        Some(_) if Some(own.as_str()) != metric => {
            format!("({} {})", metric_words(own), three(*value))
        }
        Some(_) => format!("({})", three(*value)),
        None if figure.best => format!("* {}", three(*value)),
        None => three(*value),
    }
}
