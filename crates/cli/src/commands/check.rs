//! `collegium check`

use std::process::ExitCode;

use super::print_json;
use crate::{args::Args, failure::Failure, human::count};

pub(crate) fn check(args: &Args, named: Option<&str>) -> Result<ExitCode, Failure> {
    let (session, _) = crate::session::open(args, named)?;
    session.store.flush()?;
    let pipeline = &session.pipeline;
    if args.json {
        print_json(&serde_json::json!({
            "format_version": 1, "pipeline": pipeline.name, "diagnostics": [],
        }))?;
    } else {
        crate::human::put(&format!(
            "{}: {} over {}, nothing wrong\n",
            pipeline.name,
            count(pipeline.experts.len(), "expert"),
            count(pipeline.data.len(), "data source"),
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}
