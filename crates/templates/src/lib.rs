//! Project templates (`init --template`): projects that run at once.
//!
//! The first minute with a tool is spent on a blank page. `collegium init --template NAME` replaces
//! that page by a pipeline that trains, with its own data beside it and a comment on every line that
//! a newcomer would ask about. This crate holds those projects and writes them.
//!
//! The central idea is that a template *generates* its table from a process that is written down,
//! instead of shipping a file. So the truth behind the rows is known: what an audit says that an
//! expert looks at can be held against the rule that made the label. [`machines`] is the main case,
//! a factory whose machines fail for four documented reasons; [`tabular`] is a smaller one, parcels
//! that arrive late. Rows come from one named random stream, so a template writes the same bytes on
//! every machine, and tests compare them with the files committed under `pipelines/`.
//!
//! Writing is all or nothing. A project is somebody's work, so no existing file is ever replaced:
//! every file is first written whole under a temporary name, and takes its real name only while that
//! name is free. If one is taken, nothing is left behind and the error lists all that are in the way.
//!
//! Rejected: placeholders and a template language, because a template that is itself a valid
//! pipeline can be checked, run and read as it stands (`machines` *is* `pipelines/machines.toml`);
//! downloading templates, because `init` must work offline; real tables, because licences travel
//! with them and their truth is unknown.

mod blank;
pub mod machines;
pub mod tabular;
mod write;

pub use write::{SCHEMA_FILE, TemplateError, write};

/// One kind of project that `init` can write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Template {
    /// What `--template` is given.
    pub name: &'static str,
    /// One line on what it shows.
    pub about: &'static str,
}

/// A template with what it writes.
struct Project {
    template: Template,
    /// The pipeline file's text.
    pipeline: &'static str,
    /// The table's file name under `pipelines/data/`.
    table: &'static str,
    /// Makes the table.
    csv: fn() -> String,
}

const PROJECTS: [Project; 3] = [
    Project {
        template: Template {
            name: "tabular",
            about: "three experts on a small table of parcels: one feeds another, one is a specialist",
        },
        pipeline: include_str!("tabular.toml"),
        table: "parcels.csv",
        csv: tabular::csv,
    },
    Project {
        template: Template {
            name: "machines",
            about: "predictive maintenance with known truth: an expert per failure mode, one to combine them",
        },
        pipeline: include_str!("../../../pipelines/machines.toml"),
        table: "machines.csv",
        csv: machines::csv,
    },
    Project {
        template: Template {
            name: "blank",
            about: "one expert and every key explained: a start for your own table",
        },
        pipeline: include_str!("blank.toml"),
        table: "flowers.csv",
        csv: blank::csv,
    },
];

static TEMPLATES: [Template; PROJECTS.len()] =
    [PROJECTS[0].template, PROJECTS[1].template, PROJECTS[2].template];

/// Every template, the one to try first in front.
pub fn all() -> &'static [Template] {
    &TEMPLATES
}
