//! Sentences on skill: in which metric it is shown, in which not, and what recalibration would give.

use collegium_records::{
    Finding, Level, NodeAudit, SkillTest, SkillVerdict, Topic, metric_words, three_digits as three,
};

use super::baselines::{figures, values};

/// What is said of an expert's skill; nothing where all tests agree that it has some.
pub(super) fn of(audit: &NodeAudit) -> Option<Finding> {
    let skill = &audit.skill;
    let (held, open): (Vec<&SkillTest>, Vec<&SkillTest>) =
        skill.tests.iter().partition(|test| test.holds());
    let warning = |text: String| Finding::new(Level::Warning, Topic::Skill, text);
    let unmeasured = "Do not use it before it was measured on rows that its model has not seen.";
    match skill.verdict {
        SkillVerdict::Skilful => (!open.is_empty()).then(|| {
            let text =
                format!("It beats a constant in {}, but not in {}.", names(&held), names(&open));
            Finding::new(Level::Note, Topic::Skill, text).detail(tested(audit))
        }),
        SkillVerdict::RanksButOverconfident => Some(overconfident(audit, &held)),
        SkillVerdict::NoSkill => {
            // A loss below the constant's would contradict the sentence: what was tested stands there instead.
            let figures = match skill.value < skill.baseline && !open.is_empty() {
                true => open.iter().map(|test| named(test)).collect::<Vec<String>>().join(", "),
                false => format!(
                    "{} {} against {}",
                    metric_words(&skill.metric),
                    three(skill.value),
                    three(skill.baseline)
                ),
            };
            let text =
                format!("It learned nothing: it is not shown to beat a constant (test {figures}).");
            let next = "Do not use it. Give it inputs that can tell the target, or take it out.";
            Some(warning(text).detail(tested(audit)).next(next))
        }
        SkillVerdict::NotJudged => {
            let text = match skill.not_judged_words() {
                Some(said) => said,
                None if audit.metrics.get("test").is_some_and(|test| test.seen > 0) => {
                    "Nothing can be said of it: it has too few test rows that its model has not seen."
                        .to_owned()
                }
                None => "Nothing can be said of it: it has no test rows.".to_owned(),
            };
            Some(warning(text).next(unmeasured))
        }
    }
}

fn overconfident(audit: &NodeAudit, held: &[&SkillTest]) -> Finding {
    let skill = &audit.skill;
    let (does, is) = match audit.task.as_str() {
        "regression" => ("Its predictions follow the target", "are off in scale or level"),
        _ => ("It ranks rows", "is too sure of itself"),
    };
    let text = format!(
        "{does}, but {is}: it beats a constant in {}, not in its {} of {} (constant {}).",
        held.iter().map(|test| named(test)).collect::<Vec<String>>().join(" and "),
        metric_words(&skill.metric),
        three(skill.value),
        three(skill.baseline)
    );
    let finding = Finding::new(Level::Warning, Topic::Skill, text);
    let Some(after) = &skill.recalibration else { return finding.detail(tested(audit)) };
    let so = format!(
        "Recalibrated on {} validation rows its {} would be {}",
        after.rows,
        metric_words(&skill.metric),
        three(after.value)
    );
    let plain = audit.metrics.get("test").and_then(|test| test.metrics.get(&skill.metric));
    let (so, next) = match plain.is_some_and(|plain| after.value >= *plain) {
        true => (
            format!("{so}: that does not help, since the test rows are not like them"),
            "Look for what is different about the test rows: labels, or a shift of the inputs.",
        ),
        false => (
            so,
            "Rank by its probabilities, and recalibrate them before taking them at their word.",
        ),
    };
    finding.detail(format!("{so}. {}", tested(audit))).next(next)
}

/// All tests with their figures.
fn tested(audit: &NodeAudit) -> String {
    let each = audit.skill.tests.iter().map(|test| {
        let shown = if test.holds() { "shown" } else { "not shown" };
        format!("{}, {}: {shown}", named(test), figures(&test.diff))
    });
    let each: Vec<String> = each.collect();
    match each.is_empty() {
        true => "No metric could be tested.".to_owned(),
        false => {
            format!("Tested with 99.9 % confidence against a constant: {}.", each.join("; "))
        }
    }
}

/// `AUC 0.849 against 0.500`
fn named(test: &SkillTest) -> String {
    format!("{} {}", metric_words(&test.metric), values(&test.diff))
}

fn names(tests: &[&SkillTest]) -> String {
    tests.iter().map(|test| metric_words(&test.metric)).collect::<Vec<&str>>().join(" and ")
}
