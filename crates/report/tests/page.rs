//! The report: what must be on the page, and what must never be.

#![allow(clippy::unwrap_used, clippy::field_reassign_with_default, unreachable_pub)]

use std::collections::BTreeMap;
use std::time::Instant;

use collegium_records::{
    AuditReport, Candidate, Certificate, Confusion, DataSummary, Edge, Epoch, Interval, Standing,
    Verdict, Versions,
};
use collegium_report::html;

mod poison;
mod reading;
mod sample;

use reading::{attributes, sound, text, without_pictures};

fn empty() -> AuditReport {
    AuditReport {
        format_version: 1,
        pipeline: "empty".into(),
        created: String::new(),
        versions: Versions::default(),
        requirements: vec![],
        data: vec![],
        nodes: vec![],
        edges: vec![],
        price: None,
    }
}

#[test]
fn the_file_needs_nothing_but_itself() {
    let page = html(&sample::report());
    let page = page.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
    let pictures = attributes(&page, "src");
    assert!(pictures.len() > 10);
    assert!(pictures.iter().all(|source| source.starts_with("data:image/png;base64,")));
    let page = without_pictures(&page);
    for outside in ["http", "<script", "<link", "url(", "@import", "javascript:", " onclick"] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn every_expert_has_a_section_and_every_link_leads_somewhere() {
    let report = sample::report();
    let page = html(&report);
    sound(&page);
    for node in &report.nodes {
        assert!(
            page.contains(&format!("<section class=\"expert\" id=\"{}\"", node.name)),
            "{}",
            node.name
        );
        assert!(page.contains(&format!("href=\"#{}\"", node.name)));
    }
}

#[test]
fn the_same_record_gives_the_same_bytes() {
    assert_eq!(html(&sample::report()), html(&sample::report()));
}

#[test]
fn headings_go_down_one_step_at_a_time() {
    let page = html(&sample::report());
    let levels: Vec<u32> = page
        .split("<h")
        .skip(1)
        .filter_map(|rest| rest.chars().next().and_then(|c| c.to_digit(10)))
        .collect();
    assert_eq!(levels[0], 1);
    assert_eq!(levels.iter().filter(|level| **level == 1).count(), 1);
    assert!(levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "{levels:?}");
}

#[test]
fn page_one_says_what_is_required_what_needs_attention_and_how_everybody_does() {
    let page = html(&sample::report()).replace("<wbr>", "");
    let page = text(
        &["<tr", "<li", "<h3"].iter().fold(page, |page, tag| page.replace(tag, &format!("§{tag}"))),
    );
    let start = page.find("Summary arrival").unwrap();
    let end = page.find("Dependency graph").unwrap();
    insta::assert_snapshot!(page[start..end].replace(" § ", "\n"), @r#"
    Summary arrival has AUC 0.783 (0.774 to 0.793) on test rows: better than a linear model on the same inputs (AUC higher by 0.0461, 0.0414 to 0.0508; log loss lower by 0.023, 0.017 to 0.029). slip_digit has accuracy 0.826 (0.815 to 0.842) on test rows: better than a linear model on the same inputs (accuracy higher by 0.101, 0.095 to 0.108; log loss lower by 0.283, 0.269 to 0.296). 1 of 2 requirements is not met. 5 of 6 experts have skill on test rows (better than the constant baseline); 1 learned nothing .
    Requirements
    Required Measured Verdict
    airborne test r2 >= 0.95 0.987 met
    arrival test auc >= 0.80 0.783 not met
    Needs attention
    newark Its probabilities are off by 0.0712 on average (ECE).
    diverted It learned nothing: its test log loss of 0.0643 does not beat the 0.0614 of a constant prediction.
    slip_digit It knows its training rows better than new ones: log loss 0.230 on training rows, 0.468 on test rows.
    slip_digit 60 % of its training labels were measured; the pipeline requires 75 %. Looked for, without a warning: inputs that give the target away, outliers, missing classes; missing targets, test rows that a model has seen; experts worse than a baseline; harmful inputs; weak slices.
    Against one network, and against a linear model
    Node Baseline Metric Node Baseline Difference (95 %) Verdict
    arrival linear AUC ↑ higher is better 0.7829 0.7368 0.0461 0.0414 to 0.0508 better
    arrival linear Log loss ↓ lower is better 0.471 0.495 −0.023 −0.029 to −0.017 better
    slip_digit linear Accuracy ↑ higher is better 0.826 0.724 0.101 0.095 to 0.108 better
    slip_digit linear Log loss ↓ lower is better 0.468 0.751 −0.283 −0.296 to −0.269 better Difference: node − baseline, both on the same resampled test rows (paired). One network on all raw columns was not trained: evaluate.baselines = [&quot;single&quot;] trains it for experts that read others.
    Experts
    Expert Predicts On test rows Baselines Health Largest effects
    airborne flights.air_time regression R² 0.987 0.986 to 0.988 linear: R² 0.980 constant (mean): 0 better than linear in RMSE no warnings flights.distance +0.0448 flights.dest +0.00289 rise of RMSE
    departure flights.departs_late classification AUC 0.753 0.741 to 0.767 linear: AUC 0.703 constant: 0.500 better than linear in log loss no warnings flights.hour +0.0204 flights.month +0.00844 rise of log loss
    newark flights.departs_late classification AUC 0.750 0.736 to 0.765 linear: AUC 0.738 constant: 0.500 worse than linear in log loss 1 warning flights.hour +0.0230 flights.carrier +0.00948 rise of log loss
    diverted flights.diverted classification AUC 0.51 0.46 to 0.58 linear: AUC 0.50 constant: 0.50 no measurable difference from linear in log loss learned nothing withheld
    arrival flights.arrives_late classification AUC 0.783 0.774 to 0.793 linear: AUC 0.737 constant: 0.500 better than linear in log loss no warnings departure.logit +0.0270 flights.carrier +0.00786 rise of log loss
    slip_digit slips.digit classification Accuracy 0.826 0.815 to 0.842 linear: accuracy 0.724 constant: 0.102 better than linear in log loss 2 warnings slips.image +0.0420 slips.slant +0.00456 rise of log loss Largest effects: how much the metric rises on test rows when the input is shuffled among rows that are alike in the other inputs (RMSE in units of the target).
    Rows used and dropped
    on purpose dropped used
    Experts Rows of the table Left out by where No target On no side of the split Train Valid Test
    airborne, departure, diverted, arrival 327,346 flights 0 0 0 228,964 49,201 49,181
    newark where flights.origin = 'EWR' 327,346 flights 0 0 0 228,964 49,201 49,181
    slip_digit 327,346 slips 0 0 0 228,964 49,201 49,181 flights is split at random: 70 % training, 15 % validation, 15 % test; rows with equal date are on one side. 17 columns from data/flights.parquet , data/planes.parquet , data/weather.parquet . slips is split by column side : training train , validation valid , test test . 6 columns from data/slips.parquet .
    "#);
}

#[test]
fn page_one_names_the_versions_that_it_describes_for_people_and_for_programs() {
    let report = sample::report();
    let page = html(&report);
    let lock = report.versions.lock.unwrap();
    assert!(page.contains(&format!("<meta name=\"collegium-lock\" content=\"{lock}\">")));
    let model = format!("{} {}", report.nodes[1].name, report.nodes[1].realisation);
    assert!(page.contains(&model), "{model}");
    let said = text(&page);
    assert!(said.contains("Collegium 0.1.0, 3 February 2026"), "{said}");
    assert!(said.contains(&format!("Lock file {}", lock.short())));
    assert!(said.contains("Commit 0123456789ab"));
}

#[test]
fn a_missed_requirement_is_said_in_the_first_sentences() {
    let page = text(&html(&sample::report()));
    assert!(page.contains("1 of 2 requirements is not met."), "{page}");
    assert!(
        page.contains("arrival test auc &gt;= 0.80 0.783 not met")
            || page.contains("arrival test auc >= 0.80 0.783 not met")
    );
    let mut report = sample::report();
    report.requirements[1].met = true;
    assert!(text(&html(&report)).contains("All 2 requirements are met."));
    // The value alone meets it.
    report.requirements[1].interval = Some(Interval { low: 0.79, high: 0.84 });
    report.requirements[1].reaches = Some(collegium_records::Beyond::Below);
    let said = text(&html(&report));
    let of = "requirements are met, but the 95 % interval of 1 of them reaches beyond the bound.";
    assert!(
        said.contains(of) && said.contains("its 95 % interval reaches below the bound"),
        "{said}"
    );
    report.requirements[1].reaches = None;
    report.requirements[1].value = None;
    report.requirements[1].not_measured = Some("the test side is empty".into());
    report.requirements[1].met = false;
    assert!(text(&html(&report)).contains("the test side is empty not met"));
}

#[test]
fn the_graph_says_how_experts_feed_and_what_is_dashed_only_where_it_is_so() {
    let said = text(&html(&sample::report()));
    assert!(said.contains("consumers read out-of-fold outputs, of models that were not trained"));
    assert!(said.contains("Dashed: no skill"), "diverted has none");
    let mut report = sample::report();
    report.nodes.retain(|node| node.skill.beats_baseline);
    let last = report.edges.iter_mut().rfind(|edge| edge.fed.is_some()).unwrap();
    (last.fed, last.to) = (Some("in-sample".into()), "expert.last".into());
    let said = text(&html(&report));
    assert!(!said.contains("Dashed"));
    assert!(
        said.contains("last reads in-sample outputs, of the model that was trained on the same")
    );
}

#[test]
fn the_headline_says_what_there_is_against_each_simpler_model() {
    let mut report = sample::report();
    let node = report.nodes.iter_mut().find(|node| node.name == "expert.arrival").unwrap();
    let mut level = node.against["linear"].clone();
    for diff in level.values_mut() {
        diff.interval = Some(Interval { low: -0.001, high: 0.000_3 });
    }
    node.against.insert("single".into(), level.clone());
    node.against.insert("linear".into(), level);
    node.metrics.get_mut("test").unwrap().groups = Some(48);
    let said = text(&html(&report));
    let both = "no measurable difference in AUC or log loss from one network on all raw columns, and none from a \
                linear model on the same inputs.";
    assert!(said.contains(both), "{said}");
    assert!(
        said.contains("whole groups of date , 48 of them for arrival; single rows for slip_digit"),
        "{said}"
    );
    assert!(said.contains("−0.0010 to 0.0003 no measurable difference"), "{said}");
    // Better than one, worse than the other, with difference and interval.
    let node = report.nodes.iter_mut().find(|node| node.name == "expert.arrival").unwrap();
    for (name, sign) in [("single", 1.0), ("linear", -1.0)] {
        for (metric, diff) in node.against.get_mut(name).unwrap() {
            let up = if metric == "log_loss" { -sign } else { sign };
            let ends = [up * 0.01, up * 0.03];
            diff.difference = up * 0.02;
            diff.interval =
                Some(Interval { low: ends[0].min(ends[1]), high: ends[0].max(ends[1]) });
        }
    }
    let said = text(&html(&report));
    let apart = "better than one network on all raw columns (AUC higher by 0.020, 0.010 to 0.030; log loss lower by \
                 0.020, 0.010 to 0.030), and worse than a linear model on the same inputs (AUC lower by 0.020";
    assert!(said.contains(apart), "{said}");
}

#[test]
fn rows_are_accounted_for_by_reason_once_for_experts_of_the_same_rows() {
    let mut report = sample::report();
    let account = report.nodes[2].account.as_mut().unwrap();
    (account.filtered, account.without_target) = (100_000, 2_067);
    account.sides.insert("train".into(), 120_000);
    report.nodes[2].filter = Some("flights.origin = 'EWR'".into());
    let said = text(&html(&report));
    // 327,346 − 100,000 − 2,067 − (120,000 + 49,201 + 49,181) are on no side.
    let newark = "newark where flights.origin = 'EWR' 327,346 flights 100,000 2,067 6,897 120,000 49,201 49,181";
    assert!(said.contains(newark), "{said}");
    assert!(
        said.contains("airborne, departure, diverted, arrival 327,346 flights 0 0 0"),
        "{said}"
    );
    assert!(said.contains("flights is split at random: 70 % training"), "{said}");
}

#[test]
fn nothing_is_said_twice_on_the_page_of_an_expert() {
    let report = sample::report();
    let page = html(&report);
    for node in &report.nodes {
        let section = reading::words(reading::section(&page, &node.name));
        for finding in &node.findings {
            let plain =
                |text: &str| text.split('`').max_by_key(|part| part.len()).unwrap().to_owned();
            let texts = [Some(&finding.text), finding.detail.as_ref(), finding.next.as_ref()];
            for said in texts.into_iter().flatten().map(|text| plain(text)) {
                assert!(section.matches(said.trim()).count() <= 1, "{said}");
            }
        }
    }
}

#[test]
fn an_expert_that_learned_nothing_shows_the_reason_and_no_picture() {
    let report = sample::report();
    let page = html(&report);
    let start = page.find("id=\"expert.diverted\"").unwrap();
    let section = &page[start..start + page[start..].find("</section>").unwrap()];
    assert!(section.contains(report.nodes[3].withheld.as_deref().unwrap()));
    assert!(!section.contains("class=\"bars\"") && !section.contains("-spectrum"));
    let start = section.find("<p class=\"verdict alert\"").unwrap();
    let verdict = &section[start..start + section[start..].find("</p>").unwrap()];
    insta::assert_snapshot!(text(&format!("<body>{verdict}")), @"Learned nothing. On test rows it does not beat the constant baseline: log loss 0.0643 against 0.0614, a gain of −4.6 % (95 % interval −15.4 to 5.2 %).");
}

#[test]
fn an_input_not_above_noise_is_muted_in_words() {
    let page = html(&sample::report());
    assert!(page.contains("<tr class=\"muted\""));
    assert!(text(&page).contains("flights. wind_ speed no measurable effect"));
}

#[test]
fn verdicts_name_the_linear_baseline_when_it_is_as_good_or_better() {
    let mut report = sample::report();
    let node = &mut report.nodes[1];
    let test = node.metrics["test"].clone();
    node.baselines.get_mut("linear").unwrap().insert("test".into(), test);
    sample::compare(node);
    assert!(
        text(&html(&report)).contains("Beats a constant; no measurable difference from linear.")
    );
    let node = &mut report.nodes[1];
    node.baselines
        .get_mut("linear")
        .unwrap()
        .get_mut("test")
        .unwrap()
        .metrics
        .insert("log_loss".into(), 0.1);
    sample::compare(node);
    assert!(text(&html(&report)).contains("Beats a constant; worse than linear."));
    report.nodes[1].baselines.clear();
    report.nodes[1].against.clear();
    sound(&html(&report));
}

#[test]
fn nothing_in_a_record_is_taken_for_markup() {
    let mut report = sample::report();
    let evil = "<script>alert(\"x\")</script>&'\u{1}";
    report.pipeline = evil.into();
    report.created = evil.into();
    (report.versions.tool, report.versions.commit) = (evil.into(), Some(evil.into()));
    report.requirements[0].text = evil.into();
    report.data[0].split = evil.into();
    report.data[0].name = evil.into();
    report.data[0].files = vec![evil.into()];
    let node = &mut report.nodes[1];
    let name = format!("expert.{evil}");
    node.name = name.clone();
    node.task = "classification".into();
    for text in [&mut node.target, &mut node.model] {
        *text = evil.into();
    }
    node.inputs = vec![evil.into()];
    node.filter = Some(evil.into());
    node.classes = vec![evil.into(), evil.into()];
    node.confusion.as_mut().unwrap().classes = vec![evil.into(), evil.into()];
    node.findings[0].text = evil.into();
    node.agop.as_mut().unwrap().importance[0].input = evil.into();
    node.uses[0].inputs = vec![evil.into(), evil.into()];
    node.findings[0].detail = Some(evil.into());
    node.findings[0].next = Some(evil.into());
    node.metrics.get_mut("test").unwrap().metrics.insert(evil.into(), 1.0);
    for row in node.probe.rows.iter_mut() {
        (row.truth, row.predicted) = (evil.into(), evil.into());
        row.inputs[0].value = evil.into();
    }
    node.probe.cues[0].input = evil.into();
    node.probe.comparisons[0].what = evil.into();
    node.probe.comparisons[0].reason = evil.into();
    node.performance.classes[0].class = evil.into();
    node.performance.slices.as_mut().unwrap().slices[0].conditions = vec![evil.into()];
    report.nodes[5].probe.images[0].input = evil.into();
    report.nodes[5].probe.images[0].classes[0].0 = evil.into();
    report.nodes[5].provenance.as_mut().unwrap().notes = vec![evil.into()];
    report.nodes[3].withheld = Some(evil.into());
    report.edges.push(Edge {
        from: name,
        to: "expert.arrival".into(),
        inputs: vec![evil.into()],
        share: Some(0.1),
        fed: Some(evil.into()),
    });
    let page = html(&report);
    sound(&page);
    assert!(!page.contains("<script"));
}

#[test]
fn names_that_differ_only_in_odd_characters_keep_their_own_sections() {
    let mut report = sample::report();
    report.nodes[0].name = "expert.a b".into();
    report.nodes[1].name = "expert.a/b".into();
    report.nodes[2].name = "expert.a~20b".into();
    report.nodes[4].name = "overview".into();
    report.nodes[5].name = "e0-looks".into();
    sound(&html(&report));
}

#[test]
fn no_experts_and_no_data_still_make_a_page() {
    let page = html(&empty());
    sound(&page);
    assert!(text(&page).contains("This pipeline has no experts yet"));
    let mut report = empty();
    report.data = vec![DataSummary {
        name: "t".into(),
        rows: BTreeMap::new(),
        columns: 0,
        files: vec![],
        total: 0,
        split: String::new(),
        by: vec![],
        table: None,
    }];
    sound(&html(&report));
}

#[test]
fn numbers_that_are_not_finite_are_never_printed() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut report = sample::report();
        for node in &mut report.nodes {
            for split in node
                .metrics
                .values_mut()
                .chain(node.baselines.values_mut().flat_map(|by| by.values_mut()))
            {
                split.metrics.values_mut().for_each(|value| *value = bad);
                split
                    .intervals
                    .values_mut()
                    .for_each(|value| *value = Interval { low: bad, high: bad });
            }
            let skill = &mut node.skill;
            (skill.value, skill.baseline, skill.gain) = (bad, bad, bad);
            skill.gain_interval = Interval { low: bad, high: bad };
            node.epochs = vec![Epoch { train: bad, valid: bad }; 3];
            node.cost.seconds = bad;
            if let Some(agop) = &mut node.agop {
                agop.effective_rank = bad;
                agop.noise_floor.split_half_cosine = bad;
                agop.noise_floor.untrained_effective_rank = bad;
                agop.noise_floor.untrained.iter_mut().for_each(|value| *value = bad);
                agop.eigenvalues.iter_mut().for_each(|value| *value = bad);
                for row in agop.importance.iter_mut().chain(&mut agop.upstream) {
                    (row.share, row.low, row.high) = (bad, bad, bad);
                }
                poison::looks(agop, bad);
            }
            for effect in node.uses.iter_mut().filter_map(|one| one.effect.as_mut()) {
                (effect.cost, effect.direction) = (bad, Some(bad));
                effect.interval = Interval { low: bad, high: bad };
            }
            node.uses.iter_mut().for_each(|one| one.share = Some(bad));
            poison::performance(&mut node.performance, bad);
            poison::probe(&mut node.probe, bad);
            if let Some(provenance) = &mut node.provenance {
                (provenance.measured_share, provenance.least_measured) = (bad, Some(bad));
            }
            if let Some(curve) = &mut node.reliability {
                curve.ece = bad;
                curve.bins.iter_mut().for_each(|bin| (bin.predicted, bin.observed) = (bad, bad));
            }
        }
        report.edges.iter_mut().for_each(|edge| edge.share = Some(bad));
        report.requirements.iter_mut().for_each(|one| one.value = Some(bad));
        sound(&html(&report));
        for node in &report.nodes {
            let card = collegium_report::card(&report, node);
            assert!(!card.contains("NaN") && !card.contains("inf "), "{card}");
        }
    }
}

#[test]
fn the_largest_and_smallest_numbers_fit() {
    for value in [f64::MAX, f64::MIN_POSITIVE, -f64::MAX, 0.0, 1e-300] {
        let mut report = sample::report();
        for node in &mut report.nodes {
            for split in node.metrics.values_mut() {
                split.rows = u64::MAX;
                split.metrics.values_mut().for_each(|old| *old = value);
            }
            node.skill.gain = value;
            node.epochs = vec![Epoch { train: value, valid: -value }; 2];
            node.parameters = u64::MAX;
            node.multiply_adds = u64::MAX;
            node.cost.peak_bytes = u64::MAX;
            node.cost.seconds = value;
            if let Some(confusion) = &mut node.confusion {
                confusion.counts = vec![vec![u64::MAX; 2]; 2];
            }
            if let Some(agop) = &mut node.agop {
                agop.eigenvalues = vec![value.abs(); 3];
                agop.importance[0].share = value;
            }
        }
        report.data[0].rows.values_mut().for_each(|rows| *rows = u64::MAX);
        sound(&html(&report));
    }
}

#[test]
fn one_class_many_classes_and_ragged_tables_are_shown() {
    let mut report = sample::report();
    report.nodes[1].classes = vec!["only".into()];
    report.nodes[1].confusion =
        Some(Confusion { classes: vec!["only".into()], counts: vec![vec![0]] });
    report.nodes[1].reliability.as_mut().unwrap().bins.clear();
    report.nodes[2].classes = (0..40).map(|c| format!("c{c}")).collect();
    report.nodes[2].confusion = Some(Confusion {
        classes: report.nodes[2].classes.clone(),
        counts: (0..40)
            .map(|i| (0..40).map(|j| if i == j { 90 } else { (i * j) % 7 }).collect())
            .collect(),
    });
    report.nodes[4].confusion =
        Some(Confusion { classes: vec![], counts: vec![vec![1], vec![2, 3]] });
    let page = html(&report);
    sound(&page);
    assert!(text(&page).contains("The most frequent mistakes"));
    assert!(text(&page).contains("40 classes"));
}

#[test]
fn an_expert_of_which_nothing_is_known_has_a_section() {
    let mut report = sample::report();
    let node = &mut report.nodes[0];
    (node.metrics, node.baselines) = (BTreeMap::new(), BTreeMap::new());
    (node.inputs, node.epochs, node.findings) = (vec![], vec![], vec![]);
    (node.agop, node.withheld) = (None, None);
    let page = html(&report);
    sound(&page);
    assert!(text(&page).contains("Nothing was measured."));
    assert!(text(&page).contains("None was recorded for this expert."));
}

#[test]
fn many_inputs_fold_away() {
    let mut report = sample::report();
    let agop = report.nodes[0].agop.as_mut().unwrap();
    let one = agop.importance[0].clone();
    agop.importance = (0..200)
        .map(|i| {
            let mut row = one.clone();
            row.input = format!("flights.c{i}");
            row.share = 1.0 / 200.0;
            row
        })
        .collect();
    agop.noise_floor.untrained = vec![];
    let one = report.nodes[0].uses[0].clone();
    report.nodes[0].uses = vec![one; 200];
    let page = html(&report);
    sound(&page);
    assert!(text(&page).contains("180 more inputs, smaller effects"));
    assert!(text(&page).contains("175 more inputs, together 88 %"));
    assert!(page.contains("flights."));
}

#[test]
fn a_thousand_experts_are_written_in_reasonable_time() {
    let mut report = sample::report();
    let one = report.nodes[1].clone();
    report.nodes = (0..1000)
        .map(|i| {
            let mut node = one.clone();
            node.name = format!("expert.e{i}");
            node
        })
        .collect();
    report.edges = (0..1000)
        .map(|i| Edge {
            from: "data.flights".into(),
            to: format!("expert.e{i}"),
            inputs: vec![],
            share: Some(1.0),
            fed: None,
        })
        .collect();
    let begun = Instant::now();
    let page = html(&report);
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
    assert!(page.contains("id=\"expert.e999\""));
}

#[test]
fn an_expert_that_was_not_retrained_says_so_with_its_figures_and_whether_it_would_help() {
    let mut report = sample::report();
    let standing = Standing { recipe: report.nodes[0].recipe, realisation: report.nodes[0].recipe };
    let certificate = Certificate {
        verdict: Verdict::Keep,
        candidate: Candidate::Deployed,
        anchor: standing,
        anchor_parts: BTreeMap::new(),
        anchor_reads: BTreeMap::new(),
        rows_digest: standing.recipe,
        rows: 1234,
        groups: None,
        tolerance: 0.02,
        confidence: 0.95,
        loss: 0.5,
        increase: 0.001,
        bound: 0.004,
        budget: 0.01,
        rest: 0.0,
        certified: true,
        upstream_worse: false,
    };
    report.nodes[0].certificate = Some(certificate.clone());
    report.nodes[0].advice = Some("retraining gains no more than 0.1 %".to_owned());
    let page = html(&report);
    sound(&page);
    let page = text(&page);
    assert!(page.contains("Kept, not retrained:"), "{page}");
    let figures = "On 1,234 validation rows: loss +0.2 %; upper bound 0.8 % (budget 2.0 %), with 95 % confidence.";
    assert!(page.contains(figures), "{page}");
    assert!(page.contains("Would retraining help? Retraining gains no more than 0.1 %."), "{page}");
    report.nodes[0].certificate =
        Some(Certificate { verdict: Verdict::Patch, upstream_worse: true, ..certificate });
    let page = text(&html(&report));
    assert!(page.contains("Patched, not retrained:") && page.contains("would not recover it"));
}
