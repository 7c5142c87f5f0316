//! `collegium check`: validation of a pipeline file, its data and its split.

use std::{collections::BTreeMap, process::ExitCode, sync::Arc};

use collegium_engine::{Depth, EngineError, mended};
use collegium_manifest::{Diagnostics, Pipeline};
use collegium_records::{DataFinding, Provenance, RowAccount};
use serde::{Serialize, Serializer};

use super::print_json;
use crate::{
    args::Args,
    failure::Failure,
    human::{count, put},
    screen::{colour_on_stderr, tell_rendered},
};

/// The document of `check --json`.
#[derive(Serialize)]
struct Checked<'a> {
    complete: bool,
    diagnostics: serde_json::Value,
    findings: &'a [DataFinding],
    format_version: u32,
    notes: &'a [String],
    pipeline: &'a str,
    provenance: Nodes<&'a str, Provenance>,
    rows: Nodes<String, RowAccount>,
}

/// What is said of each node, where many share it.
struct Nodes<N, T>(BTreeMap<N, Arc<T>>);

impl<N: Serialize, T: Serialize> Serialize for Nodes<N, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(node, said)| (node, &**said)))
    }
}

pub(crate) fn check(args: &Args, named: Option<&str>) -> Result<ExitCode, Failure> {
    let collegium_manifest::Loaded { pipeline, warnings: mut found } =
        crate::locate::loaded(args, named)?;
    let name = pipeline.name.clone();
    let session = match crate::session::to_look(pipeline, args.quiet) {
        Err(EngineError::Unfinished(more)) => {
            return unfinished(args, &name, found, more);
        }
        opened => opened?,
    };
    mended(|| session.check_rotations())?;
    let mut warnings = mended(|| session.provenance_warnings(&[]))?;
    warnings.0.extend(mended(|| session.split_warnings())?.0);
    let advice = mended(|| session.key_advice())?;
    let (findings, said) = mended(|| session.finding_diagnostics(&[], Depth::Values))?;
    warnings.extend(said);
    session.store.flush()?;
    crate::session::say_notes(&session);
    let mut notes = session.said();
    notes.extend(advice.iter().cloned());
    let pipeline = &session.pipeline;
    if !warnings.is_empty() && !args.quiet {
        let colour = colour_on_stderr();
        tell_rendered(warnings.render(colour).trim_end(), colour);
    }
    for note in advice.iter().filter(|_| !args.quiet) {
        tell!("note: {note}");
    }
    // Those of the file have been said.
    found.extend(warnings);
    crate::more::tell(args.quiet, &found.codes());
    if args.json {
        let provenance = mended(|| {
            let experts = pipeline.experts.keys().enumerate();
            experts
                .map(|(index, name)| Ok((name.as_str(), session.node(index).provenance()?)))
                .collect::<Result<_, EngineError>>()
        })?;
        let rows = mended(|| session.row_accounts(&[]))?;
        print_json(&Checked {
            complete: true,
            diagnostics: found.to_json(),
            findings: &findings,
            format_version: 1,
            notes: &notes,
            pipeline: &pipeline.name,
            provenance: Nodes(provenance),
            rows: Nodes(rows),
        })?;
    } else {
        put(&format!(
            "{}: {} over {}, {}\n",
            pipeline.name,
            nodes(pipeline),
            count(pipeline.data.len(), "data source"),
            verdict(&found, notes.len()),
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Says what could not be checked, since a query takes longer than somebody waits who only looks.
fn unfinished(
    args: &Args,
    name: &str,
    mut found: Diagnostics,
    mut more: Diagnostics,
) -> Result<ExitCode, Failure> {
    for one in &mut more.0 {
        one.warning = true;
    }
    let not = "not checked: whatever rests on its rows, that is columns, targets, predicates and the split; \
               `collegium plan` runs it to its end";
    if !args.quiet {
        let colour = colour_on_stderr();
        tell_rendered(more.render(colour).trim_end(), colour);
        tell!("note: {not}");
    }
    found.extend(more);
    crate::more::tell(args.quiet, &found.codes());
    match args.json {
        true => print_json(&Checked {
            complete: false,
            diagnostics: found.to_json(),
            findings: &[],
            format_version: 1,
            notes: &[not.to_owned()],
            pipeline: name,
            provenance: Nodes(BTreeMap::new()),
            rows: Nodes(BTreeMap::new()),
        })?,
        false => {
            put(&format!("{name}: the file is right; its data were not checked to the end\n"))?
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// `nothing wrong`, `1 warning, 2 notes`: all that was said, with `others` beside what has a place in the
/// pipeline file.
fn verdict(found: &Diagnostics, others: usize) -> String {
    let placed = found.iter().filter(|one| one.note).count();
    let mut text = match found.len() - placed {
        0 => "nothing wrong".to_owned(),
        some => count(some, "warning"),
    };
    let notes = placed + others;
    if notes > 0 {
        text.push_str(&format!(", {}", count(notes, "note")));
    }
    text
}

/// `4 experts, 2 gates`
fn nodes(pipeline: &Pipeline) -> String {
    let of =
        |section: &str| pipeline.experts.values().filter(|node| node.section() == section).count();
    let mut parts = vec![count(of("expert"), "expert")];
    for section in ["gate", "mixture"] {
        if of(section) > 0 {
            parts.push(count(of(section), section));
        }
    }
    parts.join(", ")
}
