//! Pipelines from text, without a disk.

use std::{path::PathBuf, sync::Arc};

use collegium_digest::Digest;
use collegium_learn::DECLARED;
use collegium_manifest::{NoBlueprint, Pipeline, SourceFile, Task, parse};
use collegium_plan::{FitInputs, InputDigest};

/// The pipeline that a text describes.
pub(crate) fn pipeline(text: &str) -> Pipeline {
    let source = Arc::new(SourceFile::new("test.toml", text));
    let none = |_: &str| Err(NoBlueprint { reason: "there are none".into(), help: None });
    parse(source, PathBuf::from("."), &DECLARED, &none).expect("the text is a pipeline").pipeline
}

/// A data source, and experts given as `name: inputs: more keys`.
pub(crate) fn experts(experts: &[(&str, &str, &str)]) -> Pipeline {
    let mut text = "[pipeline]\nname = \"test\"\n[data.d]\npath = \"d.csv\"\n".to_owned();
    for (name, inputs, more) in experts {
        text.push_str(&format!("[expert.{name}]\ninputs = [{inputs}]\ntarget = \"d.y\"\n{more}\n"));
    }
    pipeline(&text)
}

/// Inputs whose content is named by a text.
#[allow(dead_code)] // each test binary uses its own part of this module
pub(crate) fn fit_inputs(content: &str, names: &[&str]) -> FitInputs {
    let digest = |what: &str| Digest::of(format!("{content} {what}").as_bytes());
    FitInputs {
        beside: Default::default(),
        task: Task::Classification,
        classes: vec!["no".into(), "yes".into()],
        inputs: names
            .iter()
            .map(|name| InputDigest {
                name: (*name).to_owned(),
                kind: "number".into(),
                train: digest(&format!("{name} train")),
                valid: digest(&format!("{name} valid")),
            })
            .collect(),
        target: (digest("target train"), digest("target valid")),
    }
}
