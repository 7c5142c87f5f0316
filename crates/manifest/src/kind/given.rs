//! A model as written, unparsed: a table whose keys its kind will read, or the name of a blueprint.
//!
//! Which keys a table may have is known only with its kind, and the kind may be inherited. So the table is kept as it
//! is, with all its places, until `extends` is done.

use std::{fmt, ops::Range};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, Visitor},
};
use toml::{
    Spanned,
    de::{DeArray, DeTable, DeValue},
};

use crate::At;

/// A model's own table, or the name of a blueprint: a file of such a table in `models/`.
#[derive(Debug, Clone)]
pub(crate) enum ModelChoice<'i> {
    Own(Given<'i>),
    Blueprint(String),
}

/// A model's table.
#[derive(Debug, Default, Clone)]
pub(crate) struct Given<'i> {
    pub(crate) table: DeTable<'i>,
    /// A blueprint is a whole model: nothing of an extended expert's model shines through it.
    pub(crate) whole: bool,
}

/// The name of the key that says which kind of model it is.
const TYPE: &str = "type";

impl<'i> Given<'i> {
    /// What `type` says, where it is a text.
    pub(crate) fn kind(&self) -> Option<&str> {
        self.table.get(TYPE)?.get_ref().as_str()
    }

    /// Takes `type` out, since all kinds have it.
    pub(crate) fn take_kind(&mut self) -> Option<Spanned<DeValue<'i>>> {
        self.table.remove(TYPE)
    }

    /// Own keys over a base's; nothing of a base of another kind, whose keys mean nothing here.
    pub(crate) fn over(mut self, base: Self) -> Self {
        let another = self.kind().is_some_and(|kind| base.kind().is_some_and(|own| own != kind));
        if self.whole || another {
            return self;
        }
        for (key, value) in base.table {
            self.table.entry(key).or_insert(value);
        }
        self.whole = base.whole;
        self
    }

    /// The same, all of it said at one place: where the file names a blueprint.
    pub(crate) fn at(self, place: &Range<usize>) -> Self {
        Self { table: table_at(self.table, place), ..self }
    }
}

fn table_at<'i>(table: DeTable<'i>, place: &Range<usize>) -> DeTable<'i> {
    let entry = |(key, value): (Spanned<_>, Spanned<DeValue<'i>>)| {
        (Spanned::new(place.clone(), key.into_inner()), value_at(value, place))
    };
    table.into_iter().map(entry).collect()
}

fn value_at<'i>(value: Spanned<DeValue<'i>>, place: &Range<usize>) -> Spanned<DeValue<'i>> {
    let value = match value.into_inner() {
        DeValue::Table(table) => DeValue::Table(table_at(table, place)),
        DeValue::Array(all) => {
            let mut moved = DeArray::new();
            all.into_iter().for_each(|value| moved.push(value_at(value, place)));
            DeValue::Array(moved)
        }
        other => other,
    };
    Spanned::new(place.clone(), value)
}

impl<'i> ModelChoice<'i> {
    pub(crate) fn over(own: At<Self>, base: At<Self>) -> At<Self> {
        let span = own.span();
        let choice = match (own.0.into_inner(), base.0.into_inner()) {
            (Self::Own(own), Self::Own(base)) => Self::Own(own.over(base)),
            (own, _) => own,
        };
        At(Spanned::new(span, choice))
    }
}

/// Takes `model` out of a node's table if it is a table itself; whatever else it is serde will look at.
pub(crate) fn given<'i>(node: &mut DeValue<'i>) -> Option<At<ModelChoice<'i>>> {
    let DeValue::Table(table) = node else { return None };
    if !matches!(table.get("model").map(Spanned::get_ref), Some(DeValue::Table(_))) {
        return None;
    }
    let value = table.remove("model")?;
    let place = value.span();
    let DeValue::Table(table) = value.into_inner() else { return None };
    Some(At(Spanned::new(place, ModelChoice::Own(Given { table, whole: false }))))
}

impl<'de> Deserialize<'de> for ModelChoice<'_> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Choice;
        impl<'de> Visitor<'de> for Choice {
            type Value = ModelChoice<'static>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table or the name of a blueprint")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
                Ok(ModelChoice::Blueprint(name.to_owned()))
            }

            // Tables were taken out before: see `given`.
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(ModelChoice::Own(Given::default()))
            }
        }
        deserializer.deserialize_any(Choice)
    }
}

/// The definition that [`crate::json_schema`] makes of all kinds.
pub(crate) const DEFINITION: &str = "Model";

impl JsonSchema for ModelChoice<'_> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ModelOrBlueprint".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A model's own table, or the name of a blueprint: a file of such a table in `models/`.",
            "anyOf": [
                { "$ref": format!("#/definitions/{DEFINITION}") },
                { "type": "string" },
            ],
        })
    }
}
