//! JSON Schema of the pipeline file, for editors.

use schemars::{
    Schema,
    generate::SchemaSettings,
    transform::{RecursiveTransform, Transform},
};
use serde_json::{Value, json};

use crate::{Registry, kind, raw::RawFile};

/// JSON Schema, draft 7 (what TOML editors read), of the pipeline file: every key with its
/// description, its range and its default.
pub fn json_schema(registry: &Registry) -> Value {
    let mut generator = SchemaSettings::draft07().for_deserialize().into_generator();
    let mut models = Vec::new();
    for (at, kind) in registry.kinds.iter().enumerate() {
        let schema = model(kind.name(), at == 0, kind.schema(&mut generator));
        let name = format!("{}_{}", kind::DEFINITION, kind.name());
        models.push(json!({ "$ref": format!("#/definitions/{name}") }));
        generator.definitions_mut().insert(name, schema);
    }
    let description = "What an expert is: one of the kinds of model, by its `type`.";
    let models = json!({ "description": description, "anyOf": models });
    generator.definitions_mut().insert(kind::DEFINITION.to_owned(), models);
    let rules = kind::definition(&registry.rules);
    generator.definitions_mut().insert(kind::RULES.to_owned(), rules);
    let mut schema = generator.into_root_schema_for::<RawFile<'_>>();
    RecursiveTransform(without_null).transform(&mut schema);
    schema.to_value()
}

/// The schema of a kind's table, with `type`.
fn model(name: &str, is_default: bool, schema: Schema) -> Value {
    let mut schema = schema.to_value();
    let description = match is_default {
        true => format!("The kind of model. Default: `\"{name}\"`."),
        false => "The kind of model.".to_owned(),
    };
    schema["properties"]["type"] = json!({ "const": name, "description": description });
    match is_default {
        true => schema["properties"]["type"]["default"] = name.into(),
        false => schema["required"] = json!(["type"]),
    }
    schema
}

/// A key may be absent, and then it is an `Option` in Rust; but TOML has no null.
fn without_null(schema: &mut Schema) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = &types[..] {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
        choices.retain(|choice| choice.get("type").is_none_or(|kind| kind != "null"));
        if let [only] = &choices[..] {
            let only = only.clone();
            schema.remove("anyOf");
            schema.insert("allOf".to_owned(), Value::Array(vec![only]));
        }
    }
    if schema.get("default").is_some_and(Value::is_null) {
        schema.remove("default");
    }
}
