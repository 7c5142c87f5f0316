//! `collegium show`

use std::process::ExitCode;

use crate::{args::Args, failure::Failure, locate::split};

pub(crate) fn show(args: &Args, targets: &[String]) -> Result<ExitCode, Failure> {
    let (named, nodes) = split(targets)?;
    let pipeline = crate::locate::load(args, named.as_deref())?;
    if nodes.is_empty() {
        print!("{}", pipeline.with_defaults());
        return Ok(ExitCode::SUCCESS);
    }
    for node in &nodes {
        let name = node.strip_prefix("expert.").unwrap_or(node);
        let Some(expert) = pipeline.experts.get(name) else {
            let known: Vec<&str> = pipeline.experts.keys().map(String::as_str).collect();
            let help = match collegium_manifest::suggest(name, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("its experts are: {}", known.join(", ")),
            };
            return Err(Failure::usage(format!("there is no expert `{name}`; {help}")));
        };
        print!("{}", expert.with_defaults());
    }
    Ok(ExitCode::SUCCESS)
}
