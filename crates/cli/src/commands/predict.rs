//! `collegium predict`
//!
//! `-` is standard input, and standard output. Rows from there are first put into a temporary file, since
//! columnar formats begin at their end; predictions to there are written when all are made, so that what is
//! behind the pipe never sees half of them.

use std::{
    fs::File,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use collegium_engine::{PredictOptions, PredictSummary, Side, SideOptions};
use tempfile::TempDir;

use super::print_json;
use crate::{
    args::{Args, SideChoice, TableFormat},
    failure::Failure,
    human::count,
    locate::{shown, split},
};

/// What was asked for.
pub(crate) struct Asked<'a> {
    pub(crate) output: &'a Path,
    pub(crate) keep: &'a [String],
    pub(crate) format: Option<TableFormat>,
}

/// Predictions for new rows.
pub(crate) fn predict(
    args: &Args,
    targets: &[String],
    input: &Path,
    asked: &Asked<'_>,
) -> Result<ExitCode, Failure> {
    asked.check(args, is_dash(input))?;
    let (named, nodes) = split(targets)?;
    let (session, _) = crate::session::open(args, named.as_deref())?;
    let piped = Piped::new(asked.format.unwrap_or(TableFormat::Csv))?;
    let input = if is_dash(input) { piped.receive()? } else { input.to_path_buf() };
    let output = piped.output_for(asked);
    let options = PredictOptions { nodes, input, output, keep: asked.keep.to_vec(), chunk: 16_384 };
    let summary = collegium_engine::predict(&session, &options)
        .map_err(|error| piped.without_temporary(error.into()))?;
    crate::session::say_notes(&session);
    said(args, &summary, asked, &piped)
}

/// Predictions for the pipeline's own rows.
pub(crate) fn side(
    args: &Args,
    targets: &[String],
    side: Option<SideChoice>,
    asked: &Asked<'_>,
) -> Result<ExitCode, Failure> {
    asked.check(args, false)?;
    let (named, nodes) = split(targets)?;
    let (session, _) = crate::session::open(args, named.as_deref())?;
    let side = match side {
        Some(SideChoice::Train) => Some(Side::Train),
        Some(SideChoice::Valid) => Some(Side::Valid),
        Some(SideChoice::Test) => Some(Side::Test),
        Some(SideChoice::All) | None => None,
    };
    let piped = Piped::new(asked.format.unwrap_or(TableFormat::Csv))?;
    let output = piped.output_for(asked);
    let options = SideOptions { nodes, side, output, keep: asked.keep.to_vec(), chunk: 16_384 };
    let summary = collegium_engine::predict_side(&session, &options)
        .map_err(|error| piped.without_temporary(error.into()))?;
    crate::session::say_notes(&session);
    said(args, &summary, asked, &piped)
}

impl Asked<'_> {
    /// Refuses what asks for one thing twice.
    fn check(&self, args: &Args, from_stdin: bool) -> Result<(), Failure> {
        let to_stdout = is_dash(self.output);
        if self.format.is_some() && !from_stdin && !to_stdout {
            return Err(Failure::usage(
                "`--format` is for `-i -` and `-o -`; files have it in their extension",
            ));
        }
        if args.json && to_stdout {
            return Err(Failure::usage(
                "`--json` and `-o -` both want standard output; name a file in `-o`",
            ));
        }
        Ok(())
    }
}

fn said(
    args: &Args,
    summary: &PredictSummary,
    asked: &Asked<'_>,
    piped: &Piped,
) -> Result<ExitCode, Failure> {
    for note in &summary.notes {
        eprintln!("note: {note}");
    }
    let to_stdout = is_dash(asked.output);
    if to_stdout {
        piped.send()?;
    }
    if args.json {
        print_json(summary)?;
    } else {
        eprintln!(
            "{} of {} written to {}",
            count(summary.columns.len(), "column"),
            count(summary.rows as usize, "row"),
            if to_stdout {
                "standard output".into()
            } else {
                shown(asked.output.to_path_buf()).display().to_string()
            }
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn is_dash(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// The temporary files of pipes; they go with it.
struct Piped {
    folder: TempDir,
    format: TableFormat,
}

impl Piped {
    fn new(format: TableFormat) -> Result<Self, Failure> {
        let folder = tempfile::tempdir()
            .map_err(|error| Failure::file("making a folder in", &std::env::temp_dir(), &error))?;
        Ok(Self { folder, format })
    }

    fn input(&self) -> PathBuf {
        self.folder.path().join("in").with_extension(self.format.extension())
    }

    fn output(&self) -> PathBuf {
        self.folder.path().join("out").with_extension(self.format.extension())
    }

    /// Where predictions are put at first.
    fn output_for(&self, asked: &Asked<'_>) -> PathBuf {
        if is_dash(asked.output) { self.output() } else { asked.output.to_path_buf() }
    }

    /// All of standard input, as a file.
    fn receive(&self) -> Result<PathBuf, Failure> {
        let path = self.input();
        let copy = || io::copy(&mut io::stdin().lock(), &mut File::create(&path)?);
        copy().map_err(|error| Failure::file("reading", Path::new("standard input"), &error))?;
        Ok(path)
    }

    /// The predictions, to standard output.
    fn send(&self) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        let copy = || {
            io::copy(&mut File::open(self.output())?, &mut out)?;
            out.flush()
        };
        match { copy }() {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Failure::Closed),
            Err(error) => Err(Failure::internal(format!("writing to standard output: {error}"))),
        }
    }

    /// A failure that calls the temporary files what they stand for.
    fn without_temporary(&self, failure: Failure) -> Failure {
        let (from, to) = (self.input().display().to_string(), self.output().display().to_string());
        let plain =
            |text: &str| text.replace(&from, "standard input").replace(&to, "standard output");
        match failure {
            Failure::Invalid(mut found) => {
                for diagnostic in &mut found.0 {
                    diagnostic.message = plain(&diagnostic.message);
                }
                Failure::Invalid(found)
            }
            Failure::Other { code, message } => Failure::Other { code, message: plain(&message) },
            Failure::Closed => Failure::Closed,
        }
    }
}
