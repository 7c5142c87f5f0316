//! Every section: there when the record has something for it, absent when it has not, withheld when
//! the expert has no skill.

#![allow(clippy::unwrap_used, unreachable_pub)]

use collegium_records::{
    AuditReport, Combined, Composite, Control, Headline, Interval, Measure, NodeAudit, Performance,
    Probe, RotatedFigure, RotatedNode, RotatedSides, RouteColumn, RouteDependence, RouteFigures,
    RouteLevel, RoutingDiagnostics, UpstreamPart,
};
use collegium_report::html;

mod reading;
mod sample;

use reading::{attributes, part, section, sound, words};

/// The page of the sample after a change of one expert.
fn page_with(index: usize, change: impl FnOnce(&mut NodeAudit)) -> (AuditReport, String) {
    let mut report = sample::report();
    change(&mut report.nodes[index]);
    let page = html(&report);
    sound(&page);
    (report, page)
}

fn page() -> String {
    page_with(0, |_| {}).1
}

/// What an expert's part says.
fn said(page: &str, name: &str, of: &str) -> String {
    words(part(page, name, of).unwrap_or_else(|| panic!("{name} has no part {of}")))
}

#[test]
fn a_reviewer_finds_the_parts_in_the_order_of_the_questions() {
    let page = page();
    let ids: Vec<&str> = attributes(section(&page, "expert.slip_digit"), "id")
        .into_iter()
        .filter(|id| !id.ends_with("-title") && !id.ends_with("-desc"))
        .skip(1)
        .collect();
    let parts = [
        "merit",
        "uses",
        "errors",
        "slices",
        "next",
        "metrics",
        "classes",
        "curves",
        "seeds",
        "looks",
        "layers",
        "comparisons",
        "cues",
        "training",
        "provenance",
    ];
    assert_eq!(ids, parts.map(|part| format!("e5-{part}")));
}

#[test]
fn what_only_a_researcher_asks_is_folded_away() {
    let page = page();
    let section = section(&page, "expert.slip_digit");
    let fold = section.find("<details class=\"appendix\">").unwrap();
    for (part, folded) in [("next", false), ("uses", false), ("metrics", true), ("looks", true)] {
        assert_eq!(section.find(&format!("id=\"e5-{part}\"")).unwrap() > fold, folded, "{part}");
    }
    let glossary = &page[page.find("<section id=\"glossary\"").unwrap()..];
    assert!(glossary.contains("<details class=\"appendix\">"));
}

#[test]
fn every_input_stands_in_one_table_with_effect_sensitivity_and_direction() {
    let page = page();
    let said = said(&page, "expert.departure", "uses");
    let head =
        "What it uses Input Rise of log loss 95 % interval AGOP share Direction flights.hour";
    assert!(said.starts_with(head), "{said}");
    assert!(said.contains("41 % ↑ rises") && said.contains("↓ falls"), "{said}");
    assert!(said.contains("high sensitivity, no measurable effect"), "{said}");
    let used = part(&page, "expert.departure", "uses").unwrap();
    assert!(used.contains("<title>flights.hour: 0.02"), "hover values");
}

#[test]
fn an_older_record_without_effects_shows_sensitivity() {
    let (_, page) = page_with(1, |node| node.uses.clear());
    let said = said(&page, "expert.departure", "uses");
    assert!(said.contains("Declared input Share 95 % interval"), "{said}");
}

#[test]
fn what_to_do_next_is_the_way_out_of_each_finding() {
    let page = page();
    let said = said(&page, "expert.slip_digit", "next");
    assert_eq!(
        said,
        "What to do next Try a smaller model, train.weight_decay , or fewer epochs ( train.patience ). \
         Measure more labels, or leave out synthetic rows. Appendix: all metrics on every side, each class by \
         itself, curves over all thresholds, other seeds, sensitivity, spectrum and directions, layers and \
         collapse, importances compared, ablation of inputs, training, label provenance"
    );
}

#[test]
fn what_the_record_has_nothing_for_is_absent() {
    let (_, page) = page_with(5, |node| {
        node.performance = Performance::default();
        node.probe = Probe::default();
        node.provenance = None;
        node.against.clear();
        let agop = node.agop.as_mut().unwrap();
        (agop.groups, agop.directions, agop.classes) = (vec![], vec![], None);
    });
    let section = section(&page, "expert.slip_digit");
    for id in
        ["slices", "seeds", "classes", "curves", "layers", "comparisons", "cues", "provenance"]
    {
        assert!(part(&page, "expert.slip_digit", id).is_none(), "{id}");
    }
    let headings: Vec<String> = section
        .split("<h4>")
        .skip(1)
        .map(|rest| words(rest.split("</h4>").next().unwrap()))
        .collect();
    assert_eq!(
        headings,
        ["Confusion matrix", "Calibration", "How many directions", "Learning curve", "Facts"]
    );
}

#[test]
fn without_skill_nothing_of_what_it_looks_at_is_shown_even_if_it_was_recorded() {
    let (report, page) = page_with(5, |node| {
        node.skill.beats_baseline = false;
        node.skill.verdict = collegium_records::SkillVerdict::NoSkill;
        node.withheld = Some("It knows nothing.".into());
    });
    let name = "expert.slip_digit";
    assert!(said(&page, name, "uses").starts_with("What it uses Withheld: It knows nothing."));
    for id in ["looks", "layers", "comparisons", "cues"] {
        assert!(part(&page, name, id).is_none(), "{id}");
    }
    let section = section(&page, name);
    for picture in ["<img", "class=\"bars\"", "-spectrum", "-nc1", "class=\"tiles\""] {
        assert!(!section.contains(picture), "{picture}");
    }
    let card = collegium_report::card(&report, &report.nodes[5]);
    assert!(card.contains("Withheld: It knows nothing.") && !card.contains("| `slips.image` |"));
}

#[test]
fn each_class_has_its_own_measures() {
    let page = page();
    let said = said(&page, "expert.slip_digit", "classes");
    assert!(said.contains("Class Rows Predicted Precision Recall F1 AUC AP 0 214"), "{said}");
    let report = sample::report();
    let class = &report.nodes[5].performance.classes[9];
    assert!(said.contains(&format!("9 {} {}", class.rows, class.predicted)));
    // Two classes: the positive one alone has curves.
    let few = self::said(&page, "expert.departure", "merit");
    assert!(few.contains("yes 11,338"), "{few}");
    let said = self::said(&page, "expert.departure", "curves");
    assert!(said.contains("AUC 0.753 . On the dashed diagonal"), "{said}");
}

#[test]
fn a_class_that_is_never_predicted_has_no_precision() {
    let said = said(&page(), "expert.diverted", "merit");
    assert!(said.contains("yes 551 0 – not defined"), "{said}");
}

#[test]
fn every_class_has_a_curve_and_its_points_as_text() {
    let page = page();
    let part = part(&page, "expert.slip_digit", "curves").unwrap();
    let roc = &part[part.find("ROC curve on test rows").unwrap()..];
    let roc = &roc[..roc.find("</figure>").unwrap()];
    assert_eq!(roc.matches("class=\"curve thin\"").count(), 10);
    assert_eq!(roc.matches("class=\"curve worst\"").count(), 1);
    assert_eq!(roc.matches("class=\"points\"").count(), 10);
    assert!(roc.contains("(0.000,0.000)") && roc.contains("(1.000,1.000)"));
}

#[test]
fn a_regression_shows_how_its_errors_are_distributed() {
    let page = page();
    let said = said(&page, "expert.airborne", "errors");
    assert!(said.contains("Half of all errors lie between") && said.contains("bias (mean error)"));
    assert!(said.contains("Is the error the same everywhere?"));
    assert!(!said.contains("ROC") && !said.contains("Each class by itself"));
    // Bins that do not fit their edges are not drawn.
    let (_, page) = page_with(0, |node| {
        node.performance.residuals.as_mut().unwrap().counts.pop();
    });
    assert!(!self::said(&page, "expert.airborne", "errors").contains("Half of all errors"));
}

#[test]
fn weak_slices_are_named_or_said_not_to_be_there() {
    let page = page();
    insta::assert_snapshot!(
        said(&page, "expert.departure", "slices"),
        @"Where it does worse Where Rows Loss there Loss elsewhere p-value, corrected flights.hour > 19.5 and flights.carrier in {EV, B6, WN} 3,412 0.618 0.450 3.20 × 10⁻⁹ Found on validation rows, tested on test rows. Mean log loss on 49,181 test rows: 0.464. 6 slices were tested; shown are those whose corrected p-value is at most 0.05."
    );
    let none = said(&page, "expert.arrival", "slices");
    assert!(
        none.contains("Nowhere that could be shown: on none of 8 slices is the log loss larger"),
        "{none}"
    );
    assert!(part(&page, "expert.newark", "slices").is_none());
}

#[test]
fn refits_stand_under_the_fit_that_is_deployed() {
    let page = page();
    let said = said(&page, "expert.departure", "seeds");
    assert!(
        said.contains("this one 0.753") && said.contains("refit 3 ") && !said.contains("refit 4 ")
    );
    assert!(part(&page, "expert.newark", "seeds").is_none());
}

#[test]
fn bootstrap_and_seeds_are_drawn_and_named_apart() {
    let page = page();
    let looks = part(&page, "expert.departure", "looks").unwrap();
    assert!(looks.contains("class=\"whisker\"") && looks.contains("class=\"band\""));
    assert!(looks.contains("class=\"untrained\"") && looks.contains("class=\"permuted\""));
    let said = words(looks);
    assert!(said.contains("Declared input Share 95 % interval Other seeds"), "{said}");
    assert!(said.contains("other rows: 95 % bootstrap interval"));
    assert!(said.contains("other seeds: least to largest of all refits"));
    assert!(said.contains("permuted labels: largest of 3 fits"));
    // Without refits and permuted labels there is no column, no band, no mark and no legend.
    let looks = part(&page, "expert.newark", "looks").unwrap();
    assert!(!looks.contains("class=\"band\"") && !looks.contains("class=\"permuted\""));
    assert!(!words(looks).contains("Other seeds") && !words(looks).contains("permuted"));
}

#[test]
fn correlated_inputs_raw_columns_and_upstreams_have_their_charts() {
    let page = page();
    let said = said(&page, "expert.arrival", "looks");
    assert!(said.contains("departure.logit + newark.logit 71 % 64 to 80 % 0.962"), "{said}");
    assert!(said.contains("Raw columns, through all upstream experts"));
    assert!(said.contains("flights.hour also through departure, newark 30 %"), "{said}");
    assert!(said.contains("departure.label has no derivative and was left out."));
    assert!(said.contains("Through other experts Expert"));
    assert!(!self::said(&page, "expert.airborne", "looks").contains("Raw columns"));
}

#[test]
fn the_spectrum_stands_beside_both_nulls_and_both_ranks() {
    let page = page();
    let looks = part(&page, "expert.departure", "looks").unwrap();
    assert_eq!(looks.matches("class=\"null untrained\"").count(), 2, "line and legend");
    assert_eq!(looks.matches("class=\"null permuted\"").count(), 2);
    let said = words(looks);
    assert!(said.contains("Network Effective rank Participation this expert 7.38 5.50 untrained 16.3 – permuted labels 13.7"), "{said}");
}

#[test]
fn directions_are_loadings_by_name_or_pictures() {
    let page = page();
    let looks = part(&page, "expert.departure", "looks").unwrap();
    assert!(looks.contains("class=\"bar against\""), "loadings of both signs");
    let said = words(looks);
    assert!(
        said.contains(
            "Direction 1 29 % of the sum, eigenvalue 3.37 Column Loading flights.hour +0.92"
        ),
        "{said}"
    );
    let said = self::said(&page, "expert.slip_digit", "looks");
    assert!(said.contains("Loadings by column; the pictures are below"));
}

#[test]
fn a_classifier_of_many_classes_says_which_looks_at_what() {
    let page = page();
    let said = said(&page, "expert.slip_digit", "looks");
    assert!(
        said.contains("Class slips.image slips.slant slips.width slips.ink Of the whole 0 78 %"),
        "{said}"
    );
    assert!(!self::said(&page, "expert.departure", "looks").contains("AGOP share by class"));
}

#[test]
fn image_inputs_are_shown_as_tiles_with_words_and_numbers() {
    let page = page();
    let looks = part(&page, "expert.slip_digit", "looks").unwrap();
    assert_eq!(looks.matches("<img").count(), 2 + 10 + 3);
    let alts = attributes(looks, "alt");
    assert!(alts[0].starts_with("Mean of the rows of slips.image, 28 × 28; strongest at row"));
    assert!(
        alts[2].starts_with("Class 0 of slips.image") && alts[14].starts_with("Direction 3 of")
    );
    assert_eq!(looks.matches("<pre class=\"map\"").count(), 15);
    assert_eq!(looks.matches("class=\"ramp\"").count(), 3, "a legend for each scale");
    let map = looks.split("<pre class=\"map\" tabindex=\"0\">").nth(1).unwrap();
    let map = map.split("</pre>").next().unwrap();
    assert_eq!(map.lines().count(), 28);
    assert!(map.lines().all(|line| line.split(' ').count() == 28));
}

#[test]
fn maps_that_do_not_fit_are_said_not_to() {
    let (_, page) = page_with(5, |node| node.probe.images[0].width = 27);
    let said = said(&page, "expert.slip_digit", "looks");
    assert!(
        said.contains("The maps of slips.image do not fit its 28 × 27 pixels and are not drawn."),
        "{said}"
    );
}

#[test]
fn single_rows_say_why_they_were_chosen_and_what_they_rest_on() {
    let page = page();
    let said = said(&page, "expert.departure", "looks");
    assert!(said.contains("Largest loss row 201,334 · true yes , predicted no · loss 3.87 Input Weight flights.hour is 6 −1.00"), "{said}");
}

#[test]
fn layers_warn_where_training_rows_alone_are_collapsed() {
    let page = page();
    let layers = part(&page, "expert.slip_digit", "layers").unwrap();
    for picture in ["-nc1", "-nfa", "-ranks", "-dead"] {
        assert!(layers.contains(&format!("id=\"e5{picture}-title\"")), "{picture}");
    }
    assert_eq!(layers.matches("<tr class=\"alarm\"").count(), 2);
    assert!(words(layers).contains("hidden 4 more on training rows 0.0634"), "{}", words(layers));
    let calm = part(&page, "expert.departure", "layers").unwrap();
    assert!(!calm.contains("class=\"alarm\""));
    // A regression has no classes to collapse.
    let said = said(&page, "expert.airborne", "layers");
    assert!(!said.contains("Neural collapse") && said.contains("Neural feature ansatz by layer"));
}

#[test]
fn a_comparison_gives_its_verdict_its_reason_and_both_references() {
    let page = page();
    let no = said(&page, "expert.departure", "comparisons");
    let yes = said(&page, "expert.slip_digit", "comparisons");
    let open = said(&page, "expert.newark", "comparisons");
    assert!(no.contains("yes: the same It agrees as well as two halves of the rows do."), "{no}");
    assert!(yes.contains("no: importances differ") && yes.contains("4.1°, 17.8°, 52.6°"), "{yes}");
    assert!(open.contains("cannot tell") && !open.contains("Other seeds"), "{open}");
    assert!(
        yes.contains(
            "Measure This Halves of rows Other seeds Cosine of importances 0.962 0.998 0.981"
        ),
        "{yes}"
    );
    let drawn = part(&page, "expert.slip_digit", "comparisons").unwrap();
    assert!(
        drawn.matches("class=\"halves\"").count() == 4
            && drawn.matches("class=\"seeds\"").count() == 4
    );
}

#[test]
fn a_cue_test_shows_the_metric_before_removed_permuted_and_swapped() {
    let page = page();
    let said = said(&page, "expert.departure", "cues");
    let hour = said.split("flights.hour 49,181 test rows ").nth(1).unwrap();
    let hour = hour.split(" All metrics").next().unwrap();
    insta::assert_snapshot!(hour, @"AUC Value Change as it is 0.753 removed 0.611 −0.142 −0.152 to −0.132 permuted 0.594 −0.160 −0.170 to −0.149 swapped 0.444 −0.309 −0.319 to −0.299");
    let drawn = part(&page, "expert.departure", "cues").unwrap();
    assert_eq!(drawn.matches("class=\"bar without\"").count(), 4 * 3);
    assert_eq!(drawn.matches("class=\"chance\"").count(), 4 * 4, "the constant baseline");
}

#[test]
fn provenance_says_how_far_labels_are_from_measurements() {
    let page = page();
    let said = said(&page, "expert.slip_digit", "provenance");
    assert!(
        said.contains(
            "2 · it is trained on what a model made that was itself trained on what a model made"
        ),
        "{said}"
    );
    assert!(said.contains("60 % , less than the 75 % that the pipeline asks for"), "{said}");
    assert!(said.contains("data.slips_written_by_model synthetic"));
    assert!(part(&page, "expert.slip_digit", "provenance").unwrap().contains("class=\"alarm\""));
    let said = self::said(&page, "expert.arrival", "provenance");
    assert!(said.contains("0 · all that it reads and predicts was measured"), "{said}");
}

#[test]
fn the_glossary_knows_every_word_that_is_linked_and_tells_the_two_collapses_apart() {
    let page = page();
    let glossary = &page[page.find("<section id=\"glossary\"").unwrap()..];
    let said = words(glossary);
    for word in [
        "Per-class AGOP",
        "Participation ratio",
        "Permuted labels",
        "Seeds",
        "Principal angles, overlap, cosine",
        "Neural feature ansatz",
        "Neural collapse, NC1 to NC4",
        "Weak slices, Holm's correction",
        "Cue test",
        "Attribution of a row",
        "Generation, measured share",
    ] {
        assert!(said.contains(word), "{word}");
    }
    let start = said.find("Neural collapse and model collapse").unwrap();
    let entry = said[start..].split("Generation, measured share").next().unwrap();
    assert_eq!(entry.matches('.').count(), 2, "two sentences: {entry}");
}

#[test]
fn the_page_of_the_sample_stays_small_enough_to_mail() {
    let size = page().len();
    assert!(size < 1_000_000, "{size} bytes");
}

fn measure(value: f64, low: f64, high: f64) -> Measure {
    Measure { value, interval: Some(Interval { low, high }) }
}

/// A gate over two experts that beats one control, loses to another and is even with a third.
fn gate() -> Combined {
    let figures = |load: [f64; 2]| RouteFigures {
        rows: 900,
        chosen: 1.0,
        load: load.to_vec(),
        importance: load.to_vec(),
        utilisation: 1.0,
        max_violation: 0.5,
        load_entropy: 0.81,
        decision_entropy: 0.02,
        dead: vec![],
    };
    let control = |name: &str, lead: Measure, pays| Control {
        against: std::collections::BTreeMap::new(),
        name: name.to_owned(),
        what: format!("the {name} control"),
        parameters: 1234,
        multiply_adds: 1000.0,
        metrics: vec![[("auc".to_owned(), 0.7), ("log_loss".to_owned(), 0.5)].into()],
        lead,
        over_rows: lead,
        worse_in_all: false,
        over: "seeds".to_owned(),
        pays,
        same: false,
    };
    let dependence =
        RouteDependence { nmi: 0.42, by_chance: 0.001, p_value: 0.005, permutations: 200 };
    let level = |level: &str, load| RouteLevel { level: level.to_owned(), figures: figures(load) };
    Combined {
        kind: "softmax".to_owned(),
        routing: Some(RoutingDiagnostics {
            experts: vec!["newark".to_owned(), "kennedy".to_owned()],
            loss: "log_loss".to_owned(),
            overall: figures([0.75, 0.25]),
            label: None,
            slices: vec![RouteColumn {
                name: "origin".to_owned(),
                dependence: Some(dependence),
                levels: vec![level("EWR", [0.99, 0.01]), level("JFK", [0.1, 0.9])],
            }],
            regret: None,
            values: vec![],
            disagreement: None,
        }),
        gate: None,
        loss: "log_loss".to_owned(),
        parameters: 4321,
        multiply_adds: 987.4,
        cascade: None,
        restarts: vec![],
        metrics: vec![[("auc".to_owned(), 0.71)].into(); 3],
        controls: vec![
            control("uniform", measure(0.02, 0.01, 0.03), Some(true)),
            control("dense", measure(-0.03, -0.04, -0.02), Some(false)),
            control("stack", measure(0.001, -0.01, 0.012), None),
            Control { same: true, ..control("active", measure(0.001, 0.0005, 0.0015), None) },
        ],
        verdict: vec!["The gate does not beat the dense control.".to_owned()],
    }
}

#[test]
fn a_gate_stands_beside_its_controls_with_wins_and_losses_alike() {
    let (_, page) = page_with(1, |node| node.combined = Some(gate()));
    let name = sample::report().nodes[1].name.clone();
    let said = said(&page, &name, "combined");
    for words in [
        "the uniform control the gate beats it",
        "the dense control the gate does not beat it: it is better",
        "the stack control no measurable difference",
        "the active control the same within the declared margin",
        "−0.0400 to −0.0200",
        "4,321 parameters",
        "987 multiply-adds a row",
        "over 3 seeds of everything in it, paired",
        "Even load by itself is no success",
        "normalised mutual information 0.420",
    ] {
        assert!(said.contains(words), "{words:?} is not in: {said}");
    }
    assert!(part(&page, &name, "composite").is_none());
}

#[test]
fn who_is_to_blame_is_told_by_upstream_and_a_missing_truth_is_no_number() {
    let composite = Composite {
        loss: "log_loss".to_owned(),
        pipeline: 0.2,
        oracle: Some(0.05),
        upstream: vec![
            UpstreamPart {
                name: "expert.heat".to_owned(),
                isolated: [("auc".to_owned(), 0.99)].into(),
                oracle: Some(0.15),
                ablated: 0.4,
                share: Some(0.25),
            },
            UpstreamPart {
                name: "gate.same_target".to_owned(),
                isolated: [("auc".to_owned(), 0.9)].into(),
                oracle: None,
                ablated: 0.3,
                share: None,
            },
        ],
    };
    let (_, page) = page_with(1, |node| node.composite = Some(composite));
    let name = sample::report().nodes[1].name.clone();
    let said = said(&page, &name, "composite");
    for words in [
        "heat 0.990 AUC 0.150 0.400 25 %",
        "same_target 0.900 AUC – 0.300 –",
        "0.0500 with the truth",
    ] {
        assert!(said.contains(words), "{words:?} is not in: {said}");
    }
}

#[test]
fn losses_of_fold_models_stand_between_training_and_test_rows() {
    let (_, page) = page_with(1, |node| {
        let mut folds = node.metrics["train"].clone();
        *folds.metrics.get_mut("log_loss").unwrap() = 0.987;
        node.out_of_fold = Some(folds);
    });
    let said = said(&page, "expert.departure", "metrics");
    assert!(said.contains("Overfitting or a shift?") && said.contains("0.987"), "{said}");
    let plain = words(part(&self::page(), "expert.departure", "metrics").unwrap());
    assert!(!plain.contains("Overfitting or a shift?"));
}

#[test]
fn a_mean_over_rotations_stands_for_an_expert_and_the_declared_split_beside_it() {
    let figure = |mean: f64, [low, high]: [f64; 2]| RotatedFigure {
        mean,
        interval: Some(Interval { low, high }),
        each: vec![mean - 0.01, mean, mean + 0.01],
    };
    let (report, page) = page_with(4, |node| {
        let auc = figure(0.7316, [0.7021, 0.7611]);
        node.headline = Some(Headline {
            metric: "auc".to_owned(),
            value: auc.mean,
            interval: auc.interval,
            instead_of: None,
            rotations: Some(3),
            split: Some(0.8125),
        });
        let linear = figure(0.0213, [-0.0042, 0.0468]);
        node.rotated = Some(RotatedNode {
            name: node.name.clone(),
            sides: vec![RotatedSides { train: 80, valid: 20, test: 50 }; 3],
            metrics: [("auc".to_owned(), auc)].into(),
            against: [("linear".to_owned(), [("auc".to_owned(), linear)].into())].into(),
            headline: node.headline.clone(),
            ..RotatedNode::default()
        });
    });
    let name = report.nodes[4].name.clone();
    let part = said(&page, &name, "rotated");
    for words in [
        "3 rotations",
        "mean 0.732 0.702 to 0.761",
        "less linear 0.021 -0.004 to 0.047 no measurable difference",
        "declared split",
        "150 rows were tested",
        "AUC of each: 0.722, 0.732, 0.742",
    ] {
        assert!(part.replace('−', "-").contains(words), "{words:?} is not in: {part}");
    }
    let of = "mean of 3 rotations; 0.812 on the test rows of the declared split";
    let first = overview(&page);
    assert!(first.contains(of), "{first}");
    // The verdict is that of the rotations: on the declared test rows it is better than the linear model.
    assert!(first.contains("no measurable difference from linear"), "{first}");
    // So are the figures of the table; of the log loss, which the rotations do not have, nothing is said.
    let row =
        "linear AUC ↑ higher is better 0.732 0.710 0.021 -0.004 to 0.047 no measurable difference";
    assert!(first.replace('−', "-").contains(row), "{first}");
    assert!(!first.contains("arrival linear Log loss"), "{first}");
    assert!(first.contains("mean of 3 rotations, paired rotation by rotation"), "{first}");
    let merit = said(&page, &name, "merit");
    assert!(merit.starts_with("On the test rows of the declared split"), "{merit}");
    assert!(!merit.contains("Verdict") && !merit.contains("no measurable"), "{merit}");
    let card = collegium_report::card(&report, &report.nodes[4]);
    assert!(
        card.contains("stands for it: AUC 0.732 (0.702 to 0.761), mean of 3 rotations"),
        "{card}"
    );
    assert!(!overview(&self::page()).contains("rotations"));
}

/// Page one.
fn overview(page: &str) -> String {
    let start = page.find("<section id=\"overview\"").unwrap();
    words(&page[start..start + page[start..].find("</section>").unwrap()])
}

#[test]
fn an_interval_over_seeds_says_so_and_a_mean_of_seeds_is_called_one() {
    let (report, page) = page_with(1, |node| {
        node.metrics.get_mut("test").unwrap().seeds = Some(4);
        let test = &node.metrics["test"];
        node.headline = Headline::of_measures(&node.task, 2, test);
    });
    assert!(said(&page, "expert.departure", "merit").contains("over rows and over 4 seeds"));
    let card = collegium_report::card(&report, &report.nodes[1]);
    assert!(card.contains("The figure that stands for it: AUC"), "{card}");
    assert!(card.contains("over rows and over 4 seeds"));
}
