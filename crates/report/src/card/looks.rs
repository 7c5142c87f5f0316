//! Model card: what it uses, with sensitivity and its noise floor.

use collegium_records::{Agop, InputUse, NodeAudit, metric_words};

use super::text::{Paragraphs, code, sentence, table};
use crate::number::{measure, number, percent, percent_measure, with_range};

/// Inputs in the table.
const SHOWN: usize = 15;

pub(super) fn looks(node: &NodeAudit, page: &mut Paragraphs) {
    let Some(agop) = node.agop.as_ref().filter(|_| node.skill.is_shown()) else {
        let why = node.withheld.as_deref().unwrap_or("none was recorded for this expert");
        page.add(format!("Withheld: {}.", sentence(why).trim_end_matches('.')));
        return;
    };
    let left = match node.uses.is_empty() {
        true => {
            page.add(sensitivities(agop));
            agop.importance.len().saturating_sub(SHOWN)
        }
        false => {
            page.add(effects(&node.uses));
            page.add(
                "Rise: of the test loss when the input is shuffled within rows similar in the other inputs (95 % interval). AGOP share: sensitivity of the output."
                    .to_owned(),
            );
            node.uses.len().saturating_sub(SHOWN)
        }
    };
    if left > 0 {
        page.add(format!("{left} more inputs are in the report of the audit."));
    }
    page.add(floor(agop, &node.noun));
}

fn effects(uses: &[InputUse]) -> String {
    let metric = uses.iter().find_map(|one| one.effect.as_ref()).map(|effect| &effect.metric);
    let rise = format!("Rise of {}", metric_words(metric.map_or("loss", String::as_str)));
    let rows: Vec<Vec<String>> = uses
        .iter()
        .take(SHOWN)
        .map(|one| {
            let inputs: Vec<String> = one.inputs.iter().map(|input| code(input)).collect();
            let effect = one.effect.as_ref();
            let effect = effect.map(|effect| with_range(effect.cost, Some(&effect.interval)));
            vec![
                inputs.join(" + "),
                effect.unwrap_or_else(|| "–".to_owned()),
                one.share.map_or_else(|| "–".to_owned(), percent),
                one.reading.words().to_owned(),
            ]
        })
        .collect();
    table(&["Input", &rise, "AGOP share", "Reading"], &rows)
}

/// Of a record without effects.
fn sensitivities(agop: &Agop) -> String {
    let rows: Vec<Vec<String>> = agop
        .importance
        .iter()
        .take(SHOWN)
        .map(|row| {
            let (share, range) = percent_measure(row.share, row.low, row.high);
            let noise = if row.above_noise { "" } else { ", low sensitivity" };
            vec![code(&row.input), format!("{share} ({range}){noise}")]
        })
        .collect();
    table(&["Input", "AGOP share (95 %)"], &rows)
}

fn floor(agop: &Agop, noun: &str) -> String {
    let floor = &agop.noise_floor;
    let seeds = floor.seeds.as_ref().map(|seeds| {
        format!(", {} seeds to no less than {}", seeds.of, measure(seeds.cosine, None).0)
    });
    let permuted = floor
        .permuted
        .as_ref()
        .map(|null| format!(", {} on permuted labels", number(null.effective_rank)));
    let untrained = match &floor.no_untrained {
        None => {
            format!(" against {} in the untrained {noun}", number(floor.untrained_effective_rank))
        }
        Some(_) => String::new(),
    };
    let none = floor.no_untrained.as_ref().map(|why| format!(" {}", sentence(why)));
    format!(
        "Noise floor of the AGOP over {} rows: two halves of the rows agree to a cosine of {}{}; effective rank {}{untrained}{}.{}",
        agop.rows,
        measure(floor.split_half_cosine, None).0,
        seeds.unwrap_or_default(),
        number(agop.effective_rank),
        permuted.unwrap_or_default(),
        none.unwrap_or_default()
    )
}
