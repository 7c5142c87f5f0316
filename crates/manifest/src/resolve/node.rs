//! Resolution of targets and inputs, which experts, gates and mixtures have in common.

use std::{collections::HashMap, ops::Range};

use collegium_records::Code;
use toml::Spanned;

use super::{
    decide,
    experts::train,
    merged::MergedExperts,
    names::Names,
    references::{self, Reference},
};
use crate::{
    At, Average, Encode, Expert, Input, InputPattern, Output, Params, Rules, StandsOn, Task,
    Upstream,
    defaults::{FOLDS, SEED},
    preset::Defaults,
    raw::{RawDecide, RawPipeline, RawTrain},
    sink::Sink,
};

/// The data source and the column of each node's target.
pub(crate) type Targets = HashMap<String, (String, Spanned<String>)>;

/// A node as it is written, as far as all kinds have it.
#[derive(Clone, Copy)]
pub(crate) struct Node<'a> {
    pub(crate) name: &'a At<String>,
    pub(crate) inputs: Option<&'a At<Vec<At<String>>>>,
    pub(crate) target: Option<&'a At<String>>,
    /// Is a key absent because what was written was wrong?
    pub(crate) lost: &'a dyn Fn(&str) -> bool,
}

/// What the checks of inputs look at.
pub(crate) struct Around<'a> {
    pub(crate) names: &'a Names,
    pub(crate) targets: &'a Targets,
    pub(crate) experts: &'a MergedExperts<'a>,
    /// The rules that a gate can have.
    pub(crate) rules: Rules<'a>,
}

/// What gates and mixtures have in common with experts, as it is written.
pub(crate) struct Keys<'a> {
    pub(crate) task: &'a Option<At<Task>>,
    pub(crate) filter: &'a Option<At<String>>,
    pub(crate) train: &'a Option<RawTrain>,
    pub(crate) upstream: Upstream,
    pub(crate) folds: &'a Option<At<u32>>,
    pub(crate) seed: &'a Option<At<u64>>,
    pub(crate) decide: RawDecide<'a>,
}

impl<'a> Node<'a> {
    pub(crate) fn of(
        name: &'a At<String>,
        inputs: &'a Option<At<Vec<At<String>>>>,
        target: &'a Option<At<String>>,
        lost: &'a dyn Fn(&str) -> bool,
    ) -> Self {
        Self { name, inputs: inputs.as_ref(), target: target.as_ref(), lost }
    }
}

impl Node<'_> {
    /// A gate or a mixture with all of its defaults: it is never kept on evidence, and uses the fit
    /// of its recipe.
    pub(crate) fn resolved(
        &self,
        (data, column): (&str, &Spanned<String>),
        (inputs, patterns): (Vec<Spanned<Input>>, Vec<Spanned<InputPattern>>),
        model: Box<dyn Params>,
        keys: &Keys,
        pipeline: &RawPipeline,
        sink: &mut Sink,
    ) -> Expert {
        let task = keys.task.as_ref().map(|task| *task.get());
        let seed = keys.seed.as_ref().or(pipeline.seed.as_ref());
        let preset = pipeline.preset.as_ref().map(|preset| *preset.get());
        let defaults = Defaults::of(preset).routing();
        if let Some((key, place)) = keys.train.as_ref().and_then(RawTrain::loss) {
            let message = format!("`{key}` does not apply to `{}`", self.name.get());
            let finding = sink.error(Code::KeyDoesNotApply, place, message);
            let finding = finding.label("only experts are trained by another loss");
            sink.global(finding.help("remove it; routing is trained by log loss or squared error"));
        }
        Expert {
            name: self.name.0.clone(),
            data: data.to_owned(),
            inputs,
            patterns,
            target: column.clone(),
            auxiliary: Vec::new(),
            task: keys.task.as_ref().map(|task| task.0.clone()),
            filter: keys.filter.as_ref().map(|filter| filter.0.clone()),
            model,
            encode: Encode::plain(),
            train: train(keys.train.clone().unwrap_or_default(), &defaults.train),
            average: Average::default(),
            upstream: keys.upstream,
            folds: keys.folds.as_ref().map_or(FOLDS, |folds| *folds.get()),
            seed: seed.map_or(SEED, |seed| *seed.get()),
            reuse: None,
            stands_on: StandsOn::Recipe,
            warm_start: None,
            tune: None,
            decide: decide::resolve(keys.decide, task, sink),
        }
    }

    /// The target's data source and column.
    pub(crate) fn target(
        &self,
        names: &Names,
        sink: &mut Sink,
    ) -> Option<(String, Spanned<String>)> {
        let Some(text) = self.target else {
            if !(self.lost)("target") {
                sink.global(
                    sink.error(
                        Code::MissingKey,
                        self.name.span(),
                        format!("`{}` has no target", self.name.get()),
                    )
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
                let what = names.kind(&from);
                sink.global(
                    sink.error(
                        Code::NotAReference,
                        text.span(),
                        format!("`{}` is no column", text.get()),
                    )
                    .label(format!("`{from}` is {what}"))
                    .help("a target is a column of a data source: `source.column`"),
                );
                None
            }
        }
    }

    /// The inputs as they are written; that there are none is an error.
    pub(crate) fn given(&self, sink: &mut Sink) -> &[At<String>] {
        let name = self.name.get();
        match self.inputs {
            None => {
                if !(self.lost)("inputs") {
                    sink.global(
                        sink.error(
                            Code::MissingKey,
                            self.name.span(),
                            format!("`{name}` has no inputs"),
                        )
                        .label("no `inputs`")
                        .help("add `inputs = [\"source.column\", …]`: what it is given"),
                    );
                }
                &[]
            }
            Some(list) => {
                if list.get().is_empty() && !(self.lost)("inputs") {
                    sink.global(
                        sink.error(
                            Code::EmptyValue,
                            list.span(),
                            format!("`{name}` has no inputs"),
                        )
                        .label("empty"),
                    );
                }
                list.get()
            }
        }
    }

    /// The inputs that were understood.
    pub(crate) fn inputs(
        &self,
        given: &[At<String>],
        upstream: Upstream,
        around: &Around,
        sink: &mut Sink,
    ) -> Vec<Spanned<Input>> {
        let known = around.targets.get(self.name.get());
        let mut inputs: Vec<Spanned<Input>> = Vec::with_capacity(given.len());
        // Lists of thousands are read in one pass. The same input is written the same way.
        let mut first: HashMap<&str, Range<usize>> = HashMap::with_capacity(given.len());
        for text in given.iter().filter(|text| !is_pattern(text.get())) {
            let Some(reference) = references::parse(text, around.names, sink) else {
                continue;
            };
            if let Some(before) = first.get(text.get().as_str()) {
                sink.local(
                    sink.error(
                        Code::GivenTwice,
                        text.span(),
                        format!("the input `{}` is given twice", text.get()),
                    )
                    .label("given a second time")
                    .also(before.clone(), "first given here"),
                );
                continue;
            }
            if let Some((data, column)) = known {
                self.check_rows((data, column), text, &reference, around.targets, sink);
            }
            if let Input::Output { expert: from, output } = &reference.input {
                let upstream = (!(self.lost)("upstream")).then_some(upstream);
                self.check_output(from, *output, upstream, &reference, around, sink);
            }
            first.insert(text.get(), text.span());
            inputs.push(Spanned::new(text.span(), reference.input));
        }
        inputs
    }

    /// The patterns among the inputs: `t.*` and `!t.date_*`.
    pub(crate) fn patterns(
        &self,
        given: &[At<String>],
        around: &Around,
        sink: &mut Sink,
    ) -> Vec<Spanned<InputPattern>> {
        let known = around.targets.get(self.name.get());
        let mut patterns = Vec::new();
        for text in given.iter().filter(|text| is_pattern(text.get())) {
            let exclude = text.get().starts_with('!');
            let whole =
                At(Spanned::new(text.span(), text.get().trim_start_matches('!').to_owned()));
            let Some(reference) = references::parse(&whole, around.names, sink) else { continue };
            let Input::Column { data, column } = &reference.input else {
                let message = format!("`{}` is no column", whole.get());
                sink.global(
                    sink.error(Code::NotAReference, text.span(), message)
                        .label("`!` keeps columns of a data source out")
                        .help("leave the input away instead"),
                );
                continue;
            };
            if let Some((own, target)) = known
                && own != data
            {
                let other = (reference.node.clone(), format!("columns of `{data}`"));
                two_sources(self.name.get(), (own, target), data, other, sink);
                continue;
            }
            let pattern = InputPattern { data: data.clone(), columns: column.clone(), exclude };
            patterns.push(Spanned::new(text.span(), pattern));
        }
        if !given.is_empty() && given.iter().all(|text| text.get().starts_with('!')) {
            let message = format!("`{}` has no inputs", self.name.get());
            sink.global(
                sink.error(Code::MissingKey, given[0].span(), message)
                    .label("only says what it is not given")
                    .help("begin with what it is given, e.g. `\"t.*\"`"),
            );
        }
        patterns
    }

    /// A node sees the rows of one data source, and its target is not among what it is given.
    fn check_rows(
        &self,
        (data, column): (&str, &Spanned<String>),
        text: &At<String>,
        reference: &Reference,
        targets: &Targets,
        sink: &mut Sink,
    ) {
        let name = self.name.get();
        let (other, what) = match &reference.input {
            Input::Column { data: other, column: input } => {
                if other == data && input == column.get_ref() {
                    sink.global(
                        sink.error(
                            Code::TargetAmongInputs,
                            text.span(),
                            format!("`{name}` is given what it is to predict"),
                        )
                        .label("this is its target")
                        .also(column.span(), "the target")
                        .help("take it out of `inputs`"),
                    );
                }
                (other, format!("a column of `{other}`"))
            }
            Input::Output { expert: from, .. } => match targets.get(from) {
                Some((other, _)) => (other, format!("`{from}` works on the rows of `{other}`")),
                None => return,
            },
        };
        if other != data {
            two_sources(name, (data, column), other, (reference.node.clone(), what), sink);
        }
    }

    /// Can the upstream node have this output, and can this one read it?
    fn check_output(
        &self,
        from: &str,
        output: Output,
        upstream: Option<Upstream>,
        reference: &Reference,
        around: &Around,
        sink: &mut Sink,
    ) {
        if from == self.name.get() {
            sink.global(
                sink.error(
                    Code::Cycle,
                    reference.node.clone(),
                    format!("`{from}` reads its own output"),
                )
                .label("this is the expert itself"),
            );
            return;
        }
        let Some(source) = around.experts.get(from) else {
            if output == Output::Embedding && around.targets.contains_key(from) {
                let what = around.names.kind(from);
                sink.global(
                    sink.error(
                        Code::EmbeddingNotReadable,
                        reference.part.clone(),
                        format!("`{from}` has no embedding"),
                    )
                    .label(format!("{what} has no last hidden layer"))
                    .help(format!("read `{from}.logit`, or the embedding of an expert")),
                );
            }
            return;
        };
        if let Some(task) = &source.raw.task
            && !task.get().outputs().contains(&output)
        {
            let outputs = task.get().outputs().iter().map(|output| format!("`{from}.{output}`"));
            sink.global(
                sink.error(
                    Code::NoSuchOutput,
                    reference.part.clone(),
                    format!("`{from}` has no output `{output}`"),
                )
                .label(format!("not an output of {}", task.get().name()))
                .also(task.span(), format!("`{from}` does {}", task.get().name()))
                .help(format!("it has {}", outputs.collect::<Vec<_>>().join(", "))),
            );
        }
        if output != Output::Embedding {
            return;
        }
        if source.model.layers().is_none_or(|layers| layers.hidden.is_empty()) {
            sink.global(
                sink.error(
                    Code::EmbeddingNotReadable,
                    reference.part.clone(),
                    format!("`{from}` has no embedding"),
                )
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
                sink.error(
                    Code::EmbeddingNotReadable,
                    reference.part.clone(),
                    format!("an embedding cannot be read {name}"),
                )
                .label(how)
                .help(format!(
                    "read `{from}.logit` or another output whose coordinates mean the same in \
                         every fit, or set `upstream = \"in-sample\"` and accept that training \
                         rows look better than new ones"
                )),
            );
        }
    }
}

/// Does an input name columns by a pattern, or keep some out?
fn is_pattern(text: &str) -> bool {
    text.starts_with('!') || text.split_once('.').is_some_and(|(_, column)| column.contains('*'))
}

/// A node whose parts are of two data sources.
pub(crate) fn two_sources(
    name: &str,
    (data, column): (&str, &Spanned<String>),
    other: &str,
    (place, what): (std::ops::Range<usize>, String),
    sink: &mut Sink,
) {
    let message = format!("`{name}` reads two data sources, `{data}` and `{other}`");
    sink.global(
        sink.error(Code::TwoDataSources, place, message)
            .label(what)
            .also(column.span(), format!("its rows are those of `{data}`"))
            .help("join them in one `[data.NAME]` with a `query`"),
    );
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
