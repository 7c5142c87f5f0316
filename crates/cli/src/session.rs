//! Opening of a session from the command line.

use std::sync::{Arc, atomic::AtomicBool};

use collegium_engine::{EngineError, Observer, Options, Session};
use collegium_manifest::Pipeline;

use crate::{args::Args, failure::Failure, progress};

/// Bytes of table data above which SQLite works in a temporary file.
const MEMORY_BOUND: u64 = 2 << 30;

/// Steps of a query that `check` waits for: some ten seconds.
const LOOK: u64 = 500_000_000;

/// Loads and opens a pipeline with the observer that suits the terminal, to look at it: a project that
/// cannot be written is read, and nothing is kept.
pub(crate) fn open(
    args: &Args,
    named: Option<&str>,
) -> Result<(Arc<Session>, Arc<AtomicBool>), Failure> {
    of(crate::locate::load(args, named)?, args.quiet, false, false)
}

/// The same; with `advance_split`, dates of splits by shares of time are found anew.
pub(crate) fn open_at(
    args: &Args,
    named: Option<&str>,
    advance_split: bool,
) -> Result<(Arc<Session>, Arc<AtomicBool>), Failure> {
    of(crate::locate::load(args, named)?, args.quiet, false, advance_split)
}

/// The same for a command whose results are to be kept.
pub(crate) fn open_to_keep(
    args: &Args,
    named: Option<&str>,
    advance_split: bool,
) -> Result<(Arc<Session>, Arc<AtomicBool>), Failure> {
    of(crate::locate::load(args, named)?, args.quiet, true, advance_split)
}

/// Opens a pipeline for somebody who will not wait for a long query; its error is
/// [`EngineError::Unfinished`] then.
pub(crate) fn to_look(pipeline: Pipeline, quiet: bool) -> Result<Session, EngineError> {
    let interrupted = interrupt_flag().map_err(|error| EngineError::Internal(error.to_string()))?;
    Session::open(pipeline, options(interrupted, quiet, false, false, Some(LOOK)))
}

/// Opens a pipeline.
pub(crate) fn of(
    pipeline: Pipeline,
    quiet: bool,
    keeps: bool,
    advance_split: bool,
) -> Result<(Arc<Session>, Arc<AtomicBool>), Failure> {
    let interrupted = interrupt_flag()?;
    let options = options(interrupted.clone(), quiet, keeps, advance_split, None);
    Ok((Arc::new(Session::open(pipeline, options)?), interrupted))
}

fn options(
    interrupted: Arc<AtomicBool>,
    quiet: bool,
    keeps: bool,
    advance_split: bool,
    look: Option<u64>,
) -> Options {
    let observer: Arc<dyn Observer> = progress::observer(quiet);
    Options {
        observer,
        interrupted,
        keeps,
        memory_bound: MEMORY_BOUND,
        advance_split,
        allowed: crate::consent::allowed().to_vec(),
        look,
    }
}

/// Says what was found damaged.
pub(crate) fn say_notes(session: &Session) {
    for note in session.notes() {
        tell!("note: {note}");
    }
}

/// Says where labels come from that should be looked at.
pub(crate) fn say_provenance(session: &Session, nodes: &[String]) -> Result<(), Failure> {
    for note in session.provenance_notes(nodes)? {
        tell!("note: {note}");
    }
    Ok(())
}

/// A flag that Ctrl-C (or SIGTERM) sets; the second one ends the process at once. Either way
/// nothing half-written stays visible.
fn interrupt_flag() -> Result<Arc<AtomicBool>, Failure> {
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register_conditional_shutdown(signal, 130, flag.clone())
            .and_then(|_| signal_hook::flag::register(signal, flag.clone()))
            .map_err(|error| Failure::internal(format!("listening for Ctrl-C: {error}")))?;
    }
    Ok(flag)
}
