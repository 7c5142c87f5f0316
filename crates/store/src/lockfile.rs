//! The lock file `NAME.lock` beside `NAME.toml`: made by Collegium, committed and merged by people.
//!
//! One key per line and everything sorted, so that two branches which refitted different experts
//! merge by themselves; byte-stable, and not touched when nothing changed.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use collegium_digest::{Digest, Hasher};
use collegium_records::{Lock, LockedNode};
use serde::Deserialize;

use crate::{StoreError, disk};

/// The version of the lock file's format.
pub const LOCK_FORMAT: u32 = 2;

const HEADER: &str = "\
# Which trained model of each expert this pipeline stands on.
# Written by collegium: commit it, do not edit it. On a merge conflict keep either side and run again.

";

const REMEDY: &str = "restore it from version control, or delete it, and run again";

/// Reads a pipeline's lock file; an empty lock if there is none.
///
/// # Errors
/// If it cannot be read, was written by a newer version, or is not a lock file (conflict markers,
/// broken TOML, unknown keys), with the line where one can be named.
pub fn read_lock(path: &Path) -> Result<Lock, StoreError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Ok(Lock { format: LOCK_FORMAT, ..Lock::default() });
        }
        Err(source) => return Err(StoreError::Read { path: path.to_owned(), source }),
    };
    parse_lock(path, bytes)
}

/// A lock from the bytes of its file; `path` names it in errors.
///
/// # Errors
/// As [`read_lock`], but for reading.
pub fn parse_lock(path: &Path, bytes: Vec<u8>) -> Result<Lock, StoreError> {
    let mut lock = parse(path, bytes)?;
    lock.node.values_mut().for_each(|node| node.seal = None);
    Ok(lock)
}

/// Nodes whose block is not as it was written: edited by hand, or merged line by line.
///
/// # Errors
/// As [`read_lock`].
pub fn broken_seals(path: &Path) -> Result<Vec<String>, StoreError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(StoreError::Read { path: path.to_owned(), source }),
    };
    let lock = parse(path, bytes)?;
    let broken = |node: &LockedNode| block(node).ok().map(|text| seal(&text)) != node.seal;
    Ok(lock.node.into_iter().filter(|(_, node)| broken(node)).map(|(name, _)| name).collect())
}

fn parse(path: &Path, bytes: Vec<u8>) -> Result<Lock, StoreError> {
    let bad = |line, message| StoreError::LockFile { path: path.to_owned(), line, message };
    let text = String::from_utf8(bytes).map_err(|error| {
        let whole = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        bad(Some(line_of(whole, whole.len())), format!("this is not text in UTF-8; {REMEDY}"))
    })?;
    if let Some(line) = text.lines().position(is_conflict_marker) {
        let message = "a merge conflict was left here; keep either side of the whole file \
                       and run again";
        return Err(bad(Some(line + 1), message.to_owned()));
    }
    let broken = |error: toml::de::Error| {
        let line = error.span().map(|span| line_of(text.as_bytes(), span.start));
        bad(line, format!("{}; {REMEDY}", error.message().trim_end_matches('.')))
    };
    // The version first: a newer file may hold anything else.
    #[derive(Deserialize)]
    struct Head {
        format: u32,
    }
    let head: Head = toml::from_str(&text).map_err(broken)?;
    if head.format != LOCK_FORMAT {
        let line = text.lines().position(|l| l.trim_start().starts_with("format"));
        let way_out = match head.format < LOCK_FORMAT {
            true => "delete the file and run again: what was fitted is still in the store",
            false => "update collegium, or delete the file and run again",
        };
        let message = format!(
            "this collegium writes lock files of format {LOCK_FORMAT} and does not read format {}; \
             {way_out}",
            head.format
        );
        return Err(bad(line.map(|n| n + 1), message));
    }
    toml::from_str(&text).map_err(broken)
}

/// Writes a pipeline's lock file, in one step; if it holds just that already it is not touched.
///
/// # Errors
/// If it cannot be written.
pub fn write_lock(path: &Path, lock: &Lock) -> Result<(), StoreError> {
    let text = lock_text(path, lock)?;
    if fs::read(path).is_ok_and(|there| there == text.as_bytes()) {
        return Ok(());
    }
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let prefix = format!(".{name}.");
    disk::sweep(&folder, &prefix, "", disk::GRACE);
    // Not left to a later sync: it may be the only file of a run that is committed.
    disk::replace(&folder, &prefix, path, text.as_bytes()).map_err(StoreError::write(path))
}

/// What [`write_lock`] writes; `path` names it in errors.
///
/// # Errors
/// If a value has no form in TOML.
pub fn lock_text(path: &Path, lock: &Lock) -> Result<String, StoreError> {
    encode(lock).map_err(|error| StoreError::Record {
        what: path.display().to_string(),
        message: error.to_string(),
    })
}

/// One block per node, one key per line: sub-tables become dotted keys, so that a block is whole
/// and a merge never tears the parts of one node apart.
fn encode(lock: &Lock) -> Result<String, toml::ser::Error> {
    let mut text = format!("{HEADER}format = {LOCK_FORMAT}\n");
    for (name, data) in &lock.data {
        text.push_str(&format!("\n[data.{}]\n", quoted(name)));
        for (key, value) in &toml::Table::try_from(data)? {
            lines(&mut text, key, value);
        }
    }
    if let Some(rotated) = &lock.rotated {
        text.push_str("\n[rotated]\n");
        for (key, value) in &toml::Table::try_from(rotated)? {
            lines(&mut text, key, value);
        }
    }
    for (name, node) in &lock.node {
        let block = block(node)?;
        text.push_str(&format!("\n[node.{}]\n{block}seal = \"{}\"\n", quoted(name), seal(&block)));
    }
    Ok(text)
}

/// The lines of a node, but for its seal.
fn block(node: &LockedNode) -> Result<String, toml::ser::Error> {
    let mut table = toml::Table::try_from(node)?;
    table.remove("seal");
    let mut text = String::new();
    // Plain values first: what a person looks for.
    let (nested, plain): (Vec<_>, Vec<_>) = table.iter().partition(|(_, v)| v.is_table());
    for (key, value) in plain.into_iter().chain(nested) {
        lines(&mut text, key, value);
    }
    Ok(text)
}

fn seal(block: &str) -> Digest {
    Hasher::new("block of a lock").text(block).finish()
}

fn lines(text: &mut String, key: &str, value: &toml::Value) {
    match value {
        toml::Value::Table(table) => {
            for (name, value) in table {
                lines(text, &format!("{key}.{}", quoted(name)), value);
            }
        }
        plain => text.push_str(&format!("{key} = {plain}\n")),
    }
}

/// A key, bare where TOML allows it.
fn quoted(key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !key.is_empty() && key.chars().all(bare) {
        return key.to_owned();
    }
    // Keys have no multi-line form, so controls are escaped one by one.
    let mut out = String::from("\"");
    for c in key.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push_str(&format!("\\U{:08X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn is_conflict_marker(line: &str) -> bool {
    ["<<<<<<<", "=======", ">>>>>>>", "|||||||"].iter().any(|marker| line.starts_with(marker))
}

/// The line of a byte, from 1.
fn line_of(text: &[u8], byte: usize) -> usize {
    1 + text[..byte.min(text.len())].iter().filter(|&&b| b == b'\n').count()
}
