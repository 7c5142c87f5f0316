//! Gates and mixtures (mixture of experts): checks before training, and what of their experts reaches
//! their fits.

use std::collections::{BTreeMap, BTreeSet};

use collegium_learn::Shape;
use collegium_manifest::{Added, Diagnostic, Task};
use collegium_plan::{Part, begins_with};
use collegium_records::{Code, Ingredient};

use crate::{EngineError, NodeRef, Session, memory::mebibytes, resolved::Resolved, states::States};

impl NodeRef<'_> {
    /// Ingredients of a fit from its upstreams and from a blend's other fits, beside the content of inputs; `None` while
    /// upstreams are not done.
    pub(crate) fn beside(
        self,
        part: Part,
        states: &States,
    ) -> Result<Option<BTreeMap<String, Ingredient>>, EngineError> {
        let Some(mut beside) = self.of_blend(part, states)? else { return Ok(None) };
        for column in &self.declared().auxiliary {
            let rows = crate::inputs::training_rows(self.index, part);
            let digest = self.column_digest(column, rows)?;
            beside.insert(format!("auxiliary.{column}"), digest.into());
        }
        let expert = self.declared();
        if let Some(gate) = expert.gate().filter(|gate| gate.rule.in_turn()) {
            let names = gate.names();
            let Some(costs) = self.session.costs(&names, states)? else { return Ok(None) };
            for (expert, cost) in names.iter().zip(costs) {
                let cost = Ingredient::Integer(i64::try_from(cost).unwrap_or(i64::MAX));
                beside.insert(format!("cost.{expert}"), cost);
            }
        }
        // The full models have seen the rows that a fold leaves out: folds begin cold.
        if part == Part::Full {
            for expert in expert.begins_with() {
                let Some(state) = states.get(&self.session.index(expert.get_ref())?) else {
                    return Ok(None);
                };
                let (name, model) = begins_with(expert.get_ref(), state.full().model);
                beside.insert(name, model);
            }
        }
        Ok(Some(beside))
    }
}

impl Session {
    /// Multiply-adds of a row that each of some experts adds to those before it: its own, and those of
    /// everything above it that has not been asked yet.
    pub fn costs(
        &self,
        experts: &[&str],
        states: &States,
    ) -> Result<Option<Vec<u64>>, EngineError> {
        let mut counted = BTreeSet::new();
        let mut costs = Vec::new();
        for expert in experts {
            let index = self.index(expert)?;
            let mut cost = 0;
            for above in self.dag.with_ancestors(&[index]) {
                if counted.insert(above) {
                    // What is above an upstream has no state here, and its fit is at hand in the store.
                    let own = match states.get(&above) {
                        Some(state) => Some(state.full().multiply_adds),
                        None => self.node(above).locked_fit()?.map(|fit| fit.multiply_adds),
                    };
                    match own {
                        Some(own) => cost += own,
                        None if above == index => return Ok(None),
                        None => {}
                    }
                }
            }
            costs.push(cost);
        }
        Ok(Some(costs))
    }

    /// Gates whose experts cannot be combined.
    pub(crate) fn wrong_gates(&self, resolved: &[Option<Resolved>]) -> Vec<Diagnostic> {
        let mut wrong = Vec::new();
        for (index, node) in self.pipeline.experts.values().enumerate() {
            let (Some(gate), Some(own)) = (node.gate(), &resolved[index]) else { continue };
            let name = node.name.get_ref();
            let classes = own.classes.len();
            if let Some(needs) = gate.rule.needs_other_targets(own.task, classes) {
                let message = format!("a gate of type `{}` combines {needs}", gate.rule.name());
                wrong.push(
                    Diagnostic::error(
                        Code::ExpertsDoNotFit,
                        &self.pipeline.source,
                        node.target.span(),
                        message,
                    )
                    .label(match own.task {
                        Task::Regression => "this target is a number".to_owned(),
                        Task::Classification => format!("this target has {classes} classes"),
                    })
                    .help(format!("choose another `type` for `gate.{name}`")),
                );
                continue;
            }
            for expert in &gate.experts {
                let Some(at) = self.pipeline.experts.get_index_of(expert.get_ref()) else {
                    continue;
                };
                let Some(theirs) = &resolved[at] else { continue };
                let same = match gate.rule.combines_causes() {
                    true => theirs.classes.len() == 2,
                    false => theirs.classes == own.classes,
                };
                if theirs.task == own.task && same {
                    continue;
                }
                let what = match theirs.task {
                    Task::Regression => "it predicts a number".to_owned(),
                    Task::Classification => format!("it tells apart {}", in_words(&theirs.classes)),
                };
                let ours = match own.task {
                    Task::Regression => "a number".to_owned(),
                    Task::Classification => in_words(&own.classes),
                };
                wrong.push(
                    Diagnostic::error(
                        Code::ExpertsDoNotFit,
                        &self.pipeline.source,
                        expert.span(),
                        format!("`{}` does not predict what `{name}` predicts", expert.get_ref()),
                    )
                    .label(what)
                    .also(node.target.span(), format!("the gate's target: {ours}"))
                    .help(
                        "combine experts of the same classes, or give it to an expert as an input",
                    ),
                );
            }
        }
        wrong
    }

    /// Mixtures that cannot fit into `memory_limit`, whatever their columns encode to.
    pub(crate) fn too_large(&self, resolved: &[Option<Resolved>]) -> Vec<Diagnostic> {
        let Some(limit) = self.pipeline.memory_limit else { return Vec::new() };
        let mut wrong = Vec::new();
        for (index, node) in self.pipeline.experts.values().enumerate() {
            let (Some(mixture), Some(own)) = (node.mixture(), &resolved[index]) else {
                continue;
            };
            let rows: u64 = self.node(index).prepared().facts.sides[..2].iter().sum();
            // Every input is at least one column.
            let shape = Shape {
                width: node.inputs.len(),
                added: Added::default(),
                outputs: own.outputs(),
                rows,
                members: 1,
            };
            let needed = self.node(index).cost(shape).peak_bytes;
            if needed > limit {
                let message = format!(
                    "`{}` would hold at least {}, more than `memory_limit` allows ({})",
                    node.name.get_ref(),
                    mebibytes(needed),
                    mebibytes(limit)
                );
                wrong.push(
                    Diagnostic::error(Code::OverMemoryLimit, &self.pipeline.source, node.name.span(), message)
                        .label(format!("{} experts", mixture.experts + mixture.shared))
                        .help(
                            "fewer or smaller experts, fewer rows (`where`), or a higher limit would do",
                        ),
                );
            }
        }
        wrong
    }
}

fn in_words(classes: &[String]) -> String {
    let quoted: Vec<String> = classes.iter().take(5).map(|class| format!("`{class}`")).collect();
    let more = if classes.len() > 5 { ", …" } else { "" };
    format!("{}{more}", quoted.join(", "))
}
