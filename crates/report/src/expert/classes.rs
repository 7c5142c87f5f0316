//! Table of precision, recall and F1, a line per class.

use collegium_records::{Curve, Measure, Performance};
use maud::{Markup, html};

use crate::number::{count, measure};

/// Classes that are shown at once; the rest folds away.
const SHOWN: usize = 24;

/// `rows` says which rows they are of.
pub(crate) fn classes(performance: &Performance, rows: &str) -> Markup {
    let (first, rest) = performance.classes.split_at(performance.classes.len().min(SHOWN));
    html! {
        (table(performance, first))
        @if !rest.is_empty() {
            details { summary { (rest.len()) " more classes" } (table(performance, rest)) }
        }
        p.caption {
            (rows) ", at the predicted class, with 95 % bootstrap intervals. "
            "Rows: of this class; predicted: rows that it takes for this class. "
            @if performance.curves.is_some() { "The last two are areas over all thresholds." }
        }
    }
}

fn table(performance: &Performance, classes: &[collegium_records::ClassMeasures]) -> Markup {
    let curves = performance.curves.as_ref();
    let area = |of: Option<&Vec<Curve>>, class: &str| {
        let curve = of.and_then(|curves| curves.iter().find(|curve| curve.class == class));
        html! { @match curve { Some(curve) => (measure(curve.area, None).0), None => span.soft { "–" } } }
    };
    html! {
        div.scroll tabindex="0" role="region" aria-label="Measures by class" {
            table.plain.by-class {
                thead { tr {
                    th scope="col" { "Class" } th.figure scope="col" { "Rows" } th.figure scope="col" { "Predicted" }
                    th.figure scope="col" { "Precision" } th.figure scope="col" { "Recall" } th.figure scope="col" { "F1" }
                    @if curves.is_some() { th.figure scope="col" { "AUC" } th.figure scope="col" { abbr title="average precision" { "AP" } } }
                } }
                tbody {
                    @for class in classes {
                        tr {
                            th scope="row" { (class.class) }
                            td.figure { (count(class.rows)) }
                            td.figure { (count(class.predicted)) }
                            @for value in [class.precision, class.recall, class.f1] { td.figure { (cell(value)) } }
                            @if let Some(curves) = curves {
                                td.figure { (area(Some(&curves.roc), &class.class)) }
                                td.figure { (area(Some(&curves.precision_recall), &class.class)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn cell(value: Option<Measure>) -> Markup {
    let Some(value) = value else {
        return html! { span.soft { "–" span.hidden { "not defined" } } };
    };
    let (shown, range) = measure(value.value, value.interval.as_ref());
    html! { (shown) @if let Some(range) = range { span.aside { (range) } } }
}
