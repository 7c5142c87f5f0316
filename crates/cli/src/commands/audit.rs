//! `collegium audit`: metrics, importances and ablations of experts.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::ExitCode,
};

use collegium_audit::AuditOptions;
use collegium_engine::{EngineError, PlanOptions, Session, mended};
use collegium_records::{
    AuditPrice, AuditReport, ChosenFor, Cue, Level, MetricDiff, NodeAudit, RowAttribution,
    metric_words, three_digits,
};

use collegium_store::OutputFile;

use super::print_json;
use crate::{
    args::Args,
    failure::Failure,
    human::put,
    locate::{shown, split},
    output,
};

/// Bytes of the names of several experts in a file name, at most.
const MANY_NAMES: usize = 120;

/// Inputs of a row on the terminal; the report has more.
const ROW_INPUTS: usize = 4;

/// Where an audit was written.
pub(crate) struct Written {
    /// `None` where nothing can be written and no place was named.
    pub(crate) html: Option<PathBuf>,
    /// Is that a pipe or a device, which nothing can lie beside?
    alone: bool,
    pub(crate) report: AuditReport,
}

pub(crate) fn audit(
    args: &Args,
    targets: &[String],
    output: Option<&Path>,
    asked: AuditOptions,
    locked: bool,
) -> Result<ExitCode, Failure> {
    output::only_one(args, "-o", output)?;
    let (named, nodes) = split(targets)?;
    let (session, _) = crate::session::open(args, named.as_deref())?;
    let asked = AuditOptions { nodes, ..asked };
    if locked {
        let nodes = asked.nodes.clone();
        collegium_engine::keep_lock(&session, &PlanOptions { nodes, ..PlanOptions::default() })?;
    }
    // Before hours of measuring: a place that cannot be written is known at once.
    let place = match output {
        Some(path) => Some((path, output::open(&session, path, &[])?)),
        None => None,
    };
    let (report, price) = mended(|| measure(args, &session, &asked))?;
    let mut written = write(&session, report, &asked.nodes, place)?;
    crate::session::say_notes(&session);
    // The page alone goes to where it was sent.
    let say = |text: &str| match output.is_some_and(OutputFile::is_stdout_at) {
        true => {
            tell!("{}", text.trim_end());
            Ok(())
        }
        false => put(text),
    };
    if args.json {
        written.report.price = Some(price);
        print_json(&written.report)?;
        return Ok(ExitCode::SUCCESS);
    }
    for node in &written.report.nodes {
        say(&format!("{}{}\n", node.name, headline(node)))?;
        for finding in &node.findings {
            let mark = if finding.level == Level::Warning { "!" } else { "·" };
            say(&crate::human::sentence(&format!("  {mark} "), &finding.text))?;
            let more = finding.detail.iter().chain(&finding.next).filter(|_| args.verbose);
            for text in more {
                say(&crate::human::sentence("      ", text))?;
            }
        }
        let metric = node.headline.as_ref().map(|of| of.metric.as_str());
        let slices = node.performance.declared_slices.iter();
        for line in slices.flat_map(|found| super::slices::lines(found, metric)) {
            say(&crate::human::sentence("  · ", &line))?;
        }
        for row in node.probe.rows.iter().filter(|row| row.why == ChosenFor::AskedFor) {
            say(&crate::human::sentence("    ", &row_line(row)))?;
        }
        for cue in node.probe.cues.iter().take(asked.without.len()) {
            for line in cue_lines(cue, metric) {
                say(&format!("    {line}\n"))?;
            }
        }
    }
    let missed = written.report.requirements.iter().filter(|one| !one.met);
    for requirement in missed {
        say(&format!("require {}: NOT MET\n", requirement.text))?;
    }
    let quiet = written.report.found_nothing();
    if !quiet.is_empty() && !args.quiet {
        say(&crate::human::sentence("looked for, without a warning: ", &quiet.join("; ")))?;
    }
    let more = |node: &NodeAudit| {
        node.findings.iter().any(|one| one.detail.is_some() || one.next.is_some())
    };
    if !args.verbose && !args.quiet && written.report.nodes.iter().any(more) {
        say("`-v` shows the figures behind these sentences, and what to do\n")?;
    }
    say(&written.place(&session))?;
    Ok(ExitCode::SUCCESS)
}

/// `audit --dry-run`: the fits that an audit would make, and their price.
pub(crate) fn price(args: &Args, targets: &[String]) -> Result<ExitCode, Failure> {
    let (named, nodes) = split(targets)?;
    let (session, _) = crate::session::open(args, named.as_deref())?;
    // An audit refuses what is not up to date; `plan --audit` prices that.
    let price = mended(|| collegium_audit::price_current(&session, &nodes))?;
    crate::session::say_notes(&session);
    match args.json {
        true => print_json(&price)?,
        false => put(&super::plan::priced(&price))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The figure that stands for an expert, after its name.
fn headline(node: &NodeAudit) -> String {
    let Some(headline) = &node.headline else { return String::new() };
    let range = headline.interval.map_or_else(String::new, |interval| {
        let seeds = node.metrics.get("test").and_then(|test| test.seeds);
        let seeds = seeds.filter(|_| headline.rotations.is_none());
        let over = seeds.map_or_else(String::new, |seeds| format!(" over rows and {seeds} seeds"));
        format!(", 95 % {} to {}{over}", three_digits(interval.low), three_digits(interval.high))
    });
    let (metric, value) = (metric_words(&headline.metric), three_digits(headline.value));
    match headline.of_rotations() {
        Some(of) => {
            let split =
                headline.split.map_or_else(String::new, |v| format!(" (test {})", three_digits(v)));
            format!(": {metric} {value}{range}, {of}{split}")
        }
        None => format!(": test {metric} {value}{range}"),
    }
}

impl Written {
    /// A line that says where it is.
    pub(crate) fn place(&self, session: &Session) -> String {
        match &self.html {
            Some(place) if self.alone => format!(
                "report: written to {}; its JSON and its model cards are only written beside a file\n",
                place.display()
            ),
            Some(html) => format!("report: {}\n", html.display()),
            None => format!(
                "report: not written, since {} cannot be; name a place for it: `collegium audit -o \
                 FILE.html`\n",
                session.store.root().display()
            ),
        }
    }
}

/// What needs attention, expert by expert, and of gates whether they pay; `audit` says the rest too.
pub(crate) fn say_warnings(report: &AuditReport) -> Result<(), Failure> {
    for node in &report.nodes {
        let verdict: Vec<&String> =
            node.combined.iter().flat_map(|combined| &combined.verdict).collect();
        for finding in &node.findings {
            let mark = match finding.level {
                Level::Warning => "!",
                Level::Note if verdict.contains(&&finding.text) => "·",
                Level::Note => continue,
            };
            let mark = format!("{mark} {}: ", node.name);
            put(&crate::human::sentence(&mark, &finding.text))?;
        }
    }
    Ok(())
}

/// Says what an audit fits and what that costs, then audits.
pub(crate) fn measure(
    args: &Args,
    session: &Session,
    options: &AuditOptions,
) -> Result<(AuditReport, AuditPrice), EngineError> {
    let told = |price: &AuditPrice| {
        if price.fits > 0 && !args.quiet {
            tell!("{}", super::plan::in_all(price));
        }
    };
    let (mut report, price) = collegium_audit::audit(session, options, &told)?;
    report.versions.commit = commit(session);
    Ok((report, price))
}

/// The commit that is checked out where the pipeline file lies, if git knows one.
fn commit(session: &Session) -> Option<String> {
    let said = super::diff::git(&session.lock_path())
        .args(["rev-parse", "--verify", "--quiet", "HEAD"])
        .output()
        .ok()?;
    let commit = String::from_utf8(said.stdout).ok()?.trim().to_owned();
    let is_one = commit.len() >= 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_one.then_some(commit)
}

/// What a row rests on: `+` raises the output for what was predicted, `-` lowers it.
fn row_line(row: &RowAttribution) -> String {
    let inputs = row.inputs.iter().take(ROW_INPUTS).map(|input| {
        let short = format!("{:+.2}", input.weight);
        format!("{} = {} ({short})", input.input, input.value)
    });
    format!(
        "row {}: predicted {}, in truth {}; rests on {}",
        row.row,
        row.predicted,
        row.truth,
        inputs.collect::<Vec<String>>().join(", ")
    )
}

/// What is lost without an input, a line per way of taking it.
fn cue_lines(cue: &Cue, headline: Option<&str>) -> Vec<String> {
    let known = headline.filter(|metric| cue.permuted.contains_key(*metric));
    let Some(metric) = known.or_else(|| cue.permuted.keys().next().map(String::as_str)) else {
        return vec![format!("without {}: nothing could be measured", cue.input)];
    };
    let line = |way: &str, by: &BTreeMap<String, MetricDiff>| {
        let diff = by.get(metric)?;
        let range = diff.interval.map_or_else(String::new, |i| {
            format!(" ({} to {})", three_digits(i.low), three_digits(i.high))
        });
        let metric = metric_words(metric);
        Some(format!(
            "{way:<9} {metric} {} → {}, by {}{range}",
            three_digits(diff.before),
            three_digits(diff.after),
            three_digits(diff.difference)
        ))
    };
    let ways = [("removed", &cue.removed), ("permuted", &cue.permuted), ("swapped", &cue.swapped)];
    std::iter::once(format!("without {}, on {} test rows:", cue.input, cue.rows))
        .chain(ways.into_iter().filter_map(|(way, by)| line(way, by)))
        .collect()
}

/// Writes an audit as HTML and JSON beside each other, to `place`, else to
/// `.collegium/reports/NAME.html`, where some experts were named `NAME.EXPERTS.html`; and a model card
/// of every expert in a folder of the same name. A pipe or a device gets the page alone. A project that
/// cannot be written has no place but `place`.
pub(crate) fn write(
    session: &Session,
    report: AuditReport,
    nodes: &[String],
    place: Option<(&Path, OutputFile)>,
) -> Result<Written, Failure> {
    let page = collegium_report::html(&report);
    let json = serde_json::to_string_pretty(&report)
        .map_err(|error| Failure::internal(format!("writing JSON: {error}")))?;
    let json = collegium_records::printable_json(&json);
    let cards = report.nodes.iter().map(|node| {
        let name = format!("{}.md", collegium_manifest::bare_name(&node.name));
        (name, collegium_report::card(&report, node))
    });
    let cards: Vec<(String, String)> = cards.collect();
    let (html, alone) = match place {
        Some((path, output)) if output.is_stream() => {
            output.save(page.as_bytes())?;
            let dash = path.as_os_str() == "-";
            (if dash { "standard output".into() } else { shown(path.to_path_buf()) }, true)
        }
        Some((path, output)) => {
            let folder = path.with_extension("cards");
            // All of them, or none: what may not be replaced is known before the first is written.
            let mut beside =
                vec![(OutputFile::beside(&path.with_extension("json"))?, json.as_bytes())];
            own_folder(&folder)?;
            for (name, card) in &cards {
                beside.push((OutputFile::beside(&folder.join(name))?, card.as_bytes()));
            }
            output.save(page.as_bytes())?;
            for (output, bytes) in beside {
                output.save(bytes)?;
            }
            (shown(path.to_path_buf()), false)
        }
        None if session.store.is_read_only() => {
            return Ok(Written { html: None, alone: false, report });
        }
        None => {
            let name = match nodes {
                [] => report.pipeline.clone(),
                some => format!("{}.{}", report.pipeline, several(some)),
            };
            let mut files = vec![
                (format!("{name}.html").into(), page.as_bytes()),
                (format!("{name}.json").into(), json.as_bytes()),
            ];
            let cards = cards.iter().map(|(card, text)| {
                (Path::new(&format!("{name}.cards")).join(card), text.as_bytes())
            });
            files.extend(cards);
            let html = session.store.report(&files)?.join(format!("{name}.html"));
            (shown(html), false)
        }
    };
    Ok(Written { html: Some(html), alone, report })
}

/// Makes the folder of cards. Nobody named it, so that a link in its place leads nowhere.
fn own_folder(folder: &Path) -> Result<(), Failure> {
    let unwritten = |error: std::io::Error| Failure::unwritten(folder.display(), &error);
    match std::fs::create_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            match std::fs::symlink_metadata(folder).map_err(unwritten)?.is_dir() {
                true => Ok(()),
                false => Err(unwritten(std::io::Error::other(
                    "model cards lie in a folder of that name, and it is none; move it away",
                ))),
            }
        }
        made => made.map_err(unwritten),
    }
}

/// Some experts as part of a file name, which holds 255 bytes.
fn several(nodes: &[String]) -> String {
    let mut name = nodes.join("+");
    if name.len() > MANY_NAMES {
        let digest = collegium_digest::Digest::of(name.as_bytes());
        let first = nodes.first().map_or("", String::as_str);
        name = format!("{first}+{}-more-{}", nodes.len() - 1, digest.short());
    }
    name
}
