//! Lookup of the pipeline file that a command is about.

use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};

use collegium_manifest::{Loaded, Pipeline};
use collegium_records::Code;

use crate::{
    args::{Args, Command},
    failure::Failure,
};

/// The folder that the command was typed in, where `-C` left it.
static TYPED_IN: OnceLock<PathBuf> = OnceLock::new();

/// Splits `[PIPELINE|NODE]…` into the pipeline file, if one is named, and the nodes.
pub(crate) fn split(targets: &[String]) -> Result<(Option<String>, Vec<String>), Failure> {
    let (files, nodes): (Vec<String>, Vec<String>) =
        targets.iter().cloned().partition(|target| is_file(target));
    if files.len() > 1 {
        return Err(Failure::usage(
            Code::BadArguments,
            format!("one pipeline at a time: {}", files.join(", ")),
        ));
    }
    Ok((files.into_iter().next(), nodes))
}

fn is_file(target: &str) -> bool {
    Path::new(target).extension().is_some_and(|extension| extension == "toml")
}

/// Loads the named pipeline, or the only one; prints its warnings.
pub(crate) fn load(args: &Args, named: Option<&str>) -> Result<Pipeline, Failure> {
    Ok(loaded(args, named)?.pipeline)
}

/// The same, with the warnings.
pub(crate) fn loaded(args: &Args, named: Option<&str>) -> Result<Loaded, Failure> {
    loaded_with(args, &find(named)?, args.command.overrides())
}

/// The same of a file, with values set over it.
pub(crate) fn loaded_with(
    args: &Args,
    path: &Path,
    overrides: &[String],
) -> Result<Loaded, Failure> {
    match collegium_manifest::load_with(
        path,
        overrides,
        &collegium_engine::DECLARED,
        crate::consent::allowed(),
    ) {
        Ok(loaded) => {
            if !loaded.warnings.is_empty() && !args.quiet {
                let colour = crate::screen::colour_on_stderr();
                crate::screen::tell_rendered(loaded.warnings.render(colour).trim_end(), colour);
            }
            Ok(loaded)
        }
        Err(found) => Err(Failure::Invalid(found)),
    }
}

/// Goes to the folder of `-C`, as git, make and tar do: from there on every path is relative to it.
/// `init` makes its folder itself.
pub(crate) fn enter(args: &Args) -> Result<(), Failure> {
    let Some(folder) = &args.directory else { return Ok(()) };
    if matches!(args.command, Command::Init { .. }) {
        return Ok(());
    }
    if !folder.is_dir() {
        return Err(Failure::usage(
            Code::NoSuchFile,
            format!("there is no folder {}", folder.display()),
        ));
    }
    if let Ok(here) = std::env::current_dir() {
        let _ = TYPED_IN.set(here);
    }
    std::env::set_current_dir(folder).map_err(|error| Failure::file("going to", folder, &error))
}

/// The file of the named pipeline, or of the only one.
pub(crate) fn find(named: Option<&str>) -> Result<PathBuf, Failure> {
    if let Some(name) = named {
        return Ok(PathBuf::from(name));
    }
    let folder = folder()?;
    let found = files_in(&folder)?;
    match found.as_slice() {
        [only] => Ok(only.clone()),
        [] => Err(Failure::usage(
            Code::NoPipeline,
            format!(
                "{} holds no pipeline (`NAME.toml`); name a pipeline file, or start with `collegium init`",
                short(folder).display()
            ),
        )),
        several => {
            let names: Vec<String> = several.iter().map(|p| p.display().to_string()).collect();
            Err(Failure::usage(
                Code::NoPipeline,
                format!(
                    "name one of the pipelines, as in `collegium plan {}`: {}",
                    names[0],
                    names.join(", ")
                ),
            ))
        }
    }
}

/// The pipeline files of the nearest `pipelines/` here or above, sorted.
pub(crate) fn pipelines() -> Result<Vec<PathBuf>, Failure> {
    files_in(&folder()?)
}

/// The nearest `pipelines/` here or above.
fn folder() -> Result<PathBuf, Failure> {
    let start = Path::new(".");
    let absolute =
        std::path::absolute(start).map_err(|error| Failure::file("finding", start, &error))?;
    absolute
        .ancestors()
        .map(|above| above.join("pipelines"))
        .find(|folder| folder.is_dir())
        .ok_or_else(|| {
            Failure::usage(
                Code::NoPipeline,
                "there is no `pipelines/` here or above; name a pipeline file, or start with \
                 `collegium init`",
            )
        })
}

fn files_in(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    let entries =
        std::fs::read_dir(folder).map_err(|error| Failure::file("reading", folder, &error))?;
    for entry in entries {
        let path = entry.map_err(|error| Failure::file("reading", folder, &error))?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            found.push(short(path));
        }
    }
    found.sort();
    Ok(found)
}

/// The project root when no pipeline is named: the nearest folder above that holds `pipelines/` or
/// `.collegium/`.
pub(crate) fn project() -> Result<PathBuf, Failure> {
    let start = Path::new(".");
    let absolute =
        std::path::absolute(start).map_err(|error| Failure::file("finding", start, &error))?;
    absolute
        .ancestors()
        .find(|above| above.join("pipelines").is_dir() || above.join(".collegium").is_dir())
        .map(Path::to_path_buf)
        .ok_or_else(|| {
            Failure::usage(
                Code::NoPipeline,
                "there is no project here or above: no folder with `pipelines/` or `.collegium/`; \
                 name one, as in `collegium -C demo verify`",
            )
        })
}

/// A path as short as it can be from the folder that the command works in.
fn short(path: PathBuf) -> PathBuf {
    match std::env::current_dir() {
        Ok(here) => path.strip_prefix(&here).map(Path::to_path_buf).unwrap_or(path),
        Err(_) => path,
    }
}

/// A path as a person can open it from the folder that the command was typed in.
pub(crate) fn shown(path: PathBuf) -> PathBuf {
    let Some(typed_in) = TYPED_IN.get() else { return short(path) };
    let whole = std::path::absolute(&path).unwrap_or(path);
    whole.strip_prefix(typed_in).map(Path::to_path_buf).unwrap_or(whole)
}
