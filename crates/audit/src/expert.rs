//! One expert's measurements, put together.

use std::collections::BTreeMap;

use collegium_digest::Digest;
use collegium_learn::Model;
use collegium_manifest::Task;
use collegium_plan::View;
use collegium_probe::{Resampling, Sight, agreement, spectral_gap};
use collegium_records::{
    Agop, Comparison, NodeAudit, Performance, Probe, SeenRows, Skill, SplitMeasures,
};

use super::{
    baseline_name, baselines,
    conditional::hand_out,
    layers::{Labelled, layers},
    measures::{self, no_skill},
    refits::{Refits, all_metrics},
    subject::Subject,
};
use collegium_engine::{
    EngineError, FEWEST_UNSEEN,
    inputs::{InputData, NodeState, encode},
    intervals::{RESAMPLES, with_intervals},
    measure::Predicted,
    rows::{Rows, SIDES, Side, side_name},
};

use crate::Auditor;

/// What was seen of an expert, or why nothing was.
struct Seen {
    agop: Option<Agop>,
    withheld: Option<String>,
    probe: Probe,
}

/// Why an expert is not looked at whose model has seen most test rows.
fn few_unseen(few: SeenRows) -> String {
    format!(
        "its model has seen {} of the {} test rows, and {} are too few to measure on ({FEWEST_UNSEEN} are \
         needed)",
        few.seen,
        few.seen + few.unseen,
        few.unseen
    )
}

impl Auditor<'_> {
    /// Metrics with intervals on the rows of a side that no model behind them has seen.
    fn measures_on(
        self,
        side: Side,
        predicted: &Predicted,
        key: &Digest,
    ) -> Result<SplitMeasures, EngineError> {
        let seen = self.node.seen_rows(side)?.map_or(0, |seen| seen.seen);
        let groups = self
            .node
            .groups_of(&self.session().rows(Rows::HeldOut { expert: self.node.index, side })?)?;
        let how = Resampling::of_rows(RESAMPLES, key).by(groups.as_ref());
        Ok(collegium_engine::measure::withheld(SplitMeasures {
            seen,
            ..with_intervals(predicted, how)
        }))
    }

    pub(super) fn make_audit(
        self,
        state: &NodeState,
        key: &Digest,
    ) -> Result<NodeAudit, EngineError> {
        let expert = self.node.declared();
        let resolved = self.node.resolved();
        let full = state.full();
        let model = self.session().model(full)?;
        let mut metrics = BTreeMap::new();
        for side in SIDES {
            let predicted =
                self.node.predicted(state, Rows::HeldOut { expert: self.node.index, side })?;
            let measures = self.measures_on(side, &predicted, key)?;
            metrics.insert(side_name(side).to_owned(), measures);
        }
        let metrics = self.node.within_it(metrics)?;
        let mut yardsticks = BTreeMap::new();
        for baseline in baselines(&state.parts) {
            let mut splits = BTreeMap::new();
            for side in SIDES {
                let rows = Rows::HeldOut { expert: self.node.index, side };
                let predicted = self.node.baseline_predicted(baseline, state, self.states, rows)?;
                let measures = self.measures_on(side, &predicted, key)?;
                splits.insert(side_name(side).to_owned(), measures);
            }
            let splits = self.node.within_it(splits)?;
            yardsticks.insert(baseline_name(baseline).to_owned(), splits);
        }
        let test = Rows::HeldOut { expert: self.node.index, side: Side::Test };
        let held_out = self.node.predicted(state, test)?;
        let groups = self.node.groups_of(&self.session().rows(test)?)?;
        let seen = self.node.seen_rows(Side::Test)?;
        let too_few = seen.filter(|seen| seen.unseen < FEWEST_UNSEEN);
        let skill = match too_few {
            None => self.skill(&held_out, groups.as_ref(), key)?,
            Some(_) => None,
        };
        let skilled = skill.as_ref().is_some_and(|skill| skill.beats_baseline);
        let refits = self.refits(state, &model)?;
        let mut seen = match &skill {
            Some(_) if skilled => self.look_closely(model.clone(), state, &refits, key)?,
            Some(Skill { not_judged: Some(why), .. }) => withheld(why),
            Some(_) => withheld(
                "it learned nothing: on test rows it does not beat a constant prediction, so what \
                 it looks at says nothing about the task",
            ),
            None => match too_few {
                Some(few) => withheld(&few_unseen(few)),
                None => withheld("there are no test rows to show skill on"),
            },
        };
        let composite = self.composite(&model)?;
        let combined = self.combined(state, skilled, key)?;
        if let Some(own) = metrics.get("test") {
            seen.probe.seeds = all_metrics(&own.metrics, &refits);
        }
        // Where test figures are withheld, so is everything that is made of the same rows.
        let shown = metrics.get("test").is_some_and(|test| !test.metrics.is_empty());
        let (confusion, reliability) = match shown {
            true => measures::tables(&held_out, &resolved.classes),
            false => (None, None),
        };
        let performance = match shown {
            true => {
                let how = Resampling::of_rows(RESAMPLES, key).by(groups.as_ref());
                self.performance(state, &held_out, how)?
            }
            false => Performance::default(),
        };
        Ok(NodeAudit {
            name: self.node.node_name(),
            task: full.task.clone(),
            target: format!("{}.{}", expert.data, expert.target.get_ref()),
            inputs: expert.inputs.iter().map(|input| input.get_ref().to_string()).collect(),
            filter: expert.filter.as_ref().map(|filter| filter.get_ref().clone()),
            model: expert.model.describe(),
            classes: resolved.classes.clone(),
            metrics,
            not_measured: BTreeMap::new(),
            account: None,
            left_out: None,
            baselines: yardsticks,
            skill: skill.unwrap_or_else(no_skill),
            confusion,
            reliability,
            agop: seen.agop,
            withheld: seen.withheld,
            epochs: full.epochs.clone(),
            best_epoch: full.best_epoch,
            parameters: full.parameters,
            multiply_adds: full.multiply_adds,
            rows: full.rows,
            cost: full.cost,
            recipe: state.recipe,
            realisation: full.model,
            certificate: None,
            judgement: None,
            advice: None,
            performance,
            probe: seen.probe,
            combined,
            composite,
            provenance: None,
            findings: Vec::new(),
        })
    }

    /// All views of an expert that has skill.
    fn look_closely(
        self,
        model: Model,
        state: &NodeState,
        refits: &Refits,
        key: &Digest,
    ) -> Result<Seen, EngineError> {
        let inputs = &self.node.resolved().inputs;
        let data = self.node.input_data(inputs, View::Deployed, self.states)?;
        let tested = self.tested(&model, &data, key)?;
        let mut cues = match &tested {
            Some(tested) => self.cues(&model, tested, key)?,
            None => Vec::new(),
        };
        let rows = self.probed_rows(Side::Test, key)?;
        let (initial, began) = initial(state, &model, key);
        let subject = match Subject::new(self.session(), self.node.index, model, data, rows)? {
            Ok(subject) => subject,
            Err(reason) => return Ok(withheld(&reason)),
        };
        let refitted = [refits.seeds.as_slice(), refits.permuted.as_slice()];
        let mut sight = match subject.sight(self.session(), &initial, refitted, key)? {
            Ok(sight) => sight,
            Err(reason) => return Ok(withheld(&reason)),
        };
        if let Some(tested) = &tested {
            let clusters = subject.geometry.clusters();
            let costs = self.conditionals(&subject.model, tested, clusters, key)?;
            hand_out(costs, &mut cues, &mut sight.agop);
        }
        let k = spectral_gap(&sight.spectrum.eigenvalues);
        let on_test = sight.look();
        let mut looks = vec![on_test.clone()];
        for refit in &refits.seeds {
            looks.extend(subject.look(refit, &subject.x, true)?.map(|(look, _)| look));
        }
        let seeds = agreement(&looks, k);
        sight.agop.noise_floor.seeds = seeds;
        let train = self.probed_rows(Side::Train, key)?;
        let x_train = encode(&subject.model, &subject.sources(), &train)?;
        let comparisons: Vec<Comparison> =
            match (subject.split_half(k, key)?, subject.look(&subject.model, &x_train, true)?) {
                (Some(halves), Some((on_train, _))) => {
                    let what = "training rows against test rows";
                    collegium_probe::compare(what, &on_train, &on_test, k, halves, seeds)
                        .into_iter()
                        .collect()
                }
                _ => Vec::new(),
            };
        let classes = self.node.resolved().classes.len();
        let [train_labels, labels] = [self.class_of(&train)?, self.class_of(&subject.rows)?];
        Ok(Seen {
            withheld: None,
            probe: Probe {
                raw: self.raw_agop(&subject.rows, key)?,
                rows: self.attributions(&subject, &sight, state, &[])?,
                layers: layers(
                    &subject.model,
                    &initial,
                    began,
                    subject.task,
                    &Labelled { x: &x_train, labels: &train_labels, classes },
                    &Labelled { x: &subject.x, labels: &labels, classes },
                ),
                // What a combination is made of has its own views.
                images: match subject.model.routes() {
                    Some(_) => Vec::new(),
                    None => subject.images(&sight)?,
                },
                comparisons,
                cues,
                seeds: Vec::new(),
            },
            agop: Some(sight.agop),
        })
    }

    /// The classes of rows by number; none for a regression.
    fn class_of(self, rows: &[u32]) -> Result<Vec<u32>, EngineError> {
        if self.node.resolved().task == Task::Regression {
            return Ok(Vec::new());
        }
        let labels = self.node.labels()?;
        Ok(rows.iter().map(|&row| labels[row as usize]).collect())
    }

    /// Importances of a model on given inputs, for comparisons of versions.
    pub(crate) fn look_at(
        self,
        model: Model,
        data: Vec<InputData>,
        key: &Digest,
    ) -> Result<Result<(Subject, Sight), String>, EngineError> {
        let rows = self.probed_rows(Side::Test, key)?;
        let untrained = model.untrained(key);
        let subject = match Subject::new(self.session(), self.node.index, model, data, rows)? {
            Ok(subject) => subject,
            Err(reason) => return Ok(Err(reason)),
        };
        Ok(subject
            .sight(self.session(), &untrained, [&[], &[]], key)?
            .map(|sight| (subject, sight)))
    }
}

/// The weights that a fit began with, and whether they are just those: a warm start and a patch began
/// with another model.
fn initial(state: &NodeState, model: &Model, key: &Digest) -> (Model, bool) {
    let own = model.layers().is_some() && state.full().parent.is_none() && state.held.is_none();
    match own {
        true => (model.untrained(&state.recipe), true),
        false => (model.untrained(key), false),
    }
}

fn withheld(reason: &str) -> Seen {
    Seen { agop: None, withheld: Some(reason.to_owned()), probe: Probe::default() }
}
