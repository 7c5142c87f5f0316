//! User consent (grants), in a file of the user's own.
//!
//! A pipeline file can ask for things: folders outside of its project to read (and whatever is asked for the
//! same way). It cannot consent: that is its user's, and lies where no pipeline writes, in `collegium/trust.toml`
//! of the folder for settings. A grant names a kind, a project and exactly what was asked; when anything else is
//! asked it is another question, and is put anew.
//!
//! The file is the user's, so it is changed by as little as possible: a grant is a block of lines behind the others.

use std::{
    fs,
    io::{self, ErrorKind, Write as _},
    os::unix::{ffi::OsStrExt as _, fs::DirBuilderExt as _},
    path::{Path, PathBuf},
};

use collegium_digest::{Digest, Hasher};
use serde::Deserialize;

use crate::owner::trust_file;

/// The kind of a grant to read folders outside of a project.
pub const READS: &str = "reads";

/// Consent to what the pipelines of a project ask for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Grant {
    /// The project's folder, links followed.
    pub folder: PathBuf,
    /// To what kind of thing: [`READS`].
    pub kind: String,
    /// What was asked, for people to read.
    pub asked: Vec<PathBuf>,
    /// Over all of it.
    digest: String,
}

/// What the user's file says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Trusted {
    project: Vec<Grant>,
    stores: Option<toml::Spanned<Vec<String>>>,
}

impl Grant {
    /// Consent to everything in `asked`, a sorted list, for the pipelines of the project in `folder`.
    pub fn new(kind: &str, folder: &Path, asked: &[PathBuf]) -> Self {
        let digest = digest(kind, folder, asked).to_string();
        Self { folder: folder.to_owned(), kind: kind.to_owned(), asked: asked.to_vec(), digest }
    }

    /// Has the user given it? What cannot be read grants nothing.
    pub fn is_given(&self) -> bool {
        let given = |known: &Grant| known.kind == self.kind && known.digest == self.digest;
        grants().is_ok_and(|all| all.iter().any(given))
    }

    /// Files it; returns the file.
    ///
    /// # Errors
    /// If there is no place for settings, or the file cannot be read or written.
    pub fn give(&self) -> io::Result<PathBuf> {
        let text = read()?;
        let block = format!(
            "{}[[project]]\nfolder = {}\nkind = {}\nasked = {}\ndigest = {}\n",
            if text.is_empty() { "" } else { "\n" },
            quoted(&self.folder.to_string_lossy()),
            quoted(&self.kind),
            list(self.asked.iter().map(|folder| folder.to_string_lossy())),
            quoted(&self.digest),
        );
        let line_end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        write(format!("{text}{line_end}{block}"), |now| now.project.contains(self))
    }
}

/// All grants of this user.
///
/// # Errors
/// If the file cannot be read.
pub fn grants() -> io::Result<Vec<Grant>> {
    Ok(parsed(&read()?)?.project)
}

/// Takes back every grant for a project; how many there were.
///
/// # Errors
/// If the file cannot be read or written.
pub fn revoke(folder: &Path) -> io::Result<usize> {
    let text = read()?;
    let is_ours = |block: &str| {
        parsed(block).is_ok_and(|one| one.project.iter().any(|grant| grant.folder == folder))
    };
    let (gone, kept): (Vec<String>, Vec<String>) = blocks(&text).partition(|block| is_ours(block));
    if !gone.is_empty() {
        write(kept.concat(), |now| now.project.iter().all(|grant| grant.folder != folder))?;
    }
    Ok(gone.len())
}

/// The stores of other owners that this user writes to. What cannot be read trusts none.
pub fn stores() -> Vec<String> {
    let trusted = read().and_then(|text| parsed(&text)).unwrap_or_default();
    trusted.stores.map(toml::Spanned::into_inner).unwrap_or_default()
}

/// Trusts a store of another owner from now on, or no longer; returns the file.
///
/// # Errors
/// If there is no place for settings, or the file cannot be read or written.
pub fn trust_store(store: &Path, trusted: bool) -> io::Result<PathBuf> {
    let text = read()?;
    let name = store.to_string_lossy().into_owned();
    let given = parsed(&text)?.stores;
    let mut all = given.as_ref().map(|all| all.get_ref().clone()).unwrap_or_default();
    all.retain(|known| *known != name);
    if trusted {
        all.push(name.clone());
    }
    let written = list(all.iter().map(String::as_str));
    let text = match given {
        Some(given) => {
            format!("{}{written}{}", &text[..given.span().start], &text[given.span().end..])
        }
        // A key of no table stands before every table.
        None => format!("stores = {written}\n{text}"),
    };
    write(text, |now| {
        now.stores.as_ref().is_some_and(|all| all.get_ref().contains(&name) == trusted)
    })
}

fn digest(kind: &str, folder: &Path, asked: &[PathBuf]) -> Digest {
    let mut hasher = Hasher::new("consent");
    hasher.text(kind).bytes(folder.as_os_str().as_bytes()).list(asked.len());
    for one in asked {
        hasher.bytes(one.as_os_str().as_bytes());
    }
    hasher.finish()
}

/// The file's text; none if there is no file.
fn read() -> io::Result<String> {
    let Some(file) = trust_file() else { return Ok(String::new()) };
    match fs::read_to_string(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
        read => read,
    }
}

fn parsed(text: &str) -> io::Result<Trusted> {
    toml::from_str(text).map_err(|error| io::Error::new(ErrorKind::InvalidData, error.to_string()))
}

/// Puts a new text in the place of the file, if it says what it should; a link keeps its name.
fn write(text: String, says: impl Fn(&Trusted) -> bool) -> io::Result<PathBuf> {
    if !parsed(&text).is_ok_and(|now| says(&now)) {
        let why = "it is written in a way that only its author can change";
        return Err(io::Error::new(ErrorKind::InvalidData, why));
    }
    let file = trust_file().ok_or_else(|| {
        io::Error::new(
            ErrorKind::NotFound,
            "neither XDG_CONFIG_HOME nor HOME says where settings lie",
        )
    })?;
    let target = fs::canonicalize(&file).unwrap_or_else(|_| file.clone());
    let folder = target.parent().unwrap_or(Path::new("/"));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut whole = tempfile::NamedTempFile::new_in(folder)?;
    whole.write_all(text.as_bytes())?;
    whole.as_file().sync_all()?;
    whole.persist(&target).map_err(|error| error.error)?;
    Ok(file)
}

/// The text in pieces: what stands before the first table, and each table with the lines that belong to it.
fn blocks(text: &str) -> impl Iterator<Item = String> {
    let mut blocks = vec![String::new()];
    for line in text.split_inclusive('\n') {
        if line.trim_start().starts_with('[') {
            blocks.push(String::new());
        }
        if let Some(last) = blocks.last_mut() {
            last.push_str(line);
        }
    }
    blocks.into_iter()
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn list<T: AsRef<str>>(texts: impl Iterator<Item = T>) -> String {
    format!("[{}]", texts.map(|text| quoted(text.as_ref())).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_is_for_one_kind_one_project_and_one_list() {
        let grant = |kind, folder: &str, asked: &[&str]| {
            let asked: Vec<PathBuf> = asked.iter().map(PathBuf::from).collect();
            Grant::new(kind, Path::new(folder), &asked).digest
        };
        let one = grant(READS, "/p", &["/a", "/b"]);
        assert_eq!(one, grant(READS, "/p", &["/a", "/b"]));
        for other in [
            grant("commands", "/p", &["/a", "/b"]),
            grant(READS, "/q", &["/a", "/b"]),
            grant(READS, "/p", &["/a"]),
            grant(READS, "/p", &["/a/b"]),
            grant(READS, "/p", &["/a", "/b", "/c"]),
        ] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn a_block_that_goes_leaves_everything_else_as_it_was() {
        let text = "# mine\nstores = [\"/s\"]\n\n[[project]]\nfolder = \"/p\"\n\n[[project]]\nfolder = \"/q\"\n";
        let all: Vec<String> = blocks(text).collect();
        assert_eq!(all.concat(), text);
        assert_eq!(all.len(), 3);
        assert!(all[0].starts_with("# mine"));
    }
}
