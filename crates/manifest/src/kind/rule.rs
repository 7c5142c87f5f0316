//! The traits of a gate rule in the file: its keys in `[gate.NAME]`, its recipe ingredients (cache key), how they
//! are written out.
//!
//! All keys of all rules are fields of [`RawGate`]: they stand in one table of the file, several rules share some of
//! them, and a key of another rule is an error of its own. What they mean is a rule's own affair.

use std::{any::Any, fmt, ops::Range};

use collegium_records::Code;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::Ingredients;
use crate::{
    At, Diagnostic, Gate, Mlp, Task, TomlTable, bounds, defaults::GATE_HIDDEN, raw::RawGate,
    sink::Sink, suggest::did_you_mean, write::Written,
};

/// The rules that `gate.type` can name.
pub type Rules<'a> = &'a [&'a dyn DeclareRule];

/// The one that is meant where it names none.
pub(crate) const DEFAULT: &str = "softmax";

/// A rule by which gates combine, as far as the file knows it.
pub trait DeclareRule: Sync {
    /// What `type` says.
    fn name(&self) -> &'static str;

    /// How it combines, in a few words, for the schema.
    fn about(&self) -> &'static str;

    /// The keys that it has beside those that all gates have. One that has `inputs` weighs by them.
    fn keys(&self) -> &'static [&'static str] {
        &[]
    }

    /// The temperature where the file has none; `None`: its fit chooses one.
    fn temperature(&self) -> Option<f64> {
        Some(1.0)
    }

    /// Reads its keys, whose ranges are checked already. Whatever else is wrong is told to `keys`, all of it.
    fn read(&self, keys: &mut GateKeys<'_>) -> Box<dyn GateRule>;
}

/// A rule with its parameters: what the file says, with every default.
pub trait GateRule: CopiedRule + Any + fmt::Debug + Send + Sync {
    /// Its name in the file.
    fn name(&self) -> &'static str;

    /// Everything of it that moves a fit: destructure it, so that a parameter that is added later cannot be forgotten.
    fn ingredients(&self, _: &mut Ingredients<'_>) {}

    /// Writes its keys, every default among them.
    fn write(&self, _: &Gate, _: &mut Written<'_>) {}

    /// Does a fit read anything? No change of its experts touches one that does not.
    fn learns(&self) -> bool {
        true
    }

    /// Are its weights a softmax, with a temperature, `top_k` and `shared`?
    fn routes(&self) -> bool {
        false
    }

    /// The network that is trained by gradient steps.
    fn net(&self) -> Option<&Mlp> {
        None
    }

    /// Is there such a network for each expert alone?
    fn is_judged(&self) -> bool {
        false
    }

    /// The columns of the data source that its predicates make, in the order of the experts.
    fn columns(&self) -> &[String] {
        &[]
    }

    /// Are its experts asked one after another?
    fn in_turn(&self) -> bool {
        false
    }

    /// Which targets it needs, if it cannot combine answers of this task and so many classes.
    fn needs_other_targets(&self, _: Task, _: usize) -> Option<&'static str> {
        None
    }

    /// Does any of several causes suffice? Then these have targets of their own.
    fn combines_causes(&self) -> bool {
        false
    }

    /// The same without the expert at a place; `None` where that leaves nothing to weigh.
    fn without(&self, _: usize) -> Option<Box<dyn GateRule>> {
        Some(self.copied())
    }
}

/// Copying and comparing behind a box; all rules that are `Clone + PartialEq` have it.
pub trait CopiedRule {
    /// A copy.
    fn copied(&self) -> Box<dyn GateRule>;

    /// Are both the same rule with the same parameters?
    fn same(&self, other: &dyn GateRule) -> bool;
}

impl<T: GateRule + Clone + PartialEq> CopiedRule for T {
    fn copied(&self) -> Box<dyn GateRule> {
        Box::new(self.clone())
    }

    fn same(&self, other: &dyn GateRule) -> bool {
        (other as &dyn Any).downcast_ref::<T>() == Some(self)
    }
}

impl Clone for Box<dyn GateRule> {
    fn clone(&self) -> Self {
        (**self).copied()
    }
}

impl PartialEq for dyn GateRule {
    fn eq(&self, other: &Self) -> bool {
        self.same(other)
    }
}

/// The table of one gate, and where to tell what is wrong with it.
pub struct GateKeys<'a> {
    /// What the file says.
    pub raw: &'a RawGate,
    /// The gate's name.
    pub name: &'a At<String>,
    /// The names of its experts.
    pub experts: &'a [&'a str],
    /// Is a key absent because what was written was wrong?
    pub(crate) lost: &'a dyn Fn(&str) -> bool,
    pub(crate) sink: &'a mut Sink,
}

impl<'a> GateKeys<'a> {
    /// The network of `hidden` and `activation`.
    pub fn net(&self) -> Mlp {
        Mlp {
            hidden: self.raw.hidden.as_ref().map_or(GATE_HIDDEN.to_vec(), |hidden| {
                hidden.get().iter().map(|width| *width.get()).collect()
            }),
            activation: self
                .raw
                .activation
                .as_ref()
                .map_or(Mlp::default().activation, |a| *a.get()),
            dropout: 0.0.into(),
        }
    }

    /// Tells what is wrong at a place; `more` adds labels and help.
    pub fn refuse(
        &mut self,
        code: Code,
        place: Range<usize>,
        message: impl Into<String>,
        more: impl FnOnce(Diagnostic) -> Diagnostic,
    ) {
        self.sink.global(more(self.sink.error(code, place, message)));
    }

    /// Tells of a text that says nothing.
    pub fn not_empty(&mut self, key: &str, text: &At<String>) {
        bounds::not_empty(self.sink, key, text);
    }

    /// A table's value for each expert; one that is missing or left over is an error.
    pub fn by_expert<T>(
        &mut self,
        key: &str,
        table: Option<&'a At<TomlTable<At<T>>>>,
    ) -> Vec<Option<&'a At<T>>> {
        let experts = self.experts;
        let entries = table.map(|table| table.get().0.as_slice()).unwrap_or_default();
        for (expert, _) in entries {
            if !experts.contains(&expert.get().as_str()) {
                self.sink.global(not_combined(expert, experts, self.sink));
            }
        }
        let value = |expert: &&str| {
            entries.iter().find(|(key, _)| key.get() == expert).map(|(_, value)| value)
        };
        let found: Vec<Option<&At<T>>> = experts.iter().map(value).collect();
        let missing: Vec<String> = experts
            .iter()
            .zip(&found)
            .filter(|(_, value)| value.is_none())
            .map(|(expert, _)| format!("`{expert}`"))
            .collect();
        if !missing.is_empty() && !(self.lost)(key) {
            let (place, label) = match table {
                Some(table) => (table.span(), format!("nothing for {}", missing.join(", "))),
                None => (self.name.span(), format!("no `{key}`")),
            };
            let message = format!("`{}` has no `{key}` for every expert", self.name.get());
            let help = format!("`{key} = {{ {} = … }}`", experts.join(" = …, "));
            self.refuse(Code::MissingKey, place, message, |error| error.label(label).help(help));
        }
        found
    }
}

/// A name that is none of the gate's experts.
pub(crate) fn not_combined(text: &At<String>, experts: &[&str], sink: &Sink) -> Diagnostic {
    sink.error(Code::NoSuchNode, text.span(), format!("`{}` is not among `experts`", text.get()))
        .label("not combined here")
        .maybe_help(
            sink.may_compare(experts.len())
                .then(|| did_you_mean(text.get(), experts, "there are"))
                .flatten(),
        )
}

/// `gate.type` in the schema: the names of all rules, which [`crate::json_schema`] defines.
pub(crate) struct RuleName;

/// The definition that it makes.
pub(crate) const DEFINITION: &str = "GateType";

impl JsonSchema for RuleName {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        DEFINITION.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "$ref": format!("#/definitions/{DEFINITION}") })
    }
}

/// The definition itself.
pub(crate) fn definition(rules: Rules<'_>) -> serde_json::Value {
    let each = rules.iter().map(|rule| {
        serde_json::json!({
            "const": rule.name(), "description": rule.about(), "type": "string",
        })
    });
    let each: Vec<_> = each.collect();
    serde_json::json!({ "description": "How a gate combines.", "oneOf": each })
}
