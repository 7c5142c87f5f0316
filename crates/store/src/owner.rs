//! Ownership check of a store: it is not written to if it belongs to another user.
//!
//! Whoever can write to a store decides what is in it, and what a command does with it. So a store of
//! another user is not written to, as git does not work in another user's repository, unless this user said
//! that it may be: by `stores` in `collegium/trust.toml` of the folder for settings (`$XDG_CONFIG_HOME`,
//! else `~/.config`), with absolute paths, or `"*"` for all.

use std::{
    fs::{self, Metadata},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

/// The file in which a user says what he or she trusts; `None` without a home.
pub fn trust_file() -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let settings = match folder("XDG_CONFIG_HOME").map(PathBuf::from) {
        Some(settings) if settings.is_absolute() => settings,
        _ => PathBuf::from(folder("HOME")?).join(".config"),
    };
    Some(settings.join("collegium").join("trust.toml"))
}

/// May this user write to the store?
pub(crate) fn is_ours(store: &Metadata, path: &Path) -> bool {
    let me = rustix::process::geteuid();
    let called_by = std::env::var("SUDO_UID").ok().and_then(|uid| uid.parse().ok());
    store.uid() == me.as_raw()
        || (me.is_root() && called_by == Some(store.uid()))
        || crate::trust::stores().iter().any(|safe| is_named(safe, path))
}

fn is_named(safe: &str, store: &Path) -> bool {
    safe == "*"
        || fs::canonicalize(safe).is_ok_and(|safe| fs::canonicalize(store).is_ok_and(|s| s == safe))
}
