//! `collegium tune`: searches settings of experts, shows what was tried, and writes the values into the file.

use std::{path::Path, process::ExitCode, sync::atomic::Ordering};

use collegium_engine::{Ran, RunOptions, Session};
use collegium_manifest::{Expert, Setting, bare_name, load_text, put_settings};
use collegium_records::{
    Code, FORMAT_VERSION, Outcome, ScoredOn, Search, SearchRun, TuneReport, TunedNode,
};
use collegium_store::OutputFile;

use super::{plan, print_json};
use crate::{
    args::Args,
    failure::Failure,
    human::{count, put, sentence, table, three},
    locate::split,
};

/// So many of the best trials are shown.
const SHOWN: usize = 10;

/// What was typed beside the targets.
pub(crate) struct Asked {
    pub(crate) write: bool,
    pub(crate) again: bool,
    pub(crate) dry_run: bool,
    pub(crate) jobs: usize,
}

pub(crate) fn tune(args: &Args, targets: &[String], asked: &Asked) -> Result<ExitCode, Failure> {
    let (named, nodes) = split(targets)?;
    let (session, interrupted) = crate::session::open_to_keep(args, named.as_deref(), false)?;
    let chosen = chosen(&session, &nodes)?;
    if asked.dry_run {
        let retune: &[String] = if asked.again { &chosen } else { &[] };
        let asked = plan::Asked {
            force: &[],
            retune,
            exact: false,
            audit: false,
            exit_code: false,
            advance_split: false,
        };
        let file = session.pipeline.source.path.display().to_string();
        return plan::plan(args, &[&[file], &chosen[..]].concat(), &asked);
    }
    let options = RunOptions {
        nodes: chosen.clone(),
        jobs: asked.jobs,
        force: Vec::new(),
        keep_going: false,
        exact: false,
        locked: false,
        retune: asked.again.then(|| chosen.clone()),
    };
    let Ran { report, session } = collegium_engine::run(&session, &options)?;
    if interrupted.load(Ordering::Relaxed) {
        tell!("interrupted; every trial that was finished is kept");
        return Ok(ExitCode::from(130));
    }
    let failed = report.nodes.iter().find(|node| node.outcome == Outcome::Failed);
    if let Some(node) = failed {
        let why = node.error.clone().unwrap_or_default();
        tell!("{} failed: {why}", node.name);
        crate::more::tell(args.quiet, &[Code::FitFailed]);
        return Ok(ExitCode::from(4));
    }
    let mut found = TuneReport {
        format_version: FORMAT_VERSION,
        pipeline: report.pipeline.clone(),
        nodes: Vec::new(),
    };
    for name in &chosen {
        let node = session.node(session.index(name)?);
        found.nodes.push(TunedNode {
            name: node.node_name(),
            searched: report.searches.iter().any(|search| search.node == node.node_name()),
            values: node.tuned().map(|tuned| tuned.values.clone()).unwrap_or_default(),
            search: node.searched()?,
            written: asked.write,
        });
    }
    if asked.write {
        write(&session, &chosen)?;
    }
    match args.json {
        true => print_json(&found)?,
        false => found.nodes.iter().try_for_each(|node| put(&words(node, &session)))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The experts that have a search: those that were named, or all.
fn chosen(session: &Session, named: &[String]) -> Result<Vec<String>, Failure> {
    let mut chosen = Vec::new();
    for index in session.select(named)? {
        let node = session.node(index);
        if node.declared().tune.is_some() {
            chosen.push(node.node_name());
        } else if !named.is_empty() {
            let name = node.node_name();
            return Err(Failure::usage(
                Code::BadArguments,
                format!(
                    "{name} has no `tune`; add `tune = {{ trials = 30 }}` to it, or say it once: \
                     `--set '{name}.tune={{ trials = 30 }}'`"
                ),
            ));
        }
    }
    if chosen.is_empty() {
        return Err(Failure::usage(
            Code::BadArguments,
            "no expert of this pipeline has `tune`; add `tune = { trials = 30 }` to one".to_owned(),
        ));
    }
    Ok(chosen)
}

/// A search of a run, in a sentence.
pub(crate) fn in_a_sentence(search: &SearchRun) -> String {
    let than = match search.untuned {
        Some(untuned) if untuned > search.loss => format!(", {} without", three(untuned)),
        Some(_) => ": none is better than the settings of the file".to_owned(),
        None => String::new(),
    };
    let said = format!(
        "{}: {}, {} executed; loss {}{than}",
        search.node,
        count(search.trials as usize, "trial"),
        count(search.fits as usize, "fit"),
        three(search.loss),
    );
    sentence("tuned ", &said)
}

fn words(node: &TunedNode, session: &Session) -> String {
    let mut text = format!("{}\n", node.name);
    match &node.search {
        Some(search) => text.push_str(&tried(search)),
        None => text.push_str("what was tried is no longer in the store\n"),
    }
    let lines: Vec<Vec<String>> = node
        .values
        .iter()
        .map(|(key, value)| vec![key.clone(), "=".to_owned(), value.clone()])
        .collect();
    text.push_str(&format!("\n{}", table(&lines, &[])));
    if node.written {
        text.push_str(&format!("written into {}\n", session.pipeline.source.path.display()));
    }
    text.push('\n');
    text
}

/// The best trials, and what they say.
fn tried(search: &Search) -> String {
    let loss = |number: usize| search.loss(&search.trials[number]);
    let untuned = &search.trials[0].values;
    let mut order: Vec<usize> = (0..search.trials.len()).collect();
    // Those that came to whole fits first, each by its last loss.
    order.sort_by(|&a, &b| {
        let key = |number: usize| {
            let fits = &search.trials[number].fits;
            (usize::MAX - fits.len(), fits.last().and_then(|fit| fit.loss).unwrap_or(f64::INFINITY))
        };
        let ((a_rungs, a_loss), (b_rungs, b_loss)) = (key(a), key(b));
        a_rungs.cmp(&b_rungs).then(a_loss.total_cmp(&b_loss)).then(a.cmp(&b))
    });
    let head =
        ["trial", "epochs", "loss", "settings that differ from the first"].map(str::to_owned);
    let mut rows = vec![head.to_vec()];
    let shown = order.iter().take(SHOWN).copied();
    let first = (!order.iter().take(SHOWN).any(|&number| number == 0)).then_some(0);
    for number in shown.chain(first) {
        let trial = &search.trials[number];
        let last = trial.fits.last();
        let others: Vec<String> = trial
            .values
            .iter()
            .filter(|(key, value)| untuned.get(*key) != Some(*value))
            .map(|(key, value)| format!("{} = {value}", key.split('.').next_back().unwrap_or(key)))
            .collect();
        let mark = if number as u32 == search.chosen { " *" } else { "" };
        rows.push(vec![
            format!("{number}{mark}"),
            last.map_or_else(String::new, |fit| fit.epochs.to_string()),
            last.and_then(|fit| fit.loss).map_or_else(|| "failed".to_owned(), three),
            match number {
                0 => "none: those of the file and its preset".to_owned(),
                _ => others.join(", "),
            },
        ]);
    }
    let on = match search.scored_on {
        ScoredOn::Validation => "validation rows",
        ScoredOn::OutOfFold => "training rows, each out of fold",
    };
    let mut text = format!(
        "{}, compared by {} on {} {on}\n{}",
        count(search.trials.len(), "trial"),
        collegium_records::metric_words(&search.metric),
        search.rows,
        table(&rows, &[0, 1, 2])
    );
    let matter: Vec<String> = search
        .settings
        .iter()
        .filter(|setting| setting.share >= 0.05)
        .map(|setting| format!("{} {:.0} %", setting.key, 100.0 * setting.share))
        .collect();
    if !matter.is_empty() {
        text.push_str(&sentence("what matters most: ", &matter.join(", ")));
    }
    if let (Some(optimism), Some(_)) = (&search.optimism, loss(0)) {
        let said = format!(
            "{} on the rows that it was chosen on; on rows that took no part in the choice about {}, untuned {}",
            three(optimism.chosen),
            three(optimism.corrected),
            three(optimism.untuned),
        );
        text.push_str(&sentence("loss of the choice: ", &said));
    }
    text
}

/// Writes the values of experts into their file, and takes `tune` out of it.
fn write(session: &Session, chosen: &[String]) -> Result<(), Failure> {
    let path = &session.pipeline.source.path;
    let mut text = session.pipeline.source.own_text().to_owned();
    for name in chosen {
        let node = session.node(session.index(name)?);
        let Some(tuned) = node.tuned() else { continue };
        // What is as it was is not written: the file stays short.
        let values: Vec<(Setting, String)> = tuned
            .values
            .iter()
            .filter_map(|(key, value)| Some((Setting::of(key)?, value.clone())))
            .filter(|(setting, value)| setting.written(node.untuned()).as_ref() != Some(value))
            .collect();
        let by_hand = || {
            let lines: Vec<String> = values
                .iter()
                .map(|(setting, value)| format!("{} = {value}", setting.key()))
                .collect();
            Failure::usage(
                Code::BadArguments,
                format!(
                    "{} is written in a way that `--write` does not know; write it by hand: take `tune` out of {name}, and \
                     add {}",
                    path.display(),
                    lines.join("; ")
                ),
            )
        };
        let new = put_settings(&text, bare_name(name), &values).ok_or_else(by_hand)?;
        if !means(path, &new, name, node.declared()) {
            return Err(by_hand());
        }
        text = new;
    }
    // In one step: a file that was being written is nobody's pipeline.
    Ok(OutputFile::create(path)?.save(text.as_bytes())?)
}

/// Does a text give an expert the settings that it is to have, and no search?
fn means(path: &Path, text: &str, name: &str, wanted: &Expert) -> bool {
    let allowed = crate::consent::allowed();
    let loaded =
        load_text(path, text.to_owned(), &collegium_engine::DECLARED, allowed).map(|l| l.pipeline);
    let Ok(pipeline) = loaded else { return false };
    let Some(written) = pipeline.experts.get(bare_name(name)) else { return false };
    let same = |setting: Setting| setting.written(written) == setting.written(wanted);
    written.tune.is_none() && written.train == wanted.train && Setting::ALL.into_iter().all(same)
}
