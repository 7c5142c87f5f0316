//! `[expert.NAME]`: what each one is given, predicts and is.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use toml::Spanned;

use super::{
    extends::{Merged, MergedExperts},
    idle,
    names::Names,
    references::{self, Reference},
    stands_on,
};
use crate::{
    At, ClassWeights, Expert, Input, Mlp, Model, Output, Reuse, Table, Task, Train, Upstream,
    defaults::{FOLDS, SEED, UPSTREAM},
    raw::{ClassWeightsChoice, ModelChoice, RawModel, RawPipeline, RawReuse, RawTrain, Switch},
    recover::Cut,
    sink::Sink,
};

/// Every expert whose target is known; of the others an error has been reported.
pub(crate) fn resolve(
    merged: &MergedExperts,
    names: &Names,
    cut: &Cut,
    pipeline: &RawPipeline,
    sink: &mut Sink,
) -> IndexMap<String, Expert> {
    let targets: BTreeMap<&str, (String, Spanned<String>)> = merged
        .experts
        .iter()
        .filter_map(|expert| Some((&**expert.name.get(), target(expert, names, cut, sink)?)))
        .collect();
    let mut experts = IndexMap::new();
    for expert in &merged.experts {
        let name = expert.name.get();
        let raw = &expert.raw;
        let known = targets.get(name.as_str());
        let upstream = raw.upstream.as_ref().map_or(UPSTREAM, |upstream| *upstream.get());
        let mut inputs: Vec<Spanned<Input>> = Vec::new();
        for text in given(expert, cut, sink) {
            let Some(reference) = references::parse(text, names, sink) else {
                continue;
            };
            if let Some(before) = inputs.iter().find(|input| *input.get_ref() == reference.input) {
                sink.local(
                    sink.error(text.span(), format!("the input `{}` is given twice", text.get()))
                        .label("given a second time")
                        .also(before.span(), "first given here"),
                );
                continue;
            }
            if let Some((data, column)) = known {
                check_rows(expert, (data, column), text, &reference, &targets, sink);
            }
            if let Input::Output { expert: from, output } = &reference.input {
                let upstream = (!expert.lost("upstream", cut)).then_some(upstream);
                check_output(expert, from, *output, upstream, &reference, merged, sink);
            }
            inputs.push(Spanned::new(text.span(), reference.input));
        }
        idle::warn(expert, &inputs, cut, sink);
        let stands_on = stands_on::resolve(expert, cut, sink);
        let Some((data, column)) = known else {
            continue;
        };
        let resolved = Expert {
            name: expert.name.0.clone(),
            data: data.clone(),
            inputs,
            target: column.clone(),
            task: raw.task.as_ref().map(|task| task.0.clone()),
            filter: raw.filter.as_ref().map(|filter| filter.0.clone()),
            model: model(raw.model.as_ref().map(At::get)),
            train: train(raw.train.clone().unwrap_or_default()),
            upstream,
            folds: raw.folds.as_ref().map_or(FOLDS, |folds| *folds.get()),
            seed: raw.seed.as_ref().or(pipeline.seed.as_ref()).map_or(SEED, |seed| *seed.get()),
            reuse: reuse(raw.reuse.clone(), pipeline.reuse.clone()),
            stands_on,
            warm_start: raw.warm_start.clone().and_then(|warm| warm.0.into_inner().resolve()),
        };
        experts.insert(name.clone(), resolved);
    }
    experts
}

/// The target's data source and column.
fn target(
    expert: &Merged,
    names: &Names,
    cut: &Cut,
    sink: &mut Sink,
) -> Option<(String, Spanned<String>)> {
    let Some(text) = &expert.raw.target else {
        if !expert.lost("target", cut) {
            sink.global(
                sink.error(expert.name.span(), format!("`{}` has no target", expert.name.get()))
                    .label("no `target`")
                    .help("add `target = \"source.column\"`: the column that it predicts"),
            );
        }
        return None;
    };
    let reference = references::parse(text, names, sink)?;
    match reference.input {
        Input::Column { data, column } => Some((data, Spanned::new(text.span(), column))),
        Input::Output { expert: from, .. } => {
            sink.global(
                sink.error(text.span(), format!("`{}` is no column", text.get()))
                    .label(format!("`{from}` is an expert"))
                    .help("a target is a column of a data source: `source.column`"),
            );
            None
        }
    }
}

/// The inputs as they are written; that there are none is an error.
fn given<'a>(expert: &'a Merged, cut: &Cut, sink: &mut Sink) -> &'a [At<String>] {
    let name = expert.name.get();
    match &expert.raw.inputs {
        None => {
            if !expert.lost("inputs", cut) {
                sink.global(
                    sink.error(expert.name.span(), format!("`{name}` has no inputs"))
                        .label("no `inputs`")
                        .help("add `inputs = [\"source.column\", …]`: what it is given"),
                );
            }
            &[]
        }
        Some(list) => {
            if list.get().is_empty() && !expert.lost("inputs", cut) {
                sink.global(
                    sink.error(list.span(), format!("`{name}` has no inputs")).label("empty"),
                );
            }
            list.get()
        }
    }
}

/// An expert sees the rows of one data source, and its target is not among what it is given.
fn check_rows(
    expert: &Merged,
    (data, column): (&str, &Spanned<String>),
    text: &At<String>,
    reference: &Reference,
    targets: &BTreeMap<&str, (String, Spanned<String>)>,
    sink: &mut Sink,
) {
    let name = expert.name.get();
    let (other, what) = match &reference.input {
        Input::Column { data: other, column: input } => {
            if other == data && input == column.get_ref() {
                sink.global(
                    sink.error(text.span(), format!("`{name}` is given what it is to predict"))
                        .label("this is its target")
                        .also(column.span(), "the target")
                        .help("take it out of `inputs`"),
                );
            }
            (other, format!("a column of `{other}`"))
        }
        Input::Output { expert: from, .. } => match targets.get(from.as_str()) {
            Some((other, _)) => (other, format!("`{from}` works on the rows of `{other}`")),
            None => return,
        },
    };
    if other != data {
        let message = format!("`{name}` reads two data sources, `{data}` and `{other}`");
        sink.global(
            sink.error(reference.node.clone(), message)
                .label(what)
                .also(column.span(), format!("its rows are those of `{data}`"))
                .help("join them in one `[data.NAME]` with a `query`"),
        );
    }
}

/// Can the upstream expert have this output, and can this expert read it?
fn check_output(
    expert: &Merged,
    from: &str,
    output: Output,
    upstream: Option<Upstream>,
    reference: &Reference,
    merged: &MergedExperts,
    sink: &mut Sink,
) {
    if from == expert.name.get() {
        sink.global(
            sink.error(reference.node.clone(), format!("`{from}` reads its own output"))
                .label("this is the expert itself"),
        );
        return;
    }
    let Some(source) = merged.get(from) else {
        return;
    };
    if let Some(task) = &source.raw.task
        && !task.get().outputs().contains(&output)
    {
        let outputs = task.get().outputs().iter().map(|output| format!("`{from}.{output}`"));
        sink.global(
            sink.error(reference.part.clone(), format!("`{from}` has no output `{output}`"))
                .label(format!("not an output of {}", task.get().name()))
                .also(task.span(), format!("`{from}` does {}", task.get().name()))
                .help(format!("it has {}", outputs.collect::<Vec<_>>().join(", "))),
        );
    }
    if output != Output::Embedding {
        return;
    }
    if let Some(ModelChoice::Own(RawModel { hidden: Some(hidden), .. })) =
        source.raw.model.as_ref().map(At::get)
        && hidden.get().is_empty()
    {
        sink.global(
            sink.error(reference.part.clone(), format!("`{from}` has no embedding"))
                .label("the last hidden layer of a model without hidden layers")
                .help(format!("give `expert.{from}` a hidden layer")),
        );
    }
    if let Some(upstream) = upstream
        && upstream != Upstream::InSample
    {
        let (name, how) = match upstream {
            Upstream::OutOfFold => ("out-of-fold", "each fold's fit has its own basis"),
            _ => (
                "held-out",
                "the fit without the held-out rows has another basis than the full one",
            ),
        };
        sink.global(
            sink.error(reference.part.clone(), format!("an embedding cannot be read {name}"))
                .label(how)
                .help(format!(
                    "read `{from}.logit` or another output whose coordinates mean the same in \
                     every fit, or set `upstream = \"in-sample\"` and accept that training rows \
                     look better than new ones"
                )),
        );
    }
}

/// An expert's own word over the pipeline's.
fn reuse(own: Option<At<Switch<RawReuse>>>, base: Option<At<Switch<RawReuse>>>) -> Option<Reuse> {
    let choice = match (own, base) {
        (Some(own), Some(base)) => Some(Switch::over(own, base)),
        (own, base) => own.or(base),
    };
    choice.and_then(|choice| choice.0.into_inner().resolve())
}

fn model(choice: Option<&ModelChoice>) -> Model {
    let default = Mlp::default();
    let Some(ModelChoice::Own(raw)) = choice else {
        return Model::Mlp(default);
    };
    Model::Mlp(Mlp {
        hidden: raw.hidden.as_ref().map_or(default.hidden, |hidden| {
            hidden.get().iter().map(|width| *width.get()).collect()
        }),
        activation: raw.activation.unwrap_or(default.activation),
        dropout: raw.dropout.as_ref().map_or(default.dropout, |dropout| *dropout.get()),
    })
}

fn train(raw: RawTrain) -> Train {
    fn or<T: Copy>(value: Option<At<T>>, default: T) -> T {
        value.map_or(default, |value| *value.get())
    }
    let default = Train::default();
    Train {
        epochs: or(raw.epochs, default.epochs),
        batch: or(raw.batch, default.batch),
        learning_rate: or(raw.learning_rate, default.learning_rate),
        schedule: raw.schedule.unwrap_or(default.schedule),
        optimizer: raw.optimizer.unwrap_or(default.optimizer),
        weight_decay: or(raw.weight_decay, default.weight_decay),
        patience: or(raw.patience, default.patience),
        class_weights: match raw.class_weights.map(|choice| choice.0.into_inner()) {
            None => default.class_weights,
            Some(ClassWeightsChoice::Rule(rule)) => rule.into(),
            Some(ClassWeightsChoice::Given(Table(weights))) => ClassWeights::Given(
                weights
                    .into_iter()
                    .map(|(class, weight)| (class.0.into_inner(), *weight.get()))
                    .collect(),
            ),
        },
    }
}

impl Task {
    /// The name in the file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Classification => "classification",
            Self::Regression => "regression",
        }
    }

    /// The outputs of an expert of this task.
    pub const fn outputs(self) -> &'static [Output] {
        match self {
            Self::Classification => {
                &[Output::Probability, Output::Logit, Output::Label, Output::Embedding]
            }
            Self::Regression => &[Output::Value, Output::Embedding],
        }
    }
}
