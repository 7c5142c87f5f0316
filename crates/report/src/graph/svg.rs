//! The DAG as SVG, styled by attributes alone, so that the picture needs no style sheet.

use maud::{Markup, html};

use super::{Graph, GraphNode, NodeKind, layout, resolved};
use crate::number::{counted, percent, px};

const MARGIN: f64 = 14.0;
const PAD: f64 = 12.0;
const NAME_SIZE: f64 = 14.0;
const LINE_SIZE: f64 = 12.0;
const LINE_HEIGHT: f64 = 17.0;
/// Letters of a label before it is cut; the tooltip has all of it.
const MOST_LETTERS: usize = 30;
/// A label above an edge needs this much height beside the edge's own.
const PORT: f64 = 15.0;
/// The straight piece before a box that carries the label.
const LEAD: f64 = 46.0;
/// With more edges than this into one node, shares are in tooltips only.
const MOST_LABELS: usize = 24;

const FONT: &str =
    "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";
const INK: &str = "#1c2430";
const SOFT: &str = "#55606e";
const ACCENT: &str = "#0072b2";
const EXPERT_EDGE: &str = "#5aa5d3";
const DATA_EDGE: &str = "#aab3bd";
const ALERT: &str = "#a23b00";

/// Where the layers stand.
struct Columns {
    lefts: Vec<f64>,
    widths: Vec<f64>,
    /// The straight piece before each box.
    lead: f64,
}

struct Boxed {
    lines: Vec<String>,
    width: f64,
    height: f64,
    x: f64,
    y: f64,
}

/// The DAG as one SVG element: data sources left, experts in layers to the right.
///
/// It carries a title and a description for those who cannot see it, and its own colours, so it can
/// be written to a file as it is. Names are escaped. Edges whose ends are not among the nodes, and
/// self-loops, are left out.
pub fn svg(graph: &Graph) -> String {
    draw(graph).0.into_string()
}

/// The picture and its natural width in pixels.
pub(crate) fn draw(graph: &Graph) -> (Markup, f64) {
    let id = "pipeline-graph";
    let edges = resolved(graph);
    let mut into = vec![Vec::new(); graph.nodes.len()];
    let mut out = vec![Vec::new(); graph.nodes.len()];
    for (place, &(from, to, _)) in edges.iter().enumerate() {
        into[to].push(place);
        out[from].push(place);
    }
    let thick: Vec<f64> =
        edges.iter().map(|&(.., index)| thickness(graph.edges[index].finite_weight())).collect();
    let degree: Vec<usize> = into.iter().map(Vec::len).collect();
    let labelled = |node: usize| degree[node] <= MOST_LABELS;
    let speaks = |edge: usize| {
        let (_, to, index) = edges[edge];
        labelled(to) && graph.edges[index].short_label().is_some()
    };
    let enter = |edge: usize| {
        if speaks(edge) { thick[edge] + PORT } else { thick[edge] + 3.0 }
    };
    let leave = |edge: usize| thick[edge] + 5.0;

    let mut boxes: Vec<Boxed> = graph.nodes.iter().map(sized).collect();
    for (node, boxed) in boxes.iter_mut().enumerate() {
        let left = into[node].iter().map(|&e| enter(e)).sum::<f64>();
        let right = out[node].iter().map(|&e| leave(e)).sum::<f64>();
        boxed.height = boxed.height.max(left + 10.0).max(right + 10.0);
    }
    let any_data = graph.nodes.iter().any(|node| node.kind == NodeKind::Data);
    let least: Vec<usize> = graph
        .nodes
        .iter()
        .map(|node| usize::from(any_data && node.kind == NodeKind::Expert))
        .collect();
    let heights: Vec<f64> = boxes.iter().map(|boxed| boxed.height).collect();
    let pairs: Vec<(usize, usize)> = edges.iter().map(|&(from, to, _)| (from, to)).collect();
    let placed = layout::layout(&heights, &least, &pairs);

    // Columns as wide as their widest box; gaps wide enough for the climb of the edges between.
    let count = placed.layer.iter().max().map_or(0, |last| last + 1);
    let mut widths = vec![0.0f64; count];
    for (node, boxed) in boxes.iter().enumerate() {
        widths[placed.layer[node]] = widths[placed.layer[node]].max(boxed.width);
    }
    let lead = if (0..edges.len()).any(speaks) { LEAD } else { 0.0 };
    let gap = (64.0 + placed.height * 0.08).min(150.0) + lead;
    let mut lefts = Vec::with_capacity(count);
    let mut x = MARGIN;
    for width in &widths {
        lefts.push(x);
        x += width + gap;
    }
    let total_width = if count == 0 { 2.0 * MARGIN } else { x - gap + MARGIN };
    let total_height = placed.height + 2.0 * MARGIN;
    for (node, boxed) in boxes.iter_mut().enumerate() {
        boxed.width = widths[placed.layer[node]];
        boxed.x = lefts[placed.layer[node]];
        boxed.y = MARGIN + placed.centre[node] - boxed.height / 2.0;
    }

    let columns = Columns { lefts, widths, lead };

    // Ports on each side in the order in which the edges arrive, so that they do not cross there.
    let aim = |edge: usize, entering: bool| {
        let bends = &placed.bends[edge];
        let next = if entering { bends.last() } else { bends.first() };
        let (from, to, _) = edges[edge];
        next.map_or(placed.centre[if entering { from } else { to }], |bend| bend.1)
    };
    let mut starts = vec![0.0; edges.len()];
    let mut ends = vec![0.0; edges.len()];
    for (node, boxed) in boxes.iter().enumerate() {
        let middle = boxed.y + boxed.height / 2.0;
        for (entering, side, at) in
            [(true, &mut into[node], &mut ends), (false, &mut out[node], &mut starts)]
        {
            side.sort_by(|&a, &b| aim(a, entering).total_cmp(&aim(b, entering)).then(a.cmp(&b)));
            let size = |e: usize| if entering { enter(e) } else { leave(e) };
            let mut y = middle - side.iter().map(|&e| size(e)).sum::<f64>() / 2.0;
            for &edge in side.iter() {
                // A label stands above its edge, so the edge runs low in its place.
                let low = if entering && speaks(edge) { PORT / 2.0 - 2.0 } else { 0.0 };
                at[edge] = y + size(edge) / 2.0 + low;
                y += size(edge);
            }
        }
    }

    let experts = graph.nodes.iter().filter(|node| node.kind == NodeKind::Expert).count();
    let description = format!(
        "{} on the left, {} in layers to the right, {}.",
        counted((graph.nodes.len() - experts) as u64, "data source", "data sources"),
        counted(experts as u64, "expert", "experts"),
        counted(edges.len() as u64, "edge", "edges")
    );
    let markup = html! {
        svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby={ (id) "-title " (id) "-desc" }
            viewBox={ "0 0 " (px(total_width)) " " (px(total_height)) }
            width=(px(total_width)) height=(px(total_height)) font-family=(FONT) {
            title id={ (id) "-title" } { "How data and experts feed one another" }
            desc id={ (id) "-desc" } { (description) }
            g fill="none" {
                @for (place, &(from, to, index)) in edges.iter().enumerate() {
                    @let edge = &graph.edges[index];
                    @let (source, target) = (&boxes[from], &boxes[to]);
                    @let path = route((source, starts[place]), (target, ends[place]), &placed.bends[place], &columns);
                    @let uncertain = edge.weight.is_none() && graph.nodes[to].muted;
                    path d=(path) stroke=(if uncertain { SOFT } else if graph.nodes[from].kind == NodeKind::Data { DATA_EDGE } else { EXPERT_EDGE })
                        stroke-width=(px(thick[place])) stroke-opacity="0.85"
                        stroke-dasharray=[uncertain.then_some("4 4")] {
                        title { (tooltip(graph, index)) }
                    }
                }
            }
            @for (place, &(_, to, index)) in edges.iter().enumerate() {
                @if let Some(label) = graph.edges[index].short_label().filter(|_| labelled(to)) {
                    text x=(px(boxes[to].x - 6.0)) y=(px(ends[place] - thick[place] / 2.0 - 3.0)) text-anchor="end" font-size=(px(LINE_SIZE))
                        font-weight="600" fill=(INK) stroke="#fff" stroke-width="3" stroke-linejoin="round"
                        paint-order="stroke" { (clean(&cut(label, 14))) }
                }
            }
            @for (node, boxed) in graph.nodes.iter().zip(&boxes) {
                @if let Some(href) = &node.href {
                    a href=(href) { (block(node, boxed)) }
                } @else {
                    g { (block(node, boxed)) }
                }
            }
        }
    };
    (markup, total_width)
}

/// The box of a node with its text.
fn block(node: &GraphNode, boxed: &Boxed) -> Markup {
    let expert = node.kind == NodeKind::Expert;
    let (fill, stroke) = match (node.muted, expert) {
        (true, _) => ("#f6f6f4", SOFT),
        (false, true) => ("#ffffff", ACCENT),
        (false, false) => ("#eef0f3", "#7a8591"),
    };
    let lines = boxed.lines.len() + usize::from(node.state.is_some());
    let tall = NAME_SIZE + LINE_HEIGHT * lines as f64;
    let first = boxed.y + (boxed.height - tall) / 2.0 + NAME_SIZE - 2.0;
    let x = boxed.x + PAD;
    html! {
        title {
            (clean(&node.name))
            @for line in node.lines.iter().chain(&node.state) { "\n" (clean(line)) }
        }
        rect x=(px(boxed.x)) y=(px(boxed.y)) width=(px(boxed.width)) height=(px(boxed.height))
            rx=(if expert { "7" } else { "1" }) fill=(fill) stroke=(stroke) stroke-width="1.5"
            stroke-dasharray=[node.muted.then_some("5 4")] {}
        text x=(px(x)) y=(px(first)) font-size=(px(NAME_SIZE)) font-weight="600"
            fill=(if node.muted { SOFT } else { INK }) { (clean(&cut(node.short_name(), MOST_LETTERS))) }
        @for (i, line) in boxed.lines.iter().enumerate() {
            text x=(px(x)) y=(px(first + LINE_HEIGHT * (i + 1) as f64)) font-size=(px(LINE_SIZE)) fill=(SOFT) { (clean(line)) }
        }
        @if let Some(state) = &node.state {
            text x=(px(x)) y=(px(first + LINE_HEIGHT * lines as f64)) font-size=(px(LINE_SIZE)) font-weight="600"
                fill=(if node.muted { ALERT } else { INK }) { (clean(&cut(state, MOST_LETTERS))) }
        }
    }
}

/// The size that a node's text asks for. There is no font to measure: letters are taken to be 0.58
/// of their size wide, which errs on the wide side for the fonts of the stack.
fn sized(node: &GraphNode) -> Boxed {
    let lines: Vec<String> = node.lines.iter().map(|line| cut(line, MOST_LETTERS)).collect();
    let letters = |text: &str| text.chars().count().min(MOST_LETTERS) as f64;
    let name = letters(node.short_name()) * NAME_SIZE * 0.62;
    let widest = lines
        .iter()
        .map(|line| letters(line) * LINE_SIZE * 0.58)
        .chain(node.state.iter().map(|state| letters(state) * LINE_SIZE * 0.62))
        .fold(name, f64::max);
    let rows = lines.len() + usize::from(node.state.is_some());
    let height = NAME_SIZE + LINE_HEIGHT * rows as f64 + 18.0;
    Boxed { lines, width: (widest + 2.0 * PAD).max(96.0), height, x: 0.0, y: 0.0 }
}

/// A smooth path from the right side of one box to the left side of another.
fn route(
    (source, start): (&Boxed, f64),
    (target, end): (&Boxed, f64),
    bends: &[(usize, f64)],
    columns: &Columns,
) -> String {
    let mut x = source.x + source.width;
    let mut y = start;
    let mut path = format!("M{} {}", px(x), px(y));
    let mut curve = |x: &mut f64, y: &mut f64, to_x: f64, to_y: f64| {
        let reach = ((to_x - *x) / 2.0).abs().max(20.0);
        path.push_str(&format!(
            "C{} {} {} {} {} {}",
            px(*x + reach),
            px(*y),
            px(to_x - reach),
            px(to_y),
            px(to_x),
            px(to_y)
        ));
        (*x, *y) = (to_x, to_y);
    };
    for &(column, height) in bends {
        let height = height + MARGIN;
        curve(&mut x, &mut y, columns.lefts[column], height);
        let right = columns.lefts[column] + columns.widths[column];
        curve(&mut x, &mut y, right, height);
    }
    curve(&mut x, &mut y, target.x - columns.lead, end);
    path.push_str(&format!("H{}", px(target.x)));
    path
}

fn thickness(weight: Option<f64>) -> f64 {
    weight.map_or(1.5, |weight| 1.2 + 10.8 * weight)
}

fn tooltip(graph: &Graph, index: usize) -> String {
    let edge = &graph.edges[index];
    let mut text = format!("{} feeds {}", edge.from, edge.to);
    match (&edge.label, edge.finite_weight()) {
        (Some(label), _) => text.push_str(&format!(": {label}")),
        (None, Some(weight)) => text.push_str(&format!(": {}", percent(weight))),
        (None, None) => {}
    }
    clean(&text)
}

/// A text of at most so many letters.
fn cut(text: &str, letters: usize) -> String {
    if text.chars().count() <= letters {
        return text.to_owned();
    }
    text.chars().take(letters.saturating_sub(1)).chain(['…']).collect()
}

/// Without the control characters that no XML may hold.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}
