//! `collegium trust`: user consent to what a pipeline asks for.
//!
//! A pipeline asks, its user consents: to exactly what is asked, in a file of the user's own.

use std::{
    io::{self, BufRead as _, IsTerminal as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use collegium_manifest::real;
use collegium_records::Code;
use collegium_store::{Grant, READS, grants, revoke, stores, trust_file, trust_store};

use super::print_json;
use crate::{
    args::Args,
    failure::Failure,
    human::{count, put},
};

/// What was asked for on the command line.
pub(crate) struct Asked<'a> {
    pub(crate) pipeline: Option<&'a str>,
    pub(crate) store: Option<&'a Path>,
    pub(crate) yes: bool,
    pub(crate) list: bool,
    pub(crate) revoke: bool,
}

pub(crate) fn trust(args: &Args, asked: &Asked<'_>) -> Result<ExitCode, Failure> {
    match (asked.list, asked.store) {
        (true, _) => list(args),
        (false, Some(store)) => of_store(args, store, asked),
        (false, None) => of_pipeline(args, asked),
    }
}

fn list(args: &Args) -> Result<ExitCode, Failure> {
    let (projects, stores) = (grants().map_err(unreadable)?, stores());
    if args.json {
        let projects: Vec<_> = projects
            .iter()
            .map(|one| {
                serde_json::json!({
                    "folder": one.folder, "kind": one.kind, "asked": one.asked
                })
            })
            .collect();
        print_json(&serde_json::json!({
            "format_version": 1, "file": trust_file(), "projects": projects, "stores": stores,
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    for one in &projects {
        put(&format!("{} reads\n{}", one.folder.display(), lines(&one.asked)))?;
    }
    for store in &stores {
        put(&format!("the store {store}\n"))?;
    }
    if projects.is_empty() && stores.is_empty() {
        put("nothing is trusted\n")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn of_store(args: &Args, store: &Path, asked: &Asked<'_>) -> Result<ExitCode, Failure> {
    let Ok(store) = store.canonicalize().map(|store| match store.join(".collegium") {
        // The project is as good a name for its store.
        inside if inside.is_dir() => inside,
        _ => store,
    }) else {
        return Err(Failure::usage(
            Code::NoSuchFile,
            format!("there is no folder {}", store.display()),
        ));
    };
    let words =
        format!("write to the store {} although it belongs to somebody else", store.display());
    if !asked.revoke && !agreed(asked.yes, &words)? {
        return Ok(ExitCode::from(3));
    }
    let file = trust_store(&store, !asked.revoke).map_err(unwritable)?;
    said(args, &file, &store, &[], !asked.revoke)
}

fn of_pipeline(args: &Args, asked: &Asked<'_>) -> Result<ExitCode, Failure> {
    let pipeline = crate::locate::load(args, asked.pipeline)?;
    let (root, folders) = (real(&pipeline.root), pipeline.asks());
    if asked.revoke {
        let gone = revoke(&root).map_err(unwritable)?;
        if !args.json {
            let what = count(gone, "grant");
            put(&format!("{}: {what} taken back\n", root.display()))?;
            return Ok(ExitCode::SUCCESS);
        }
        return said(args, &trust_file().unwrap_or_default(), &root, &[], false);
    }
    let grant = Grant::new(READS, &root, &folders);
    if folders.is_empty() {
        if args.json {
            return said(args, &trust_file().unwrap_or_default(), &root, &folders, true);
        }
        put(&format!(
            "{}: asks for nothing outside of {}, and needs no consent\n",
            pipeline.name,
            root.display()
        ))?;
        return Ok(ExitCode::SUCCESS);
    }
    if grant.is_given() {
        if args.json {
            return said(args, &trust_file().unwrap_or_default(), &root, &folders, true);
        }
        put(&format!("{}: you consented to this already\n{}", pipeline.name, lines(&folders)))?;
        return Ok(ExitCode::SUCCESS);
    }
    let words = format!(
        "{} in {} asks to read all that lies in\n{}Let its pipelines read that, until they ask for anything \
         else",
        pipeline.name,
        root.display(),
        lines(&folders)
    );
    if !agreed(asked.yes, &words)? {
        return Ok(ExitCode::from(3));
    }
    let file = grant.give().map_err(unwritable)?;
    said(args, &file, &root, &folders, true)
}

/// Asks whoever sits there.
fn agreed(yes: bool, words: &str) -> Result<bool, Failure> {
    if yes {
        return Ok(true);
    }
    if !io::stdin().is_terminal() {
        return Err(Failure::usage(
            Code::BadArguments,
            format!("{words}? Nobody can answer here: nothing was written; `--yes` says so"),
        ));
    }
    crate::screen::ask(&format!("{words}? [y/N] "));
    let mut answer = String::new();
    io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|error| Failure::file("reading", Path::new("the answer"), &error))?;
    let agreed = matches!(answer.trim().to_lowercase().as_str(), "y" | "yes");
    if !agreed {
        tell!("nothing was written");
    }
    Ok(agreed)
}

fn said(
    args: &Args,
    file: &Path,
    folder: &Path,
    asked: &[PathBuf],
    trusted: bool,
) -> Result<ExitCode, Failure> {
    if args.json {
        print_json(&serde_json::json!({
            "format_version": 1, "file": file, "folder": folder, "asked": asked, "trusted": trusted,
        }))?;
    } else {
        let what = if trusted { "your consent is" } else { "it was taken out; the rest is" };
        put(&format!("{}: {what} in {}\n", folder.display(), file.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn lines(folders: &[PathBuf]) -> String {
    folders.iter().map(|folder| format!("  {}\n", folder.display())).collect()
}

fn unreadable(error: io::Error) -> Failure {
    Failure::file("reading", &trust_file().unwrap_or_default(), &error)
}

fn unwritable(error: io::Error) -> Failure {
    Failure::unwritten(trust_file().unwrap_or_default().display(), &error)
}
