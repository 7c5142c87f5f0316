//! What shells complete beyond commands and options: experts, pipeline files and templates.
//!
//! The scripts of `collegium completions` ask the program itself, with this variable set, while somebody
//! types. Nothing is printed then but candidates: what cannot be read has none.

use std::{ffi::OsStr, path::PathBuf};

use clap::CommandFactory as _;
use clap_complete::{CompleteEnv, CompletionCandidate, env::Shells};

use crate::{args::Args, failure::Failure};

/// The variable that says for which shell candidates are asked for.
const VARIABLE: &str = "COLLEGIUM_COMPLETE";

/// Answers a shell that asks for candidates, and ends; otherwise does nothing.
pub(crate) fn answer() {
    if std::env::var_os(VARIABLE).is_some() {
        go_along();
        CompleteEnv::with_factory(Args::command).var(VARIABLE).bin("collegium").complete();
    }
}

/// Goes to the folder of `-C` on the line that is typed; a folder that is not there is none.
fn go_along() {
    let typed: Vec<_> =
        std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    if let Some(folder) = directory(&typed) {
        let _ = std::env::set_current_dir(folder);
    }
}

/// The folder that `-C` names, in any of the forms that a command line may have.
fn directory(typed: &[String]) -> Option<&str> {
    typed.iter().enumerate().find_map(|(at, word)| match word.as_str() {
        "-C" | "--directory" => typed.get(at + 1).map(String::as_str),
        word => word
            .strip_prefix("--directory=")
            .or_else(|| word.strip_prefix("-C="))
            .or_else(|| word.strip_prefix("-C")),
    })
}

/// The script that makes a shell ask.
pub(crate) fn script(shell: clap_complete::Shell) -> Result<String, Failure> {
    let shells = Shells::builtins();
    let unknown = || Failure::internal(format!("no completions for {shell}"));
    let completer = shells.completer(&shell.to_string()).ok_or_else(unknown)?;
    let mut text = Vec::new();
    completer
        .write_registration(VARIABLE, "collegium", "collegium", "collegium", &mut text)
        .map_err(|error| Failure::internal(format!("making completions: {error}")))?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Pipeline files, and the experts, gates and mixtures of all of them.
pub(crate) fn targets(typed: &OsStr) -> Vec<CompletionCandidate> {
    let mut found = pipelines(typed);
    found.extend(nodes(typed));
    found
}

/// The files of the project's `pipelines/`.
pub(crate) fn pipelines(typed: &OsStr) -> Vec<CompletionCandidate> {
    let files = files().into_iter().map(|file| file.display().to_string());
    beginning(typed, files.collect())
}

/// `latest`, and pipeline files.
pub(crate) fn runs(typed: &OsStr) -> Vec<CompletionCandidate> {
    let mut found = beginning(typed, vec!["latest".to_owned()]);
    found.extend(pipelines(typed));
    found
}

/// The names of experts, gates and mixtures.
pub(crate) fn nodes(typed: &OsStr) -> Vec<CompletionCandidate> {
    let mut names: Vec<String> = files().iter().flat_map(|file| named(file)).collect();
    names.sort();
    names.dedup();
    beginning(typed, names)
}

/// What `init` writes.
pub(crate) fn templates(typed: &OsStr) -> Vec<CompletionCandidate> {
    let all = collegium_templates::all().iter();
    beginning(typed, all.map(|template| template.name.to_owned()).collect())
}

fn beginning(typed: &OsStr, all: Vec<String>) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    let fitting = all.into_iter().filter(|name| name.starts_with(&*typed));
    fitting.map(CompletionCandidate::new).collect()
}

fn files() -> Vec<PathBuf> {
    crate::locate::pipelines().unwrap_or_default()
}

/// The nodes of a pipeline file; of one with errors none.
fn named(file: &std::path::Path) -> Vec<String> {
    let allowed = crate::consent::allowed();
    let loaded = collegium_manifest::load_with(file, &[], &collegium_engine::DECLARED, allowed);
    loaded.map_or_else(|_| Vec::new(), |loaded| loaded.pipeline.experts.keys().cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_found_in_every_form_of_the_option() {
        for line in [
            "collegium -C a b plan",
            "collegium -Ca plan",
            "collegium -C=a plan",
            "collegium plan --directory a",
            "collegium --directory=a plan",
        ] {
            let typed: Vec<String> = line.split(' ').map(str::to_owned).collect();
            assert_eq!(directory(&typed), Some("a"), "{line}");
        }
        let none = ["collegium".to_owned(), "plan".to_owned(), "-C".to_owned()];
        assert_eq!(directory(&none), None);
    }
}
