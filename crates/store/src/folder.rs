//! Directory handle that never follows a link (path traversal).
//!
//! A clone of a stranger's project may hold links: `.collegium/tmp` that leads to somebody's home, a
//! shard of `objects` that leads into another store. By path such a link is followed without a word, and
//! what is swept, freed or moved away is not ours. So every file of a store is opened, named and removed
//! from the handle of the store's folder, one step at a time, and a link on the way is an error that names
//! it. What is not a regular file (a pipe, a device) is never opened for reading: that could wait for ever.
//!
//! Linux walks the steps in one call, `openat2`. Older systems do without: see [`Folder::walk`].
//!
//! Rejected: looking at each path for links before using it, which another process can outrun; the
//! crate `cap-std`, which follows links as long as they stay below the folder.

use std::{
    ffi::OsStr,
    fs::{self, File, Metadata},
    io::{self, ErrorKind, Read as _},
    os::fd::{AsFd as _, OwnedFd},
    path::{Component, Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rustix::{
    fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat},
    io::Errno,
};

use crate::locked;

/// A folder, and what is below it.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// Open from the first use on; another one after the folder was deleted and made again.
    handle: Mutex<Option<Arc<OwnedFd>>>,
    /// May the folder itself be reached through a link?
    linked: bool,
}

/// What the system says about a file without opening it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    pub(crate) kind: FileType,
    pub(crate) bytes: u64,
    pub(crate) modified: SystemTime,
}

const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC).union(OFlags::NOFOLLOW);
/// Without waiting for the other end of a pipe.
const FILE: OFlags =
    OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK);

impl Folder {
    /// A folder that need not be there yet. `linked`: it may be a link itself.
    pub(crate) fn new(path: PathBuf, linked: bool) -> Self {
        Self { path, handle: Mutex::default(), linked }
    }

    /// Makes the folder, and takes its handle anew if another one lies there now.
    pub(crate) fn make(&self) -> io::Result<()> {
        fs::create_dir_all(&self.path)?;
        *locked(&self.handle) = Some(Arc::new(self.reach()?));
        Ok(())
    }

    /// What the system says about the folder itself.
    pub(crate) fn metadata(&self) -> io::Result<Metadata> {
        File::from(self.handle()?.try_clone()?).metadata()
    }

    fn reach(&self) -> io::Result<OwnedFd> {
        let flags = if self.linked { FOLDER.difference(OFlags::NOFOLLOW) } else { FOLDER };
        rustix::fs::open(&self.path, flags | OFlags::RDONLY, Mode::empty())
            .map_err(|error| self.said(error, &self.path))
    }

    fn handle(&self) -> io::Result<Arc<OwnedFd>> {
        let mut handle = locked(&self.handle);
        if handle.is_none() {
            *handle = Some(Arc::new(self.reach()?));
        }
        handle.clone().ok_or_else(|| ErrorKind::NotFound.into())
    }

    /// The way from this folder to a path below it.
    pub(crate) fn below<'a>(&self, path: &'a Path) -> io::Result<&'a Path> {
        let way = path.strip_prefix(&self.path).map_err(|_| outside(path))?;
        let plain = way.components().all(|part| matches!(part, Component::Normal(_)));
        if plain { Ok(way) } else { Err(outside(path)) }
    }

    /// The handle of the folder that a path lies in, and the path's last part.
    fn parent<'a>(&self, path: &'a Path) -> io::Result<(Arc<OwnedFd>, &'a OsStr)> {
        let way = self.below(path)?;
        let name = way.file_name().ok_or_else(|| outside(path))?;
        let above = way.parent().unwrap_or(Path::new(""));
        Ok((self.folder(above, path)?, name))
    }

    /// The handle of a folder below, by the way to it; `path` is named in errors.
    pub(crate) fn folder(&self, way: &Path, path: &Path) -> io::Result<Arc<OwnedFd>> {
        let handle = self.handle()?;
        if way.as_os_str().is_empty() {
            return Ok(handle);
        }
        self.walk(&handle, way, FOLDER | OFlags::RDONLY, path).map(Arc::new)
    }

    /// The handle of a folder below.
    pub(crate) fn open_folder(&self, path: &Path) -> io::Result<File> {
        let handle = self.handle()?;
        Ok(File::from(self.walk(&handle, self.below(path)?, FOLDER | OFlags::RDONLY, path)?))
    }

    /// Opens what lies at the end of a way, through no link.
    fn walk(&self, from: &OwnedFd, way: &Path, flags: OFlags, path: &Path) -> io::Result<OwnedFd> {
        #[cfg(target_os = "linux")]
        {
            use rustix::fs::ResolveFlags;
            let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
            match rustix::fs::openat2(from, way, flags, Mode::empty(), resolve) {
                // Before Linux 5.6, and where a sandbox knows no better.
                Err(Errno::NOSYS | Errno::PERM) => {}
                result => return result.map_err(|error| self.said(error, path)),
            }
        }
        let mut steps = way.iter().peekable();
        let mut at: Option<OwnedFd> = None;
        while let Some(step) = steps.next() {
            let flags = if steps.peek().is_some() { FOLDER | OFlags::RDONLY } else { flags };
            let here = at.as_ref().map_or(from.as_fd(), |fd| fd.as_fd());
            let next = rustix::fs::openat(here, step, flags, Mode::empty());
            at = Some(next.map_err(|error| self.said(error, path))?);
        }
        at.ok_or_else(|| outside(path))
    }

    /// Opens a regular file for reading. A folder in its place is [`ErrorKind::IsADirectory`].
    pub(crate) fn open(&self, path: &Path) -> io::Result<File> {
        let file = File::from(self.walk(&*self.handle()?, self.below(path)?, FILE, path)?);
        let kind = file.metadata()?.file_type();
        match (kind.is_file(), kind.is_dir()) {
            (true, _) => Ok(file),
            (_, true) => Err(ErrorKind::IsADirectory.into()),
            _ => Err(io::Error::other("it is no regular file, and is not read")),
        }
    }

    /// The bytes of a regular file.
    pub(crate) fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut file = self.open(path)?;
        let mut bytes = Vec::with_capacity(file.metadata().map_or(0, |m| m.len() as usize));
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// What lies at a path; a link is a link.
    pub(crate) fn look(&self, path: &Path) -> io::Result<Look> {
        let (folder, name) = self.parent(path)?;
        let stat = rustix::fs::statat(&*folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(Look {
            kind: FileType::from_raw_mode(stat.st_mode),
            bytes: stat.st_size.try_into().unwrap_or(0),
            modified: modified(&stat),
        })
    }

    /// The names in a folder below, with their paths, sorted; none if there is no such folder, or if a
    /// stray file lies there.
    pub(crate) fn names(&self, folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
        let handle = match self.folder(self.below(folder)?, folder) {
            Err(error) if is_absent(&error) => return Ok(Vec::new()),
            result => result?,
        };
        let mut names = Vec::new();
        for entry in Dir::read_from(&*handle)? {
            let entry = entry?;
            let name = entry.file_name();
            if let Ok(name) = name.to_str()
                && !matches!(name, "." | "..")
            {
                names.push((name.to_owned(), folder.join(name)));
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Removes a file or a link, or, if it is empty, a folder.
    pub(crate) fn remove(&self, path: &Path) -> io::Result<()> {
        let (folder, name) = self.parent(path)?;
        match rustix::fs::unlinkat(&*folder, name, AtFlags::empty()) {
            // Linux says one, other systems the other.
            Err(Errno::ISDIR | Errno::PERM) => {
                Ok(rustix::fs::unlinkat(&*folder, name, AtFlags::REMOVEDIR)?)
            }
            result => Ok(result?),
        }
    }

    /// Removes whatever lies at a path, a folder with all that is in it.
    pub(crate) fn remove_all(&self, path: &Path) -> io::Result<()> {
        if self.look(path)?.kind == FileType::Directory {
            for (_, below) in self.names(path)? {
                self.remove_all(&below)?;
            }
        }
        self.remove(path)
    }

    /// Gives a file another name, replacing what has it; the new folder is made if missing.
    pub(crate) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (folder, name) = self.parent(from)?;
        self.rename_from(&folder, name, to)
    }

    pub(crate) fn rename_from(&self, folder: &OwnedFd, name: &OsStr, to: &Path) -> io::Result<()> {
        let (into, new) = self.parent(to)?;
        Ok(rustix::fs::renameat(folder, name, &*into, new)?)
    }

    /// Makes a folder below, with those above it.
    pub(crate) fn make_folder(&self, path: &Path) -> io::Result<()> {
        let mut at = self.path.clone();
        for step in self.below(path)? {
            at.push(step);
            let (folder, name) = self.parent(&at)?;
            match rustix::fs::mkdirat(&*folder, name, Mode::from_raw_mode(0o777)) {
                Err(Errno::EXIST) if self.look(&at)?.kind == FileType::Directory => {}
                Err(Errno::EXIST) if self.look(&at)?.kind == FileType::Symlink => {
                    return Err(link(&at));
                }
                result => result?,
            }
        }
        Ok(())
    }

    /// A file for writing, made if missing; it is not emptied.
    pub(crate) fn open_or_make(&self, path: &Path) -> io::Result<File> {
        let (folder, name) = self.parent(path)?;
        let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let file = rustix::fs::openat(&*folder, name, flags | OFlags::NONBLOCK, MODE);
        Ok(File::from(file.map_err(|error| self.said(error, path))?))
    }

    /// An error of the system as a person should read it.
    fn said(&self, error: Errno, path: &Path) -> io::Error {
        match error {
            Errno::LOOP => link(path),
            // What `O_NOFOLLOW` gives for a link where a folder is wanted.
            Errno::NOTDIR if self.has_link(path) => link(path),
            other => other.into(),
        }
    }

    /// Does a link lie on the way? Only asked to word an error.
    fn has_link(&self, path: &Path) -> bool {
        let mut at = PathBuf::from(&self.path);
        let way = path.strip_prefix(&self.path).unwrap_or(Path::new(""));
        let is_link = |at: &Path| fs::symlink_metadata(at).is_ok_and(|m| m.is_symlink());
        is_link(&at)
            || way.iter().any(|step| {
                at.push(step);
                is_link(&at)
            })
    }
}

/// As any other new file: the user's umask decides.
pub(crate) const MODE: Mode = Mode::from_raw_mode(0o666);

fn modified(stat: &Stat) -> SystemTime {
    let rest = Duration::from_nanos(stat.st_mtime_nsec);
    match u64::try_from(stat.st_mtime) {
        Ok(seconds) => UNIX_EPOCH + Duration::from_secs(seconds) + rest,
        Err(_) => UNIX_EPOCH - Duration::from_secs(stat.st_mtime.unsigned_abs()) + rest,
    }
}

/// Is nothing there, or a file where a folder should be?
pub(crate) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn link(path: &Path) -> io::Error {
    io::Error::other(format!(
        "a link lies in a store at or above {}, and links are not followed there; remove the link",
        path.display()
    ))
}

fn outside(path: &Path) -> io::Error {
    io::Error::other(format!("{} does not lie in the store", path.display()))
}
