//! `collegium show`: the pipeline with every default.

use std::process::ExitCode;

use collegium_records::Code;

use crate::{args::Args, failure::Failure, locate::split};

pub(crate) fn show(args: &Args, targets: &[String]) -> Result<ExitCode, Failure> {
    let (named, nodes) = split(targets)?;
    let mut pipeline = crate::locate::load(args, named.as_deref())?;
    // What a pattern of inputs comes to is known with the data alone.
    if pipeline.experts.values().any(|expert| !expert.patterns.is_empty()) {
        match crate::session::of(pipeline.clone(), true, false, false) {
            Ok((session, _)) => pipeline = session.pipeline.clone(),
            Err(_) => tell!(
                "note: what the patterns in `inputs` come to is not known, since the data cannot be \
                 read: see `collegium check`"
            ),
        }
    }
    // What a search has found stands in the lock.
    let pipeline = collegium_engine::locked_values(pipeline)?;
    if nodes.is_empty() {
        if args.json {
            return as_json(&pipeline.with_defaults());
        }
        crate::human::put(&pipeline.with_defaults())?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = String::new();
    for node in &nodes {
        let name = collegium_manifest::bare_name(node);
        let Some(expert) = pipeline.experts.get(name) else {
            let known: Vec<&str> = pipeline.experts.keys().map(String::as_str).collect();
            let help = match collegium_manifest::suggest(name, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("its experts are: {}", known.join(", ")),
            };
            return Err(Failure::usage(
                Code::NoSuchNode,
                format!("there is no expert `{name}`; {help}"),
            ));
        };
        text.push_str(&expert.with_defaults(&pipeline));
    }
    if args.json {
        return as_json(&text);
    }
    crate::human::put(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// The same tables as a document.
fn as_json(text: &str) -> Result<ExitCode, Failure> {
    let mut document: serde_json::Value = toml::from_str(text)
        .map_err(|error| Failure::internal(format!("reading what was shown: {error}")))?;
    document["format_version"] = collegium_records::FORMAT_VERSION.into();
    super::print_json(&document)?;
    Ok(ExitCode::SUCCESS)
}
