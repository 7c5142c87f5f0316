//! Confusion matrix as a table that is shaded and still readable without its shading.

use collegium_records::Confusion;
use maud::{Markup, html};

use crate::number::{count, percent};

/// With more classes than this, the most frequent mistakes are listed instead of the matrix.
pub(crate) const MOST_CLASSES: usize = 16;
/// With more classes than this, cells have counts alone.
const ROOMY: usize = 4;
/// Mistakes that are listed.
const MISTAKES: usize = 20;

/// True classes in rows, predicted classes in columns.
pub(crate) fn confusion(confusion: &Confusion) -> Markup {
    if confusion.classes.len() > MOST_CLASSES { mistakes(confusion) } else { matrix(confusion) }
}

fn name(confusion: &Confusion, index: usize) -> String {
    confusion.classes.get(index).cloned().unwrap_or_else(|| format!("class {}", index + 1))
}

fn total(row: &[u64]) -> u64 {
    row.iter().fold(0, |sum, rows| sum.saturating_add(*rows))
}

fn matrix(confusion: &Confusion) -> Markup {
    let columns =
        confusion.counts.iter().map(Vec::len).max().unwrap_or(0).max(confusion.classes.len());
    html! {
        div.scroll tabindex="0" role="region" aria-label="Confusion matrix" {
            table.confusion.dense[columns > ROOMY] {
                thead {
                    tr { td {} th.over scope="colgroup" colspan=(columns) { "predicted" } }
                    tr { th.corner scope="col" { "true" } @for j in 0..columns { th scope="col" { (name(confusion, j)) } } }
                }
                tbody {
                    @for (i, row) in confusion.counts.iter().enumerate() {
                        tr {
                            th scope="row" { (name(confusion, i)) span.aside { (count(total(row))) " rows" } }
                            @for rows in row {
                                @let share = *rows as f64 / total(row).max(1) as f64;
                                td style={ "background:" (shade(share)) } {
                                    (count(*rows)) @if columns <= ROOMY { span.aside { (percent(share)) } }
                                }
                            }
                        }
                    }
                }
            }
        }
        p.caption {
            "Test rows. "
            @if columns <= ROOMY { "Percentages are of the true class." } @else { "Shaded by the share of the true class." }
        }
    }
}

/// The most frequent confusions, for more classes than a page can hold.
fn mistakes(confusion: &Confusion) -> Markup {
    let mut pairs: Vec<(u64, usize, usize)> = Vec::new();
    for (i, row) in confusion.counts.iter().enumerate() {
        pairs.extend(
            row.iter().enumerate().filter(|(j, n)| *j != i && **n > 0).map(|(j, n)| (*n, i, j)),
        );
    }
    let wrong = pairs.iter().fold(0u64, |sum, pair| sum.saturating_add(pair.0));
    pairs.sort_by(|a, b| b.0.cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    html! {
        p { (confusion.classes.len()) " classes; " (count(wrong)) " test rows were mistaken. The most frequent mistakes:" }
        table.plain {
            thead { tr { th scope="col" { "True class" } th scope="col" { "Predicted as" } th.figure scope="col" { "Rows" } th.figure scope="col" { "Of the true class" } } }
            tbody {
                @for (rows, i, j) in pairs.into_iter().take(MISTAKES) {
                    tr {
                        th scope="row" { (name(confusion, i)) } td { (name(confusion, j)) } td.figure { (count(rows)) }
                        td.figure { (percent(rows as f64 / total(&confusion.counts[i]).max(1) as f64)) }
                    }
                }
            }
        }
    }
}

/// White to a blue that dark text can still be read on (6:1).
pub(super) fn shade(share: f64) -> String {
    let mix = |to: f64| (255.0 + (to - 255.0) * share.clamp(0.0, 1.0)).round() as u8;
    format!("#{:02x}{:02x}{:02x}", mix(95.0), mix(168.0), mix(211.0))
}
