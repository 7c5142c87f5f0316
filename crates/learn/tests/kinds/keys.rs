//! Keys of the file: each moves the recipe, is written out, is read back, and is refused where it cannot be.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use collegium_learn::DECLARED;
use collegium_manifest::{
    Declare, Diagnostics, Ingredients, NoBlueprint, Params, SourceFile, json_schema, parse,
};
use collegium_records::Recipe;
use serde_json::Value;

use super::cases::expert;

fn recipe(params: &dyn Params) -> Recipe {
    let node = expert("");
    let mut recipe = Recipe::new("fit");
    let (train, seed) = (&node.train, node.seed);
    params.ingredients(&mut Ingredients { recipe: &mut recipe, train, seed });
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

/// The keys of a kind with their schemas, `type` left out.
fn keys(kind: &dyn Declare) -> BTreeMap<String, Value> {
    let schema = json_schema(&DECLARED);
    let own = &schema["definitions"][format!("Model_{}", kind.name())]["properties"];
    let own = own.as_object().unwrap_or_else(|| panic!("{} has no schema", kind.name()));
    own.iter().filter(|(key, _)| *key != "type").map(|(k, v)| (k.clone(), v.clone())).collect()
}

/// A schema with what it refers to.
fn whole(schema: &Value) -> Value {
    let inner = schema["$ref"].as_str().or_else(|| schema["allOf"][0]["$ref"].as_str());
    match inner.and_then(|place| place.strip_prefix("#/definitions/")) {
        Some(name) => json_schema(&DECLARED)["definitions"][name].clone(),
        None => schema.clone(),
    }
}

/// A value that a key can have and that is not its default, as TOML.
fn another(key: &str, schema: &Value) -> String {
    let default = &schema["default"];
    let whole = whole(schema);
    let choices = whole["oneOf"].as_array().into_iter().flatten().map(|one| &one["const"]);
    let choices = choices.chain(whole["enum"].as_array().into_iter().flatten());
    if let Some(choice) = choices.into_iter().find(|choice| *choice != default) {
        return choice.to_string();
    }
    let bound = |names: [&str; 2]| names.iter().find_map(|name| whole[*name].as_f64());
    let least = bound(["minimum", "exclusiveMinimum"]).unwrap_or(0.0);
    let most = bound(["maximum", "exclusiveMaximum"]).unwrap_or(least + 8.0);
    match whole["type"].as_str() {
        Some("integer") => {
            let middle = (least + (most - least) / 2.0).floor() as i64;
            format!("{}", if default == middle { middle + 1 } else { middle })
        }
        Some("number") => format!("{:?}", least + (most - least) * 0.37),
        Some("boolean") => (default != true).to_string(),
        Some("array") => "[3]".to_owned(),
        other => panic!("`{key}` is of a type that this suite cannot vary yet: {other:?}"),
    }
}

#[test]
fn every_key_moves_the_recipe_and_is_described() {
    for kind in DECLARED.iter() {
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

#[test]
fn what_is_written_out_is_read_back() {
    for kind in DECLARED.iter() {
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
    for kind in DECLARED.iter() {
        let name = kind.name();
        let said = wrong(&format!("type = \"{name}\", nonsense = 1")).to_string();
        assert!(said.contains("unknown key `nonsense`"), "{name}: {said}");
        for (key, schema) in keys(*kind) {
            let said = wrong(&format!("type = \"{name}\", {key} = {{ a = 1 }}")).to_string();
            assert!(said.contains(&format!("`{key}`")), "{name}: {said}");
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
    for kind in DECLARED.iter() {
        let name = kind.name();
        let said = wrong(&format!("type = \"{name}\", nonsense = 1, more = 2")).to_string();
        assert!(said.contains("`nonsense`") && said.contains("`more`"), "{name}: {said}");
    }
}
