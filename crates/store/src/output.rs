//! Atomic output files (`-o FILE`, `--report FILE`): a result in a place that the user named.
//!
//! A regular file appears when it is whole: it is written under a name of our own beside its target, and
//! renamed. Whatever is not a regular file is never renamed over, for that would put a file in the place of
//! a device or a pipe: what leads to one (`/dev/null`, a FIFO, `/dev/stdout`, `-`) is written through when
//! the result is whole. A link is followed, and the file at its end is replaced; a folder is refused.
//!
//! Rejected: writing to the target itself, which a kill or a full disk would leave half done.

use std::{
    fs::{self, File, Metadata, OpenOptions, Permissions, TryLockError},
    io::{self, ErrorKind, IsTerminal, Read as _, Seek as _, Write},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::fs::{Access, AtFlags, CWD, Gid, OFlags, Uid};
use tempfile::NamedTempFile;

use crate::{StoreError, disk};

/// A result that is being written. Dropped before [`OutputFile::finish`], it leaves its target as it was.
#[derive(Debug)]
pub struct OutputFile {
    /// As it was typed.
    named: PathBuf,
    to: To,
}

#[derive(Debug)]
enum To {
    /// A file that takes the place of a regular one, or of none.
    File { file: NamedTempFile, target: PathBuf, there: Option<Box<Metadata>> },
    /// What is written through, and the result so far, in a file without a name.
    Stream { stream: Stream, file: File },
}

#[derive(Debug)]
enum Stream {
    Stdout,
    Stderr,
    Other(File),
}

/// What lies at the end of a path.
#[derive(Debug)]
enum Place {
    File(PathBuf, Option<Box<Metadata>>),
    Stdout,
    Stderr,
    Other(PathBuf),
}

/// More links than this lead in a circle, as for the system itself.
const MOST_LINKS: usize = 40;

/// Names that are tried until one is ours alone.
const TRIES: usize = 20;

const PREFIX: &str = ".collegium-";
const SUFFIX: &str = ".part";

impl OutputFile {
    /// A result for a place that the command line names. What a killed process left beside it is removed.
    ///
    /// # Errors
    /// [`StoreError::Output`] if it is a folder, lies in no folder, or may not be written.
    pub fn create(path: &Path) -> Result<Self, StoreError> {
        let failed = |error| refused(path, &error);
        let to = match place(path).map_err(failed)? {
            Place::File(target, there) => replacing(target, there).map_err(failed)?,
            Place::Stdout => streaming(Stream::Stdout).map_err(failed)?,
            Place::Stderr => streaming(Stream::Stderr).map_err(failed)?,
            Place::Other(device) => {
                // At the end of whatever is behind it; and a terminal does not become ours.
                let flags = OFlags::NOCTTY.bits() as i32;
                let file = OpenOptions::new().append(true).custom_flags(flags).open(device);
                streaming(Stream::Other(file.map_err(failed)?)).map_err(failed)?
            }
        };
        Ok(Self { named: path.to_owned(), to })
    }

    /// A file that belongs to another result and that nobody named: a link in its place is not followed,
    /// and only a regular file is replaced.
    ///
    /// # Errors
    /// As [`OutputFile::create`].
    pub fn beside(path: &Path) -> Result<Self, StoreError> {
        let there = match fs::symlink_metadata(path) {
            Ok(there) if there.is_dir() => Err(ErrorKind::IsADirectory.into()),
            Ok(there) if there.is_file() => Ok(Some(Box::new(there))),
            Ok(_) => Err(io::Error::other(
                "what lies there is no regular file, and is not replaced; move it away",
            )),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        };
        let to = there.and_then(|there| replacing(path.to_owned(), there));
        Ok(Self { named: path.to_owned(), to: to.map_err(|error| refused(path, &error))? })
    }

    /// Is this place written through, having nothing beside it? What cannot be told is a file.
    pub fn is_stream_at(path: &Path) -> bool {
        !matches!(place(path), Ok(Place::File(..)) | Err(_))
    }

    /// Is this place standard output?
    pub fn is_stdout_at(path: &Path) -> bool {
        matches!(place(path), Ok(Place::Stdout))
    }

    /// Is it written through, having nothing beside it?
    pub fn is_stream(&self) -> bool {
        matches!(self.to, To::Stream { .. })
    }

    /// Where the result is put together.
    pub fn file(&self) -> &File {
        match &self.to {
            To::File { file, .. } => file.as_file(),
            To::Stream { file, .. } => file,
        }
    }

    /// The path of [`OutputFile::file`]; a stream's has none.
    pub fn path(&self) -> Option<&Path> {
        match &self.to {
            To::File { file, .. } => Some(file.path()),
            To::Stream { .. } => None,
        }
    }

    /// Writes a whole result.
    ///
    /// # Errors
    /// As [`OutputFile::finish`].
    pub fn save(self, bytes: &[u8]) -> Result<(), StoreError> {
        self.file().write_all(bytes).map_err(|error| refused(&self.named, &error))?;
        self.finish()
    }

    /// Makes what was written durable.
    ///
    /// # Errors
    /// [`StoreError::Output`].
    pub fn sync(&self) -> Result<(), StoreError> {
        match &self.to {
            To::File { file, .. } => file.as_file().sync_all(),
            To::Stream { .. } => Ok(()),
        }
        .map_err(|error| refused(&self.named, &error))
    }

    /// Gives the result its place: a file takes its name, a stream gets everything.
    ///
    /// # Errors
    /// [`StoreError::Output`]; a file is then as it was. [`StoreError::Closed`] if whoever reads the
    /// stream has had enough.
    pub fn finish(self) -> Result<(), StoreError> {
        let named = self.named;
        match self.to {
            To::File { file, target, there } => settle(file, &target, there.as_deref()),
            To::Stream { stream, file } => send(stream, file),
        }
        .map_err(|error| match error.kind() {
            ErrorKind::BrokenPipe => StoreError::Closed { path: shown(&named) },
            _ => refused(&named, &error),
        })
    }
}

/// Follows the links of a path that the command line names.
fn place(path: &Path) -> io::Result<Place> {
    if path.as_os_str() == "-" {
        return Ok(Place::Stdout);
    }
    let mut at = path.to_owned();
    for _ in 0..MOST_LINKS {
        if let Some(open) = descriptor(&at) {
            return Ok(open);
        }
        match fs::symlink_metadata(&at) {
            Ok(there) if there.is_symlink() => {
                let to = fs::read_link(&at)?;
                at = at.parent().unwrap_or(Path::new("")).join(to);
            }
            Ok(there) if there.is_dir() => return Err(ErrorKind::IsADirectory.into()),
            Ok(there) if there.is_file() => return Ok(Place::File(at, Some(Box::new(there)))),
            Ok(_) => return Ok(Place::Other(at)),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Place::File(at, None)),
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("too many links lead there"))
}

/// A path that names an open file of a process, `/proc/self/fd/1`. It looks like a link to a file, but
/// who opened it wants to be written to where it stands, and not to have the file replaced.
fn descriptor(path: &Path) -> Option<Place> {
    let number: u32 = path.file_name()?.to_str()?.parse().ok()?;
    let folder = path.parent()?.canonicalize().ok()?;
    let open = folder.starts_with("/proc") && folder.ends_with("fd");
    let ours = || fs::canonicalize("/proc/self").is_ok_and(|own| folder.starts_with(own));
    match number {
        _ if !open => None,
        1 if ours() => Some(Place::Stdout),
        2 if ours() => Some(Place::Stderr),
        _ => Some(Place::Other(path.to_owned())),
    }
}

fn streaming(stream: Stream) -> io::Result<To> {
    Ok(To::Stream { stream, file: tempfile::tempfile()? })
}

fn replacing(target: PathBuf, there: Option<Box<Metadata>>) -> io::Result<To> {
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    if there.is_some() {
        // To rename over a file, nobody asks whether it may be written: we do.
        rustix::fs::accessat(CWD, &target, Access::WRITE_OK, AtFlags::EACCESS)?;
    }
    // Whoever writes holds a lock from the beginning on (see `temporary`), so no age is young.
    disk::sweep(&folder, PREFIX, SUFFIX, Duration::ZERO);
    // By the umask, as any new file; as private as the one that it replaces.
    let mode = there.as_ref().map_or(0o666, |there| there.mode() & 0o777);
    Ok(To::File { file: temporary(&folder, mode)?, target, there })
}

/// A file of our own, locked for as long as it is written.
fn temporary(folder: &Path, mode: u32) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).suffix(SUFFIX).permissions(Permissions::from_mode(mode));
    for _ in 0..TRIES {
        let file = builder.tempfile_in(folder)?;
        match file.as_file().try_lock() {
            // Somebody sweeps, and came between the making and the locking.
            Err(TryLockError::WouldBlock) => {}
            Ok(()) if !has_its_name(&file) => {}
            // Where locks are not supported, nothing is swept either.
            Ok(()) | Err(TryLockError::Error(_)) => return Ok(file),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

fn has_its_name(file: &NamedTempFile) -> bool {
    let (open, named) = (file.as_file().metadata(), fs::symlink_metadata(file.path()));
    open.ok().zip(named.ok()).is_some_and(|(open, named)| open.ino() == named.ino())
}

fn settle(file: NamedTempFile, target: &Path, there: Option<&Metadata>) -> io::Result<()> {
    if let Some(there) = there {
        // Only root can give a file away; for others it is theirs from now on.
        let (owner, group) = (Uid::from_raw(there.uid()), Gid::from_raw(there.gid()));
        let _ = rustix::fs::fchown(file.as_file(), Some(owner), Some(group));
        file.as_file().set_permissions(Permissions::from_mode(there.mode() & 0o7777))?;
    }
    file.as_file().sync_all()?;
    file.persist(target).map(drop).map_err(|refused| refused.error)
}

fn send(stream: Stream, mut file: File) -> io::Result<()> {
    file.rewind()?;
    match stream {
        Stream::Stdout => copy(file, io::stdout().lock()),
        Stream::Stderr => copy(file, io::stderr().lock()),
        Stream::Other(to) => copy(file, to),
    }
}

/// Bytes as they are; on a terminal text that can do it no harm.
fn copy(mut from: File, mut to: impl Write + IsTerminal) -> io::Result<()> {
    if to.is_terminal() {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes);
        to.write_all(collegium_records::printable(&text).as_bytes())?;
    } else {
        io::copy(&mut from, &mut to)?;
    }
    to.flush()
}

fn shown(path: &Path) -> PathBuf {
    if path.as_os_str() == "-" { "standard output".into() } else { path.to_owned() }
}

/// An error of the system in words, with the way out.
fn refused(path: &Path, error: &io::Error) -> StoreError {
    let message = match error.kind() {
        ErrorKind::IsADirectory => "it is a folder; name a file".to_owned(),
        ErrorKind::NotFound => {
            "it would lie in a folder that is not there; make that first".to_owned()
        }
        ErrorKind::PermissionDenied => {
            "the system does not permit it; choose another place, or give yourself permission"
                .to_owned()
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            format!("{error}. Free some space and run again; nothing was replaced")
        }
        ErrorKind::ReadOnlyFilesystem => {
            "the file system is read-only; choose another place".to_owned()
        }
        _ => error.to_string(),
    };
    StoreError::Output { path: shown(path), message }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn left(folder: &Path) -> Vec<String> {
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn write(path: &Path, text: &str) -> Result<(), StoreError> {
        OutputFile::create(path)?.save(text.as_bytes())
    }

    #[test]
    fn a_file_is_replaced_whole_and_keeps_its_permissions() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        fs::write(&path, "before").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        let output = OutputFile::create(&path).unwrap();
        output.file().write_all(b"half").unwrap();
        drop(output);
        assert_eq!(fs::read_to_string(&path).unwrap(), "before");
        write(&path, "after").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "after");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o640);
        assert_eq!(left(folder.path()), ["out"]);
    }

    #[test]
    fn a_link_stays_and_its_target_is_replaced_though_it_be_new() {
        let folder = tempfile::tempdir().unwrap();
        let (link, below) = (folder.path().join("link"), folder.path().join("below"));
        fs::create_dir(&below).unwrap();
        symlink("second", &link).unwrap();
        symlink("below/target", folder.path().join("second")).unwrap();
        for text in ["new", "newer"] {
            write(&link, text).unwrap();
            assert_eq!(fs::read_to_string(below.join("target")).unwrap(), text);
            assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        }
        symlink("circle", folder.path().join("circle")).unwrap();
        assert!(write(&folder.path().join("circle"), "").is_err());
    }

    #[test]
    fn folders_and_places_in_none_are_refused_in_words() {
        let folder = tempfile::tempdir().unwrap();
        let said = |path: &Path| write(path, "x").unwrap_err().to_string();
        assert!(said(folder.path()).contains("it is a folder"));
        assert!(said(&folder.path().join("no/out")).contains("a folder that is not there"));
        assert_eq!(left(folder.path()), [""; 0]);
    }

    #[test]
    fn what_is_no_regular_file_is_written_through_and_stays_what_it_is() {
        use std::os::unix::fs::FileTypeExt as _;
        write(Path::new("/dev/null"), "gone").unwrap();
        assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let link = folder.path().join("link");
        symlink("pipe", &link).unwrap();
        for path in [&pipe, &link] {
            let pipe = pipe.clone();
            let reader = std::thread::spawn(move || fs::read_to_string(pipe).unwrap());
            write(path, "through").unwrap();
            assert_eq!(reader.join().unwrap(), "through");
        }
        assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
        assert_eq!(left(folder.path()), ["link", "pipe"]);
    }

    #[test]
    fn an_open_file_of_a_process_is_written_to_and_not_replaced() {
        use std::os::fd::AsRawFd as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        fs::write(&path, "first\n").unwrap();
        let open = OpenOptions::new().append(true).open(&path).unwrap();
        let inode = open.metadata().unwrap().ino();
        write(&PathBuf::from(format!("/dev/fd/{}", open.as_raw_fd())), "second\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "first\nsecond\n");
        assert_eq!(fs::metadata(&path).unwrap().ino(), inode);
        assert!(OutputFile::is_stdout_at(Path::new("/dev/stdout")));
    }

    #[test]
    fn what_a_killed_process_left_goes_and_what_a_living_one_writes_or_is_not_ours_stays() {
        let folder = tempfile::tempdir().unwrap();
        let living = OutputFile::create(&folder.path().join("other")).unwrap();
        let own = living.path().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
        let dead = folder.path().join(".collegium-abc123.part");
        let mut kept = vec![own, "out".to_owned()];
        fs::write(&dead, "half").unwrap();
        for name in [".collegium-abc12.part", ".collegium-abc123.csv", "collegium-abc123.part"] {
            fs::write(folder.path().join(name), "").unwrap();
            kept.push(name.to_owned());
        }
        symlink("out", folder.path().join(".collegium-link00.part")).unwrap();
        kept.push(".collegium-link00.part".to_owned());
        fs::create_dir(folder.path().join(".collegium-folder.part")).unwrap();
        kept.push(".collegium-folder.part".to_owned());
        write(&folder.path().join("out"), "x").unwrap();
        kept.sort();
        assert_eq!(left(folder.path()), kept);
        living.save(b"whole").unwrap();
        assert_eq!(fs::read_to_string(folder.path().join("other")).unwrap(), "whole");
    }

    #[test]
    fn beside_a_result_no_link_is_followed_and_only_a_file_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (link, target) = (folder.path().join("link"), folder.path().join("target"));
        fs::write(&target, "mine").unwrap();
        symlink("target", &link).unwrap();
        assert!(OutputFile::beside(&link).unwrap_err().to_string().contains("no regular file"));
        assert!(OutputFile::beside(Path::new("/dev/null")).is_err());
        assert!(OutputFile::beside(folder.path()).is_err());
        OutputFile::beside(&target).unwrap().save(b"new").unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "new");
    }
}
