//! The JSON Schema, and the example that everybody reads.

use collegium_manifest::{Baseline, json_schema};
use serde_json::Value;

use crate::{messages, pipeline};

/// The pipeline of three experts in the design, and one that extends another.
pub(crate) const FLIGHTS: &str = r#"
[pipeline]
name = "flights"
format = 1                      # version of this file's format
seed = 7

[data.flights]
tables = { flights = "data/flights.parquet", weather = "data/weather.parquet", planes = "data/planes.parquet" }
query  = """
  SELECT f.origin, f.carrier, f.month, f.hour, f.distance, f.air_time, w.wind_speed, w.visib, p.seats,
         f.dep_delay > 15 AS departs_late, f.arr_delay > 15 AS arrives_late, f.month * 100 + f.day AS date
  FROM flights f LEFT JOIN weather w USING (origin, time_hour) LEFT JOIN planes p USING (tailnum)
  WHERE f.arr_delay IS NOT NULL
"""
derive = { winter = "month IN (12, 1, 2)" }
split  = { train = 0.7, valid = 0.15, test = 0.15, by = ["date"] }   # a whole day falls on one side

[expert.airborne]               # numeric target: regression
inputs = ["flights.distance", "flights.month", "flights.wind_speed", "flights.seats"]
target = "flights.air_time"
model  = { type = "mlp", hidden = [32, 16] }
train  = { epochs = 20, batch = 256, learning_rate = 1e-3, patience = 4 }

[expert.departure]              # boolean or text target: classification
inputs = ["flights.origin", "flights.carrier", "flights.hour", "flights.month", "flights.wind_speed", "flights.visib"]
target = "flights.departs_late"
model  = { type = "mlp", hidden = [64, 32] }

[expert.arrival]                # fed by the other two
inputs   = ["airborne.value", "departure.logit", "flights.carrier", "flights.distance"]
target   = "flights.arrives_late"
upstream = "out-of-fold"        # default; also "held-out", "in-sample"

[expert.newark]
extends = "expert.departure"
where   = "flights.origin = 'EWR'"       # rows it is trained on

[evaluate]
baselines = ["majority", "linear", "single"]
require   = ["expert.arrival test auc >= 0.70"]

[audit]
rows = 2000
bootstrap = 20
"#;

#[test]
fn the_example_of_the_design_parses_without_a_word() {
    assert_eq!(messages(FLIGHTS), [""; 0]);
    let flights = pipeline(FLIGHTS);
    assert_eq!(flights.name, "flights");
    assert_eq!(flights.seed, 7);
    let tables: Vec<&String> = flights.data["flights"].tables.keys().collect();
    assert_eq!(tables, ["flights", "weather", "planes"], "in the order of the file");
    let experts: Vec<&String> = flights.experts.keys().collect();
    assert_eq!(experts, ["airborne", "departure", "arrival", "newark"], "in the order of the file");
    assert_eq!(
        flights.evaluate.baselines,
        [Baseline::Majority, Baseline::Linear, Baseline::Single]
    );
    assert_eq!(flights.evaluate.require[0].get_ref().bound, 0.7);
    assert_eq!(flights.audit.bootstrap, 20);
}

#[test]
fn the_schema_knows_every_key() {
    let schema = json_schema();
    let mut tables = vec![("".to_owned(), keys(&schema))];
    for (name, definition) in schema["definitions"].as_object().expect("definitions") {
        if definition.get("properties").is_some() {
            tables.push((name.clone(), keys(definition)));
        }
    }
    let text: Vec<String> =
        tables.iter().map(|(name, keys)| format!("{name}: {}", keys.join(" "))).collect();
    insta::assert_snapshot!(text.join("\n"), @r"
    : audit data evaluate expert pipeline
    Audit: bootstrap rows
    DataSource: derive missing path query split tables types
    Evaluate: baselines require
    Expert: extends folds inputs model seed target task train upstream where
    Model: activation dropout hidden type
    Pipeline: format name seed
    Split: by stratify test train valid
    Train: batch class_weights epochs learning_rate optimizer patience schedule weight_decay
    ");
}

#[test]
fn the_schema_describes_every_key_and_gives_defaults() {
    fn walk(schema: &Value, seen: &mut usize) {
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            *seen += 1;
            assert!(property.get("description").is_some(), "`{name}` has no description");
        }
        if schema.get("properties").is_some() {
            assert_eq!(schema["additionalProperties"], false, "unknown keys are errors");
        }
    }
    let schema = json_schema();
    let mut seen = 0;
    walk(&schema, &mut seen);
    for definition in schema["definitions"].as_object().expect("definitions").values() {
        walk(definition, &mut seen);
    }
    assert!(seen > 40, "{seen}");
    insta::assert_snapshot!(
        serde_json::to_string_pretty(&schema["definitions"]["Train"]["properties"]["learning_rate"])
            .expect("JSON"),
        @r#"
    {
      "default": 0.001,
      "description": "Step size (at its start, for the cosine schedule), above 0. Default: 0.001.",
      "exclusiveMinimum": 0.0,
      "format": "double",
      "type": "number"
    }
    "#
    );
    assert!(!schema.to_string().contains("\"null\""), "TOML has no null");
}

#[test]
fn the_schema_accepts_the_example_and_refuses_a_slip() {
    let schema = json_schema();
    let example: Value = toml(FLIGHTS);
    assert_eq!(errors(&schema, &schema, &example), [""; 0]);
    let written: Value = toml(&pipeline(FLIGHTS).with_defaults());
    assert_eq!(errors(&schema, &schema, &written), [""; 0], "with every default, too");
    let slip: Value = toml(&FLIGHTS.replace("hidden", "hiden"));
    assert!(!errors(&schema, &schema, &slip).is_empty());
    let slip: Value = toml(&FLIGHTS.replace("out-of-fold", "out-of-mind"));
    assert!(!errors(&schema, &schema, &slip).is_empty());
}

fn keys(schema: &Value) -> Vec<String> {
    schema["properties"].as_object().expect("properties").keys().cloned().collect()
}

fn toml(text: &str) -> Value {
    let table: toml::Table = text.parse().expect("TOML");
    serde_json::to_value(table).expect("JSON")
}

/// Enough of a JSON Schema validator for our own schema.
fn errors(root: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(path) = schema["$ref"].as_str() {
        let target = root.pointer(path.trim_start_matches('#')).expect("the reference resolves");
        found.extend(errors(root, target, value));
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        found.extend(errors(root, part, value));
    }
    for key in ["anyOf", "oneOf"] {
        if let Some(choices) = schema[key].as_array()
            && !choices.iter().any(|choice| errors(root, choice, value).is_empty())
        {
            found.push(format!("{value} fits no choice"));
        }
    }
    let fits = |kind: &Value| match kind.as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_i64() || value.is_u64(),
        other => panic!("type {other:?}"),
    };
    if schema.get("type").is_some_and(|kind| !fits(kind)) {
        found.push(format!("{value} has the wrong type"));
    }
    if let Some(known) = schema["enum"].as_array()
        && !known.contains(value)
    {
        found.push(format!("{value} is no choice"));
    }
    if schema.get("const").is_some_and(|only| only != value) {
        found.push(format!("{value} is another constant"));
    }
    for (key, entry) in value.as_object().into_iter().flatten() {
        match schema["properties"].get(key) {
            Some(property) => found.extend(errors(root, property, entry)),
            None if schema["additionalProperties"] == false => found.push(format!("`{key}`")),
            None => found.extend(errors(root, &schema["additionalProperties"], entry)),
        }
    }
    for entry in value.as_array().into_iter().flatten() {
        found.extend(errors(root, &schema["items"], entry));
    }
    found
}
