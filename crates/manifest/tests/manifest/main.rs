//! What a pipeline file means, and what is said when it is wrong.

mod gates;
mod images;
mod inheritance;
mod keys;
mod meaning;
mod memory;
mod nodes;
mod origin;
mod read;
mod recovery;
mod reuse;
mod round_trip;
mod schema;
mod set;
mod slices;
mod splits;
mod stands_on;
mod tune;
mod warm_start;

use std::{path::PathBuf, sync::Arc};

use collegium_learn::DECLARED;
use collegium_manifest::{Diagnostics, Expert, Loaded, NoBlueprint, Pipeline, SourceFile, parse};

/// A data source and an expert without fault, to put faulty ones behind.
const GOOD: &str = r#"
[data.flights]
path = "flights.csv"

[expert.departure]
inputs = ["flights.hour", "flights.distance"]
target = "flights.departs_late"
"#;

/// Blueprints: `small`, and one with a slip in it.
fn blueprint(name: &str) -> Result<SourceFile, NoBlueprint> {
    let text = match name {
        "small" => "hidden = [8]\nactivation = \"tanh\"\n",
        "slip" => "hidden = [0]\ndropuot = 0.5\n",
        _ => {
            return Err(NoBlueprint {
                reason: format!("there is no `models/{name}.toml`"),
                help: Some("did you mean `small`?".to_owned()),
            });
        }
    };
    Ok(SourceFile::new(format!("models/{name}.toml"), text))
}

fn read(text: &str) -> Result<Loaded, Diagnostics> {
    let source = Arc::new(SourceFile::new("pipelines/flights.toml", text));
    parse(source, PathBuf::from("."), &DECLARED, &blueprint)
}

/// The pipeline of a text without errors.
fn pipeline(text: &str) -> Pipeline {
    read(text).unwrap_or_else(|errors| panic!("{errors}")).pipeline
}

fn expert(text: &str, name: &str) -> Expert {
    pipeline(text).experts.swap_remove(name).expect("the expert is there")
}

/// A node of a text, written out.
fn written(text: &str, name: &str) -> String {
    let pipeline = pipeline(text);
    pipeline.experts[name].with_defaults(&pipeline)
}

/// What is said of a text with errors.
fn wrong(text: &str) -> String {
    read(text).expect_err("the text has errors").to_string()
}

/// What is said of a faulty text behind [`GOOD`].
fn wrong_after_good(text: &str) -> String {
    wrong(&format!("{GOOD}{text}"))
}

/// The messages alone.
fn messages(text: &str) -> Vec<String> {
    match read(text) {
        Ok(loaded) => loaded.warnings.iter().map(|finding| finding.message.clone()).collect(),
        Err(errors) => errors.iter().map(|finding| finding.message.clone()).collect(),
    }
}
