//! The settings that a search tries.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test that cannot go on has failed")]

use std::{path::PathBuf, sync::Arc};

use collegium_learn::DECLARED;
use collegium_manifest::{Expert, NoBlueprint, Setting, SourceFile, Task, Tune, parse};
use collegium_plan::tune::{SettingValues, candidates, with_values};

fn expert(lines: &str) -> Expert {
    let text = format!(
        "[data.t]\npath = \"t.csv\"\n[expert.a]\ninputs = [\"t.x\"]\ntarget = \"t.y\"\npreset = \"default\"\n{lines}\n"
    );
    let none = |_: &str| Err(NoBlueprint { reason: "there is none".to_owned(), help: None });
    let source = Arc::new(SourceFile::new("p.toml", text));
    let loaded = parse(source, PathBuf::from("."), &DECLARED, &none);
    loaded.unwrap_or_else(|found| panic!("{found}")).pipeline.experts["a"].clone()
}

fn tried(lines: &str) -> (Expert, Vec<SettingValues>) {
    let expert = expert(lines);
    let tune: Tune = *expert.tune.clone().unwrap();
    let values = candidates(&expert, Task::Classification, &tune, &tune.free);
    (expert, values)
}

#[test]
fn the_first_trial_is_the_expert_without_a_search() {
    let (expert, values) = tried("tune = { trials = 40 }");
    assert_eq!(values.len(), 40);
    let mut same = expert.clone();
    assert!(with_values(&mut same, &values[0]));
    for setting in Setting::ALL {
        assert_eq!(setting.written(&same), setting.written(&expert));
    }
}

#[test]
fn every_drawn_value_is_one_and_is_read_back() {
    let (expert, values) = tried("tune = { trials = 200 }");
    for one in &values {
        let mut with = expert.clone();
        assert!(with_values(&mut with, one), "{one:?}");
        for (setting, value) in one {
            assert_eq!(setting.written(&with).as_ref(), Some(value));
        }
        let rate = with.train.learning_rate.classification;
        assert!((0.0024..0.0401).contains(&rate), "{rate}: a quarter to four times of 0.01");
    }
    for setting in Setting::ALL {
        let first = &values[0][&setting];
        assert!(values.iter().any(|one| one[&setting] != *first), "{setting:?} is never drawn");
    }
}

#[test]
fn one_trial_more_or_one_setting_less_leaves_the_others() {
    let (_, few) = tried("tune = { trials = 10 }");
    let (_, many) = tried("tune = { trials = 30 }");
    assert_eq!(few[..], many[..10]);
    let (_, fixed) = tried("tune = { trials = 10 }\ntrain = { weight_decay = 0.1 }");
    for (all, fixed) in few.iter().zip(&fixed) {
        assert!(!fixed.contains_key(&Setting::WeightDecay));
        assert!(fixed.iter().all(|(setting, value)| all[setting] == *value));
    }
    let (_, other) = tried("tune = { trials = 10, seed = 1 }");
    assert_eq!(few[0], other[0]);
    assert_ne!(few[1..], other[1..]);
}
