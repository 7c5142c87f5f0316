//! Loading of a pipeline file and its blueprints.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use collegium_records::Code;

use crate::{
    Diagnostic, Diagnostics, Fence, Loaded, NoBlueprint, Outside, Registry, SourceFile,
    project_root,
    resolve::resolve,
    suggest::{did_you_mean, list},
};

/// Reads a pipeline file and the blueprints that it names; `registry` has the kinds of model and the rules of gates
/// that it may name.
///
/// # Errors
/// Everything that is wrong with them, in the order of the text.
pub fn load(path: &Path, registry: &Registry) -> Result<Loaded, Diagnostics> {
    load_with(path, &[], registry, &[])
}

/// The same with values set over those of the file, each `KEY=VALUE` as of `--set`; blueprints may be links that
/// lead to the folders that the user consents to.
///
/// # Errors
/// Everything that is wrong with them, in the order of the text; what was set comes behind the file.
pub fn load_with(
    path: &Path,
    overrides: &[String],
    registry: &Registry,
    consented: &[PathBuf],
) -> Result<Loaded, Diagnostics> {
    loaded(read(path)?.set_over(overrides), registry, consented)
}

/// The same of a text that the file might have.
///
/// # Errors
/// Everything that is wrong with it, in the order of the text.
pub fn load_text(
    path: &Path,
    text: String,
    registry: &Registry,
    consented: &[PathBuf],
) -> Result<Loaded, Diagnostics> {
    loaded(SourceFile::new(path, text), registry, consented)
}

fn loaded(
    source: SourceFile,
    registry: &Registry,
    consented: &[PathBuf],
) -> Result<Loaded, Diagnostics> {
    let path = source.path.clone();
    let path = path.as_path();
    let source = Arc::new(source);
    let root = project_root(path);
    let models = root.join("models");
    let fence = Fence::new(path, &root, &[], consented);
    parse(source, root, registry, &|name| read_blueprint(&models, name, &fence))
}

/// A pipeline from its text (and what [`SourceFile::set_over`] set over it), its project root, and a way to read the
/// blueprint of a name.
///
/// # Errors
/// Everything that is wrong with them, in the order of the text.
pub fn parse(
    source: Arc<SourceFile>,
    root: PathBuf,
    registry: &Registry,
    read_blueprint: &dyn Fn(&str) -> Result<SourceFile, NoBlueprint>,
) -> Result<Loaded, Diagnostics> {
    resolve(&source, root, registry, read_blueprint)
}

/// Reads a file as text; what is wrong with its encoding is shown at its place.
fn read(path: &Path) -> Result<SourceFile, Diagnostics> {
    let bytes = std::fs::read(path).map_err(|error| {
        let shown = path.display();
        let code = match error.kind() {
            io::ErrorKind::NotFound => Code::NoSuchFile,
            _ => Code::FileUnreadable,
        };
        let found =
            Diagnostic::placeless(code, format!("cannot read `{shown}`: {}", plain(&error)));
        let near = (error.kind() == io::ErrorKind::NotFound).then(|| neighbour(path)).flatten();
        Diagnostics::from(found.maybe_help(near))
    })?;
    String::from_utf8(bytes).map(|text| SourceFile::new(path, text)).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
        let file = Arc::new(SourceFile::new(path, text));
        Diagnostic::error(Code::WrongEncoding, &file, at..at + 1, "the file is not UTF-8")
            .label("this byte")
            .help("save it in the encoding UTF-8")
            .into()
    })
}

/// Of a file that is not there: the nearest name beside it, else all that stand there.
fn neighbour(path: &Path) -> Option<String> {
    let wrong = path.file_stem()?.to_str()?.to_owned();
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    let names = toml_files(folder.unwrap_or(Path::new(".")));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let beside = |name: &str| path.with_file_name(format!("{name}.toml")).display().to_string();
    match crate::suggest(&wrong, names.iter().copied()) {
        Some(name) => Some(format!("did you mean `{}`?", beside(name))),
        None if names.is_empty() => None,
        None => {
            let paths: Vec<String> = names.into_iter().map(beside).collect();
            let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
            Some(format!("there are: {}", list(&paths)))
        }
    }
}

fn read_blueprint(models: &Path, name: &str, fence: &Fence) -> Result<SourceFile, NoBlueprint> {
    let path = models.join(format!("{name}.toml"));
    if let Err(Outside { message, help, .. }) = fence.admit(&path) {
        return Err(NoBlueprint { reason: message, help: Some(help) });
    }
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            // Shown as the user would type it.
            let here = std::env::current_dir().unwrap_or_default();
            let shown = path.strip_prefix(&here).map(Path::to_owned).unwrap_or(path);
            Ok(SourceFile::new(shown, text))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let known = toml_files(models);
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            Err(NoBlueprint {
                reason: format!("there is no `models/{name}.toml`"),
                help: did_you_mean(name, &known, "there are"),
            })
        }
        Err(error) => Err(NoBlueprint { reason: plain(&error), help: None }),
    }
}

/// Names of the TOML files of a folder, sorted; none if it cannot be read.
fn toml_files(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    names
}

/// An error of the system in words, without its number.
fn plain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        io::ErrorKind::InvalidData => "it is not UTF-8".to_owned(),
        _ => error.to_string(),
    }
}
