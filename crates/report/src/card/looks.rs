//! Model card: feature importance, with its noise floor.

use collegium_records::{Agop, NodeAudit};

use super::text::{Paragraphs, code, sentence, table};
use crate::attention::has_skill;
use crate::number::{measure, number, percent, percent_measure, percent_range};

/// Inputs in the table.
const SHOWN: usize = 15;

pub(super) fn looks(node: &NodeAudit, page: &mut Paragraphs) {
    let Some(agop) = node.agop.as_ref().filter(|_| has_skill(node)) else {
        let why = node.withheld.as_deref().unwrap_or("none was recorded for this expert");
        page.add(format!("Withheld: {}.", sentence(why).trim_end_matches('.')));
        return;
    };
    page.add(inputs(agop));
    let left = agop.importance.len().saturating_sub(SHOWN);
    if left > 0 {
        page.add(format!("{left} more inputs are in the report of the audit."));
    }
    page.add(floor(agop, &node.noun));
    let groups: Vec<String> = agop
        .groups
        .iter()
        .map(|group| {
            let inputs: Vec<String> = group.inputs.iter().map(|input| code(input)).collect();
            let (share, range) = percent_measure(group.share, group.low, group.high);
            format!(
                "- {} move together (correlation {}); as one: {share} ({range})",
                inputs.join(", "),
                number(group.correlation)
            )
        })
        .collect();
    page.add(groups.join("\n"));
}

fn inputs(agop: &Agop) -> String {
    let seeds = agop.importance.iter().any(|row| row.seeds.is_some());
    let permuted = agop.noise_floor.permuted.as_ref();
    let mut heading = vec!["Input", "Share (95 %)"];
    heading.extend(seeds.then_some("Other seeds"));
    let untrained = &agop.noise_floor.untrained;
    heading.extend((!untrained.is_empty()).then_some("Untrained"));
    heading.extend(permuted.map(|_| "Permuted labels"));
    let reference =
        |values: &[f64], i: usize| values.get(i).map_or_else(|| "–".to_owned(), |v| percent(*v));
    let rows: Vec<Vec<String>> = agop
        .importance
        .iter()
        .take(SHOWN)
        .enumerate()
        .map(|(i, row)| {
            let (share, range) = percent_measure(row.share, row.low, row.high);
            let noise = if row.above_noise { "" } else { ", little weight" };
            let mut cells = vec![code(&row.input), format!("{share} ({range}){noise}")];
            if seeds {
                cells.push(
                    row.seeds.map_or_else(|| "–".to_owned(), |s| percent_range(s.low, s.high)),
                );
            }
            cells.extend((!untrained.is_empty()).then(|| reference(untrained, i)));
            cells.extend(permuted.map(|null| reference(&null.shares, i)));
            cells
        })
        .collect();
    table(&heading, &rows)
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
        "Shares are scale-free parts of the average gradient outer product over {} rows. Noise floor: two halves of the rows agree to a cosine of {}{}; effective rank {}{untrained}{}.{}",
        agop.rows,
        measure(floor.split_half_cosine, None).0,
        seeds.unwrap_or_default(),
        number(agop.effective_rank),
        permuted.unwrap_or_default(),
        none.unwrap_or_default()
    )
}
