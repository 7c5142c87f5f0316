//! Experts of every kind that a file can name, among others: what a change of them fits, and that every command knows
//! them. A kind that is added to `KINDS` is tested here without a line of its own.

use collegium_learn::DECLARED;
use collegium_records::FitName;
use serde_json::Value;

use crate::project::{PIPELINE, Project, all, node, standing, with_folds};

/// The small project with two of its three experts of a kind, one of which feeds another.
fn project(kind: &str) -> Project {
    let mlp = "model  = { type = \"mlp\", hidden = [8] }";
    let text = PIPELINE.replace(mlp, &format!("model  = {{ type = \"{kind}\" }}"));
    let (head, rest) = text.split_once("[expert.kind]").unwrap();
    let rest = rest.replacen(&format!("model  = {{ type = \"{kind}\" }}"), mlp, 1);
    let project = Project::in_memory();
    project.write("pipelines/small.toml", format!("{head}[expert.kind]{rest}"));
    project.write("pipelines/data/rows.csv", crate::project::rows(600));
    project
}

fn just(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn a_change_fits_what_it_reaches_whatever_the_kind() {
    for kind in DECLARED.kinds.iter().map(|kind| kind.name()) {
        let project = project(kind);
        let whole = all(&[with_folds("size"), with_folds("kind"), just(&["final: full"])]);
        assert_eq!(project.fitted(), whole, "{kind}: cold");
        assert_eq!(project.fitted(), just(&[]), "{kind}: nothing to do");
        project.to_expert("size", "where = \"a > -0.45\"");
        let above = all(&[with_folds("size"), just(&["final: full"])]);
        assert_eq!(project.fitted(), above, "{kind}: an upstream of this kind changed");
        project.to_expert("kind", "where = \"c > -0.45\"");
        let beside = all(&[with_folds("kind"), just(&["final: full"])]);
        assert_eq!(project.fitted(), beside, "{kind}: its other upstream changed");
        project.to_expert("final", "where = \"d > -0.45\"");
        assert_eq!(project.fitted(), just(&["final: full"]), "{kind}: it alone changed");
        assert_eq!(project.fitted_with(&["--force", "final"]), just(&["final: full"]), "{kind}");
    }
}

#[test]
fn any_number_of_jobs_gives_the_same_models_whatever_the_kind() {
    for kind in DECLARED.kinds.iter().map(|kind| kind.name()) {
        let of = |jobs: &str| {
            let project = project(kind);
            project.collegium(&["run", "--quiet", "--jobs", jobs]).ok();
            let nodes = project.lock().node;
            let models: Vec<_> =
                nodes.into_values().map(|node| (node.realisation, node.parts)).collect();
            models
        };
        assert_eq!(of("1"), of("4"), "{kind}");
    }
}

#[test]
fn every_command_knows_every_kind() {
    for kind in DECLARED.kinds.iter().map(|kind| kind.name()) {
        let project = project(kind);
        project.collegium(&["check"]).ok();
        let plan = project.collegium(&["plan", "--json"]).ok().json();
        assert!(node(&plan, "size")["peak_bytes"].as_u64().unwrap() > 0, "{kind}");
        project.collegium(&["run", "--quiet", "--audit"]).ok();
        project.collegium(&["status", "--check"]).ok();
        project.collegium(&["verify"]).ok();
        let shown = project.collegium(&["show", "pipelines/small.toml"]).ok().out;
        assert!(shown.contains(&format!("model = {{ type = \"{kind}\"")), "{kind}: {shown}");
        project.write("pipelines/shown.toml", shown.replace("\"small\"", "\"shown\""));
        let same = project.collegium(&["plan", "pipelines/shown.toml", "--json"]).ok().json();
        assert!(
            same["nodes"].as_array().unwrap().iter().all(|node| node["action"] == "cached"),
            "{kind}"
        );
        let rows = "pipelines/data/rows.csv";
        project.collegium(&["predict", "pipelines/small.toml", "-i", rows, "-o", "out.csv"]).ok();
        assert_eq!(project.read("out.csv").lines().count(), 601, "{kind}");
        project.collegium(&["evaluate", "pipelines/small.toml", "-i", rows]).ok();
        std::fs::remove_file(project.path("pipelines/shown.toml")).unwrap();
        project.to_expert("size", "where = \"a > -0.45\"");
        let why = project.collegium(&["why", "size", "--json"]).ok().json();
        assert!(why["changes"][0].is_object(), "{kind}: {why}");
    }
}

#[test]
fn experts_of_every_kind_are_combined_by_gates() {
    for kind in DECLARED.kinds.iter().map(|kind| kind.name()) {
        let project = project(kind);
        let text = project.read("pipelines/small.toml");
        let second = format!(
            "[expert.other]\ninputs = [\"rows.a\", \"rows.c\"]\ntarget = \"rows.kind\"\nmodel = {{ type = \"{kind}\" }}\n\n\
             [gate.mean]\nexperts = [\"kind\", \"other\"]\ntype = \"uniform\"\ntarget = \"rows.kind\"\n\n\
             [gate.route]\nexperts = [\"kind\", \"other\"]\ninputs = [\"rows.d\"]\ntarget = \"rows.kind\"\n\
             train = {{ epochs = 2, batch = 64 }}\n\n[evaluate]"
        );
        project.write("pipelines/small.toml", text.replace("[evaluate]", &second));
        let report = project.run(&[]);
        for name in ["mean", "route"] {
            assert_eq!(node(&report, name)["outcome"], "trained", "{kind}: {name}");
        }
        assert_eq!(project.fitted(), just(&[]), "{kind}");
    }
}

/// What an audit says of a model beside one that chance gives, and why there is none where there is none.
fn beside_chance(agop: &Value, who: &str) {
    let floor = &agop["noise_floor"];
    let untrained = floor["untrained"].as_array().unwrap();
    match floor["no_untrained"].as_str() {
        Some(why) => {
            assert!(untrained.is_empty() && why.contains("drawn at random"), "{who}: {floor}")
        }
        None => {
            let importance = agop["importance"].as_array().unwrap();
            assert_eq!(untrained.len(), importance.len(), "{who}: {floor}");
            let itself = importance.iter().zip(untrained).all(|(own, by)| own["share"] == *by);
            assert!(!itself || untrained.len() == 1, "{who} is compared with itself: {floor}");
        }
    }
}

#[test]
fn gates_over_experts_of_every_kind_are_audited() {
    for kind in DECLARED.kinds.iter().map(|kind| kind.name()) {
        let project = project(kind);
        let target = "target = \"rows.kind\"\nmodel = { type = ";
        let others = format!(
            "[expert.other]\ninputs = [\"rows.a\", \"rows.c\"]\n{target}\"{kind}\" }}\n\n\
             [expert.same]\ninputs = [\"rows.b\", \"rows.c\"]\n{target}\"{kind}\" }}\n\n\
             [gate.mean]\nexperts = [\"same\", \"other\"]\ntype = \"uniform\"\ntarget = \"rows.kind\"\n\n\
             [gate.route]\nexperts = [\"same\", \"other\"]\ninputs = [\"rows.d\"]\ntarget = \"rows.kind\"\n\
             train = {{ epochs = 2, batch = 64 }}\n\n[evaluate]"
        );
        let text = project.read("pipelines/small.toml");
        project.write("pipelines/small.toml", text.replace("[evaluate]", &others));
        project.run(&[]);
        let audit = project.collegium(&["audit", "--json", "-q"]).ok().json();
        let mut seen = 0;
        for expert in ["same", "other", "mean", "route"] {
            let audit = node(&audit, expert);
            let noun = audit["noun"].as_str().unwrap();
            assert!(!noun.is_empty() && noun == noun.to_lowercase(), "{kind}: {noun}");
            match audit["agop"].is_object() {
                true => beside_chance(&audit["agop"], &format!("{kind}: {expert}")),
                false => assert!(audit["withheld"].is_string(), "{kind}: {audit}"),
            }
            seen += usize::from(audit["agop"].is_object());
        }
        assert!(seen > 0, "{kind}: nothing was looked at");
        for gate in ["mean", "route"] {
            let combined = &node(&audit, gate)["combined"];
            let controls = combined["controls"].as_array().unwrap();
            let control = |name: &str| {
                let found = controls.iter().find(|control| control["name"] == name);
                found
                    .unwrap_or_else(|| panic!("{kind}: {gate} has no control `{name}`: {combined}"))
            };
            for name in ["best", "stack", "dense", "longer"] {
                assert!(control(name)["lead"]["value"].is_number(), "{kind}: {combined}");
            }
            let said = control("dense")["what"].as_str().unwrap();
            let size = control("dense")["parameters"].as_u64().unwrap();
            match said.contains("of the same total size") {
                // A unit more or less of a small network is much of it.
                true => {
                    let whole = combined["parameters"].as_u64().unwrap();
                    let factor = size as f64 / whole as f64;
                    assert!((0.5..2.0).contains(&factor), "{kind}: {gate}: {size} for {whole}");
                }
                false => assert!(said.contains("keeps rows") && size > 0, "{kind}: {said}"),
            }
            assert!(!combined["verdict"].as_array().unwrap().is_empty(), "{kind}: {combined}");
        }
        let page = "audited.html";
        project.collegium(&["audit", "mean", "route", "-q", "-o", page]).ok();
        assert!(project.read(page).contains("</html>"), "{kind}");
    }
}

/// A certificate or its refusal, never silence.
#[test]
fn reuse_judges_experts_of_every_kind_or_says_why_not() {
    for kind in DECLARED.kinds.iter().map(|kind| kind.name()) {
        let project = project(kind);
        project.to_expert("final", "reuse = { tolerance = 0.2 }");
        project.run(&[]);
        project.to_expert("size", "where = \"a > -0.45\"");
        let report = project.run(&[]);
        let last = node(&report, "final");
        let said = |key: &str| last[key].as_array().is_some_and(|all| !all.is_empty());
        let judged = last["certificate"].is_object() || last["judgement"].is_object();
        assert!(judged || said("reasons"), "{kind}: {last}");
        project.collegium(&["status", "--check"]).ok();
        assert_eq!(project.fitted(), just(&[]), "{kind}");
    }
}

/// The baseline of the same name is the same fit.
#[test]
fn a_linear_expert_is_the_linear_baseline() {
    let project = Project::in_memory();
    let mlp = "model  = { type = \"mlp\", hidden = [8] }";
    let text = PIPELINE.replacen(mlp, "model = { type = \"linear\" }", 1);
    project
        .write("pipelines/small.toml", text.replace("baselines = []", "baselines = [\"linear\"]"));
    project.write("pipelines/data/rows.csv", crate::project::rows(600));
    project.run(&[]);
    let lock = project.lock();
    let size = &lock.node["expert.size"];
    let [own, baseline] = [standing(size), size.parts[&FitName::Linear]];
    assert_eq!(own.realisation, baseline.realisation);
    assert_ne!(own.recipe, baseline.recipe);
}

#[test]
fn keys_that_a_linear_model_does_not_read_are_told() {
    let project = project("linear");
    let said = project.collegium(&["check"]).ok().err;
    assert!(said.contains("`train` has no effect on `size`"), "{said}");
    assert!(!said.contains("no effect on `kind`"), "{said}");
    project.edit_pipeline(
        "train  = { epochs = 4, batch = 32, learning_rate = 0.01 }\n\n[expert.kind]",
        "train = { class_weights = \"none\" }\n\n[expert.kind]",
    );
    let said = project.collegium(&["check"]).ok().err;
    assert!(!said.contains("no effect on `size`"), "{said}");
}

#[test]
fn a_linear_expert_has_no_embedding_and_no_hidden_layers() {
    let project = project("linear");
    project.edit_pipeline("\"size.value\"", "\"size.embedding\"");
    project.collegium(&["check"]).fails(3, &["`size` has no embedding"]);
    let project = Project::in_memory();
    project.write(
        "pipelines/small.toml",
        PIPELINE.replacen("type = \"mlp\", hidden = [8]", "type = \"linear\", hidden = [8]", 1),
    );
    project.collegium(&["check"]).fails(3, &["unknown key `hidden`", "`ridge`"]);
}

#[test]
fn a_model_of_another_type_inherits_no_keys() {
    let project = project("mlp");
    project.edit_pipeline(
        "[evaluate]",
        "[expert.plain]\nextends = \"expert.kind\"\nmodel = { type = \"linear\" }\n\n[evaluate]",
    );
    let shown = project.collegium(&["show", "plain"]).ok().out;
    assert!(shown.contains("model = { type = \"linear\", ridge = 0.0001 }"), "{shown}");
}
