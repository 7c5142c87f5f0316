//! Atomic writing of a project: every file or none.

use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use crate::{PROJECTS, Project};

/// The JSON Schema's name in `pipelines/`, as the pipelines' `#:schema` lines spell it.
pub const SCHEMA_FILE: &str = "pipeline.schema.json";

/// Why no project was written. Nothing is left behind in any case.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// No template has that name.
    #[error("there is no template {name:?}; the templates are {}", names().join(", "))]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// Files of these names are there already.
    #[error("nothing was written, because these files exist: {}",
        .files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", "))]
    Exists {
        /// All of them.
        files: Vec<PathBuf>,
    },
    /// The file system refused.
    #[error("nothing was written: {}: {source}", .path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

/// Writes the project of the template `name` into `dir`, which is created if it is not there:
/// `pipelines/NAME.toml`, its table under `pipelines/data/`, and `schema_json` as
/// `pipelines/pipeline.schema.json`, which the pipeline's first line points editors to. A schema
/// file that already holds exactly that text is left alone, so that a second template can join a
/// project.
///
/// Returns the files written, the pipeline first.
///
/// # Errors
/// [`TemplateError`]; then no file and no folder was added.
pub fn write(name: &str, dir: &Path, schema_json: &str) -> Result<Vec<PathBuf>, TemplateError> {
    let project = find(name)?;
    let pipelines = dir.join("pipelines");
    let schema = pipelines.join(SCHEMA_FILE);
    let mut files = vec![
        (pipelines.join(format!("{name}.toml")), project.pipeline.to_owned()),
        (pipelines.join("data").join(project.table), (project.csv)()),
    ];
    if fs::read(&schema).ok().as_deref() != Some(schema_json.as_bytes()) {
        files.push((schema, schema_json.to_owned()));
    }
    let taken: Vec<PathBuf> =
        files.iter().map(|(path, _)| path).filter(|path| is_taken(path)).cloned().collect();
    if !taken.is_empty() {
        return Err(TemplateError::Exists { files: taken });
    }
    let mut undo = Undo::default();
    undo.folders(&pipelines.join("data"))?;
    let staged = files
        .iter()
        .map(|(path, text)| stage(path, text).map_err(io_error(path)))
        .collect::<Result<Vec<_>, _>>()?;
    for ((path, _), file) in files.iter().zip(staged) {
        match file.persist_noclobber(path) {
            Ok(_) => undo.files.push(path.clone()),
            // Somebody else took the name since we looked.
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(TemplateError::Exists { files: vec![path.clone()] });
            }
            Err(error) => return Err(io_error(path)(error.error)),
        }
    }
    undo.keep();
    Ok(files.into_iter().map(|(path, _)| path).collect())
}

fn names() -> Vec<&'static str> {
    PROJECTS.iter().map(|project| project.template.name).collect()
}

fn find(name: &str) -> Result<&'static Project, TemplateError> {
    const { &PROJECTS }
        .iter()
        .find(|project| project.template.name == name)
        .ok_or_else(|| TemplateError::Unknown { name: name.to_owned() })
}

/// Whether a name is in use, be it by a link to nowhere.
fn is_taken(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// The whole text under a temporary name in the same folder, on disk, readable as usual.
fn stage(path: &Path, text: &str) -> io::Result<NamedTempFile> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".collegium-init-");
    // A temporary file is private by default; these are meant to be shared like any other source.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    Ok(file)
}

fn io_error(path: &Path) -> impl Fn(io::Error) -> TemplateError {
    move |source| TemplateError::Io { path: path.to_owned(), source }
}

/// What has been added so far, and is taken away again unless all of it succeeds.
#[derive(Default)]
struct Undo {
    folders: Vec<PathBuf>,
    files: Vec<PathBuf>,
}

impl Undo {
    /// Creates `path` with its parents, remembering which were missing.
    fn folders(&mut self, path: &Path) -> Result<(), TemplateError> {
        let missing: Vec<&Path> = path
            .ancestors()
            .take_while(|folder| !folder.as_os_str().is_empty() && !is_taken(folder))
            .collect();
        for folder in missing.into_iter().rev() {
            match fs::create_dir(folder) {
                Ok(()) => self.folders.push(folder.to_owned()),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(io_error(folder)(error)),
            }
        }
        if path.is_dir() {
            return Ok(());
        }
        Err(io_error(path)(io::Error::from(io::ErrorKind::NotADirectory)))
    }

    fn keep(mut self) {
        self.folders.clear();
        self.files.clear();
    }
}

impl Drop for Undo {
    fn drop(&mut self) {
        // Best effort: a folder that somebody else has put something into stays.
        for file in self.files.drain(..) {
            let _ = fs::remove_file(file);
        }
        for folder in self.folders.drain(..).rev() {
            let _ = fs::remove_dir(folder);
        }
    }
}
