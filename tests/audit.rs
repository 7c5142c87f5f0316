//! The audit: what it prints, the page, its JSON.

use serde_json::Value;

use crate::project::{Project, uniform};

#[test]
fn an_audit_says_what_it_found_and_where_the_report_is() {
    let project = Project::ready();
    let said = project.collegium(&["audit"]).ok();
    assert!(said.out.contains("report: .collegium/reports/small.html"), "{}", said.out);
    let page = project.read(".collegium/reports/small.html");
    assert!(page.starts_with("<!DOCTYPE html>"), "{}", &page[..200.min(page.len())]);
    for alien in ["<script src", "http://", "https://", "<link "] {
        let found = page.match_indices(alien).filter(|(at, _)| {
            // Namespaces are names, not addresses that are loaded.
            !page[..*at].ends_with("xmlns=\"")
        });
        assert_eq!(found.count(), 0, "{alien} in the page");
    }
    project.collegium(&["audit", "size", "-o", "size.html"]).ok();
    assert!(project.path("size.html").is_file() && project.path("size.json").is_file());
}

#[test]
fn an_audit_of_what_is_not_up_to_date_says_what_to_do() {
    Project::new()
        .collegium(&["audit"])
        .fails(2, &["not up to date: expert.size", "collegium run"]);
}

#[test]
fn the_json_of_an_audit_keeps_its_contract() {
    let project = Project::new();
    project.edit_pipeline("baselines = []", "baselines = [\"majority\", \"linear\"]");
    project.collegium(&["run", "-q"]).ok();
    let audit = project.collegium(&["audit", "--json", "-q"]).ok().json();
    assert_eq!(audit["format_version"], 1);
    for node in audit["nodes"].as_array().unwrap() {
        let classifies = node["name"] != "expert.size";
        let task = if classifies { "classification" } else { "regression" };
        assert_eq!(node["task"], task);
        assert!(node["metrics"]["test"].is_object(), "{node}");
        assert_eq!(node["confusion"].is_null(), !classifies, "{node}");
        let skill = &node["skill"];
        assert!(skill["metric"].is_string() && skill["value"].is_number(), "{skill}");
        assert!(skill["baseline"].is_number() && skill["beats_baseline"].is_boolean(), "{skill}");
        let agop = &node["agop"];
        assert_eq!(agop["output"], if classifies { "logit" } else { "value" });
        assert!(agop["rows"].is_u64() && agop["eigenvalues"].is_array(), "{agop}");
        assert!(agop["effective_rank"].is_number() && agop["noise_floor"].is_object(), "{agop}");
        let importance = agop["importance"].as_array().unwrap();
        let shares: Vec<f64> = importance.iter().map(|i| i["share"].as_f64().unwrap()).collect();
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{shares:?}");
        assert!(shares.windows(2).all(|pair| pair[0] >= pair[1]), "{shares:?}");
        for one in importance {
            assert!(one["input"].is_string() && one["low"].as_f64() <= one["high"].as_f64());
        }
    }
}

#[test]
fn an_audit_of_what_did_not_change_is_byte_for_byte_the_same() {
    let (one, two) = (Project::ready(), Project::ready());
    let audit = |project: &Project| {
        let mut audit = project.collegium(&["audit", "--json", "-q"]).ok().json();
        audit["created"] = Value::Null;
        audit
    };
    let first = audit(&one);
    assert_eq!(first, audit(&two));
    assert_eq!(first, audit(&one));
}

/// A project whose experts have learned something, audited with more settings.
fn learned(settings: &str) -> Project {
    let project = Project::new();
    project.edit_pipeline("epochs = 4", "epochs = 40");
    project.edit_pipeline("rows = 100\nbootstrap = 5\n", settings);
    project.collegium(&["run", "-q"]).ok();
    project
}

fn audited(project: &Project, args: &[&str]) -> Value {
    let args: Vec<&str> = ["audit", "--json", "-q"].iter().chain(args).copied().collect();
    project.collegium(&args).ok().json()
}

fn of<'a>(audit: &'a Value, name: &str) -> &'a Value {
    audit["nodes"].as_array().unwrap().iter().find(|node| node["name"] == name).unwrap()
}

#[test]
fn refits_are_fitted_once_and_cached_like_any_fit() {
    let project = learned("rows = 100\nbootstrap = 5\nseeds = 2\npermuted = 1\n");
    let objects = project.objects();
    let first = audited(&project, &[]);
    let more = project.objects();
    assert!(more.len() > objects.len(), "refits are objects");
    let agop = &of(&first, "expert.size")["agop"];
    assert_eq!(agop["noise_floor"]["seeds"]["of"], 3);
    assert_eq!(agop["noise_floor"]["permuted"]["fits"], 1);
    for one in agop["importance"].as_array().unwrap() {
        let (share, band) = (one["share"].as_f64().unwrap(), &one["seeds"]);
        assert!(band["low"].as_f64().unwrap() <= share && share <= band["high"].as_f64().unwrap());
        assert!(one["agreement"].as_f64().unwrap() <= 1.0 + 1e-9);
    }
    assert_eq!(of(&first, "expert.size")["probe"]["seeds"].as_array().unwrap().len(), 3);
    // Of the same files nothing is left to fit, and nothing comes out otherwise.
    let again = audited(&project, &["--jobs", "3"]);
    assert_eq!(project.objects(), more);
    assert_eq!(again["nodes"], first["nodes"]);
    // A run and its lock know nothing of them.
    assert_eq!(project.fitted(), Vec::<String>::new());
}

#[test]
fn one_job_and_four_audit_alike() {
    let settings = "rows = 100\nbootstrap = 5\nseeds = 1\n";
    let (one, four) = (learned(settings), learned(settings));
    let (a, b) = (audited(&one, &["--jobs", "1"]), audited(&four, &["--jobs", "4"]));
    let strip = |audit: &Value| {
        let mut nodes = audit["nodes"].clone();
        for node in nodes.as_array_mut().unwrap() {
            // What the fits cost differs from run to run.
            node["cost"] = Value::Null;
        }
        nodes
    };
    assert_eq!(strip(&a), strip(&b));
    assert_eq!(one.objects(), four.objects());
}

#[test]
fn raw_columns_are_seen_through_the_experts_above() {
    let project = learned("rows = 100\nbootstrap = 5\n");
    let audit = audited(&project, &[]);
    assert!(of(&audit, "expert.size")["probe"]["raw"].is_null(), "it reads columns itself");
    let raw = &of(&audit, "expert.final")["probe"]["raw"];
    let inputs: Vec<&str> = raw["importance"]
        .as_array()
        .unwrap()
        .iter()
        .map(|i| i["input"].as_str().unwrap())
        .collect();
    for column in ["rows.a", "rows.b", "rows.c", "rows.d"] {
        assert!(inputs.contains(&column), "{column} in {inputs:?}");
    }
    let both: Vec<&str> =
        raw["through"]["rows.b"].as_array().unwrap().iter().map(|e| e.as_str().unwrap()).collect();
    assert_eq!(both, ["expert.kind", "expert.size"]);
    assert!(raw["through"]["rows.d"].is_null(), "it is read directly");
    let shares = raw["importance"].as_array().unwrap().iter().map(|i| i["share"].as_f64().unwrap());
    assert!((shares.sum::<f64>() - 1.0).abs() < 1e-9);
}

#[test]
fn an_input_is_taken_from_the_whole_pipeline() {
    let project = learned("rows = 100\nbootstrap = 5\n");
    let said = project.collegium(&["audit", "final", "--without", "rows.b", "-q"]).ok();
    assert!(said.out.contains("without rows.b (in every expert), on "), "{}", said.out);
    assert!(said.out.contains("permuted"), "{}", said.out);
    let audit = audited(&project, &["--without", "rows.b"]);
    let cue = &of(&audit, "expert.final")["probe"]["cues"][0];
    let loss = &cue["permuted"]["log_loss"];
    assert!(loss["difference"].as_f64().unwrap() > 0.0, "it is used two experts up: {loss}");
    let without = |name: &str| of(&audit, name)["probe"]["cues"][0]["input"].clone();
    assert_eq!(without("expert.kind"), "rows.b (in every expert)");
    assert_eq!(without("expert.final"), "rows.b (in every expert)");
    project
        .collegium(&["audit", "--without", "rows.bb"])
        .fails(2, &["no audited expert reads `rows.bb`", "did you mean `rows.b`?"]);
    project
        .collegium(&["audit", "--without", "rows.b[0:2, 0:2]"])
        .fails(2, &["`rows.b` is no image"]);
    project.collegium(&["audit", "--without", "rows.b[2]"]).fails(2, &["a region of an image"]);
}

#[test]
fn rows_that_are_asked_for_are_explained_first() {
    let project = learned("rows = 100\nbootstrap = 5\n");
    let audit = audited(&project, &["size", "--rows", "7,3"]);
    let rows = of(&audit, "expert.size")["probe"]["rows"].as_array().unwrap().clone();
    assert_eq!((&rows[0]["row"], &rows[0]["why"]), (&7.into(), &"asked for".into()));
    assert_eq!(rows[1]["row"], 3);
    assert!(rows.len() > 2, "besides those that tell the most");
    let weights = rows[0]["inputs"].as_array().unwrap();
    assert!((weights[0]["weight"].as_f64().unwrap().abs() - 1.0).abs() < 1e-9, "{weights:?}");
    project.collegium(&["audit", "--rows", "600"]).fails(2, &["row 600", "rows 0 to 599"]);
}

#[test]
fn of_an_expert_that_learned_nothing_there_is_no_picture() {
    let project = Project::new();
    // Labels that belong to other rows.
    project.map_column("size", |value| {
        let number: f64 = value.parse().unwrap();
        format!("{}", (number * 1e6).sin())
    });
    project.collegium(&["run", "size", "-q"]).ok();
    let audit = audited(&project, &["size"]);
    let node = of(&audit, "expert.size");
    assert_eq!(node["skill"]["beats_baseline"], false);
    assert!(node["agop"].is_null());
    assert!(node["withheld"].as_str().unwrap().contains("it learned nothing"));
    let probe = &node["probe"];
    assert!(probe["raw"].is_null());
    for part in ["rows", "layers", "images", "comparisons", "cues"] {
        assert_eq!(probe[part].as_array().unwrap().len(), 0, "{part}");
    }
}

#[test]
fn every_expert_gets_a_model_card() {
    let project = Project::ready();
    project.collegium(&["audit", "-q"]).ok();
    for name in ["size", "kind", "final"] {
        let card = project.read(&format!(".collegium/reports/small.cards/{name}.md"));
        assert!(card.starts_with("---\n") && card.contains("library_name: collegium"), "{card}");
    }
}

#[test]
fn hidden_layers_and_their_weights_are_measured() {
    let project = learned("rows = 100\nbootstrap = 5\n");
    let audit = audited(&project, &[]);
    let layers = of(&audit, "expert.kind")["probe"]["layers"].as_array().unwrap().clone();
    assert_eq!(layers.len(), 1);
    // Four members of eight units are one network.
    assert_eq!(layers[0]["units"], 32);
    for side in ["collapse_train", "collapse_test"] {
        assert!(layers[0][side]["nc1"].as_f64().unwrap() > 0.0, "{side}");
        assert!(layers[0][side]["nc3"].is_number(), "the head reads this layer");
    }
    let ansatz = &layers[0]["ansatz"];
    assert!(ansatz["initial"].is_number() && ansatz["change"].is_number(), "{ansatz}");
    let size = &of(&audit, "expert.size")["probe"]["layers"][0];
    assert!(size["collapse_train"].is_null(), "a regression has no classes");
}

/// What the audit says of the one expert of a table of numbers, `id` first and the target last.
fn sentences(rows: &str, inputs: &[&str]) -> Vec<String> {
    let project = Project::new();
    project.write("pipelines/data/rows.csv", rows);
    let inputs: Vec<String> = inputs.iter().map(|input| format!("rows.{input}")).collect();
    let pipeline = format!(
        "[pipeline]\nname = \"small\"\nseed = 3\n\n[data.rows]\npath = \"data/rows.csv\"\n\
         split = {{ train = 0.5, valid = 0.1, test = 0.4, by = [\"id\"] }}\n\n[expert.y]\n\
         inputs = {inputs:?}\ntarget = \"rows.y\"\nmodel = {{ type = \"mlp\", hidden = [16] }}\n\
         train = {{ epochs = 30, batch = 32, learning_rate = 0.01 }}\n\n[evaluate]\nbaselines = []\n"
    );
    project.write("pipelines/small.toml", &pipeline);
    project.collegium(&["run", "-q"]).ok();
    let audit = audited(&project, &[]);
    let findings = of(&audit, "expert.y")["findings"].as_array().unwrap().clone();
    let said = findings.iter().map(|finding| {
        let part = |key: &str| finding[key].as_str().unwrap_or_default();
        format!("{} {}", part("text"), part("detail"))
    });
    said.collect()
}

/// Some rows of numbers that a generator gives, with their id.
fn table(head: &str, count: usize, row: impl Fn(&mut dyn FnMut() -> f64) -> Vec<f64>) -> String {
    let mut uniform = uniform(777);
    let mut normal = || {
        let mut sum = -6.0;
        for _ in 0..12 {
            sum += uniform();
        }
        sum
    };
    let mut text = format!("id,{head}\n");
    for id in 0..count {
        let values: Vec<String> = row(&mut normal).iter().map(f64::to_string).collect();
        text.push_str(&format!("{id},{}\n", values.join(",")));
    }
    text
}

#[test]
fn an_input_is_used_if_it_does_what_the_others_do_not() {
    let rows = table("cause,copy,idle,y", 2_000, |normal| {
        let cause = normal();
        let (copy, idle) = (0.85 * cause + 0.53 * normal(), normal());
        vec![cause, copy, idle, (2.0 * cause).sin() + 0.3 * normal()]
    });
    let said = sentences(&rows, &["cause", "copy", "idle"]);
    let uses = said.iter().find(|text| text.starts_with("It uses ")).unwrap();
    let (used, worth) = uses.split_once(". ").unwrap();
    assert_eq!(used, "It uses rows.cause", "{said:?}");
    assert!(
        worth.starts_with("Rise of RMSE when shuffled within similar rows: rows.cause "),
        "{said:?}"
    );
    for other in ["rows.copy", "rows.idle"] {
        let without =
            ["No measurable effect", "High sensitivity, no measurable effect", "Prox", "rows."];
        let found = said.iter().filter(|text| without.iter().any(|head| text.starts_with(head)));
        assert!(found.into_iter().any(|text| text.contains(other)), "{other}: {said:?}");
    }
}

#[test]
fn of_two_inputs_that_say_the_same_one_or_the_other_is_used() {
    let rows = table("one,other,idle,y", 1_000, |normal| {
        let one = normal();
        let (other, idle) = (one + 0.02 * normal(), normal());
        vec![one, other, idle, one + 0.3 * normal()]
    });
    let said = sentences(&rows, &["one", "other", "idle"]);
    let uses = said.iter().find(|text| text.starts_with("It uses ")).unwrap();
    let either = ["rows.one or rows.other", "rows.other or rows.one"];
    assert!(either.iter().any(|names| uses.contains(names)), "{said:?}");
    assert!(uses.contains("(correlated; as one)"), "{said:?}");
}

#[test]
fn an_input_that_two_others_determine_together_is_not_called_noise() {
    let rows = table("a,b,sum,idle,y", 1_000, |normal| {
        let (a, b, idle) = (normal(), normal(), normal());
        vec![a, b, a + b, idle, a + b + 0.3 * normal()]
    });
    let said = sentences(&rows, &["sum", "a", "b", "idle"]);
    let uses = said.iter().find(|text| text.starts_with("It uses ")).unwrap();
    let used = uses.split(". ").next().unwrap();
    assert!(used.contains("rows.sum") && !used.contains("rows.idle"), "{said:?}");
    assert!(said.iter().any(|text| text.starts_with("The other inputs determine ")), "{said:?}");
}

#[test]
fn an_expert_is_measured_alike_whoever_else_is_audited_and_the_whole_report_stays() {
    let project = learned("rows = 100\nbootstrap = 5\n");
    let whole = audited(&project, &[]);
    let page = project.read(".collegium/reports/small.html");
    let fresh = learned("rows = 100\nbootstrap = 5\n");
    let alone = audited(&fresh, &["kind"]);
    let strip = |audit: &Value| {
        let mut node = of(audit, "expert.kind").clone();
        node["cost"] = Value::Null;
        node["probe"]["comparisons"] = Value::Null;
        node
    };
    assert_eq!(strip(&whole), strip(&alone));
    let said = project.collegium(&["audit", "kind", "-q"]).ok();
    assert!(said.out.contains("report: .collegium/reports/small.kind.html"), "{}", said.out);
    assert_eq!(project.read(".collegium/reports/small.html"), page);
}

#[test]
fn a_run_with_an_audit_says_what_needs_attention() {
    let project = Project::new();
    project.map_column("size", |value| {
        let number: f64 = value.parse().unwrap();
        format!("{}", (number * 1e6).sin())
    });
    let said = project.collegium(&["run", "size", "--audit", "-q"]).ok();
    assert!(said.out.contains("! expert.size: It learned nothing"), "{}", said.out);
}

#[test]
fn the_audit_says_a_line_for_each_finding_and_figures_and_ways_out_if_asked() {
    let project = learned("rows = 100\nbootstrap = 5\n");
    let audit = audited(&project, &[]);
    let brief = project.collegium(&["audit", "-q"]).ok().out;
    let whole = project.collegium(&["audit", "-q", "-v"]).ok().out;
    let mut details = 0;
    for node in audit["nodes"].as_array().unwrap() {
        for finding in node["findings"].as_array().unwrap() {
            let text = finding["text"].as_str().unwrap();
            assert!(brief.contains(text) && whole.contains(text), "{text}: {brief}");
            for key in ["detail", "next"] {
                let Some(more) = finding[key].as_str() else { continue };
                assert!(!brief.contains(more) && whole.contains(more), "{more}: {whole}");
                details += 1;
            }
        }
    }
    assert!(details > 0, "{audit:#}");
}

#[test]
fn a_page_of_older_models_is_told_by_status() {
    let project = learned("rows = 100\nbootstrap = 5\n");
    audited(&project, &[]);
    let status = project.collegium(&["status", "--json"]).ok().json();
    assert_eq!(status["reports"][0]["name"], "small.html", "{status:#}");
    assert_eq!(status["reports"][0]["older"].as_array().unwrap().len(), 0, "{status:#}");
    assert!(!project.collegium(&["status"]).ok().out.contains("older models"));
    project.edit_pipeline("hidden = [8]", "hidden = [7]");
    project.collegium(&["run", "-q"]).ok();
    let status = project.collegium(&["status", "--json"]).ok().json();
    assert!(!status["reports"][0]["older"].as_array().unwrap().is_empty(), "{status:#}");
    let said = project.collegium(&["status"]).ok().out;
    assert!(said.contains("small.html describes older models of "), "{said}");
    audited(&project, &[]);
    assert!(!project.collegium(&["status"]).ok().out.contains("older models"));
}

#[test]
fn the_audit_holds_the_requirements_against_its_own_figures_and_says_what_it_describes() {
    let project = Project::new();
    project.edit_pipeline(
        "baselines = []",
        "baselines = []\nrequire = [\"expert.size test r2 >= -9\", \"expert.size test rmse < 0\"]",
    );
    assert_eq!(project.collegium(&["run", "-q"]).code, 6);
    let audit = project.collegium(&["audit", "--json", "-q"]).ok().json();
    let [met, missed] = audit["requirements"].as_array().unwrap().as_slice() else { panic!() };
    let test = &of(&audit, "expert.size")["metrics"]["test"]["metrics"];
    assert_eq!((&met["value"], &missed["value"]), (&test["r2"], &test["rmse"]));
    assert_eq!((&met["met"], &missed["met"]), (&Value::Bool(true), &Value::Bool(false)));
    let lock = collegium_digest::Digest::of(project.read("pipelines/small.lock").as_bytes());
    assert_eq!(audit["versions"]["lock"], lock.to_string());
    assert_eq!(audit["versions"]["tool"], env!("CARGO_PKG_VERSION"));
    assert!(audit["data"][0]["split"].as_str().unwrap().starts_with("at random: 70 % training"));
    let page = project.read(".collegium/reports/small.html");
    assert!(
        page.contains("1 of 2") && page.contains("not met") && page.contains(&lock.to_string())
    );
    assert!(project.read(".collegium/reports/small.cards/size.md").contains("**not met**"));
}

#[test]
fn a_requirement_that_is_met_by_its_value_alone_says_that_the_interval_reaches_beyond_the_bound() {
    let project = Project::new();
    project.collegium(&["run", "-q"]).ok();
    let audit = project.collegium(&["audit", "--json", "-q"]).ok().json();
    let test = &of(&audit, "expert.size")["metrics"]["test"];
    let (value, range) = (test["metrics"]["rmse"].as_f64().unwrap(), &test["intervals"]["rmse"]);
    let high = range["high"].as_f64().unwrap();
    assert!(value < high, "{test}");
    let (close, far) = ((value + high) / 2.0, high + 1.0);
    let asked = |bound: f64| format!("expert.size test rmse <= {bound}");
    project.edit_pipeline(
        "baselines = []",
        &format!("baselines = []\nrequire = [{:?}, {:?}]", asked(close), asked(far)),
    );
    let said = project.collegium(&["audit"]).ok().out;
    let doubt = "its 95 % interval reaches above the bound";
    let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(flat.matches(doubt).count(), 1, "{said}");
    assert!(flat.contains("looked for, without a warning: "), "{said}");
    let audit = project.collegium(&["audit", "--json", "-q"]).ok().json();
    let [near, safe] = audit["requirements"].as_array().unwrap().as_slice() else { panic!() };
    assert_eq!((&near["met"], &safe["met"]), (&Value::Bool(true), &Value::Bool(true)));
    assert_eq!((&near["reaches"], &near["interval"]), (&Value::from("above"), range));
    assert!(safe["reaches"].is_null(), "{safe}");
    let notes = of(&audit, "expert.size")["findings"].as_array().unwrap();
    let note = notes.iter().find(|note| note["text"].as_str().unwrap().contains(doubt)).unwrap();
    assert_eq!(note["level"], "note");
    assert!(project.read(".collegium/reports/small.html").contains(doubt));
    assert!(
        project.read(".collegium/reports/small.cards/size.md").contains(&format!("met; {doubt}"))
    );
}

#[test]
fn a_row_that_is_asked_for_is_explained_on_the_terminal_too() {
    let project = learned("rows = 100\nbootstrap = 5\n");
    let said = project.collegium(&["audit", "kind", "--rows", "7", "-q"]).ok();
    let line = said.out.lines().find(|line| line.contains("row 7: predicted ")).unwrap();
    assert!(line.contains("in truth") && line.contains("rows.b = "), "{line}");
}

#[test]
fn an_expert_is_compared_with_its_baselines_on_the_same_rows_and_the_sentence_agrees_with_the_interval()
 {
    let project = Project::new();
    project.edit_pipeline("epochs = 4", "epochs = 40");
    project.edit_pipeline("baselines = []", "baselines = [\"majority\", \"linear\", \"single\"]");
    project.collegium(&["run", "-q"]).ok();
    let audit = project.collegium(&["audit", "--json", "-q"]).ok().json();
    let mut compared = 0;
    for node in audit["nodes"].as_array().unwrap() {
        let loss = if node["task"] == "regression" { "rmse" } else { "log_loss" };
        let findings: Vec<&str> = node["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|finding| finding["text"].as_str().unwrap())
            .collect();
        for (name, what) in [
            ("linear", "a linear model on the same inputs"),
            ("single", "one network on all raw columns"),
        ] {
            let diff = &node["against"][name][loss];
            // One network on all raw columns is no other model where an expert reads just these.
            if diff.is_null() {
                assert!(node["baselines"][name].is_null(), "{}", node["name"]);
                continue;
            }
            let number = |key: &str| diff[key].as_f64().unwrap();
            let ours = node["metrics"]["test"]["metrics"][loss].as_f64().unwrap();
            let theirs = node["baselines"][name]["test"]["metrics"][loss].as_f64().unwrap();
            assert_eq!((number("after"), number("before")), (ours, theirs), "{}", node["name"]);
            assert!((number("difference") - (ours - theirs)).abs() < 1e-12, "{diff}");
            let bound = |key: &str| diff["interval"][key].as_f64().unwrap();
            let says = match (bound("low"), bound("high")) {
                (_, high) if high < 0.0 => "It beats",
                (low, _) if low > 0.0 => "It does worse than",
                _ => "No measurable difference from",
            };
            if node["skill"]["beats_baseline"] == true {
                let wanted = format!("{says} {what}: test ");
                assert!(
                    findings.iter().any(|text| text.starts_with(&wanted)),
                    "{wanted} {findings:?}"
                );
                compared += 1;
            }
        }
    }
    assert!(compared > 0, "no expert has skill");
}
