//! Held models: an expert that is frozen, pinned or from another pipeline uses them without training.

pub(crate) mod model;

use std::{collections::BTreeMap, path::PathBuf};

use collegium_digest::Digest;
use collegium_manifest::{Diagnostic, Outside, StandsOn};
use collegium_records::{Code, Fit, Held, Ingredient, LockedNode, Members, Recipe, Standing};
use collegium_store::{Store, read_lock};

use crate::{EngineError, NodeRef, Session, session::base};
use model::HeldModel;

/// A model that was found, or what is wrong: a message, a caret's label, and the way out.
type Found = Result<Option<HeldModel>, [String; 3]>;

impl Session {
    /// Finds the held model of every expert. An expert that is frozen and was never fitted has
    /// none yet.
    pub(crate) fn hold(&self) -> Result<Vec<Option<Box<HeldModel>>>, EngineError> {
        let mut held = Vec::with_capacity(self.pipeline.experts.len());
        let mut wrong = Vec::new();
        for index in 0..self.pipeline.experts.len() {
            let (found, span) = match &self.node(index).declared().stands_on {
                StandsOn::Recipe => (Ok(None), 0..0),
                StandsOn::Frozen(key) => (self.node(index).frozen()?, key.span()),
                StandsOn::Pin(prefix) => {
                    (self.node(index).pinned(prefix.get_ref())?, prefix.span())
                }
                StandsOn::Source { pipeline, expert } => (
                    self.node(index).sourced(pipeline.get_ref(), expert.get_ref())?,
                    pipeline.span(),
                ),
            };
            match found {
                Ok(model) => held.push(model.map(Box::new)),
                Err([message, label, help]) => wrong.push(
                    Diagnostic::error(Code::NoSuchModel, &self.pipeline.source, span, message)
                        .label(label)
                        .help(help),
                ),
            }
        }
        match wrong.is_empty() {
            true => Ok(held),
            false => Err(EngineError::Invalid(collegium_manifest::Diagnostics(wrong))),
        }
    }

    /// Copies a model and its records from another project's store.
    fn fetch(&self, root: &std::path::Path, standing: &Standing) -> Result<(), EngineError> {
        let theirs = Store::open_to_read(root)?;
        if theirs.root() == self.store.root() {
            return Ok(());
        }
        let mut fits: BTreeMap<Digest, Fit> = theirs.realisations(&standing.recipe)?;
        if let (Some(fit), Some(recipe), Some(model)) = (
            fits.remove(&standing.realisation),
            theirs.recipe(&standing.recipe)?,
            theirs.get(&standing.realisation)?,
        ) {
            self.store.put(&model)?;
            // Which rows it has seen comes with it; what is missing counts as seen.
            let membership = fit.seen.as_ref().and_then(|seen| seen.membership.as_ref());
            for object in membership.iter().flat_map(|all| all.all()).flat_map(Members::objects) {
                if let Some(bytes) = theirs.get(&object)? {
                    self.store.put(&bytes)?;
                }
            }
            self.store.realise(&recipe, &standing.realisation, &fit)?;
        }
        Ok(())
    }

    /// The recipe of the fit that a held model is, or that it patches.
    pub(crate) fn held_recipe(&self, model: &HeldModel) -> Result<Option<Recipe>, EngineError> {
        let mut recipe = self.store.recipe(&model.standing.recipe)?;
        // A patch reads what its anchor reads; the recipe of the fit that it stands for says what.
        if let Some(Ingredient::Digest(parent)) =
            recipe.as_ref().filter(|r| r.kind == "patch").and_then(|r| r.ingredients.get("parent"))
        {
            let mut anchors = self.store.realisations_named(&parent.to_string())?.into_iter();
            recipe = match anchors.next() {
                Some((anchor, _)) => self.store.recipe(&anchor)?,
                None => None,
            };
        }
        Ok(recipe)
    }
}

impl NodeRef<'_> {
    fn frozen(self) -> Result<Found, EngineError> {
        let Some(node) = self.locked() else { return Ok(Ok(None)) };
        let standing = node.standing();
        // A frozen model that was lost may be made again, if it is still the fit of its recipe.
        let Some(fit) = self.session.fit_of(&standing)? else { return Ok(Ok(None)) };
        let model = HeldModel { kind: Held::Frozen, standing, fit, parts: node.parts.clone() };
        self.checked(model, "the frozen model")
    }

    fn pinned(self, prefix: &str) -> Result<Found, EngineError> {
        let mut found: BTreeMap<Digest, Standing> = BTreeMap::new();
        for (recipe, realisation) in self.session.store.realisations_named(prefix)? {
            if self
                .session
                .store
                .recipe(&recipe)?
                .is_some_and(|r| r.kind == "fit" || r.kind == "patch")
            {
                found.entry(realisation).or_insert(Standing { recipe, realisation });
            }
        }
        let standing = match found.len() {
            1 => found.into_values().next(),
            0 => None,
            _ => {
                let all: Vec<String> = found.keys().map(ToString::to_string).collect();
                return Ok(Err([
                    format!("{} models begin with `{prefix}`", all.len()),
                    "not one model".to_owned(),
                    format!("write more digits: {}", all.join(", ")),
                ]));
            }
        };
        let fit = match &standing {
            Some(standing) => self.session.fit_of(standing)?,
            None => None,
        };
        let (Some(standing), Some(fit)) = (standing, fit) else {
            return Ok(Err([
                format!("no model in the store begins with `{prefix}`"),
                "unknown model".to_owned(),
                "an expert's `realisation` in a lock file, of this revision or an earlier one, names a \
                 model; one that was evicted has to be trained again"
                    .to_owned(),
            ]));
        };
        let belongs = Recipe::new("standing").with("realisation", standing.realisation).digest();
        let known: BTreeMap<Digest, LockedNode> = self.session.store.realisations(&belongs)?;
        let parts = known.into_values().next().map(|node| node.parts).unwrap_or_default();
        let model = HeldModel { kind: Held::Pinned, standing, fit, parts };
        self.checked(model, "the pinned model")
    }

    fn sourced(self, file: &str, expert: &str) -> Result<Found, EngineError> {
        let path: PathBuf = base(&self.session.pipeline).join(file);
        let lock = path.with_extension("lock");
        let root = collegium_manifest::project_root(&path);
        // Its file, its lock and the store that its models lie in.
        for read in [&path, &lock, &root.join(".collegium")] {
            if let Err(Outside { message, label, help }) = self.session.fence.admit(read) {
                return Ok(Err([message, label, help]));
            }
        }
        let run = format!("run it first: `collegium run {}`", path.display());
        let missing =
            |message: String, label: &str| Ok(Err([message, label.to_owned(), run.clone()]));
        if !path.exists() {
            return Ok(Err([
                format!("there is no pipeline {}", path.display()),
                "no such file".to_owned(),
                "the path is relative to this pipeline file".to_owned(),
            ]));
        }
        let name = format!("expert.{expert}");
        let mut theirs = read_lock(&lock)?.node;
        let Some(node) = theirs.remove(&name) else {
            let known: Vec<&str> =
                theirs.keys().map(|name| name.strip_prefix("expert.").unwrap_or(name)).collect();
            if !known.is_empty() {
                let help = match collegium_manifest::suggest(expert, known.iter().copied()) {
                    Some(near) => format!("did you mean `expert = \"{near}\"`?"),
                    None => format!("it stands on: {}", known.join(", ")),
                };
                let message = format!("{} does not stand on a model of {name}", lock.display());
                return Ok(Err([message, "no such expert there".to_owned(), help]));
            }
            return missing(
                format!("{} does not stand on a model of {name}", lock.display()),
                "never fitted there",
            );
        };
        let standing = node.standing();
        let mut fit = self.session.fit_of(&standing)?;
        if fit.is_none() {
            self.session.fetch(&root, &standing)?;
            fit = self.session.fit_of(&standing)?;
        }
        let Some(fit) = fit else {
            return missing(format!("the model of {name} is not in its store"), "no model");
        };
        let model = HeldModel { kind: Held::Sourced, standing, fit, parts: BTreeMap::new() };
        self.checked(model, &format!("{file} {name}"))
    }

    /// Refuses a model whose inputs, task or classes are not those that the file declares.
    fn checked(self, model: HeldModel, what: &str) -> Result<Found, EngineError> {
        let Some(recipe) = self.session.held_recipe(&model)? else {
            return Ok(Err([
                format!("nothing is known of {what} but its weights"),
                "its recipe is not in the store".to_owned(),
                "run the pipeline that it belongs to again".to_owned(),
            ]));
        };
        let theirs = signature(&recipe);
        let ours = self.signature();
        if theirs == ours {
            return Ok(Ok(Some(model)));
        }
        let minus = theirs.iter().filter(|line| !ours.contains(line)).map(|l| format!("- {l}"));
        let plus = ours.iter().filter(|line| !theirs.contains(line)).map(|l| format!("+ {l}"));
        let diff: Vec<String> = minus.chain(plus).collect();
        Ok(Err([
            format!("{what} has another signature than `{}` declares", self.name()),
            "another signature".to_owned(),
            format!("the model (-) against the file (+):\n{}", diff.join("\n")),
        ]))
    }

    /// What an expert is given and answers, a line each.
    fn signature(self) -> Vec<String> {
        let resolved = self.resolved();
        let mut lines: Vec<String> = resolved
            .inputs
            .iter()
            .map(|input| {
                let kind = match input {
                    collegium_manifest::Input::Column { data, column } => self
                        .session
                        .column_facts(data, column)
                        .map_or("", |facts| facts.kind.name()),
                    collegium_manifest::Input::Output { output, .. } => output.name(),
                };
                format!("input {input}: {kind}")
            })
            .collect();
        lines.push(format!("task: {}", resolved.task.name()));
        lines.extend(resolved.classes.iter().map(|class| format!("class {class}")));
        lines.sort();
        lines
    }
}

/// The same lines as a recipe has them.
fn signature(recipe: &Recipe) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, value) in &recipe.ingredients {
        match (name.strip_prefix("inputs."), value) {
            (Some(input), Ingredient::List(items)) => {
                let kind = items.first().map(ToString::to_string).unwrap_or_default();
                lines.push(format!("input {input}: {kind}"));
            }
            (None, Ingredient::Text(task)) if name == "task" => lines.push(format!("task: {task}")),
            (None, Ingredient::List(classes)) if name == "classes" => {
                lines.extend(classes.iter().map(|class| format!("class {class}")));
            }
            _ => {}
        }
    }
    lines.sort();
    lines
}
