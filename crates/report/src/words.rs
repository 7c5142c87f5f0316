//! Names of metrics, tasks and states, and sentences that follow from the numbers.

use collegium_records::{
    AuditReport, BlocksOfTime, FEWEST_GROUPS, Headline, Interval, METRICS, Metrics, NodeAudit,
    PairedVerdict, SkillTest, SkillVerdict, SplitMeasures, headline_metric, headline_wanted,
    metric_words,
};

use crate::number::{count, counted, measure, number, percent_measure};

/// The metric's name where a line or a cell begins with it.
pub(crate) fn metric_name(metric: &str) -> String {
    capital(metric_words(metric))
}

/// All metrics of an expert and its baselines, in order.
pub(crate) fn metrics_of(node: &NodeAudit) -> Vec<&str> {
    let all = node.metrics.values().chain(node.baselines.values().flat_map(|by| by.values()));
    let names: std::collections::BTreeSet<&str> =
        all.flat_map(|split| split.metrics.keys().map(String::as_str)).collect();
    let known = METRICS.into_iter().filter(|name| names.contains(name));
    let other = names.iter().copied().filter(|name| !METRICS.contains(name));
    known.chain(other).collect()
}

/// The metric that stands for an expert.
pub(crate) fn headline(node: &NodeAudit) -> Option<&'static str> {
    headline_metric(&node.task, node.classes.len(), &node.metrics.get("test")?.metrics)
}

/// The mean over rotations, where it stands for an expert: metric, value and interval, and what it is of with the
/// figure of the declared split.
pub(crate) fn over_rotations(node: &NodeAudit) -> Option<(&Headline, String)> {
    let headline = node.headline.as_ref()?;
    let of = headline.of_rotations()?;
    Some((
        headline,
        match headline.split {
            Some(split) => {
                format!("{of}; {} on the test rows of the declared split", measure(split, None).0)
            }
            None => of,
        },
    ))
}

/// The metrics in which a node is compared: what a person asks for first, and the loss.
pub(crate) fn compared(node: &NodeAudit) -> Vec<&str> {
    let loss = node.skill.metric.as_str();
    let rotated = node.stands_on().and(node.headline.as_ref()).map(|of| of.metric.as_str());
    let first = rotated.or_else(|| headline(node));
    first.into_iter().chain((first != Some(loss)).then_some(loss)).collect()
}

/// The verdict on an expert beside a baseline: one word where all of these metrics agree, else one for each.
pub(crate) fn verdicts_in(node: &NodeAudit, baseline: &str, metrics: &[&str]) -> String {
    let each = metrics
        .iter()
        .filter_map(|metric| Some((*metric, node.compared_with(baseline, metric)?.verdict)));
    let each: Vec<(&str, PairedVerdict)> = each.collect();
    match each.first() {
        None => "–".to_owned(),
        Some((_, first)) if each.iter().all(|(_, verdict)| verdict == first) => {
            first.words().to_owned()
        }
        Some(_) => {
            let all = each
                .iter()
                .map(|(metric, verdict)| format!("{}: {}", metric_words(metric), verdict.words()));
            all.collect::<Vec<String>>().join(", ")
        }
    }
}

/// Why the metric that a person would ask for first is not the one that is shown.
pub(crate) fn headline_absent(node: &NodeAudit) -> Option<(&'static str, &str)> {
    let absent = node.not_measured.get("test")?;
    let wanted = headline_wanted(&node.task, node.classes.len());
    (headline(node) != Some(wanted)).then_some((wanted, absent.get(wanted)?.as_str()))
}

/// What an interval holds besides rows: other seeds, if any were fitted.
pub(crate) fn over_seeds<'a>(mut sides: impl Iterator<Item = &'a SplitMeasures>) -> Option<String> {
    let seeds = sides.find_map(|measures| measures.seeds)?;
    Some(format!(
        "Intervals of test metrics, and of differences from baselines, are over rows and over {seeds} seeds: squared half \
         widths are added (of the seeds: Student's t times their standard deviation). The value is that of the deployed model."
    ))
}

/// A metric that is there and is a number.
pub(crate) fn finite(metrics: &Metrics, name: &str) -> Option<f64> {
    metrics.get(name).copied().filter(|value| value.is_finite())
}

/// A metric with its interval on one side of the split.
pub(crate) fn on<'a>(
    split: Option<&'a SplitMeasures>,
    name: &str,
) -> Option<(f64, Option<&'a Interval>)> {
    let split = split?;
    Some((finite(&split.metrics, name)?, split.intervals.get(name)))
}

/// Of how many groups the intervals on each side are; `None` where rows stand for themselves.
pub(crate) fn drawn_by_groups<'a>(
    sides: impl Iterator<Item = (&'a str, &'a SplitMeasures)>,
) -> Option<String> {
    let of: Vec<(&str, u64, Option<&BlocksOfTime>)> = sides
        .filter_map(|(side, measures)| Some((side, measures.groups?, measures.blocks.as_ref())))
        .collect();
    if of.is_empty() {
        return None;
    }
    let each: Vec<String> = of
        .iter()
        .map(|(side, groups, blocks)| match blocks {
            None => format!("{} on {side}", count(*groups)),
            Some(BlocksOfTime { length, memory: None, .. }) => {
                format!("{} of {length} on {side}", count(*groups))
            }
            Some(BlocksOfTime { length, memory: Some(memory), .. }) => format!(
                "{} of {length} on {side} (autocorrelation time of its errors: {memory})",
                count(*groups)
            ),
        })
        .collect();
    let what = match of.iter().any(|(.., blocks)| blocks.is_some()) {
        true => "blocks of time",
        false => "groups (split.by)",
    };
    let mut text = format!("Intervals are over {what}: {}.", each.join(", "));
    if of.iter().any(|(_, groups, _)| *groups < FEWEST_GROUPS) {
        text += &format!(
            " With fewer than {FEWEST_GROUPS} they are rough (jackknife, Student's t); one has no interval."
        );
    }
    Some(text)
}

/// With a capital letter at its head.
pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// `departure` for `expert.departure`.
pub(crate) fn short(name: &str) -> &str {
    let sections = ["expert.", "gate.", "mixture.", "data."];
    sections.iter().find_map(|section| name.strip_prefix(section)).unwrap_or(name)
}

/// What is drawn as one where rows are resampled: `whole groups of date, 48 of them`; `None` where it is a row.
pub(crate) fn drawn(node: &NodeAudit, report: &AuditReport) -> Option<String> {
    let test = node.metrics.get("test")?;
    let groups = count(test.groups?);
    if let Some(blocks) = &test.blocks {
        return Some(format!("whole blocks of time ({} each), {groups} of them", blocks.length));
    }
    let source = node.target.split('.').next().unwrap_or_default();
    let by = report.data.iter().find(|data| short(&data.name) == source).map(|data| &data.by);
    let columns: Vec<String> = by.into_iter().flatten().map(|name| format!("`{name}`")).collect();
    Some(match columns.is_empty() {
        true => format!("whole groups (`split.by`), {groups} of them"),
        false => format!("whole groups of {}, {groups} of them", columns.join(", ")),
    })
}

/// The name of a node's baseline in print.
pub(crate) fn baseline_name(name: &str, node: &NodeAudit) -> String {
    match (name, node.task.as_str()) {
        ("majority", "regression") => "constant (mean)".to_owned(),
        ("majority", _) => "constant".to_owned(),
        ("single", _) => format!("single {}", node.noun),
        (other, _) => other.to_owned(),
    }
}

/// The same inside a sentence, for what could have been had more simply.
pub(crate) fn baseline_phrase(name: &str, node: &NodeAudit) -> String {
    if name == "single" {
        format!("one {} on all raw columns", node.noun)
    } else if name == "linear" {
        "a linear model on the same inputs".to_owned()
    } else {
        baseline_name(name, node)
    }
}

/// The state of an expert in a word or two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    /// Held-out skill does not beat the constant baseline.
    LearnedNothing,
    /// It cannot be judged.
    NotJudged,
    /// So many warnings.
    Warnings(usize),
    /// None of these.
    Sound,
}

impl Health {
    /// Judges an expert.
    pub(crate) fn of(node: &NodeAudit) -> Self {
        let warnings = node.warnings().count();
        if node.skill.not_judged.is_some() {
            Self::NotJudged
        } else if !node.skill.beats_baseline {
            Self::LearnedNothing
        } else if warnings > 0 {
            Self::Warnings(warnings)
        } else {
            Self::Sound
        }
    }

    /// In words.
    pub(crate) fn words(self) -> String {
        match self {
            Self::LearnedNothing => "learned nothing".to_owned(),
            Self::NotJudged => "not judged".to_owned(),
            Self::Warnings(count) => counted(count as u64, "warning", "warnings"),
            Self::Sound => "no warnings".to_owned(),
        }
    }

    /// The class of its mark in the style sheet.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::LearnedNothing | Self::NotJudged | Self::Warnings(_) => "alert",
            Self::Sound => "good",
        }
    }
}

/// The paired comparison with the linear baseline, in the metric of [`collegium_records::Skill`].
pub(crate) fn linear(node: &NodeAudit) -> Option<PairedVerdict> {
    Some(node.compared_with("linear", &node.skill.metric)?.verdict)
}

/// What was learned, in a sentence.
pub(crate) fn verdict(node: &NodeAudit) -> String {
    let skill = &node.skill;
    if let Some(said) = skill.not_judged_words() {
        return said;
    }
    let regression = skill.metric == "rmse";
    let loss = if regression { "squared error" } else { metric_words(&skill.metric) };
    let constant = if regression { "predicting the mean" } else { "the constant baseline" };
    let (gain, range) =
        percent_measure(skill.gain, skill.gain_interval.low, skill.gain_interval.high);
    let tests = skill.tests.iter().map(tested).collect::<Vec<String>>().join("; ");
    match skill.verdict {
        SkillVerdict::Skilful => {
            let apart = skill.tests.iter().any(|test| !test.holds());
            let tests = if apart { format!(" Tested: {tests}.") } else { String::new() };
            format!(
                "On test rows it has {gain} less {loss} than {constant} (95 % interval {range}).{tests}"
            )
        }
        SkillVerdict::RanksButOverconfident => {
            let corrected = skill.recalibration.as_ref().map_or_else(String::new, |after| {
                format!(" Recalibrated on validation rows it would be {}.", number(after.value))
            });
            format!(
                "On test rows it is better than {constant} in its ranking ({tests}), not in its {} as it is: {} against {}, a gain of {gain} (95 % interval {range}).{corrected}",
                metric_words(&skill.metric),
                number(skill.value),
                number(skill.baseline),
            )
        }
        SkillVerdict::NoSkill | SkillVerdict::NotJudged => {
            let tests = if tests.is_empty() { tests } else { format!(" Tested: {tests}.") };
            format!(
                "On test rows it does not beat {constant}: {} {} against {}, a gain of {gain} (95 % interval {range}).{tests}",
                metric_words(&skill.metric),
                number(skill.value),
                number(skill.baseline),
            )
        }
    }
}

/// `AUC 0.849 against 0.500: shown`
fn tested(test: &SkillTest) -> String {
    let shown = if test.holds() { "shown" } else { "not shown" };
    format!(
        "{} {} against {}: {shown}",
        metric_words(&test.metric),
        number(test.diff.after),
        number(test.diff.before)
    )
}

/// The heading of the verdict; none where the sentence says it.
pub(crate) fn verdict_title(node: &NodeAudit) -> String {
    if node.skill.not_judged.is_some() {
        return String::new();
    }
    if node.skill.verdict == SkillVerdict::RanksButOverconfident {
        return match node.task.as_str() {
            "regression" => "Follows the target, but off in scale.".to_owned(),
            _ => "Ranks rows, but is overconfident.".to_owned(),
        };
    }
    if !node.skill.beats_baseline {
        return "Learned nothing.".to_owned();
    }
    let constant = if node.task == "regression" { "the mean" } else { "a constant" };
    match linear(node) {
        Some(PairedVerdict::Better) => format!("Beats {constant} and the linear baseline."),
        Some(PairedVerdict::CannotTell) => {
            format!("Beats {constant}; no measurable difference from linear.")
        }
        Some(PairedVerdict::Worse) => format!("Beats {constant}; worse than linear."),
        Some(PairedVerdict::Same) => {
            format!("Beats {constant}; the same as linear within the margin.")
        }
        None => format!("Beats {constant}."),
    }
}

/// What kind of answer it gives.
pub(crate) fn task_phrase(node: &NodeAudit) -> String {
    match (node.task.as_str(), node.classes.as_slice()) {
        ("regression", _) => "a number".to_owned(),
        (_, []) => "a class".to_owned(),
        (_, [one]) => format!("one class, {one}"),
        (_, [no, yes]) => format!("{yes} or {no}"),
        (_, many) if many.len() <= 8 => {
            format!("one of {} classes: {}", many.len(), many.join(", "))
        }
        (_, many) => counted(many.len() as u64, "class", "classes"),
    }
}
