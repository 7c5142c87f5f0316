//! The settings that a search tries.
//!
//! The first are those that the file and its preset give. Of the others each value is that one or a drawn one, by even chances: a
//! preset is a good guess, and what lies near it is worth more trials. The step size is always drawn. A draw has a name of its
//! own (expert, seed, trial, setting), so that one more trial, or one setting less, leaves all others as they are.

use std::collections::BTreeMap;

use collegium_digest::Hasher;
use collegium_manifest::{
    Activation, Edges, Expert, NumberEncoding, Setting, Task, Tune,
    write::{float, list, name},
};

/// Raised whenever other settings would be drawn.
pub const SPACE_VERSION: u32 = 1;

/// By setting: its value, as TOML.
pub type SettingValues = BTreeMap<Setting, String>;

/// An octave or two around the step size of the file or its preset.
const OCTAVES: f64 = 2.0;
const DECAYS: [f64; 5] = [0.0, 0.01, 0.03, 0.1, 0.3];
/// Times the epochs of the file or its preset.
const LONGER: [u32; 2] = [1, 2];
const HIDDEN: [&[u32]; 6] =
    [&[64, 32], &[128, 64], &[256, 128], &[128, 128], &[256, 256], &[128, 128, 64]];
const ACTIVATIONS: [Activation; 3] = [Activation::Relu, Activation::Gelu, Activation::Silu];
const DROPOUTS: [f64; 5] = [0.0, 0.05, 0.1, 0.2, 0.3];
const NUMBERS: [&[NumberEncoding]; 6] = {
    use NumberEncoding::{Ple, Quantile, Robust, Standard};
    [
        &[Standard],
        &[Standard, Ple],
        &[Standard, Quantile, Ple],
        &[Robust, Quantile],
        &[Robust, Ple],
        &[Robust, Quantile, Ple],
    ]
};
const BINS: [u32; 4] = [8, 16, 32, 64];
const EDGES: [Edges; 2] = [Edges::Quantiles, Edges::Tree];

/// The settings to try: so many, the first of them those that `expert` (untuned) has. `free` are those that are searched.
pub fn candidates(
    expert: &Expert,
    task: Task,
    tune: &Tune,
    free: &[Setting],
) -> Vec<SettingValues> {
    let untuned: SettingValues =
        free.iter().filter_map(|setting| Some((*setting, setting.written(expert)?))).collect();
    let drawn = (1..tune.trials).map(|trial| {
        let draw = Draw { expert, task, tune, trial };
        let mut values = untuned.clone();
        for (setting, value) in &mut values {
            if *setting == Setting::LearningRate || draw.uniform(*setting, "moved") < 0.5 {
                *value = draw.value(*setting);
            }
        }
        let mut tried = expert.clone();
        with_values(&mut tried, &values);
        // What bins there are is no matter where there are none.
        if !tried.encode.numbers.contains(&NumberEncoding::Ple) {
            for setting in [Setting::Bins, Setting::Edges] {
                if let (Some(value), Some(own)) = (values.get_mut(&setting), untuned.get(&setting))
                {
                    value.clone_from(own);
                }
            }
        }
        values
    });
    std::iter::once(untuned.clone()).chain(drawn).collect()
}

/// Gives an expert these values; were all of them values?
pub fn with_values(expert: &mut Expert, values: &SettingValues) -> bool {
    values.iter().all(|(setting, value)| setting.set(expert, value))
}

/// One trial's draws.
struct Draw<'a> {
    expert: &'a Expert,
    task: Task,
    tune: &'a Tune,
    trial: u32,
}

impl Draw<'_> {
    /// A number from 0 to below 1, by setting and purpose.
    fn uniform(&self, setting: Setting, purpose: &str) -> f64 {
        let mut hasher = Hasher::new("tuned setting");
        hasher.text(self.expert.name.get_ref()).text(self.tune.space.name()).count(self.tune.seed);
        hasher.count(u64::from(self.trial)).text(&setting.key()).text(purpose);
        let digest = hasher.finish();
        let mut first = [0; 8];
        first.copy_from_slice(&digest.as_bytes()[..8]);
        // As many bits as a number has.
        (u64::from_le_bytes(first) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn one<T>(&self, setting: Setting, of: &[T]) -> usize {
        (self.uniform(setting, "value") * of.len() as f64) as usize
    }

    fn value(&self, setting: Setting) -> String {
        let train = &self.expert.train;
        match setting {
            Setting::LearningRate => {
                let octaves = OCTAVES * (2.0 * self.uniform(setting, "value") - 1.0);
                float(rounded(train.learning_rate.of(self.task) * libm::exp2(octaves)))
            }
            Setting::WeightDecay => float(DECAYS[self.one(setting, &DECAYS)]),
            Setting::Epochs => {
                let times = LONGER[self.one(setting, &LONGER)];
                train.epochs.saturating_mul(times).to_string()
            }
            Setting::Hidden => list(HIDDEN[self.one(setting, &HIDDEN)].iter().map(u32::to_string)),
            Setting::Activation => name(&ACTIVATIONS[self.one(setting, &ACTIVATIONS)]),
            Setting::Dropout => float(DROPOUTS[self.one(setting, &DROPOUTS)]),
            Setting::Numbers => list(NUMBERS[self.one(setting, &NUMBERS)].iter().map(name)),
            Setting::Bins => BINS[self.one(setting, &BINS)].to_string(),
            Setting::Edges => name(&EDGES[self.one(setting, &EDGES)]),
        }
    }
}

/// To two digits: nobody wants to read more of a step size.
fn rounded(value: f64) -> f64 {
    format!("{value:.1e}").parse().unwrap_or(value)
}
