//! Cycle detection among experts.

use std::{collections::BTreeSet, ops::Range};

use collegium_records::Code;
use indexmap::IndexMap;

use crate::{Expert, Input, sink::Sink, suggest};

/// Circles that are reported in one reading.
const MOST_CIRCLES: usize = 50;

/// Reports every cycle that a depth-first search closes, with its path. An expert that reads itself
/// has been reported as such.
pub(crate) fn check(experts: &IndexMap<String, Expert>, sink: &mut Sink) {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        OnTheWay,
        Done,
    }
    let upstream: Vec<Vec<(usize, Range<usize>)>> = experts
        .values()
        .enumerate()
        .map(|(at, expert)| {
            expert
                .inputs
                .iter()
                .filter_map(|input| match input.get_ref() {
                    Input::Output { expert, .. } => {
                        Some((experts.get_index_of(expert)?, input.span()))
                    }
                    Input::Column { .. } => None,
                })
                .chain(begins_with(experts, expert))
                .filter(|(to, _)| *to != at)
                .collect()
        })
        .collect();
    let mut marks = vec![Mark::New; experts.len()];
    let mut told: BTreeSet<Vec<usize>> = BTreeSet::new();
    let mut closed = 0;
    for start in 0..experts.len() {
        if marks[start] != Mark::New {
            continue;
        }
        // The way from `start`: each expert with its next input to look at. A list and not
        // recursion, since thousands of experts may stand in one row.
        let mut way = vec![(start, 0)];
        marks[start] = Mark::OnTheWay;
        while let Some((at, next)) = way.last_mut() {
            let Some((to, span)) = upstream[*at].get(*next).cloned() else {
                marks[*at] = Mark::Done;
                way.pop();
                continue;
            };
            *next += 1;
            match marks[to] {
                Mark::Done => {}
                Mark::New => {
                    marks[to] = Mark::OnTheWay;
                    way.push((to, 0));
                }
                // Every circle costs its length; a file of thousands is mended one by one anyway.
                Mark::OnTheWay if closed == MOST_CIRCLES => {}
                Mark::OnTheWay => {
                    closed += 1;
                    let from = way.iter().position(|(at, _)| *at == to).unwrap_or_default();
                    let circle: Vec<usize> = way[from..].iter().map(|(at, _)| *at).collect();
                    let mut members = circle.clone();
                    members.sort_unstable();
                    if told.insert(members) {
                        report(experts, &circle, span, sink);
                    }
                }
            }
        }
    }
}

/// The experts whose weights a mixture begins with.
fn begins_with<'a>(
    experts: &'a IndexMap<String, Expert>,
    expert: &'a Expert,
) -> impl Iterator<Item = (usize, Range<usize>)> + 'a {
    expert
        .begins_with()
        .iter()
        .filter_map(|name| Some((experts.get_index_of(name.get_ref())?, name.span())))
}

fn report(
    experts: &IndexMap<String, Expert>,
    circle: &[usize],
    span: Range<usize>,
    sink: &mut Sink,
) {
    // `circle` goes from reader to read; data flow the other way.
    let names = circle.first().into_iter().chain(circle.iter().skip(1).rev());
    let names: Vec<&str> = names.map(|&at| experts[at].name.get_ref().as_str()).collect();
    let way = suggest::circle(&names);
    sink.global(
        sink.error(Code::Cycle, span, format!("experts feed each other in a circle: {way}"))
            .label("this closes the circle")
            .help("an expert can only read experts that do not depend on it"),
    );
}
