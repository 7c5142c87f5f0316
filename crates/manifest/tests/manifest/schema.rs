//! The JSON Schema, and the example that everybody reads.

use collegium_learn::DECLARED;
use collegium_manifest::{Baseline, json_schema};
use serde_json::Value;

use crate::{messages, pipeline};

/// The pipeline of three experts in the design, and one that extends another.
pub(crate) const FLIGHTS: &str = r#"
[pipeline]
name = "flights"
format = 1                      # version of this file's format
seed = 7
memory_limit = "2 GiB"

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
origins = { weather = "synthetic" }

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
reuse    = { tolerance = 0.02, confidence = 0.95 }      # keep or patch instead of retraining, on evidence

[expert.newark]
extends = "expert.departure"
where   = "flights.origin = 'EWR'"       # rows it is trained on
warm_start = { cold_every = 3 }

[evaluate]
baselines = ["majority", "linear", "single"]
require   = ["expert.arrival test auc >= 0.70"]
least_measured = 0.5
rotate = 5

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
    let schema = json_schema(&DECLARED);
    let mut tables = vec![("".to_owned(), keys(&schema))];
    for (name, definition) in schema["definitions"].as_object().expect("definitions") {
        if definition.get("properties").is_some() {
            tables.push((name.clone(), keys(definition)));
        }
    }
    let text: Vec<String> =
        tables.iter().map(|(name, keys)| format!("{name}: {}", keys.join(" "))).collect();
    insta::assert_snapshot!(text.join("\n"), @"
    : audit data evaluate expert gate mixture pipeline
    Audit: bootstrap margin permuted rows seeds slices
    DataSource: derive idx images missing origin origins path query read reads split tables types unpacked_limit
    Encode: bins edges numbers
    Evaluate: baselines least_measured require rotate
    Expert: calibrate deploy encode expert extends folds frozen inputs members model pin positive preset reuse seed source target task threshold train tune upstream warm_start where
    Gate: activation balance balance_weight confidence cost_budget error_budget experts folds hidden inputs loss noise positive ridge rules seed shared target task temperature threshold top_k train type upstream weights where
    Image: channels columns height scale width
    Mixture: experts folds gate inputs model positive restarts seed target task threshold train upstream warm_start where
    MixtureGate: activation balance balance_weight capacity_factor hidden noise shared temperature top_k z_loss
    Model_linear: ridge type
    Model_mlp: activation dropout hidden type
    NumberByTask: classification regression
    OriginColumn: column synthetic
    Pipeline: format memory_limit name preset reads reuse seed sql_memory sql_steps
    Read: date_format decimal delimiter encoding thousands
    Reuse: confidence tolerance
    Split: block by column gap hold_groups seed stratify test test_file test_from time train unused valid valid_file valid_from
    ThresholdCriterion: false_negative false_positive recall
    Train: batch beta2 class_weights clip_gradient epochs focal huber label_smoothing learning_rate optimizer patience quantile schedule warm_up weight_decay
    Tune: seconds seed space trials
    WarmStart: cold_every
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
    let schema = json_schema(&DECLARED);
    let mut seen = 0;
    walk(&schema, &mut seen);
    for definition in schema["definitions"].as_object().expect("definitions").values() {
        walk(definition, &mut seen);
    }
    assert!(seen > 40, "{seen}");
    insta::assert_snapshot!(
        serde_json::to_string_pretty(&schema["definitions"]["Train"]["properties"]["learning_rate"])
            .expect("JSON"),
        @r##"
    {
      "allOf": [
        {
          "$ref": "#/definitions/ByTask"
        }
      ],
      "default": 0.01,
      "description": "Step size, above 0; of a schedule the largest; a number, or a table of `classification` and `regression`.\nDefault: 0.01.",
      "exclusiveMinimum": 0.0
    }
    "##
    );
    assert!(!schema.to_string().contains("\"null\""), "TOML has no null");
}

#[test]
fn the_schema_accepts_the_example_and_refuses_a_slip() {
    let schema = json_schema(&DECLARED);
    let example: Value = toml(FLIGHTS);
    assert_eq!(errors(&schema, &schema, &example), [""; 0]);
    let written: Value = toml(&pipeline(FLIGHTS).with_defaults());
    assert_eq!(errors(&schema, &schema, &written), [""; 0], "with every default, too");
    let slip: Value = toml(&FLIGHTS.replace("hidden", "hiden"));
    assert!(!errors(&schema, &schema, &slip).is_empty());
    let slip: Value = toml(&FLIGHTS.replace("out-of-fold", "out-of-mind"));
    assert!(!errors(&schema, &schema, &slip).is_empty());
}

#[test]
fn the_schema_beside_the_pipelines_is_this_one() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../pipelines/pipeline.schema.json");
    let text = std::fs::read_to_string(file).expect("the schema that the pipelines name");
    let written: Value = serde_json::from_str(&text).expect("JSON");
    let way_out = "write it anew: `collegium schema > pipelines/pipeline.schema.json`";
    assert!(written == json_schema(&DECLARED), "{way_out}");
}

/// One of each form of the keys that say how models are carried over, and how much memory they take.
const CARRIED: [&str; 12] = [
    "[pipeline]\nmemory_limit = \"1.5 GiB\"\nreuse = true",
    "[pipeline]\nmemory_limit = 1048576\nreuse = { tolerance = 0.1 }",
    "[expert.a]\nreuse = false\nwarm_start = true",
    "[expert.a]\nreuse = { tolerance = 0.02, confidence = 0.95 }\nwarm_start = { cold_every = 3 }",
    "[expert.a]\nfrozen = true",
    "[expert.a]\npin = \"9f3ac1\"",
    "[expert.a]\nsource = \"other.toml\"\nexpert = \"expert.b\"",
    "[pipeline]\nmemory_limit = 2.5",
    "[pipeline]\nreuse = \"yes\"",
    "[expert.a]\nreuse = { tolerence = 0.1 }",
    "[expert.a]\nwarm_start = 3",
    "[expert.a]\nfrozen = \"yes\"",
];

#[test]
fn the_schema_knows_every_form_of_the_keys_that_carry_models_over() {
    let schema = json_schema(&DECLARED);
    let fits = CARRIED.map(|text| errors(&schema, &schema, &toml(text)).is_empty());
    assert_eq!(fits[..7], [true; 7], "{CARRIED:?}");
    assert_eq!(fits[7..], [false; 5], "{CARRIED:?}");
}

#[test]
fn the_schema_knows_every_form_of_an_origin() {
    let schema = json_schema(&DECLARED);
    let fits = |line: &str| {
        let text = format!("[data.a]\npath = \"a.csv\"\n{line}");
        errors(&schema, &schema, &toml(&text)).is_empty()
    };
    assert!(fits("origin = \"synthetic\""));
    assert!(fits("origin = { column = \"by\", synthetic = [\"gpt\"] }"));
    assert!(fits("origins = { a = \"measured\" }"));
    assert!(!fits("origin = \"syntetic\""));
    assert!(!fits("origin = { colum = \"by\" }"));
    assert!(!fits("origins = { a = { column = \"by\" } }"), "tables are of one origin");
    assert_eq!(schema["definitions"]["Evaluate"]["properties"]["least_measured"]["maximum"], 1.0);
}

#[test]
fn the_schema_gives_the_ranges_of_the_keys_that_carry_models_over() {
    let definitions = &json_schema(&DECLARED)["definitions"];
    let of = |table: &str, keys: &[&str]| {
        let lines = keys.iter().map(|key| {
            let mut property = definitions[table]["properties"][key].clone();
            let object = property.as_object_mut().expect("a key");
            object.remove("description");
            format!("{table}.{key}: {property}")
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(of("Pipeline", &["memory_limit", "reuse"]), @r##"
    Pipeline.memory_limit: {"allOf":[{"anyOf":[{"minimum":1048576,"type":"integer"},{"pattern":"^[0-9]+(\\.[0-9]+)? *(B|KB|KiB|MB|MiB|GB|GiB|TB|TiB)$","type":"string"}]}]}
    Pipeline.reuse: {"allOf":[{"$ref":"#/definitions/ReuseOrNot"}],"default":false}
    "##);
    insta::assert_snapshot!(
        of("Expert", &["reuse", "warm_start", "frozen", "pin", "source", "expert"]), @r##"
    Expert.reuse: {"allOf":[{"$ref":"#/definitions/ReuseOrNot"}]}
    Expert.warm_start: {"allOf":[{"$ref":"#/definitions/WarmStartOrNot"}],"default":false}
    Expert.frozen: {"default":false,"type":"boolean"}
    Expert.pin: {"pattern":"^[0-9a-f]{6,64}$","type":"string"}
    Expert.source: {"minLength":1,"type":"string"}
    Expert.expert: {"type":"string"}
    "##
    );
    insta::assert_snapshot!(of("Reuse", &["tolerance", "confidence"]), @r#"
    Reuse.tolerance: {"default":0.02,"exclusiveMaximum":1.0,"exclusiveMinimum":0.0,"format":"double","type":"number"}
    Reuse.confidence: {"default":0.95,"exclusiveMaximum":1.0,"format":"double","minimum":0.5,"type":"number"}
    "#);
    insta::assert_snapshot!(of("WarmStart", &["cold_every"]), @r#"WarmStart.cold_every: {"default":10,"format":"uint32","minimum":1,"type":"integer"}"#);
    insta::assert_snapshot!(definitions["ReuseOrNot"], @r##"{"anyOf":[{"type":"boolean"},{"$ref":"#/definitions/Reuse"}],"description":"`false`; `true` for the defaults; or a table of settings, each with its default."}"##);
    insta::assert_snapshot!(definitions["WarmStartOrNot"], @r##"{"anyOf":[{"type":"boolean"},{"$ref":"#/definitions/WarmStart"}],"description":"`false`; `true` for the defaults; or a table of settings, each with its default."}"##);
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
