//! The `collegium` binary: arguments in, exit codes out.
//!
//! This is the only crate that prints. Each command has a file in `commands/`; what a command finds
//! goes to stdout (a table, or one JSON document with `--json`), everything else to stderr.
//! `args.rs` holds the clap types, `failure.rs` the exit codes, `progress.rs` the bars.
//!
//! Nothing is decided here: a command opens a session, asks the engine, and shows what it says.
//! Rejected: printing from the crates below, which would make them useless inside other programs;
//! an interactive mode, since everything that a person can do a script should do the same way.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod args;
mod commands;
mod consent;
mod failure;
mod human;
mod locate;
mod progress;
mod session;
mod units;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let args = args::Args::parse();
    let entered = locate::enter(&args).and_then(|()| consent::note(&args));
    match entered.and_then(|()| commands::dispatch(&args)) {
        Ok(code) => code,
        Err(failure) => failure.report(args.json),
    }
}
