//! The `collegium` command line: arguments in, exit codes out.
//!
//! This is the only crate that prints. Each command has a file in `commands/`; what a command finds
//! goes to stdout (a table, or one JSON document with `--json`), everything else to stderr.
//! `args.rs` holds the clap types, `complete.rs` what shells complete, `failure.rs` the exit codes, `progress.rs` the bars; whatever is printed
//! passes `screen.rs`.
//!
//! Nothing is decided here: a command opens a session, asks the engine, and shows what it says.
//! Rejected: printing from the crates below, which would make them useless inside other programs;
//! an interactive mode, since everything that a person can do a script should do the same way.

/// Says a line on stderr, as `eprintln` does, but for what a terminal would obey.
macro_rules! tell {
    ($($words:tt)*) => { $crate::screen::tell(&format!($($words)*)) };
}

mod args;
mod commands;
mod complete;
mod consent;
mod failure;
mod human;
mod locate;
mod more;
mod output;
mod pages;
mod progress;
mod screen;
mod session;
mod units;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    complete::answer();
    let args = match parse() {
        Ok(args) => args,
        Err(error) => {
            // Help goes to stdout and is a result; of a refusal that nobody reads there is no more to say.
            let written = error.print();
            let code = if written.is_err() && !error.use_stderr() { 7 } else { error.exit_code() };
            return ExitCode::from(u8::try_from(code).unwrap_or(2));
        }
    };
    let entered = locate::enter(&args).and_then(|()| consent::note(&args));
    match entered.and_then(|()| commands::dispatch(&args)) {
        Ok(code) => code,
        Err(failure) => failure.report(args.json, args.quiet),
    }
}

/// The arguments, or a refusal in which they are quoted as they may be shown.
fn parse() -> Result<args::Args, clap::Error> {
    args::Args::try_parse().map_err(|error| {
        let shown = std::env::args_os()
            .map(|arg| collegium_records::printable_line(&arg.to_string_lossy()).into_owned());
        args::Args::try_parse_from(shown).err().unwrap_or(error)
    })
}
