//! `collegium init`: a new project from a template.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use collegium_records::Code;
use collegium_templates::TemplateError;

use super::print_json;
use crate::{args::Args, failure::Failure};

pub(crate) fn init(args: &Args, dir: Option<&Path>, template: &str) -> Result<ExitCode, Failure> {
    let names: Vec<&str> = collegium_templates::all().iter().map(|t| t.name).collect();
    if !names.contains(&template) {
        let near = collegium_manifest::suggest(template, names.iter().copied());
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are: {}", names.join(", ")),
        };
        return Err(Failure::usage(
            Code::UnknownChoice,
            format!("there is no template `{template}`; {help}"),
        ));
    }
    let start = args.directory.clone().unwrap_or_else(|| PathBuf::from("."));
    let target = dir.map_or_else(|| start.clone(), |dir| start.join(dir));
    let schema = super::shell::schema_text()?;
    let written =
        collegium_templates::write(template, &target, &schema).map_err(|error| match error {
            unknown @ TemplateError::Unknown { .. } => {
                Failure::usage(Code::UnknownChoice, unknown.to_string())
            }
            exists @ TemplateError::Exists { .. } => {
                Failure::usage(Code::OutputOverInput, exists.to_string())
            }
            other => {
                Failure::Other { exit: 7, code: Code::NotWritable, message: other.to_string() }
            }
        })?;
    if args.json {
        print_json(&serde_json::json!({"format_version": 1, "written": written}))?;
        return Ok(ExitCode::SUCCESS);
    }
    for path in &written {
        crate::human::put(&format!("{}\n", path.display()))?;
    }
    let here =
        if target == Path::new(".") { String::new() } else { format!(" -C {}", target.display()) };
    tell!("\nnext: collegium run{here} --audit");
    Ok(ExitCode::SUCCESS)
}
