//! Every pipeline that we hand out or keep is one that the manifest accepts.

#![allow(clippy::unwrap_used)] // a test may fail

use std::path::{Path, PathBuf};

use collegium_learn::DECLARED;
use collegium_manifest::{Pipeline, load};

fn accepted(path: &Path) -> Pipeline {
    match load(path, &DECLARED) {
        Ok(loaded) => loaded.pipeline,
        Err(diagnostics) => panic!("{}:\n{diagnostics}", path.display()),
    }
}

fn repository(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file)
}

fn hidden(pipeline: &Pipeline, expert: &str) -> Vec<u32> {
    pipeline.experts[expert].model.layers().expect("a perceptron").hidden.clone()
}

#[test]
fn every_template_is_accepted_where_it_was_written() {
    for template in collegium_templates::all() {
        let dir = tempfile::tempdir().unwrap();
        let written = collegium_templates::write(template.name, dir.path(), "{}").unwrap();
        let pipeline = accepted(&written[0]);
        assert_eq!(pipeline.name, template.name);
        assert!(!pipeline.experts.is_empty());
    }
}

#[test]
fn every_pipeline_of_the_repository_is_accepted() {
    for file in [
        "pipelines/flights.toml",
        "pipelines/machines.toml",
        "pipelines/penguins.toml",
        "pipelines/origins.toml",
        "pipelines/cascade.toml",
        "benches/ai4i/ai4i.toml",
        "benches/ai4i/ai4i-all-inputs.toml",
    ] {
        accepted(&repository(file));
    }
}

#[test]
fn the_flights_take_their_models_from_the_blueprints() {
    let flights = accepted(&repository("pipelines/flights.toml"));
    assert_eq!(hidden(&flights, "departure"), [64, 32]);
    assert_eq!(hidden(&flights, "newark"), [32, 16]);
    assert_eq!(hidden(&flights, "arrival"), [32, 16]);
}

/// What the bench measures on the published table is what the `machines` template trains.
#[test]
fn the_ai4i_bench_trains_the_experts_of_the_machines_pipeline() {
    let machines = accepted(&repository("pipelines/machines.toml"));
    let published = accepted(&repository("benches/ai4i/ai4i.toml"));
    let inputs = |pipeline: &Pipeline, expert: &str| -> Vec<String> {
        let declared = &pipeline.experts[expert].inputs;
        declared
            .iter()
            .map(|input| input.as_ref().to_string().replace("ai4i.", "machines."))
            .collect()
    };
    let experts = || machines.experts.iter().filter(|(_, node)| node.section() == "expert");
    assert!(experts().map(|(name, _)| name).eq(published.experts.keys()));
    for (name, expert) in experts() {
        let other = &published.experts[name];
        assert_eq!(&*expert.model, &*other.model, "{name}");
        assert_eq!(expert.train, other.train, "{name}");
        assert_eq!(expert.target.as_ref(), other.target.as_ref(), "{name}");
        assert_eq!(inputs(&machines, name), inputs(&published, name), "{name}");
    }
}
