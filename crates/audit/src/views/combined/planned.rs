//! List of the controls (baselines) of a gate or a mixture, as nodes to be fitted.

use std::collections::BTreeSet;

use collegium_learn::kinds::{
    gate::{SimplerRule, controls},
    mlp::Perceptron,
};
use collegium_manifest::{
    Average, Encode, Expert, Gate, GateRule, Input, Mlp, Output, Spanned, StandsOn, Train, Upstream,
};
use collegium_table::Encoder;

use collegium_engine::{EngineError, Session, inputs::input_names, rows::Rows};

use crate::Auditor;

/// A control to be fitted.
pub(super) struct Planned {
    pub(super) name: &'static str,
    pub(super) what: String,
    pub(super) expert: Expert,
}

/// The pipeline with the controls of a node behind its own nodes.
pub(super) struct Varied {
    pub(super) session: Session,
    /// The node and its controls, by position.
    pub(super) chosen: Vec<usize>,
    /// The gate without each of its experts, of the first seed alone.
    pub(super) without: Vec<Option<Expert>>,
}

/// How many times as long the last control is trained.
const LONGER: u32 = 3;

impl Auditor<'_> {
    /// The controls of a gate or a mixture.
    pub(super) fn planned(
        self,
        parameters: u64,
        multiply_adds: f64,
    ) -> Result<Vec<Planned>, EngineError> {
        let mut planned = Vec::new();
        let expert = self.node.declared();
        if let Some(gate) = expert.gate() {
            // Causes of an event may have classes of other names, which only their own gate combines.
            let alike = gate.experts.iter().all(|expert| {
                let at = self.session().pipeline.experts.get_index_of(expert.get_ref());
                at.is_some_and(|at| {
                    self.session().node(at).resolved().classes == self.node.resolved().classes
                })
            });
            let task = self.node.resolved().task;
            let others = controls(task)
                .into_iter()
                .filter(|control| alike && control.rule.name() != gate.rule.name());
            planned.extend(others.map(|SimplerRule { rule, what }| Planned {
                name: rule.name(),
                what: what.to_owned(),
                expert: by_rule(expert, gate, rule),
            }));
        }
        let outputs = self.node.resolved().outputs() as u64;
        let Largest { layers: pattern, train, encode, average } = self.largest();
        let (width, numbers) = self.dense_width()?;
        let added = encode.adds(numbers);
        let (columns, terms) = ((width + added.columns) as u64, (width + added.terms) as u64);
        let members = f64::from(average.members);
        let work = |mlp: &Mlp| members * mlp.multiply_adds(terms, outputs) as f64;
        let total = |mlp: &Mlp| members * mlp.parameters(columns, outputs) as f64;
        let keeper = self.keeps_rows();
        let (by_parameters, size) = sized(&pattern, total, parameters as f64, keeper.as_deref());
        let by_work = scaled(&pattern, work, multiply_adds);
        let dense = |mlp: &Mlp, train: Train| Expert {
            inputs: self.dense_inputs(),
            model: Box::new(Perceptron(mlp.clone())),
            train,
            encode: encode.clone(),
            average: Average { members: average.members, ..Average::default() },
            upstream: Upstream::InSample,
            reuse: None,
            stands_on: StandsOn::Recipe,
            warm_start: None,
            tune: None,
            ..expert.clone()
        };
        let words = |mlp: &Mlp| {
            let widths = mlp.hidden.iter().map(ToString::to_string).collect::<Vec<_>>();
            match average.members {
                1 => format!("{} hidden units", widths.join("-")),
                several => format!("{several} times {} hidden units", widths.join("-")),
            }
        };
        planned.push(Planned {
            name: "dense",
            what: format!("one network ({}) {size}", words(&by_parameters)),
            expert: dense(&by_parameters, train.clone()),
        });
        let more = work(&by_parameters) / multiply_adds.max(1.0);
        if keeper.is_none() && by_work != by_parameters && (more - 1.0).abs() > 0.1 {
            planned.push(Planned {
                name: "active",
                what: format!("one network ({}) of the same multiply-adds a row", words(&by_work)),
                expert: dense(&by_work, train.clone()),
            });
        }
        let labels = self.other_targets();
        if !labels.is_empty() {
            let mut expert = dense(&by_parameters, train.clone());
            let what = format!(
                "one network ({}) {size} that also learns {}",
                words(&by_parameters),
                labels.join(", ")
            );
            expert.auxiliary = labels;
            planned.push(Planned { name: "multi-task", what, expert });
        }
        planned.push(Planned {
            name: "longer",
            what: format!(
                "one network ({}) {size}, trained up to {LONGER} times as long",
                words(&by_parameters)
            ),
            expert: dense(
                &by_parameters,
                Train {
                    epochs: train.epochs.saturating_mul(LONGER),
                    patience: train.patience.saturating_mul(LONGER),
                    ..train
                },
            ),
        });
        Ok(planned)
    }

    /// The pipeline with these controls and its seeds moved on by `shift`.
    pub(super) fn with_controls(
        self,
        planned: &[Planned],
        shift: u32,
    ) -> Result<Varied, EngineError> {
        let first = self.session().pipeline.experts.len();
        let of_seed = |control: &Planned| {
            let mut expert = control.expert.clone();
            expert.seed = expert.seed.wrapping_add(u64::from(shift));
            (format!("{} ({})", self.node.name(), control.name), expert)
        };
        let mut more: Vec<(String, Expert)> = planned.iter().map(of_seed).collect();
        let without = if shift == 0 { self.without_each() } else { Vec::new() };
        more.extend(without.iter().zip(self.members()).filter_map(|(expert, name)| {
            Some((format!("{} (without {name})", self.node.name()), expert.clone()?))
        }));
        let chosen = std::iter::once(self.node.index).chain(first..first + more.len()).collect();
        let session = self.session().varied(u64::from(shift), more)?;
        Ok(Varied { session, chosen, without })
    }

    /// All columns that the gate and its experts read.
    fn dense_inputs(self) -> Vec<Spanned<Input>> {
        let target = self.node.declared().target.get_ref();
        let place = self.node.declared().name.span();
        self.node
            .resolved()
            .raw
            .iter()
            .filter(|input| !matches!(input, Input::Column { column, .. } if column == target))
            .map(|input| Spanned::new(place.clone(), input.clone()))
            .collect()
    }

    /// How many columns these encode to, and how many of them are numbers that have more encodings.
    fn dense_width(self) -> Result<(usize, usize), EngineError> {
        let inputs: Vec<Input> =
            self.dense_inputs().into_iter().map(|input| input.into_inner()).collect();
        let rows = self.session().rows(Rows::Train { expert: self.node.index })?;
        let table = self.node.table()?;
        let columns: Vec<_> = inputs
            .iter()
            .filter_map(|input| match input {
                Input::Column { column, .. } => table.column(column).cloned(),
                Input::Output { .. } => None,
            })
            .collect();
        let sources: Vec<_> =
            columns.iter().map(|column| collegium_table::Source::Column(column)).collect();
        let encoder = Encoder::fit(&input_names(&inputs), &sources, &rows)
            .map_err(|error| EngineError::Internal(format!("encoding: {error}")))?;
        Ok((encoder.width(), encoder.numbers().len()))
    }

    /// The first node in it whose model keeps rows and trains no numbers.
    fn keeps_rows(self) -> Option<String> {
        let keeps = |at: &&usize| {
            let fit = self.states.get(at).map(|state| state.full());
            fit.is_some_and(|fit| fit.kept > 0 && fit.parameters == 0)
        };
        let dag = &self.session().dag;
        let all = dag.with_ancestors(&[self.node.index]);
        let mut all = dag.order().iter().filter(|at| all.contains(at));
        all.find(keeps).map(|at| self.session().node(*at).node_name())
    }

    /// The shape and the training of the largest network in it: what the dense network is a larger
    /// version of.
    fn largest(self) -> Largest {
        let layers = |at: usize| {
            let expert = self.session().node(at).declared();
            let inside = expert.mixture().map(|mixture| (0, &mixture.expert));
            let parameters = self.states.get(&at).map_or(0, |state| state.full().parameters);
            let own = expert.model.layers().map(|layers| (parameters, layers));
            let (parameters, layers) = inside.or(own)?;
            Some((parameters, layers.clone(), expert))
        };
        if self.node.declared().mixture().is_some()
            && let Some((_, layers, expert)) = layers(self.node.index)
        {
            return Largest::of(layers, expert);
        }
        let networks =
            self.session().dag.with_ancestors(&[self.node.index]).into_iter().filter_map(layers);
        let found = networks.max_by_key(|(parameters, ..)| *parameters);
        found.map_or_else(Largest::default, |(_, layers, expert)| Largest::of(layers, expert))
    }

    /// Targets of the experts in it that are not its own.
    fn other_targets(self) -> Vec<String> {
        let own = self.node.declared().target.get_ref();
        let above = self.session().dag.with_ancestors(&[self.node.index]);
        let targets: BTreeSet<String> = above
            .iter()
            .map(|at| self.session().node(*at).declared().target.get_ref().clone())
            .filter(|target| target != own)
            .collect();
        targets.into_iter().collect()
    }

    /// The gate without each of its experts; nothing for a mixture, whose experts are nothing alone.
    fn without_each(self) -> Vec<Option<Expert>> {
        let expert = self.node.declared();
        let Some(gate) = expert.gate() else { return Vec::new() };
        (0..gate.experts.len()).map(|at| without(expert, gate, at)).collect()
    }
}

/// The largest network in a gate or mixture: what the dense network is a larger version of.
#[derive(Debug)]
struct Largest {
    layers: Mlp,
    train: Train,
    encode: Encode,
    average: Average,
}

impl Largest {
    fn of(layers: Mlp, expert: &Expert) -> Self {
        let Expert { train, encode, average, .. } = expert;
        Self { layers, train: train.clone(), encode: encode.clone(), average: *average }
    }
}

impl Default for Largest {
    /// Where there is no network in it, its experts read numbers as they are.
    fn default() -> Self {
        Self {
            layers: Mlp::default(),
            train: Train::default(),
            encode: Encode::plain(),
            average: Average::default(),
        }
    }
}

/// The same experts under another rule, which reads nothing but them.
fn by_rule(expert: &Expert, gate: &Gate, rule: Box<dyn GateRule>) -> Expert {
    let handed = |input: &&Spanned<Input>| {
        matches!(input.get_ref(), Input::Output { output: Output::Prediction, .. })
    };
    Expert {
        inputs: expert.inputs.iter().filter(handed).cloned().collect(),
        model: Box::new(gate.under(rule)),
        ..expert.clone()
    }
}

/// A gate without one of its experts; `None` where that leaves nothing to weigh.
fn without(expert: &Expert, gate: &Gate, at: usize) -> Option<Expert> {
    let (left, column) = gate.without(at)?;
    let gone = gate.experts.get(at)?.get_ref();
    let stays = |input: &&Spanned<Input>| match input.get_ref() {
        Input::Output { expert, output: Output::Prediction } => expert != gone,
        Input::Column { column: name, .. } => Some(name) != column.as_ref(),
        Input::Output { .. } => true,
    };
    Some(Expert {
        inputs: expert.inputs.iter().filter(stays).cloned().collect(),
        model: Box::new(left),
        ..expert.clone()
    })
}

/// The network that replaces all of it, by its size: as many numbers as are trained, in words too. Where an expert
/// (`keeper`) keeps rows and trains nothing, that says little of its size: the network has then at least the hidden
/// layers that a network has by default.
fn sized(
    pattern: &Mlp,
    total: impl Fn(&Mlp) -> f64,
    trained: f64,
    keeper: Option<&str>,
) -> (Mlp, String) {
    let usual = Mlp { hidden: Mlp::default().hidden, ..pattern.clone() };
    match keeper {
        Some(name) if total(&usual) >= trained => {
            let why = format!("of the default size, since {name} keeps rows and trains no numbers");
            (usual, why)
        }
        Some(name) => (
            scaled(pattern, total, trained),
            format!("of the size of what is trained ({name} keeps rows and trains no numbers)"),
        ),
        None => (scaled(pattern, total, trained), "of the same total size".to_owned()),
    }
}

/// The hidden layers of a pattern (one of 16 if it has none), all multiplied by one factor, so that
/// `size` comes nearest to `wanted`.
fn scaled(pattern: &Mlp, size: impl Fn(&Mlp) -> f64, wanted: f64) -> Mlp {
    let hidden = if pattern.hidden.is_empty() { vec![16] } else { pattern.hidden.clone() };
    let of = |factor: f64| {
        let scaled = |width: &u32| (f64::from(*width) * factor).round().max(1.0) as u32;
        Mlp { hidden: hidden.iter().map(scaled).collect(), ..pattern.clone() }
    };
    let (mut low, mut high) = (1e-3, 1e3);
    for _ in 0..60 {
        let middle = f64::sqrt(low * high);
        if size(&of(middle)) < wanted { low = middle } else { high = middle }
    }
    let (below, above) = (of(low), of(high));
    match wanted - size(&below) <= size(&above) - wanted {
        true => below,
        false => above,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_is_as_large_as_what_is_trained_unless_rows_are_kept_instead() {
        let total = |mlp: &Mlp| mlp.parameters(10, 1) as f64;
        let pattern = Mlp { hidden: vec![8], dropout: 0.25.into(), ..Mlp::default() };
        let (same, words) = sized(&pattern, total, 961.0, None);
        assert_eq!((same.hidden, words.as_str()), (vec![80], "of the same total size"));
        let (usual, words) = sized(&pattern, total, 0.0, Some("expert.near"));
        assert_eq!((&usual.hidden, usual.dropout), (&Mlp::default().hidden, 0.25.into()));
        assert_eq!(
            words,
            "of the default size, since expert.near keeps rows and trains no numbers"
        );
        // Others may train more than that.
        let (large, words) = sized(&pattern, total, 5e4, Some("expert.near"));
        assert!((total(&large) / 5e4 - 1.0).abs() < 0.01, "{large:?}");
        assert!(words.contains("of what is trained"), "{words}");
    }
}
