//! `collegium predict`: inference on new rows, or on the pipeline's own.
//!
//! `-` is standard input, and standard output. Rows from there are first put into a temporary file, since
//! columnar formats begin at their end; predictions to a pipe are written when all are made, so that what is
//! behind it never sees half of them.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use collegium_engine::{PredictOptions, PredictSummary, Side, SideOptions};
use collegium_records::Code;
use collegium_store::OutputFile;
use tempfile::TempDir;

use super::print_json;
use crate::{
    args::{Args, SideChoice, TableFormat},
    failure::Failure,
    human::count,
    locate::{shown, split},
    output,
};

/// What was asked for.
pub(crate) struct Asked<'a> {
    pub(crate) output: &'a Path,
    pub(crate) keep: &'a [String],
    pub(crate) format: Option<TableFormat>,
    /// Only with models that are up to date.
    pub(crate) locked: bool,
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
    if asked.locked {
        collegium_engine::keep_models(&session, &nodes)?;
    }
    let received = match is_dash(input) {
        true => Some(Received::new(asked.format.unwrap_or(TableFormat::Csv))?),
        false => None,
    };
    let options = PredictOptions {
        nodes,
        input: received.as_ref().map_or(input, |received| &received.path).to_path_buf(),
        output: asked.output.to_path_buf(),
        format: asked.extension(),
        keep: asked.keep.to_vec(),
        chunk: 16_384,
    };
    let summary = collegium_engine::predict(&session, &options).map_err(|error| {
        let failure = error.into();
        match &received {
            Some(received) => received.without_path(failure),
            None => failure,
        }
    })?;
    crate::session::say_notes(&session);
    said(args, &summary, asked)
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
    if asked.locked {
        collegium_engine::keep_models(&session, &nodes)?;
    }
    let side = match side {
        Some(SideChoice::Train) => Some(Side::Train),
        Some(SideChoice::Valid) => Some(Side::Valid),
        Some(SideChoice::Test) => Some(Side::Test),
        Some(SideChoice::All) | None => None,
    };
    let options = SideOptions {
        nodes,
        side,
        output: asked.output.to_path_buf(),
        format: asked.extension(),
        keep: asked.keep.to_vec(),
        chunk: 16_384,
    };
    let summary = collegium_engine::predict_side(&session, &options)?;
    crate::session::say_notes(&session);
    said(args, &summary, asked)
}

impl Asked<'_> {
    /// Refuses what asks for one thing twice.
    fn check(&self, args: &Args, from_stdin: bool) -> Result<(), Failure> {
        if self.format.is_some() && !from_stdin && !OutputFile::is_stream_at(self.output) {
            return Err(Failure::usage(
                Code::BadArguments,
                "`--format` is for `-i -` and `-o -`, pipes and devices; files have it in their extension",
            ));
        }
        output::only_one(args, "-o", Some(self.output))
    }

    /// The format of a pipe or a device, if its name tells none or another was asked for.
    fn extension(&self) -> Option<&'static str> {
        match self.format {
            _ if !OutputFile::is_stream_at(self.output) => None,
            Some(format) => Some(format.extension()),
            None if self.output.extension().is_some() => None,
            None => Some(TableFormat::Csv.extension()),
        }
    }
}

fn said(args: &Args, summary: &PredictSummary, asked: &Asked<'_>) -> Result<ExitCode, Failure> {
    for note in &summary.notes {
        tell!("note: {note}");
    }
    if args.json {
        print_json(summary)?;
    } else {
        tell!(
            "{} of {} written to {}",
            count(summary.columns.len(), "column"),
            count(summary.rows as usize, "row"),
            match is_dash(asked.output) {
                true => "standard output".into(),
                false => shown(asked.output.to_path_buf()).display().to_string(),
            }
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn is_dash(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// All of standard input, as a file that goes with this.
struct Received {
    path: PathBuf,
    _folder: TempDir,
}

impl Received {
    fn new(format: TableFormat) -> Result<Self, Failure> {
        let above = std::env::temp_dir();
        let folder = tempfile::tempdir().map_err(|error| {
            Failure::unwritten(format!("a folder in {}", above.display()), &error)
        })?;
        let path = folder.path().join("in").with_extension(format.extension());
        let copy = || io::copy(&mut io::stdin().lock(), &mut File::create(&path)?);
        copy().map_err(|error| Failure::file("reading", Path::new("standard input"), &error))?;
        Ok(Self { path, _folder: folder })
    }

    /// A failure that calls the temporary file what it stands for.
    fn without_path(&self, failure: Failure) -> Failure {
        let path = self.path.display().to_string();
        let plain = |text: &str| text.replace(&path, "standard input");
        match failure {
            Failure::Invalid(mut found) => {
                for diagnostic in &mut found.0 {
                    diagnostic.message = plain(&diagnostic.message);
                }
                Failure::Invalid(found)
            }
            Failure::Other { exit, code, message } => {
                Failure::Other { exit, code, message: plain(&message) }
            }
            other => other,
        }
    }
}
