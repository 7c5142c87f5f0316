//! Keys of the file: each moves the recipe, is written out, is read back, and is refused where it cannot be.

use std::{path::PathBuf, sync::Arc};

use collegium_learn::{DECLARED, Shape, estimator};
use collegium_manifest::{
    Added, Diagnostics, Ingredients, NoBlueprint, Params, SourceFile, Task, parse,
};
use collegium_records::Recipe;

use super::cases::{another, expert, keys};

fn recipe(params: &dyn Params) -> Recipe {
    let node = expert("");
    let mut recipe = Recipe::new("fit");
    params.ingredients(&mut Ingredients::new(&mut recipe, &node, Task::Classification));
    recipe
}

fn wrong(model: &str) -> Diagnostics {
    let text = format!(
        "[data.t]\npath = \"t.csv\"\n\n[expert.x]\ninputs = [\"t.a\"]\ntarget = \"t.y\"\nmodel = {{ {model} }}\n"
    );
    let source = Arc::new(SourceFile::new("pipelines/p.toml", text.as_str()));
    let none = |_: &str| Err(NoBlueprint { reason: "there are none".to_owned(), help: None });
    parse(source, PathBuf::from("."), &DECLARED, &none).expect_err(&text)
}

#[test]
fn every_key_moves_the_recipe_and_is_described() {
    for kind in DECLARED.kinds.iter() {
        let name = kind.name();
        let of = |more: &str| expert(&format!("type = \"{name}\"{more}")).model;
        let default = recipe(&*of(""));
        assert_eq!(of("").kind(), name);
        assert!(!of("").describe().is_empty());
        for (key, schema) in keys(*kind) {
            assert!(schema["description"].is_string(), "{name}.{key} is not described");
            let value = another(&key, &schema);
            let moved = recipe(&*of(&format!(", {key} = {value}")));
            assert_ne!(moved, default, "{name}: {key} = {value} is not in the recipe");
            let changes = default.changes(&moved);
            assert_eq!(changes.len(), 1, "{name}: {key} moves more than itself: {changes:?}");
        }
    }
}

/// A price is learned from fits of the same shape: a key that moves the cost is part of it.
#[test]
fn a_key_that_moves_the_cost_is_part_of_the_shape() {
    for kind in DECLARED.kinds.iter() {
        let name = kind.name();
        let of = |more: &str| {
            let node = expert(&format!("type = \"{name}\"{more}"));
            let shape =
                Shape { width: 7, added: Added::default(), outputs: 3, rows: 1000, members: 1 };
            let cost = estimator(&*node.model).unwrap().cost(&shape, &node.train);
            let mut recipe = Recipe::new("fit");
            let mut ingredients = Ingredients::new(&mut recipe, &node, Task::Classification);
            node.model.ingredients(&mut ingredients);
            let names = ingredients.into_shape();
            assert!(names.iter().all(|name| recipe.ingredients.contains_key(name)), "{name}");
            recipe.ingredients.retain(|name, _| names.contains(name));
            ((cost.multiply_adds, cost.apply), recipe)
        };
        let default = of("");
        for (key, schema) in keys(*kind) {
            let value = another(&key, &schema);
            let moved = of(&format!(", {key} = {value}"));
            let same_cost = moved.0 == default.0;
            assert!(
                same_cost || moved.1 != default.1,
                "{name}: {key} = {value} is not in the shape"
            );
        }
    }
}

#[test]
fn what_is_written_out_is_read_back() {
    for kind in DECLARED.kinds.iter() {
        let name = kind.name();
        let each = keys(*kind).into_iter().map(|(k, s)| format!(", {k} = {}", another(&k, &s)));
        for more in each.chain([String::new()]) {
            let text = format!("type = \"{name}\"{more}");
            let node = expert(&text);
            let pipeline = super::cases::pipeline("");
            let written = node.with_defaults(&pipeline);
            let model = written.lines().find_map(|line| line.strip_prefix("model = ")).unwrap();
            let inner = model.trim_start_matches('{').trim_end_matches('}');
            let again = expert(inner.trim());
            assert_eq!(&*again.model, &*node.model, "{text} is written as {model}");
            for key in keys(*kind).keys() {
                assert!(model.contains(&format!("{key} = ")), "{key} is not in {model}");
            }
        }
    }
}

#[test]
fn what_a_key_cannot_be_is_told_at_its_place() {
    for kind in DECLARED.kinds.iter() {
        let name = kind.name();
        let said = wrong(&format!("type = \"{name}\", nonsense = 1")).to_string();
        assert!(said.contains("unknown key `nonsense`"), "{name}: {said}");
        for (key, schema) in keys(*kind) {
            let said = wrong(&format!("type = \"{name}\", {key} = {{ a = 1 }}")).to_string();
            let named = said.contains(&format!("`{key}`")) || said.contains(&format!(".{key}`"));
            assert!(named, "{name}: {said}");
            assert!(said.contains(":7:"), "no place: {said}");
            for (bound, below) in
                [("minimum", true), ("exclusiveMinimum", true), ("maximum", false)]
            {
                let Some(bound) = schema[bound].as_f64() else { continue };
                let value = if below { bound - 1.0 } else { bound + 1.0 };
                let value = match schema["type"].as_str() {
                    Some("integer") => format!("{}", value as i64),
                    _ => format!("{value:?}"),
                };
                let said = wrong(&format!("type = \"{name}\", {key} = {value}")).to_string();
                assert!(said.contains(&format!("`{key}` must be")), "{name}: {said}");
            }
        }
    }
}

#[test]
fn two_errors_in_a_model_are_told_in_one_reading() {
    for kind in DECLARED.kinds.iter() {
        let name = kind.name();
        let said = wrong(&format!("type = \"{name}\", nonsense = 1, more = 2")).to_string();
        assert!(said.contains("`nonsense`") && said.contains("`more`"), "{name}: {said}");
    }
}
