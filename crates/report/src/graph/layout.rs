//! Layered graph drawing (Sugiyama): layers by longest path, order by barycentres, heights by isotonic regression.
//!
//! The scheme of Sugiyama, Tagawa and Toda (1981), left to right. Long edges are led through dummy
//! nodes so that they bend around boxes. Given an order within each layer, the heights that bring
//! every node nearest to its neighbours without overlap are an isotonic regression, which the
//! pool-adjacent-violators algorithm solves exactly in linear time.

use std::collections::{BTreeSet, VecDeque};

use super::compact::{lifts, parts};

/// Sweeps over the layers that look for a better order.
const ORDER_SWEEPS: usize = 16;
/// Sweeps over the layers that settle heights.
const HEIGHT_SWEEPS: usize = 12;
/// With more dummies than this, long edges are drawn straight.
const MOST_DUMMIES: usize = 20_000;
/// Space between two boxes of a layer.
const BOX_GAP: f64 = 22.0;
/// Space between two edges that pass a layer.
const LANE_GAP: f64 = 4.0;
/// Height kept free for an edge that passes a layer: the thickest fits.
const DUMMY_HEIGHT: f64 = 13.0;

/// Where everything goes.
pub(super) struct Layout {
    /// Layer of each node.
    pub(super) layer: Vec<usize>,
    /// Vertical centre of each node; the least upper edge is 0.
    pub(super) centre: Vec<f64>,
    /// Of each edge: layers that it passes between its ends, and at which height.
    pub(super) bends: Vec<Vec<(usize, f64)>>,
    /// Total height.
    pub(super) height: f64,
}

struct Item {
    layer: usize,
    height: f64,
    dummy: bool,
    before: Vec<usize>,
    after: Vec<usize>,
}

/// Lays out `heights.len()` nodes. `least[i]` is the first layer that node i may stand in.
pub(super) fn layout(heights: &[f64], least: &[usize], edges: &[(usize, usize)]) -> Layout {
    let layer = layers(least, edges);
    let mut items: Vec<Item> = heights
        .iter()
        .zip(&layer)
        .map(|(height, layer)| Item {
            layer: *layer,
            height: *height,
            dummy: false,
            before: vec![],
            after: vec![],
        })
        .collect();
    let span = |&(from, to): &(usize, usize)| layer[to].saturating_sub(layer[from]);
    let wanted: usize = edges.iter().map(|edge| span(edge).saturating_sub(1)).sum();
    let mut chains: Vec<Vec<usize>> = vec![vec![]; edges.len()];
    for (edge, chain) in edges.iter().zip(&mut chains) {
        if span(edge) == 0 || (span(edge) > 1 && wanted > MOST_DUMMIES) {
            continue;
        }
        let mut last = edge.0;
        for at in layer[edge.0] + 1..layer[edge.1] {
            let dummy = items.len();
            items.push(Item {
                layer: at,
                height: DUMMY_HEIGHT,
                dummy: true,
                before: vec![],
                after: vec![],
            });
            join(&mut items, last, dummy);
            chain.push(dummy);
            last = dummy;
        }
        join(&mut items, last, edge.1);
    }
    let mut rows = vec![vec![]; items.iter().map(|item| item.layer + 1).max().unwrap_or(0)];
    for (index, item) in items.iter().enumerate() {
        rows[item.layer].push(index);
    }
    order(&items, &mut rows);
    let mut centre = settle(&items, &rows);
    let links =
        items.iter().enumerate().flat_map(|(i, item)| item.after.iter().map(move |n| (i, *n)));
    let parts = parts(items.len(), links);
    let reach: Vec<(f64, f64)> = centre
        .iter()
        .zip(&items)
        .map(|(y, item)| (y - item.height / 2.0, y + item.height / 2.0))
        .collect();
    let lifts = lifts(&parts, &reach);
    centre.iter_mut().zip(&parts).for_each(|(y, part)| *y -= lifts[*part]);
    let top =
        centre.iter().zip(&items).map(|(y, item)| y - item.height / 2.0).fold(f64::MAX, f64::min);
    let bottom =
        centre.iter().zip(&items).map(|(y, item)| y + item.height / 2.0).fold(f64::MIN, f64::max);
    let height = if items.is_empty() { 0.0 } else { bottom - top };
    let bends = chains
        .iter()
        .map(|chain| chain.iter().map(|&d| (items[d].layer, centre[d] - top)).collect())
        .collect();
    let centre = centre[..heights.len()].iter().map(|y| y - top).collect();
    Layout { layer, centre, bends, height }
}

/// Space between two neighbours of a layer.
fn gap(one: &Item, other: &Item) -> f64 {
    match (one.dummy, other.dummy) {
        (true, true) => LANE_GAP,
        (false, false) => BOX_GAP,
        _ => (LANE_GAP + BOX_GAP) / 2.0,
    }
}

fn join(items: &mut [Item], from: usize, to: usize) {
    items[from].after.push(to);
    items[to].before.push(from);
}

/// Longest-path layers. In a cycle, which a checked pipeline cannot have, the edge back to the first
/// node is ignored, so that even a broken graph is drawn.
fn layers(least: &[usize], edges: &[(usize, usize)]) -> Vec<usize> {
    let mut layer = least.to_vec();
    let mut waiting = vec![0usize; least.len()];
    let mut after = vec![vec![]; least.len()];
    for &(from, to) in edges {
        waiting[to] += 1;
        after[from].push(to);
    }
    let mut open: BTreeSet<usize> = (0..least.len()).collect();
    let mut ready: VecDeque<usize> = (0..least.len()).filter(|i| waiting[*i] == 0).collect();
    while !open.is_empty() {
        let Some(node) = ready.pop_front().or_else(|| open.first().copied()) else {
            break;
        };
        if !open.remove(&node) {
            continue;
        }
        for &next in &after[node] {
            if open.contains(&next) {
                layer[next] = layer[next].max(layer[node] + 1);
                waiting[next] -= 1;
                if waiting[next] == 0 {
                    ready.push_back(next);
                }
            }
        }
    }
    layer
}

/// Barycentre sweeps, keeping the order with the fewest crossings.
fn order(items: &[Item], rows: &mut Vec<Vec<usize>>) {
    let mut place = vec![0usize; items.len()];
    let number = |rows: &[Vec<usize>], place: &mut [usize]| {
        for row in rows {
            row.iter().enumerate().for_each(|(i, item)| place[*item] = i);
        }
    };
    number(rows, &mut place);
    let mut best = rows.clone();
    let mut fewest = crossings(items, rows, &place);
    for sweep in 0..ORDER_SWEEPS {
        if fewest == 0 {
            break;
        }
        let forward = sweep % 2 == 0;
        let count = rows.len();
        for step in 1..count {
            let row = if forward { step } else { count - 1 - step };
            let mut keyed: Vec<(f64, usize, usize)> = rows[row]
                .iter()
                .enumerate()
                .map(|(i, &item)| {
                    let near = if forward { &items[item].before } else { &items[item].after };
                    let sum: usize = near.iter().map(|n| place[*n]).sum();
                    // Without neighbours on that side it stays where it is.
                    let key =
                        if near.is_empty() { i as f64 } else { sum as f64 / near.len() as f64 };
                    (key, i, item)
                })
                .collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            rows[row] = keyed.into_iter().map(|(_, _, item)| item).collect();
            rows[row].iter().enumerate().for_each(|(i, item)| place[*item] = i);
        }
        let now = crossings(items, rows, &place);
        if now < fewest {
            fewest = now;
            best.clone_from(rows);
        }
    }
    *rows = best;
}

/// Pairs of edges between neighbouring layers that cross, counted with a Fenwick tree.
fn crossings(items: &[Item], rows: &[Vec<usize>], place: &[usize]) -> u64 {
    let mut total = 0;
    for pair in rows.windows(2) {
        let mut tree = vec![0u64; pair[1].len() + 1];
        let mut seen = 0;
        for &item in &pair[0] {
            let mut ends: Vec<usize> = items[item].after.iter().map(|&next| place[next]).collect();
            ends.sort_unstable();
            for &end in &ends {
                let mut at = end + 1;
                let mut below = 0;
                while at > 0 {
                    below += tree[at];
                    at &= at - 1;
                }
                total += seen - below;
            }
            for &end in &ends {
                let mut at = end + 1;
                while at < tree.len() {
                    tree[at] += 1;
                    at += at & at.wrapping_neg();
                }
                seen += 1;
            }
        }
    }
    total
}

/// Vertical centres: each layer in turn moves as near to its neighbours as its order allows.
fn settle(items: &[Item], rows: &[Vec<usize>]) -> Vec<f64> {
    let mut centre = vec![0.0; items.len()];
    for row in rows {
        // Stacked around zero; the sweeps do the rest.
        let total: f64 = row.iter().map(|&i| items[i].height + BOX_GAP).sum();
        let mut y = -total / 2.0;
        for &item in row {
            centre[item] = y + items[item].height / 2.0;
            y += items[item].height + BOX_GAP;
        }
    }
    for sweep in 0..HEIGHT_SWEEPS {
        let last = sweep + 2 >= HEIGHT_SWEEPS;
        for step in 0..rows.len() {
            let row = if sweep % 2 == 0 { &rows[step] } else { &rows[rows.len() - 1 - step] };
            let wish: Vec<(f64, f64)> = row
                .iter()
                .map(|&item| {
                    let (before, after) = (&items[item].before, &items[item].after);
                    let one = if sweep % 2 == 0 { before } else { after };
                    let near: Vec<usize> = if last {
                        before.iter().chain(after).copied().collect()
                    } else {
                        one.clone()
                    };
                    if near.is_empty() {
                        return (centre[item], 0.1);
                    }
                    let mean = near.iter().map(|&n| centre[n]).sum::<f64>() / near.len() as f64;
                    // Straight passing edges please the eye more than centred boxes.
                    (mean, if items[item].dummy { 2.0 } else { 1.0 })
                })
                .collect();
            let apart = row.windows(2).map(|pair| {
                let (one, other) = (&items[pair[0]], &items[pair[1]]);
                (one.height + other.height) / 2.0 + gap(one, other)
            });
            for (&item, y) in row.iter().zip(spread(&wish, apart)) {
                centre[item] = y;
            }
        }
    }
    centre
}

/// The centres nearest (weighted squares) to the wished ones, with each neighbour at least so far
/// apart.
fn spread(wish: &[(f64, f64)], mut apart: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut offset = 0.0;
    let mut offsets = Vec::with_capacity(wish.len());
    // Blocks of equal shifted value: (value, weight, members).
    let mut blocks: Vec<(f64, f64, usize)> = Vec::new();
    for (index, &(y, weight)) in wish.iter().enumerate() {
        if index > 0 {
            offset += apart.next().unwrap_or(0.0);
        }
        offsets.push(offset);
        let mut block = (y - offset, weight, 1);
        while let Some(&(value, other, members)) = blocks.last().filter(|last| last.0 > block.0) {
            let sum = other + block.1;
            block = ((value * other + block.0 * block.1) / sum, sum, members + block.2);
            blocks.pop();
        }
        blocks.push(block);
    }
    blocks
        .iter()
        .flat_map(|&(value, _, members)| std::iter::repeat_n(value, members))
        .zip(offsets)
        .map(|(value, offset)| value + offset)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_node_stands_right_of_everything_that_feeds_it() {
        let layout = layout(&[40.0; 4], &[0, 1, 1, 1], &[(0, 1), (1, 2), (0, 3), (2, 3)]);
        assert_eq!(layout.layer, [0, 1, 2, 3]);
        assert_eq!(layout.bends.iter().map(Vec::len).collect::<Vec<_>>(), [0, 0, 2, 0]);
    }

    #[test]
    fn a_cycle_is_drawn_all_the_same() {
        let layout = layout(&[40.0; 3], &[0, 0, 0], &[(0, 1), (1, 2), (2, 0)]);
        assert_eq!(layout.layer, [0, 1, 2]);
    }

    #[test]
    fn crossed_neighbours_are_uncrossed() {
        let layout = layout(&[40.0; 4], &[0, 0, 1, 1], &[(0, 3), (1, 2)]);
        assert_eq!(layout.centre[0] < layout.centre[1], layout.centre[3] < layout.centre[2]);
    }

    proptest! {
        #[test]
        fn boxes_of_a_layer_never_overlap(
            heights in prop::collection::vec(20.0..200.0f64, 1..30),
            pairs in prop::collection::vec((0usize..30, 0usize..30), 0..80),
        ) {
            let n = heights.len();
            let edges: Vec<_> = pairs.into_iter().map(|(a, b)| (a % n, b % n)).filter(|(a, b)| a < b).collect();
            let made = layout(&heights, &vec![0; n], &edges);
            for &(a, b) in &edges {
                prop_assert!(made.layer[a] < made.layer[b]);
            }
            for a in 0..n {
                prop_assert!(made.centre[a] - heights[a] / 2.0 >= -1e-6);
                prop_assert!(made.centre[a] + heights[a] / 2.0 <= made.height + 1e-6);
                for b in 0..a {
                    if made.layer[a] == made.layer[b] {
                        let apart = (made.centre[a] - made.centre[b]).abs();
                        prop_assert!(apart + 1e-6 >= (heights[a] + heights[b]) / 2.0 + BOX_GAP);
                    }
                }
            }
        }
    }
}
