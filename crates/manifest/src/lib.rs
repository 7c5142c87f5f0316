//! Parser and validator of pipeline files: from TOML to a pipeline, or to all of its errors at once.
//!
//! A pipeline file is the one thing that every user writes by hand, so this crate is judged by its
//! errors: all of them in one reading, each with file, line and caret, and with the way out where
//! there is one. Three ideas carry it.
//!
//! *One truth about the format.* The structs in `raw` are read by serde, turned into the JSON Schema
//! by schemars, and their doc comments are what an editor shows. A second, hand-written validator
//! would find more errors at once and slowly come to disagree with the first; so instead `recover`
//! lets serde fail, cuts out the node that it points at, and lets it try again.
//!
//! *What is written, then what is meant.* Raw values are optional and know their places; ranges are
//! checked there, so that an inherited slip is told once, where it was made. `resolve` then applies
//! blueprints, `extends` and defaults and checks whatever needs more than one place. The result,
//! [`Pipeline`], has no optional value that a default can fill, and its names keep their spans:
//! whoever looks at the data later can still point into the file.
//!
//! *No error because of an error.* What was cut is remembered. A broken expert still exists, a
//! misspelt key still stands for the one that was meant, and after a syntax error nothing is called
//! missing.
//!
//! *Two texts, one range of bytes.* What `--set KEY=VALUE` says is put into the tree of the file before anything reads
//! it, so that it is checked exactly as the file is, and its bytes stand behind the file's, so that every span that
//! points into the file can as well point into the argument.
//!
//! Rejected: `toml_edit` (keeps formatting that nobody needs here, and loses serde's errors);
//! untagged enums (their one message is "did not match any variant"); templates and loops in the
//! file (a generator in any language writes TOML); resolving file globs here (what files are there
//! is data, not grammar).
//!
//! Files are only read: the pipeline's own and its blueprints. Nothing here opens data; `reach` says which files
//! may be opened at all.

mod at;
mod bounds;
pub mod defaults;
mod diagnostic;
pub mod kind;
mod load;
mod loaded;
mod overrides;
mod preset;
mod put;
mod raw;
mod reach;
mod reader;
mod recover;
mod resolve;
mod schema;
mod sink;
mod size;
mod source;
pub mod spec;
mod suggest;
mod wording;
pub mod write;

pub use diagnostic::{Diagnostic, Diagnostics};
pub use kind::{
    Declare, DeclareRule, GateKeys, GateRule, Ingredients, Keys, Kinds, Params, Registry, Rules,
    Section, TrainKeys,
};
pub use load::{load, load_text, load_with, parse};
pub use loaded::{Loaded, NoBlueprint};
pub use reach::{Fence, Outside, asks, beginning, project_root, real};
pub use schema::json_schema;
pub use source::SourceFile;
pub use spec::*;
pub use suggest::{did_you_mean, suggest};
pub use toml::Spanned;

pub use at::At;
pub use preset::Preset;
pub use put::put_settings;
pub use raw::{RawGate, RawPerceptron};

pub use at::TomlTable;
