//! A backend that fails as networks and remote stores do.

use std::{
    io::{self, Cursor, ErrorKind, Read},
    sync::{Arc, Mutex},
};

use collegium_store::{Aside, Backend, BackendError, Content, Entry, EntryMeta, Opened, Prefix};

/// What goes wrong with one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// No answer comes.
    TimeOut,
    /// The answer ends in the middle, with an error. Of a batch, half has arrived.
    Reset,
    /// The answer ends in the middle as if that were all.
    Cut,
    /// The answer is something else.
    Wrong,
    /// The answer is no.
    Refusal,
}

pub(crate) const FAULTS: [Fault; 5] =
    [Fault::TimeOut, Fault::Reset, Fault::Cut, Fault::Wrong, Fault::Refusal];

/// Fails when its plan says so.
pub(crate) struct Faulty {
    inner: Arc<dyn Backend>,
    /// For each call from now on; beyond its end nothing fails.
    plan: Mutex<Vec<Option<Fault>>>,
    calls: Mutex<Vec<String>>,
}

impl std::fmt::Debug for Faulty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Faulty")
    }
}

impl Faulty {
    pub(crate) fn new(inner: Arc<dyn Backend>) -> Arc<Self> {
        Arc::new(Self { inner, plan: Mutex::default(), calls: Mutex::default() })
    }

    /// What the next calls meet, in their order.
    pub(crate) fn plan(&self, plan: impl IntoIterator<Item = Option<Fault>>) {
        *self.plan.lock().unwrap() = plan.into_iter().collect();
        self.plan.lock().unwrap().reverse();
    }

    /// From now on all calls fail so.
    pub(crate) fn always(&self, fault: Fault) {
        self.plan([Some(fault); 1000]);
    }

    /// From now on nothing fails.
    pub(crate) fn heal(&self) {
        self.plan([]);
    }

    /// What was called since this was last asked.
    pub(crate) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }

    fn next(&self, call: String) -> Option<Fault> {
        self.calls.lock().unwrap().push(call);
        self.plan.lock().unwrap().pop().flatten()
    }
}

fn timed_out() -> BackendError {
    BackendError::of("far".into(), io::Error::new(ErrorKind::TimedOut, "no answer in 30 s"))
}

fn refused() -> BackendError {
    BackendError::of("far".into(), io::Error::new(ErrorKind::PermissionDenied, "403 Forbidden"))
}

/// What has the same length and is something else.
fn wrong(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| byte ^ 0x20).collect()
}

/// Fails where it should go on.
struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::new(ErrorKind::ConnectionReset, "connection reset by peer"))
    }
}

impl Backend for Faulty {
    fn open(&self, entry: &Entry) -> Result<Option<Opened>, BackendError> {
        let fault = self.next(format!("open {}", entry.path()));
        match fault {
            Some(Fault::TimeOut) => return Err(timed_out()),
            Some(Fault::Refusal) => return Err(refused()),
            _ => {}
        }
        let Some(opened) = self.inner.open(entry)? else { return Ok(None) };
        let bytes = opened.read().map_err(|error| BackendError::of("far".into(), error))?;
        let length = bytes.len() as u64;
        let half = || bytes[..bytes.len() / 2].to_vec();
        let reader: Box<dyn Read + Send> = match fault {
            Some(Fault::Reset) => Box::new(Cursor::new(half()).chain(Broken)),
            Some(Fault::Cut) => Box::new(Cursor::new(half())),
            Some(Fault::Wrong) => Box::new(Cursor::new(wrong(&bytes))),
            _ => Box::new(Cursor::new(bytes)),
        };
        Ok(Some(Opened::Stream { length, reader }))
    }

    fn look(&self, entry: &Entry) -> Result<Option<EntryMeta>, BackendError> {
        match self.next(format!("look {}", entry.path())) {
            Some(Fault::TimeOut | Fault::Reset) => Err(timed_out()),
            Some(Fault::Refusal) => Err(refused()),
            _ => self.inner.look(entry),
        }
    }

    fn put(&self, batch: &[(Entry, Content<'_>)]) -> Result<(), BackendError> {
        let names: Vec<String> = batch.iter().map(|(entry, _)| entry.path()).collect();
        match self.next(format!("put {}", names.join(" "))) {
            Some(Fault::TimeOut) => Err(timed_out()),
            Some(Fault::Refusal) => Err(refused()),
            Some(Fault::Reset | Fault::Cut) => {
                self.inner.put(&batch[..batch.len() / 2])?;
                Err(timed_out())
            }
            Some(Fault::Wrong) => batch.iter().try_for_each(|(entry, content)| {
                let content = wrong(&content.read().unwrap());
                self.inner.put(&[(*entry, Content::Bytes(&content))])
            }),
            None => self.inner.put(batch),
        }
    }

    fn list(&self, prefix: &Prefix) -> Result<Vec<Entry>, BackendError> {
        match self.next(format!("list {}", prefix.path())) {
            Some(Fault::TimeOut | Fault::Reset | Fault::Cut) => Err(timed_out()),
            Some(Fault::Refusal) => Err(refused()),
            // Names of what is not there.
            Some(Fault::Wrong) => Ok(vec![Entry::Object(collegium_digest::Digest::of(b"no"))]),
            None => self.inner.list(prefix),
        }
    }

    fn delete(&self, entry: &Entry) -> Result<bool, BackendError> {
        match self.next(format!("delete {}", entry.path())) {
            Some(Fault::Refusal) => Err(refused()),
            Some(_) => Err(timed_out()),
            None => self.inner.delete(entry),
        }
    }

    fn set_aside(&self, entry: &Entry) -> Result<Aside, BackendError> {
        self.calls.lock().unwrap().push(format!("set aside {}", entry.path()));
        self.inner.set_aside(entry)
    }
}
