//! Gates and mixtures: what a change of them or of their experts fits, and what they refuse.

use crate::project::{Project, all, fitted, node, with_folds};

/// Eight experts of one target, and a gate over them; `GATE` stands for its type.
fn eight(gate: &str) -> String {
    let mut text =
        "[pipeline]\nname = \"small\"\nseed = 3\n\n[data.rows]\npath = \"data/rows.csv\"\n\
        split = { train = 0.7, valid = 0.15, test = 0.15, by = [\"id\"] }\n"
            .to_owned();
    for n in 0..8 {
        let [one, two] = [n % 4, (n + 1) % 4].map(|at| ["a", "b", "c", "d"][at]);
        let rate = 0.01 + 0.001 * n as f64;
        // A mixture begins with two of them.
        let plain = match n {
            0 | 4 => "members = 1\nencode = { numbers = [\"standard\"] }\n",
            _ => "",
        };
        text += &format!(
            "\n[expert.e{n}]\ninputs = [\"rows.{one}\", \"rows.{two}\"]\ntarget = \"rows.kind\"\n\
             model = {{ hidden = [4] }}\ntrain = {{ epochs = 2, batch = 64, learning_rate = {rate} }}\n{plain}"
        );
    }
    let experts: Vec<String> = (0..8).map(|n| format!("\"e{n}\"")).collect();
    text + &format!(
        "\n[gate.g]\nexperts = [{}]\ntarget = \"rows.kind\"\n{gate}\n\n[evaluate]\nbaselines = []\n\n\
         [audit]\nrows = 50\nbootstrap = 3\n",
        experts.join(", ")
    )
}

const SOFTMAX: &str = "inputs = [\"rows.b\", \"rows.c\"]\ntemperature = 1.0\n\
                       train = { epochs = 3, batch = 64 }";

fn project(text: &str) -> Project {
    let project = Project::in_memory();
    project.write("pipelines/small.toml", text);
    project.write("pipelines/data/rows.csv", crate::project::rows(400));
    project
}

fn just(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn changing_one_expert_of_eight_fits_it_its_folds_and_the_gate() {
    let project = project(&eight(SOFTMAX));
    let cold: Vec<Vec<String>> = (0..8).map(|n| with_folds(&format!("e{n}"))).collect();
    assert_eq!(project.fitted(), all(&[all(&cold), just(&["gate.g: full"])]));
    assert_eq!(project.fitted(), just(&[]));
    project.edit_pipeline("learning_rate = 0.013", "learning_rate = 0.05");
    assert_eq!(project.fitted(), all(&[with_folds("e3"), just(&["gate.g: full"])]));
}

#[test]
fn a_gates_own_settings_fit_the_gate_alone() {
    let project = project(&eight(SOFTMAX));
    project.fitted();
    project.edit_pipeline("temperature = 1.0", "temperature = 0.5");
    assert_eq!(project.fitted(), just(&["gate.g: full"]));
    project.edit_pipeline("temperature = 0.5", "temperature = 0.5\ntop_k = 2");
    assert_eq!(project.fitted(), just(&["gate.g: full"]));
    project.edit_pipeline("temperature = 0.5\ntop_k = 2", "temperature = 1.0");
    assert_eq!(project.fitted(), just(&[]), "the first gate is still there");
}

#[test]
fn a_gate_alone_is_fitted_when_only_its_data_changed() {
    let project = project(&eight(&SOFTMAX.replace("rows.c", "rows.unread")));
    project.fitted();
    project.map_column("unread", |level| if level == "red" { "blue".into() } else { level.into() });
    assert_eq!(project.fitted(), just(&["gate.g: full"]));
}

#[test]
fn with_gates_of_their_own_only_the_changed_experts_is_trained() {
    let own = format!("type = \"self\"\nhidden = [4]\n{SOFTMAX}");
    let project = project(&eight(&own));
    let judged = || {
        let lock = project.lock();
        let node = &lock.node["gate.g"];
        project.fit(&crate::project::standing(node)).judged
    };
    project.fitted();
    assert_eq!(judged().len(), 8);
    project.edit_pipeline("learning_rate = 0.013", "learning_rate = 0.05");
    assert_eq!(project.fitted(), all(&[with_folds("e3"), just(&["gate.g: full"])]));
    assert_eq!(judged(), ["e3"], "the gate is put together again, and one network in it is new");
}

#[test]
fn a_gate_that_learns_nothing_is_not_fitted_when_its_experts_change() {
    let project = project(&eight("type = \"uniform\""));
    project.fitted();
    project.edit_pipeline("learning_rate = 0.013", "learning_rate = 0.05");
    assert_eq!(project.fitted(), with_folds("e3"));
}

#[test]
fn an_expert_added_leaves_the_others_bit_identical() {
    let text = eight(SOFTMAX);
    let seven = text.replace(", \"e7\"", "");
    let project = project(&seven);
    project.fitted();
    let models = |project: &Project| -> Vec<String> {
        let lock = project.lock();
        (0..7).map(|n| lock.node[&format!("expert.e{n}")].realisation.to_string()).collect()
    };
    let before = models(&project);
    project.write("pipelines/small.toml", &text);
    assert_eq!(
        project.fitted(),
        all(&[with_folds("e7"), just(&["gate.g: full"])])
            .into_iter()
            // The new expert was fitted before, since it was in the file; only its folds were not asked for.
            .filter(|fit| fit != "e7: full")
            .collect::<Vec<_>>()
    );
    assert_eq!(models(&project), before);
}

#[test]
fn one_job_and_four_make_the_same_gate() {
    let texts = [SOFTMAX.to_owned(), format!("type = \"self\"\nhidden = [4]\n{SOFTMAX}")];
    for gate in texts {
        let text = eight(&gate)
            + "\n[mixture.m]\ninputs = [\"rows.a\", \"rows.b\"]\ntarget = \"rows.kind\"\n\
            experts = 3\nrestarts = 2\nmodel = { hidden = [4] }\ngate = { top_k = 1, noise = 0.3 }\n\
            train = { epochs = 3 }\n";
        let (one, four) = (project(&text), project(&text));
        one.fitted_with(&["--jobs", "1"]);
        four.fitted_with(&["--jobs", "4"]);
        assert_eq!(one.objects(), four.objects());
        assert_eq!(one.read("pipelines/small.lock"), four.read("pipelines/small.lock"));
    }
}

/// Every rule on the same experts, a gate of gates, and an expert that reads a gate.
fn every_rule() -> String {
    let gate = |name: &str, more: &str| {
        format!(
            "\n[gate.{name}]\nexperts = [\"e0\", \"e1\", \"e2\"]\ntarget = \"rows.kind\"\n{more}\n"
        )
    };
    let inputs = "inputs = [\"rows.b\", \"rows.c\"]\ntrain = { epochs = 2 }";
    eight("type = \"stack\"")
        .replace("\n[evaluate]", &[
            gate("mean", "type = \"uniform\""),
            gate("product", "type = \"geometric\""),
            gate("any", "type = \"noisy-or\""),
            gate("given", "type = \"fixed\"\nweights = { e0 = 1, e1 = 0, e2 = 3 }"),
            gate("single", "type = \"best\""),
            gate("soft", &format!("{inputs}\ntop_k = 1")),
            gate("brier", &format!("{inputs}\nloss = \"squared-error\"\nshared = [\"e1\"]\ntop_k = 1")),
            gate("near", "type = \"distance\"\ninputs = [\"rows.b\"]"),
            gate("own", &format!("type = \"self\"\nhidden = [3]\n{inputs}\ntop_k = 2")),
            gate("ruled", "type = \"rules\"\nrules = { e0 = \"a > 0\", e1 = \"a <= 0 AND b > 0\", e2 = \"unread = 'red'\" }"),
            gate("turns", "type = \"cascade\"\nconfidence = 0.6"),
            "\n[gate.both]\nexperts = [\"soft\", \"near\", \"joint\"]\ntype = \"stack\"\ntarget = \"rows.kind\"\n".to_owned(),
            "\n[mixture.joint]\ninputs = [\"rows.a\", \"rows.b\"]\ntarget = \"rows.kind\"\nmodel = { hidden = [3] }\n\
             gate = { top_k = 1, balance = \"bias\" }\ntrain = { epochs = 2 }\n".to_owned(),
            "\n[mixture.grown]\ninputs = [\"rows.a\", \"rows.b\"]\ntarget = \"rows.kind\"\nmodel = { hidden = [4] }\n\
             warm_start = [\"e0\", \"e4\"]\ntrain = { epochs = 2 }\n".to_owned(),
            "\n[expert.after]\ninputs = [\"both.logit\", \"turns.probability\", \"rows.d\"]\ntarget = \"rows.final\"\n\
             model = { hidden = [4] }\ntrain = { epochs = 2 }\n\n[evaluate]".to_owned(),
        ].concat())
}

#[test]
fn every_rule_is_fitted_read_audited_and_predicts_what_training_stored() {
    let project = project(&every_rule());
    let run = project.run(&[]);
    assert!(fitted(&run).len() > 60);
    let audit = project.collegium(&["audit", "--json", "--quiet"]).ok().json();
    for name in ["mean", "soft", "turns", "ruled", "own", "near", "joint", "both", "g"] {
        let combined = &node(&audit, name)["combined"];
        let controls = combined["controls"].as_array().unwrap();
        assert!(controls.len() >= 2, "{name}: {combined}");
        for control in controls {
            // One table, in every metric and on the same rows: each figure is that of the model by itself.
            let against = control["against"].as_object().unwrap();
            for metric in ["accuracy", "log_loss"] {
                let diff = &against[metric];
                assert_eq!(diff["before"], control["metrics"][0][metric], "{name}: {control}");
                assert_eq!(diff["after"], combined["metrics"][0][metric], "{name}: {control}");
            }
            let recalibrated = against.get("recalibrated_log_loss");
            assert_eq!(recalibrated.is_some(), control["name"] != "random", "{name}: {control}");
        }
    }
    assert!(node(&audit, "after")["composite"]["upstream"].as_array().unwrap().len() == 2);
    let nodes = [
        "mean", "product", "any", "given", "single", "soft", "brier", "near", "own", "ruled",
        "turns", "both", "joint", "grown", "after",
    ];
    // All at once, so that every expert sees all rows; and one by one, so that they see their own alone.
    let all = project.path("all.csv");
    let arguments = |out: &str, nodes: &[&str]| -> Vec<String> {
        let fixed = ["predict", "-i", "pipelines/data/rows.csv", "-o", out, "--quiet"];
        fixed.iter().chain(nodes).map(|s| (*s).to_owned()).collect()
    };
    let predict = |out: &str, nodes: &[&str]| {
        let arguments = arguments(out, nodes);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        project.collegium(&arguments).ok();
        let text = project.read(out);
        let mut lines = text.lines();
        let head: Vec<String> = lines.next().unwrap().split(',').map(str::to_owned).collect();
        let rows: Vec<Vec<String>> =
            lines.map(|line| line.split(',').map(str::to_owned).collect()).collect();
        (head, rows)
    };
    let (head, rows) = predict("all.csv", &[]);
    assert!(all.exists() && rows.len() == 400);
    for name in nodes {
        let column = format!("{name}.probability");
        let at = head.iter().position(|known| *known == column).unwrap();
        let (own_head, own) = predict("one.csv", &[name]);
        let own_at = own_head.iter().position(|known| *known == column).unwrap();
        for (row, (alone, together)) in own.iter().zip(&rows).enumerate() {
            assert_eq!(alone[own_at], together[at], "{name}, row {row}");
        }
    }
}

#[test]
fn without_validation_rows_everything_is_fitted_all_the_same() {
    let text = every_rule().replace("train = 0.7, valid = 0.15", "train = 0.85, valid = 0.0");
    let project = project(&text);
    project.run(&[]);
    project.collegium(&["audit", "near", "turns", "joint", "--json", "--quiet"]).ok();
}

#[test]
fn a_gate_over_an_expert_that_failed_is_blocked() {
    let project =
        project(&eight(SOFTMAX).replace("[expert.e3]\n", "[expert.e3]\nwhere = \"kind = 1\"\n"));
    project.collegium(&["run", "--keep-going"]).fails(4, &["expert.e3", "have the class `true`"]);
    let run = project.collegium(&["run", "--keep-going", "--json", "--quiet"]);
    assert_eq!(run.code, 4);
    assert_eq!(node(&run.json(), "g")["outcome"], "blocked");
}

#[test]
fn what_cannot_be_combined_is_refused_before_anything_trains() {
    let project = project(&eight(SOFTMAX));
    let refused = |text: String, needles: &[&str]| {
        project.write("pipelines/small.toml", text);
        project.collegium(&["run"]).fails(3, needles);
        assert!(!project.path("pipelines/small.lock").exists(), "nothing was trained");
    };
    let base = eight(SOFTMAX);
    refused(
        base.replacen("target = \"rows.kind\"", "target = \"rows.size\"", 1),
        &["`e0` does not predict what `g` predicts", "it predicts a number"],
    );
    refused(
        base.replacen("target = \"rows.kind\"", "target = \"rows.unread\"", 1),
        &["it tells apart `blue`, `green`, `red`", "the gate's target: `false`, `true`"],
    );
    refused(
        base.replace("temperature = 1.0", "top_k = 9"),
        &["`top_k` is 9, but there are 8 experts"],
    );
    refused(base.replace("\"e0\", \"e1\"", "\"e0\", \"e0\""), &["the expert `e0` is listed twice"]);
    refused(
        eight(
            "type = \"rules\"\nrules = { e0 = \"aa > 0\", e1 = \"a\", e2 = \"a\", e3 = \"a\", e4 = \"a\", e5 = \"a\", e6 = \"a\", e7 = \"a\" }",
        ),
        &["aa", "small.toml:"],
    );
    let joint = "\n[mixture.m]\ninputs = [\"rows.a\"]\ntarget = \"rows.kind\"\nexperts = 4000\nmodel = { hidden = [512, 512] }\n";
    refused(
        (base.clone() + joint).replace("seed = 3\n", "seed = 3\nmemory_limit = \"64 MiB\"\n"),
        &["`m` would hold at least", "more than `memory_limit` allows (64.0 MiB)", "4000 experts"],
    );
    let number = "type = \"cascade\"";
    refused(
        eight(number).replace("target = \"rows.kind\"", "target = \"rows.size\""),
        &["a gate of type `cascade` combines classes", "this target is a number"],
    );
}

#[test]
fn a_cost_budget_that_nothing_can_meet_fails_with_the_least_there_is() {
    let project = project(&eight("type = \"cascade\"\ncost_budget = 1"));
    project.collegium(&["run"]).fails(4, &["`cost_budget` is 1", "the first expert alone takes"]);
}
