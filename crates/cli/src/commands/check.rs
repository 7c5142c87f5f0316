//! `collegium check`

use std::{collections::BTreeMap, process::ExitCode};

use collegium_engine::{EngineError, mended};
use collegium_manifest::Pipeline;

use super::print_json;
use crate::{
    args::Args,
    failure::Failure,
    human::{colour_on_stderr, count, put},
};

pub(crate) fn check(args: &Args, named: Option<&str>) -> Result<ExitCode, Failure> {
    let (session, _) = crate::session::open(args, named)?;
    let mut warnings = mended(|| session.provenance_warnings(&[]))?;
    warnings.0.extend(mended(|| session.split_warnings())?.0);
    let advice = mended(|| session.key_advice())?;
    session.store.flush()?;
    let pipeline = &session.pipeline;
    if !warnings.is_empty() && !args.quiet {
        anstream::eprintln!("{}", warnings.render(colour_on_stderr()).trim_end());
    }
    for note in advice.iter().filter(|_| !args.quiet) {
        eprintln!("note: {note}");
    }
    if args.json {
        let provenance: BTreeMap<&String, _> = mended(|| {
            let experts = pipeline.experts.keys().enumerate();
            experts
                .map(|(index, name)| Ok((name, session.provenance(index)?)))
                .collect::<Result<_, EngineError>>()
        })?;
        print_json(&serde_json::json!({
            "format_version": 1, "pipeline": pipeline.name, "diagnostics": warnings.to_json(),
            "provenance": provenance, "notes": advice,
        }))?;
    } else {
        put(&format!(
            "{}: {} over {}, {}\n",
            pipeline.name,
            nodes(pipeline),
            count(pipeline.data.len(), "data source"),
            match warnings.len() {
                0 => "nothing wrong".to_owned(),
                some => count(some, "warning"),
            },
        ))?;
    }
    Ok(ExitCode::SUCCESS)
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
