//! Command-line arguments (clap).

use std::path::PathBuf;

use clap::{
    Parser, Subcommand, ValueEnum,
    builder::{PossibleValue, TypedValueParser},
};
use clap_complete::ArgValueCompleter;
use collegium_records::Code;

use crate::complete;

/// Train bodies of small expert networks, retrain only what a change reaches, see what each learned.
#[derive(Debug, Parser)]
#[command(name = "collegium", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "Start with `collegium init demo --template machines`, then \
    `collegium run -C demo --audit`.\n\n\
    Exit codes: 0 ok, 1 internal, 2 usage, 3 invalid pipeline or data, 4 a fit failed, 5 changes \
    pending (plan --exit-code), an unsound lock (status --check) or one that --locked keeps, 6 a `require` not met, 7 store damaged, or something not writable, 130 \
    interrupted.")]
pub(crate) struct Args {
    /// Work in this folder: every path of the command line is relative to it.
    #[arg(short = 'C', long = "directory", value_name = "DIR", global = true)]
    pub(crate) directory: Option<PathBuf>,

    /// Let the pipeline read files in this folder, too: those of its own project it may read anyway.
    /// May be given several times; COLLEGIUM_ALLOW_READ names folders as PATH does.
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) allow_read: Vec<PathBuf>,

    /// Print one JSON document to stdout.
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Say less: no bars, no progress lines.
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,

    /// Say more: figures behind the sentences of `audit`, and what to do.
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a pipeline that runs at once.
    #[command(after_help = "Examples:\n  collegium init demo --template machines\n  \
        collegium init --template blank")]
    Init {
        /// Where to; by default the present folder.
        dir: Option<PathBuf>,
        /// `tabular`, `machines` or `blank`.
        #[arg(short, long, default_value = "tabular", add = ArgValueCompleter::new(complete::templates))]
        template: String,
    },

    /// Find everything that is wrong with a pipeline and its data.
    Check {
        /// The pipeline file; may be left out where `pipelines/` holds only one.
        #[arg(add = ArgValueCompleter::new(complete::pipelines))]
        pipeline: Option<String>,
        #[command(flatten)]
        set: Set,
    },

    /// Say what `run` would do, why, and at what price.
    #[command(after_help = "Examples:\n  collegium plan\n  \
        collegium plan pipelines/flights.toml arrival --exit-code\n  \
        collegium plan --audit                               # with the fits of an audit")]
    Plan {
        /// A pipeline file and experts, in any order; without experts, all.
        #[arg(value_name = "PIPELINE|NODE", add = ArgValueCompleter::new(complete::targets))]
        targets: Vec<String>,
        /// As `run --force`.
        #[arg(long, value_name = "NODE", add = ArgValueCompleter::new(complete::nodes))]
        force: Vec<String>,
        /// As `run --exact`.
        #[arg(long)]
        exact: bool,
        /// Count and price the fits of an audit, too: other seeds, permuted labels, controls of gates.
        #[arg(long)]
        audit: bool,
        /// Exit with 5 when anything is not up to date.
        #[arg(long)]
        exit_code: bool,
        /// As `run --advance-split`.
        #[arg(long)]
        advance_split: bool,
        #[command(flatten)]
        set: Set,
    },

    /// Bring experts up to date.
    #[command(after_help = "Examples:\n  collegium run pipelines/flights.toml --audit\n  \
        collegium run arrival --jobs 1\n  collegium run --force departure --keep-going\n  \
        collegium run --set expert.arrival.train.epochs=3    # once, without touching the file")]
    Run {
        /// A pipeline file and experts, in any order; without experts, all.
        #[arg(value_name = "PIPELINE|NODE", add = ArgValueCompleter::new(complete::targets))]
        targets: Vec<String>,
        /// Write the audit too; what it fits is said before it is fitted.
        #[arg(long)]
        audit: bool,
        /// Fits side by side; by default as many as there are physical cores.
        #[arg(short, long, value_name = "N", env = "COLLEGIUM_JOBS")]
        jobs: Option<std::num::NonZeroUsize>,
        /// Fit this expert again although everything is at hand.
        #[arg(long, value_name = "NODE", add = ArgValueCompleter::new(complete::nodes))]
        force: Vec<String>,
        /// Search settings (`tune`) again: all, or `--retune=NODE` of one expert.
        #[arg(
            long, value_name = "NODE", num_args = 0..=1, require_equals = true, default_missing_value = "",
            add = ArgValueCompleter::new(complete::nodes)
        )]
        retune: Vec<String>,
        /// Ignore every certificate: train whatever is not the exact fit of its recipe.
        #[arg(long)]
        exact: bool,
        /// After a failed fit, go on with everything that does not depend on it.
        #[arg(short, long)]
        keep_going: bool,
        /// Move the dates of splits by shares of time on, so that the shares hold for today's rows.
        #[arg(long)]
        advance_split: bool,
        /// Only say what would be done: the same as `plan`.
        #[arg(short = 'n', long)]
        dry_run: bool,
        /// Leave the lock as it is: if anything would be fitted, or the lock would change, exit with 5 and write nothing.
        #[arg(long)]
        locked: bool,
        #[command(flatten)]
        set: Set,
    },

    /// Search the settings of experts that ask for it (`tune`), and show what was tried.
    #[command(
        after_help = "Examples:\n  collegium tune arrival\n  collegium tune arrival --dry-run       # the price\n  \
        collegium tune arrival --write         # writes the values into the file, and takes `tune` out\n  \
        collegium tune arrival --set 'expert.arrival.tune={trials=20}'"
    )]
    Tune {
        /// A pipeline file and experts, in any order; without experts, all that have `tune`.
        #[arg(value_name = "PIPELINE|NODE", add = ArgValueCompleter::new(complete::targets))]
        targets: Vec<String>,
        /// Write the values into the pipeline file, which keeps its comments, and take `tune` out of it.
        #[arg(long)]
        write: bool,
        /// Search again although the lock has values.
        #[arg(long)]
        again: bool,
        /// Only say what would be fitted, and what it costs.
        #[arg(short = 'n', long)]
        dry_run: bool,
        /// Fits side by side; by default as many as there are physical cores.
        #[arg(short, long, value_name = "N", env = "COLLEGIUM_JOBS")]
        jobs: Option<std::num::NonZeroUsize>,
        #[command(flatten)]
        set: Set,
    },

    /// Show what the lock stands on and what is stale.
    #[command(after_help = "Examples:\n  collegium status\n  \
        collegium status --check pipelines/flights.toml     # after a merge; exit code 5 if unsound")]
    Status {
        /// The pipeline file.
        #[arg(add = ArgValueCompleter::new(complete::pipelines))]
        pipeline: Option<String>,
        /// Prove from the lock alone that every expert was trained on exactly what its upstreams
        /// hand over, or holds a certificate for it; exit with 5 if not.
        #[arg(long)]
        check: bool,
        #[command(flatten)]
        set: Set,
    },

    /// Explain why an expert was, or would be, fitted.
    #[command(after_help = "Example:\n  collegium why arrival")]
    Why {
        /// The expert, and the pipeline file if there are several.
        #[arg(value_name = "NODE|PIPELINE", required = true, add = ArgValueCompleter::new(complete::targets))]
        targets: Vec<String>,
        #[command(flatten)]
        set: Set,
    },

    /// Measure how good experts are and what they use; writes HTML, JSON and model cards.
    #[command(after_help = "Examples:\n  collegium audit\n  \
        collegium audit arrival -o arrival.html\n  \
        collegium audit arrival --without flights.hour       # what it can do without\n  \
        collegium audit digit --without 'digits.image[0:2, 0:2]' --rows 12,50")]
    Audit {
        /// A pipeline file and experts, in any order; without experts, all.
        #[arg(value_name = "PIPELINE|NODE", add = ArgValueCompleter::new(complete::targets))]
        targets: Vec<String>,
        /// The HTML file; the JSON and the model cards are written beside it. A pipe, a device or `-`
        /// (standard output) gets the page alone.
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Measure what is lost when this input is removed, permuted and swapped between classes,
        /// in every expert that reads it; of an image, a region: `digits.image[0:2, 4:6]`.
        #[arg(long, value_name = "INPUT")]
        without: Vec<collegium_audit::Without>,
        /// Show what the outputs for these rows of the data rest on, by number from 0.
        #[arg(long, value_name = "ROW", value_delimiter = ',')]
        rows: Vec<u64>,
        /// Experts measured side by side; by default as many as there are physical cores.
        #[arg(short, long, value_name = "N", env = "COLLEGIUM_JOBS")]
        jobs: Option<std::num::NonZeroUsize>,
        /// Leave the lock as it is: if an expert is not up to date, exit with 5 and write nothing.
        #[arg(long)]
        locked: bool,
        /// Only say what would be fitted (other seeds, permuted labels, controls of gates), and at what price.
        #[arg(short = 'n', long)]
        dry_run: bool,
        #[command(flatten)]
        set: Set,
    },

    /// Compare two versions of a pipeline's lock by what they do.
    #[command(
        after_help = "A version is a git revision, a lock file, or `.` for the lock as it is.\n\n\
        Examples:\n  collegium diff HEAD~1 .\n  collegium diff v1.0 HEAD arrival pipelines/flights.toml\n  \
        collegium diff old.lock . --seeds 0"
    )]
    Diff {
        /// The earlier version.
        a: String,
        /// The later version.
        b: String,
        /// A pipeline file and experts, in any order; without experts, all.
        #[arg(value_name = "PIPELINE|NODE", add = ArgValueCompleter::new(complete::targets))]
        targets: Vec<String>,
        /// Other seeds of a changed expert to fit, so that changes of importance can be told from
        /// noise; 0 for none.
        #[arg(long, default_value_t = 3)]
        seeds: u32,
    },

    /// Apply the pipeline, or some of its experts, to new rows.
    #[command(after_help = "Examples:\n  \
        collegium predict -i new.csv -o predicted.parquet\n  \
        collegium predict departure -i new.csv -o predicted.csv --keep flight,date\n  \
        collegium predict --side test -o held-out.csv        # the pipeline's own rows\n  \
        collegium predict digits -i t10k-images-idx3-ubyte.gz -o predicted.csv\n  \
        zcat new.csv.gz | collegium predict -i - -o - --keep id | head")]
    Predict {
        /// A pipeline file and experts, in any order; without experts, all.
        #[arg(value_name = "PIPELINE|NODE", add = ArgValueCompleter::new(complete::targets))]
        targets: Vec<String>,
        /// Rows with the columns of the data source: .csv, .parquet, .arrow; or an IDX file of the
        /// images, where those are the one column that is read; `-` is standard input.
        #[arg(short, long, value_name = "FILE", required_unless_present = "side")]
        input: Option<PathBuf>,
        /// Instead of new rows: the pipeline's own rows of this side, with their side, their targets
        /// and what was predicted for them, out of fold where fold models exist.
        #[arg(long, value_enum, conflicts_with = "input")]
        side: Option<SideChoice>,
        /// Predictions: .csv, .tsv, .parquet or .arrow; the present file is replaced when all is
        /// written. Beside it, in FILE.provenance.json, is said which experts made it. `-` is standard
        /// output; it, a pipe or a device gets the rows alone.
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
        /// Columns of the input to copy into the output, cell by cell as they are.
        #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
        keep: Vec<String>,
        /// The format of `-`, or of a pipe or a device; by default csv.
        #[arg(long, value_enum)]
        format: Option<TableFormat>,
        /// Leave the lock as it is: if a model is not that of the pipeline file and its data, exit with 5 and write
        /// nothing.
        #[arg(long)]
        locked: bool,
        #[command(flatten)]
        set: Set,
    },

    /// Measure on new labelled rows: what moved, and where in the DAG quality is lost.
    #[command(after_help = "Examples:\n  \
        collegium evaluate -i may.csv\n  \
        collegium evaluate arrival -i may.parquet --report may.html\n  \
        collegium evaluate -i may.csv pipelines/flights.toml --json\n\n\
        Every metric stands beside that of the test rows, with intervals; every input beside the \
        training rows, with a stability index (PSI: below .1 little, above .25 much) and a two-sample \
        test, corrected over all inputs (Holm). `require`ments of test rows are checked on these rows: \
        exit code 6 if one is not met.")]
    Evaluate {
        /// A pipeline file and experts, in any order; without experts, all. Those above an expert are
        /// measured with it, where their targets are there.
        #[arg(value_name = "PIPELINE|NODE", add = ArgValueCompleter::new(complete::targets))]
        targets: Vec<String>,
        /// Rows with the columns of the data source, targets among them: .csv, .parquet, .arrow. A
        /// target that `derive` makes is computed.
        #[arg(short, long, value_name = "FILE")]
        input: PathBuf,
        /// Write a page of it too: one HTML file without scripts; `-` is standard output.
        #[arg(long, value_name = "FILE")]
        report: Option<PathBuf>,
        /// Leave the lock as it is: if a model is not that of the pipeline file and its data, exit with 5 and write
        /// nothing.
        #[arg(long)]
        locked: bool,
        #[command(flatten)]
        set: Set,
    },

    /// Say which models have seen given rows, and what it costs to make them again without.
    #[command(after_help = "Examples:\n  collegium forget --rows withdrawn.csv\n  \
        collegium forget --rows withdrawn.csv --retrain pipelines/flights.toml")]
    Forget {
        /// The pipeline file.
        #[arg(add = ArgValueCompleter::new(complete::pipelines))]
        pipeline: Option<String>,
        /// The rows: a table with the key of the split (`by`), or with the columns that tell rows apart.
        #[arg(long, value_name = "FILE")]
        rows: PathBuf,
        /// Say what it costs to make the models again without these rows.
        #[arg(long)]
        retrain: bool,
    },

    /// Consent to what a pipeline asks to read outside of its project.
    #[command(
        after_help = "Examples:\n  collegium trust pipelines/flights.toml    # shows what it asks, and asks you\n  \
        collegium trust --yes\n  collegium trust --list\n  collegium trust --revoke\n  \
        collegium trust --store /srv/shared/.collegium\n\n\
        Your consent lies in collegium/trust.toml of your settings, and is for exactly what was asked: a \
        pipeline that asks for anything else asks anew. `--allow-read DIR` is consent for one command."
    )]
    Trust {
        /// The pipeline file.
        #[arg(add = ArgValueCompleter::new(complete::pipelines))]
        pipeline: Option<String>,
        /// Do not ask.
        #[arg(short, long)]
        yes: bool,
        /// Show everything that you consented to.
        #[arg(long, conflicts_with_all = ["pipeline", "yes", "revoke", "store"])]
        list: bool,
        /// Take consent back: for all pipelines of the project, or for the store.
        #[arg(long)]
        revoke: bool,
        /// Write to a store that belongs to somebody else.
        #[arg(long, value_name = "DIR", conflicts_with = "pipeline")]
        store: Option<PathBuf>,
    },

    /// Draw the pipeline.
    #[command(after_help = "Example:\n  collegium graph --format svg > flights.svg")]
    Graph {
        /// The pipeline file.
        #[arg(add = ArgValueCompleter::new(complete::pipelines))]
        pipeline: Option<String>,
        /// The form of the picture.
        #[arg(short, long, value_enum, default_value_t = GraphFormat::Svg)]
        format: GraphFormat,
    },

    /// Write out a pipeline, or some of its experts, with every default.
    Show {
        /// A pipeline file and experts, in any order; without experts, all.
        #[arg(value_name = "PIPELINE|NODE", add = ArgValueCompleter::new(complete::targets))]
        targets: Vec<String>,
        #[command(flatten)]
        set: Set,
    },

    /// List past runs.
    #[command(after_help = "Examples:\n  collegium log\n  \
        collegium log --metrics     # a figure of each expert in each run\n  \
        collegium compare 3 5       # two of them, side by side")]
    Log {
        /// The pipeline file.
        #[arg(add = ArgValueCompleter::new(complete::pipelines))]
        pipeline: Option<String>,
        /// The last so many.
        #[arg(short, long, default_value_t = 20)]
        number: usize,
        /// A table of runs by experts: the figure that stands for each, on test rows.
        #[arg(long)]
        metrics: bool,
    },

    /// Compare past runs: the figure of each expert, what it cost, and which settings differ.
    #[command(
        after_help = "A run is called by the number that `collegium log` shows, by the time at which it ended or \
        how that begins, or `latest`, the last one that measured anything.\n\n\
        Examples:\n  collegium compare 3 latest\n  collegium compare 1 2 5 pipelines/flights.toml\n  \
        collegium run --set expert.arrival.train.epochs=3 && collegium compare 1 latest\n\n\
        Figures of another table, of other test rows or of another metric are shown in brackets, and compared with \
        nothing. `collegium diff` compares versions of a lock, row by row."
    )]
    Compare {
        /// Two runs or more, and the pipeline file, in any order.
        #[arg(value_name = "RUN|PIPELINE", required = true, add = ArgValueCompleter::new(complete::runs))]
        runs: Vec<String>,
    },

    /// Read the whole store, and move what is damaged out of the way.
    #[command(after_help = "Examples:\n  collegium verify\n  collegium verify --repair\n  \
        collegium verify pipelines/flights.toml\n\n\
        Exits with 0 when the store is sound or was repaired, with 7 when it is not.")]
    Verify {
        /// Only what this pipeline file's lock stands on; else the whole store.
        #[arg(add = ArgValueCompleter::new(complete::pipelines))]
        pipeline: Option<String>,
        /// Run every pipeline whose lock names something that is missing now.
        #[arg(long)]
        repair: bool,
    },

    /// Free what no lock file, pin or recent run stands on.
    #[command(after_help = "Examples:\n  collegium gc --dry-run\n  \
        collegium gc --grace 12h\n  collegium gc --keep 20GB --grace 7d\n\n\
        The lock files of all pipelines of the project count, pins, and the models of the last ten \
        runs. What goes costs time to make again, and never correctness; the cheapest per byte goes \
        first. Other commands may run meanwhile.")]
    Gc {
        /// Delete nothing; say what would go.
        #[arg(short = 'n', long)]
        dry_run: bool,
        /// Evict only until the store is no larger than this: `500MB`, `20GB`, `1.5GiB`.
        #[arg(long, value_name = "SIZE", default_value = "0", value_parser = crate::units::size)]
        keep: u64,
        /// Spare what is younger than this: `30m`, `12h`, `7d`.
        #[arg(long, value_name = "DURATION", default_value = "1d",
            value_parser = crate::units::duration)]
        grace: std::time::Duration,
    },

    /// Explain an error or a warning at length: causes, an example, what to do.
    #[command(after_help = "Examples:\n  collegium explain unknown-key\n  \
        collegium explain     # all codes, with a line for each")]
    Explain {
        /// The code that stands at the end of an error; all are listed without it.
        #[arg(value_parser = CodeName, hide_possible_values = true)]
        code: Option<String>,
    },

    /// Print the JSON Schema of the pipeline file, for editors.
    Schema,

    /// Print completions for a shell; experts, pipelines and templates are completed, too.
    #[command(
        after_help = "Examples:\n  source <(collegium completions bash)                  # in ~/.bashrc\n  \
        collegium completions fish > ~/.config/fish/completions/collegium.fish"
    )]
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },

    /// Print the manual page, or write one for each command into a folder.
    #[command(after_help = "Examples:\n  collegium man | man -l -\n  \
        collegium man ~/.local/share/man/man1       # then `man collegium-audit`")]
    Man {
        /// The folder; it is made if missing.
        dir: Option<PathBuf>,
    },
}

/// What the command line sets over the pipeline file.
#[derive(Debug, clap::Args)]
pub(crate) struct Set {
    /// Set a value over that of the pipeline file, for this command alone. KEY is a dotted key of the file, VALUE is
    /// TOML, or a text without its quotes: `--set expert.arrival.train.epochs=3`. May be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
}

impl Command {
    /// What is set over the pipeline file.
    pub(crate) fn overrides(&self) -> &[String] {
        match self {
            Self::Check { set, .. }
            | Self::Plan { set, .. }
            | Self::Run { set, .. }
            | Self::Tune { set, .. }
            | Self::Status { set, .. }
            | Self::Why { set, .. }
            | Self::Audit { set, .. }
            | Self::Predict { set, .. }
            | Self::Evaluate { set, .. }
            | Self::Show { set, .. } => &set.overrides,
            _ => &[],
        }
    }
}

/// Any text as the name of a code, so that the command can say which was meant; shells complete those that exist.
#[derive(Debug, Clone)]
struct CodeName;

impl TypedValueParser for CodeName {
    type Value = String;

    fn parse_ref(
        &self,
        _: &clap::Command,
        _: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<String, clap::Error> {
        Ok(value.to_string_lossy().into_owned())
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(Code::ALL.iter().map(|code| PossibleValue::new(code.name()))))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SideChoice {
    Train,
    Valid,
    Test,
    All,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphFormat {
    Svg,
    Dot,
    Mermaid,
    Json,
}

/// The format of rows that come or go without a file name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TableFormat {
    Csv,
    Tsv,
    Parquet,
    Arrow,
}

impl TableFormat {
    /// That of a file.
    pub(crate) const fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Parquet => "parquet",
            Self::Arrow => "arrow",
        }
    }
}
