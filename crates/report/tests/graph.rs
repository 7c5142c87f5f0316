//! The DAG in its four forms.

#![allow(clippy::unwrap_used)]

use std::time::Instant;

use collegium_report::graph::{Graph, GraphEdge, GraphNode, NodeKind, dot, json, mermaid, svg};

fn data(name: &str) -> GraphNode {
    GraphNode {
        name: name.into(),
        kind: NodeKind::Data,
        lines: vec!["327,346 rows".into()],
        ..GraphNode::default()
    }
}

fn expert(name: &str) -> GraphNode {
    GraphNode { name: name.into(), lines: vec!["classification".into()], ..GraphNode::default() }
}

fn edge(from: &str, to: &str, share: Option<f64>) -> GraphEdge {
    GraphEdge {
        from: from.into(),
        to: to.into(),
        label: share.map(|s| format!("{:.0} %\ndeparture.logit", s * 100.0)),
        weight: share,
    }
}

fn small() -> Graph {
    let mut nothing = expert("expert.diverted");
    nothing.state = Some("learned nothing".into());
    nothing.muted = true;
    nothing.href = Some("#expert.diverted".into());
    Graph {
        nodes: vec![data("data.flights"), nothing, expert("expert.arrival")],
        edges: vec![
            edge("data.flights", "expert.diverted", None),
            edge("data.flights", "expert.arrival", Some(0.75)),
            edge("expert.diverted", "expert.arrival", Some(0.25)),
        ],
    }
}

/// Layers of experts, each fed by a few of the layer before and by the data.
fn layered(layers: usize, width: usize) -> Graph {
    let name = |layer: usize, i: usize| format!("expert.l{layer}_number_{i}");
    let mut graph = Graph { nodes: vec![data("data.rows")], edges: vec![] };
    for layer in 0..layers {
        for i in 0..width {
            graph.nodes.push(expert(&name(layer, i)));
            graph.edges.push(edge("data.rows", &name(layer, i), Some(0.4)));
            for k in 0..3.min(layer * 3) {
                graph.edges.push(edge(
                    &name(layer - 1, (i * 7 + k * 3) % width),
                    &name(layer, i),
                    Some(0.2),
                ));
            }
        }
    }
    graph
}

/// Every element that opens closes, in order: the picture is well-formed XML.
fn well_formed(text: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let end = start + rest[start..].find('>').unwrap();
        let tag = &rest[start + 1..end];
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name)),
            None => open.push(tag.split_whitespace().next().unwrap()),
        }
        rest = &rest[end + 1..];
    }
    assert_eq!(open, Vec::<&str>::new());
}

#[test]
fn dot_is_what_graphviz_reads() {
    insta::assert_snapshot!(dot(&small()), @r##"
    digraph pipeline {
      rankdir=LR;
      node [shape=box, style=rounded, fontname="sans-serif"];
      edge [fontname="sans-serif"];
      "data.flights" [label="flights\n327,346 rows", shape=cylinder, style=solid];
      "expert.diverted" [label="diverted\nclassification\nlearned nothing", style="rounded,dashed", color=gray40, fontcolor=gray25, URL="#expert.diverted"];
      "expert.arrival" [label="arrival\nclassification"];
      "data.flights" -> "expert.diverted";
      "data.flights" -> "expert.arrival" [label="75 %", penwidth=6.25, tooltip="75 %\ndeparture.logit"];
      "expert.diverted" -> "expert.arrival" [label="25 %", penwidth=2.75, tooltip="25 %\ndeparture.logit"];
    }
    "##);
}

#[test]
fn mermaid_is_what_markdown_reads() {
    insta::assert_snapshot!(mermaid(&small()), @r#"
    flowchart LR
      n0[("flights<br/>327,346 rows")]
      n1("diverted<br/>classification<br/>learned nothing")
      n2("arrival<br/>classification")
      n0 --> n1
      n0 -->|"75 %"| n2
      n1 -->|"25 %"| n2
      linkStyle 1 stroke-width:6.2px
      linkStyle 2 stroke-width:2.8px
      classDef muted stroke-dasharray:5 4,color:#555,fill:#f4f4f4
      class n1 muted
    "#);
}

#[test]
fn json_says_everything() {
    insta::assert_snapshot!(serde_json::to_string_pretty(&json(&small())).unwrap(), @r##"
    {
      "edges": [
        {
          "from": "data.flights",
          "label": null,
          "to": "expert.diverted",
          "weight": null
        },
        {
          "from": "data.flights",
          "label": "75 %\ndeparture.logit",
          "to": "expert.arrival",
          "weight": 0.75
        },
        {
          "from": "expert.diverted",
          "label": "25 %\ndeparture.logit",
          "to": "expert.arrival",
          "weight": 0.25
        }
      ],
      "format_version": 1,
      "nodes": [
        {
          "href": null,
          "kind": "data",
          "lines": [
            "327,346 rows"
          ],
          "muted": false,
          "name": "data.flights",
          "state": null
        },
        {
          "href": "#expert.diverted",
          "kind": "expert",
          "lines": [
            "classification"
          ],
          "muted": true,
          "name": "expert.diverted",
          "state": "learned nothing"
        },
        {
          "href": null,
          "kind": "expert",
          "lines": [
            "classification"
          ],
          "muted": false,
          "name": "expert.arrival",
          "state": null
        }
      ]
    }
    "##);
}

#[test]
fn the_picture_of_a_small_graph() {
    let one = Graph {
        nodes: small().nodes.into_iter().take(2).collect(),
        edges: small().edges.into_iter().take(1).collect(),
    };
    let lines = svg(&one).replace("><", ">\n<");
    insta::assert_snapshot!(lines, @r##"
    <svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="pipeline-graph-title pipeline-graph-desc" viewBox="0 0 340.4 94" width="340.4" height="94" font-family="system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif">
    <title id="pipeline-graph-title">How data and experts feed one another</title>
    <desc id="pipeline-graph-desc">1 data source on the left, 1 expert in layers to the right, 1 edge.</desc>
    <g fill="none">
    <path d="M121.5 47C156.2 47 156.2 47 190.8 47H190.8" stroke="#55606e" stroke-width="1.5" stroke-opacity="0.85" stroke-dasharray="4 4">
    <title>data.flights feeds expert.diverted</title>
    </path>
    </g>
    <g>
    <title>data.flights
    327,346 rows</title>
    <rect x="14" y="22.5" width="107.5" height="49" rx="1" fill="#eef0f3" stroke="#7a8591" stroke-width="1.5">
    </rect>
    <text x="26" y="43.5" font-size="14" font-weight="600" fill="#1c2430">flights</text>
    <text x="26" y="60.5" font-size="12" fill="#55606e">327,346 rows</text>
    </g>
    <a href="#expert.diverted">
    <title>expert.diverted
    classification
    learned nothing</title>
    <rect x="190.8" y="14" width="135.6" height="66" rx="7" fill="#f6f6f4" stroke="#55606e" stroke-width="1.5" stroke-dasharray="5 4">
    </rect>
    <text x="202.8" y="35" font-size="14" font-weight="600" fill="#55606e">diverted</text>
    <text x="202.8" y="52" font-size="12" fill="#55606e">classification</text>
    <text x="202.8" y="69" font-size="12" font-weight="600" fill="#a23b00">learned nothing</text>
    </a>
    </svg>
    "##);
}

#[test]
fn names_cannot_break_out_of_any_form() {
    let name = "expert.<b>\"x\" & 'y' | \\ `z` #1;\n\u{1}";
    let graph = Graph {
        nodes: vec![data("data.t"), expert(name)],
        edges: vec![GraphEdge { label: Some("<i>".into()), ..edge("data.t", name, None) }],
    };
    let picture = svg(&graph);
    assert!(!picture.contains("<b>") && !picture.contains("<i>") && !picture.contains('\u{1}'));
    well_formed(&picture);
    insta::assert_snapshot!(dot(&graph).lines().skip(4).collect::<Vec<_>>().join("\n"), @r#"
      "data.t" [label="t\n327,346 rows", shape=cylinder, style=solid];
      "expert.<b>\"x\" & 'y' | \\ `z` #1;\n " [label="<b>\"x\" & 'y' | \\ `z` #1;\n \nclassification"];
      "data.t" -> "expert.<b>\"x\" & 'y' | \\ `z` #1;\n " [label="<i>", tooltip="<i>"];
    }
    "#);
    insta::assert_snapshot!(mermaid(&graph), @r##"
    flowchart LR
      n0[("t<br/>327,346 rows")]
      n1("#60;b#62;#34;x#34; #38; 'y' #124; #92; #96;z#96; #35;1;  <br/>classification")
      n0 -->|"#60;i#62;"| n1
    "##);
}

#[test]
fn a_muted_node_says_so_without_colour() {
    let picture = svg(&small());
    assert!(picture.contains("learned nothing"));
    assert!(picture.contains("stroke-dasharray=\"5 4\""));
    // The consumer's shares are unknown, so its edge is dashed too.
    assert!(picture.contains("stroke-dasharray=\"4 4\""));
}

#[test]
fn nothing_at_all_is_still_a_picture() {
    let picture = svg(&Graph::default());
    well_formed(&picture);
    assert!(picture.contains("0\u{a0}data sources"));
}

#[test]
fn unknown_ends_self_loops_cycles_and_odd_weights_are_survived() {
    let mut graph = small();
    graph.edges.push(edge("expert.arrival", "expert.missing", Some(0.1)));
    graph.edges.push(edge("expert.arrival", "expert.arrival", Some(0.1)));
    graph.edges.push(edge("expert.arrival", "expert.diverted", Some(f64::NAN)));
    graph.edges.push(edge("data.flights", "expert.diverted", Some(f64::INFINITY)));
    graph.edges.push(edge("data.flights", "expert.diverted", Some(1e300)));
    graph.edges.iter_mut().skip(5).for_each(|edge| edge.label = None);
    let picture = svg(&graph);
    well_formed(&picture);
    assert_eq!(picture.matches("<path").count(), 6);
    for text in [picture, dot(&graph), mermaid(&graph), json(&graph).to_string()] {
        assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
    }
}

#[test]
fn a_thousand_experts_are_drawn_in_reasonable_time() {
    let begun = Instant::now();
    for graph in [layered(10, 100), layered(1000, 1), layered(2, 500)] {
        well_formed(&svg(&graph));
    }
    // About a second unoptimised; a quadratic slip costs minutes.
    assert!(begun.elapsed().as_secs() < 30, "{:?}", begun.elapsed());
}

#[test]
fn the_same_graph_gives_the_same_picture() {
    assert_eq!(svg(&layered(4, 10)), svg(&layered(4, 10)));
}
