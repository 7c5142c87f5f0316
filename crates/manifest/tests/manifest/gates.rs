//! `[gate.NAME]` and `[mixture.NAME]`: what they mean, and what is said when they are wrong.

use collegium_learn::kinds::gate::{Cascade, Threshold};
use collegium_manifest::{GateRule, Input, Output, Task};

use crate::{expert, pipeline, written, wrong};

/// Three experts on one data source, and one on another.
const EXPERTS: &str = r#"
[data.flights]
path = "flights.csv"

[data.others]
path = "others.csv"

[expert.newark]
inputs = ["flights.hour"]
target = "flights.late"

[expert.kennedy]
extends = "expert.newark"
where = "origin = 'JFK'"

[expert.laguardia]
extends = "expert.newark"
where = "origin = 'LGA'"

[expert.elsewhere]
inputs = ["others.x"]
target = "others.y"
"#;

fn text(more: &str) -> String {
    format!("{EXPERTS}{more}")
}

fn said(more: &str) -> String {
    wrong(&text(more))
}

const SOFTMAX: &str = r#"
[gate.by_airport]
experts = ["newark", "expert.kennedy", "laguardia"]
inputs = ["flights.origin"]
target = "flights.late"
"#;

#[test]
fn a_gate_is_a_node_that_reads_its_experts_predictions() {
    let gate = expert(&text(SOFTMAX), "by_airport");
    assert_eq!(gate.section(), "gate");
    let inputs: Vec<String> = gate.inputs.iter().map(|i| i.get_ref().to_string()).collect();
    assert_eq!(
        inputs,
        ["newark.prediction", "kennedy.prediction", "laguardia.prediction", "flights.origin"]
    );
    let handed: Vec<bool> = gate.inputs.iter().map(|i| gate.is_handed(i.get_ref())).collect();
    assert_eq!(handed, [true, true, true, false]);
    let spec = gate.gate().expect("it is a gate");
    assert_eq!(spec.rule.name(), "softmax");
    assert_eq!((spec.temperature, spec.top_k), (Some(1.0), None));
}

#[test]
fn a_gate_can_be_read_and_combined_like_an_expert() {
    let more = format!(
        "{SOFTMAX}\n[gate.both]\nexperts = [\"by_airport\", \"newark\"]\ntype = \"uniform\"\n\
         target = \"flights.late\"\n\n[expert.after]\ninputs = [\"both.logit\"]\ntarget = \"flights.cost\"\n"
    );
    let pipeline = pipeline(&text(&more));
    assert_eq!(pipeline.node_name("both"), "gate.both");
    let read = Input::Output { expert: "both".into(), output: Output::Logit };
    assert_eq!(*pipeline.experts["after"].inputs[0].get_ref(), read);
}

#[test]
fn rules_become_columns_that_are_never_missing() {
    let more = r#"
[gate.rule]
experts = ["newark", "kennedy"]
type = "rules"
rules = { newark = "origin = 'EWR'", kennedy = "origin = 'JFK'" }
target = "flights.late"
"#;
    let pipeline = pipeline(&text(more));
    let data = &pipeline.data["flights"];
    assert_eq!(data.rules, ["rule.newark", "rule.kennedy"]);
    assert_eq!(data.derive["rule.newark"].get_ref(), "coalesce((origin = 'EWR'), 0) <> 0");
    assert!(data.with_defaults().contains("derive = {}"), "no key of the file made them");
    insta::assert_snapshot!(written(&text(more), "rule"), @r#"
    [gate.rule]
    experts = ["newark", "kennedy"]
    type = "rules"
    target = "flights.late"
    # task: the target's type decides
    # where: all training rows
    rules = { newark = "origin = 'EWR'", kennedy = "origin = 'JFK'" }
    upstream = "out-of-fold"
    folds = 5
    seed = 0
    # positive: the second of two classes
    # threshold: 0.5 for two classes
    "#);
}

#[test]
fn every_default_of_gates_and_mixtures_is_written_out() {
    insta::assert_snapshot!(written(&text(SOFTMAX), "by_airport"), @r#"
    [gate.by_airport]
    experts = ["newark", "kennedy", "laguardia"]
    type = "softmax"
    inputs = ["flights.origin"]
    target = "flights.late"
    # task: the target's type decides
    # where: all training rows
    hidden = [16]
    activation = "gelu"
    loss = "likelihood"
    noise = 0.0
    balance = "none"
    balance_weight = 0.01
    train = { epochs = 40, batch = "auto", learning_rate = 0.02, schedule = "one-cycle", warm_up = 0.2, optimizer = "adamw", beta2 = 0.95, weight_decay = 0.0, patience = 0, class_weights = "none" }
    temperature = 1.0
    # top_k: all experts answer
    shared = []
    upstream = "out-of-fold"
    folds = 5
    seed = 0
    # positive: the second of two classes
    # threshold: 0.5 for two classes
    "#);
    let more = "\n[mixture.joint]\ninputs = [\"flights.hour\"]\ntarget = \"flights.late\"\n\
                gate = { top_k = 1 }\n";
    insta::assert_snapshot!(written(&text(more), "joint"), @r#"
    [mixture.joint]
    inputs = ["flights.hour"]
    target = "flights.late"
    # task: the target's type decides
    # where: all training rows
    experts = 4
    model = { type = "mlp", hidden = [64, 32], activation = "gelu", dropout = 0.0 }
    gate = { hidden = [16], activation = "gelu", temperature = 1.0, top_k = 1, shared = 0, noise = 0.0, balance = "none", balance_weight = 0.01, z_loss = 0.0 }
    restarts = 1
    warm_start = []
    train = { epochs = 40, batch = "auto", learning_rate = 0.02, schedule = "one-cycle", warm_up = 0.2, optimizer = "adamw", beta2 = 0.95, weight_decay = 0.0, patience = 0, class_weights = "none" }
    upstream = "out-of-fold"
    folds = 5
    seed = 0
    # positive: the second of two classes
    # threshold: 0.5 for two classes
    "#);
}

#[test]
fn what_is_written_out_reads_back_the_same() {
    let gate = |kind: &str, more: &str| {
        format!(
            "\n[gate.g]\nexperts = [\"newark\", \"kennedy\"]\ntarget = \"flights.late\"\ntask = \
             \"classification\"\ntype = \"{kind}\"\n{more}\n"
        )
    };
    let inputs = "inputs = [\"flights.hour\"]\n";
    for more in [
        gate("uniform", ""),
        gate("geometric", ""),
        gate("noisy-or", ""),
        gate("best", ""),
        gate("stack", "ridge = 0.5"),
        gate("fixed", "weights = { newark = 3, kennedy = 1 }"),
        gate("softmax", &format!("{inputs}hidden = []\ntop_k = 1\nshared = [\"newark\"]\nbalance = \"bias\"\nnoise = 0.5\nloss = \"squared-error\"\ntrain = {{ epochs = 3 }}")),
        gate("distance", &format!("{inputs}temperature = 2")),
        gate("distance", inputs),
        gate("self", &format!("{inputs}hidden = [4]\nactivation = \"tanh\"")),
        gate("rules", "rules = { newark = \"hour < 3\", kennedy = \"hour >= 3\" }"),
        gate("cascade", "confidence = 0.9"),
        gate("cascade", "cost_budget = 100"),
        gate("cascade", ""),
        "\n[mixture.g]\ninputs = [\"flights.hour\"]\ntarget = \"flights.late\"\nexperts = 3\nrestarts = 2\ngate = { hidden = [], top_k = 2, shared = 1, noise = 0.1, balance = \"switch\", z_loss = 0.01, capacity_factor = 1.25 }\n".to_owned(),
        "\n[mixture.g]\ninputs = [\"flights.hour\"]\ntarget = \"flights.late\"\nwarm_start = [\"first\", \"second\"]\n\n\
         [expert.first]\ninputs = [\"flights.hour\"]\ntarget = \"flights.late\"\nmembers = 1\n\
         encode = { numbers = [\"standard\"] }\n\n[expert.second]\nextends = \"expert.first\"\n".to_owned(),
    ] {
        let first = pipeline(&text(&more));
        let again = pipeline(&first.with_defaults());
        let (a, b) = (&first.experts["g"], &again.experts["g"]);
        assert_eq!(&*a.model, &*b.model, "{more}");
        let inputs = |e: &collegium_manifest::Expert| {
            e.inputs.iter().map(|i| i.get_ref().clone()).collect::<Vec<_>>()
        };
        assert_eq!(inputs(a), inputs(b), "{more}");
        assert_eq!((&a.train, a.folds, a.seed), (&b.train, b.folds, b.seed));
    }
}

#[test]
fn a_gate_without_what_its_type_needs_is_told_so() {
    insta::assert_snapshot!(said("\n[gate.g]\nexperts = [\"newark\"]\n"), @r#"
    error: `g` has no target
      --> pipelines/flights.toml:24:7
       |
    24 | [gate.g]
       |       ^ no `target`
       |
       = help: add `target = "source.column"`: the column that it predicts

    error: `g` has no inputs
      --> pipelines/flights.toml:24:7
       |
    24 | [gate.g]
       |       ^ no `inputs`
       |
       = help: add `inputs = ["source.column", …]`: what it is given

    error: `g` has nothing to combine
      --> pipelines/flights.toml:25:11
       |
    25 | experts = ["newark"]
       |           ^^^^^^^^^^ fewer than two experts
    "#);
    insta::assert_snapshot!(said("\n[gate.g]\nexperts = [\"newark\", \"kennedy\"]\ntype = \"fixed\"\ntarget = \"flights.late\"\n"), @r"
    error: `g` has no `weights` for every expert
      --> pipelines/flights.toml:24:7
       |
    24 | [gate.g]
       |       ^ no `weights`
       |
       = help: `weights = { newark = …, kennedy = … }`
    ");
}

#[test]
fn experts_that_cannot_be_combined_are_named() {
    insta::assert_snapshot!(said(r#"
[gate.g]
experts = ["newark", "newark", "kenedy", "elsewhere", "g", "flights"]
inputs = ["flights.hour"]
target = "flights.late"
"#), @r#"
    error: the expert `newark` is listed twice
      --> pipelines/flights.toml:25:22
       |
    25 | experts = ["newark", "newark", "kenedy", "elsewhere", "g", "flights"]
       |            --------  ^^^^^^^^ listed a second time
       |            |
       |            first listed here
       |
       = help: a gate that should weigh it more has `type = "fixed"` and `weights`

    error: there is no expert `kenedy`
      --> pipelines/flights.toml:25:32
       |
    25 | experts = ["newark", "newark", "kenedy", "elsewhere", "g", "flights"]
       |                                ^^^^^^^^ unknown expert
       |
       = help: did you mean `kennedy`?

    error: `g` reads two data sources, `flights` and `others`
      --> pipelines/flights.toml:25:42
       |
    25 | experts = ["newark", "newark", "kenedy", "elsewhere", "g", "flights"]
       |                                          ^^^^^^^^^^^ `elsewhere` works on the rows of `others`
    26 | inputs = ["flights.hour"]
    27 | target = "flights.late"
       |          -------------- its rows are those of `flights`
       |
       = help: join them in one `[data.NAME]` with a `query`

    error: `g` combines itself
      --> pipelines/flights.toml:25:55
       |
    25 | experts = ["newark", "newark", "kenedy", "elsewhere", "g", "flights"]
       |                                                       ^^^ this is the gate itself

    error: there is no expert `flights`
      --> pipelines/flights.toml:25:60
       |
    25 | experts = ["newark", "newark", "kenedy", "elsewhere", "g", "flights"]
       |                                                            ^^^^^^^^^ unknown expert
       |
       = help: there are: `elsewhere`, `g`, `kennedy`, `laguardia`, `newark`
    "#);
}

#[test]
fn more_experts_asked_for_than_there_are_is_an_error() {
    insta::assert_snapshot!(said(&format!("{SOFTMAX}top_k = 3\nshared = [\"newark\"]\n")), @r"
    error: `top_k` is 3, but there are 2 experts
      --> pipelines/flights.toml:28:9
       |
    28 | top_k = 3
       |         ^ at most 2, shared ones not counted
       |
       = help: leave `top_k` away to let all of them answer
    ");
    insta::assert_snapshot!(said("\n[mixture.m]\ninputs = [\"flights.hour\"]\ntarget = \"flights.late\"\nexperts = 2\ngate = { top_k = 3 }\n"), @r"
    error: `top_k` is 3, but there are 2 experts
      --> pipelines/flights.toml:28:18
       |
    28 | gate = { top_k = 3 }
       |                  ^ at most 2, shared ones not counted
       |
       = help: leave `top_k` away to let all of them answer
    ");
}

#[test]
fn keys_of_another_type_of_gate_are_errors() {
    insta::assert_snapshot!(said(r#"
[gate.g]
experts = ["newark", "kennedy"]
target = "flights.late"
type = "uniform"
inputs = ["flights.hour"]
top_k = 1
confidence = 0.5
train = { epochs = 3 }
"#), @r#"
    error: a gate of type `uniform` has no `inputs`
      --> pipelines/flights.toml:28:10
       |
    28 | inputs = ["flights.hour"]
       |          ^^^^^^^^^^^^^^^^ this belongs to `softmax`, `distance`, `self`
       |
       = help: take it out of `gate.g`, or change its `type`

    error: a gate of type `uniform` has no `top_k`
      --> pipelines/flights.toml:29:9
       |
    29 | top_k = 1
       |         ^ this belongs to `softmax`, `distance`, `self`
       |
       = help: take it out of `gate.g`, or change its `type`

    error: a gate of type `uniform` has no `confidence`
      --> pipelines/flights.toml:30:14
       |
    30 | confidence = 0.5
       |              ^^^ this belongs to `cascade`
       |
       = help: take it out of `gate.g`, or change its `type`

    error: a gate of type `uniform` has no `train`
      --> pipelines/flights.toml:31:20
       |
    31 | train = { epochs = 3 }
       |                    ^ this belongs to `softmax`, `self`
       |
       = help: take it out of `gate.g`, or change its `type`
    "#);
}

#[test]
fn a_cascade_has_one_threshold_and_weights_are_for_known_experts() {
    insta::assert_snapshot!(said(r#"
[gate.g]
experts = ["newark", "kennedy"]
target = "flights.late"
type = "cascade"
confidence = 1.5
cost_budget = 3

[gate.h]
experts = ["newark", "kennedy"]
target = "flights.late"
type = "fixed"
weights = { newark = 0, laguardia = -1 }
"#), @r"
    error: `confidence` must be from 0 to 1, not 1.5
      --> pipelines/flights.toml:28:14
       |
    28 | confidence = 1.5
       |              ^^^ must be from 0 to 1

    error: a cascade has one threshold
      --> pipelines/flights.toml:29:15
       |
    28 | confidence = 1.5
       |              --- the first
    29 | cost_budget = 3
       |               ^ a second one
       |
       = help: keep one of `confidence`, `error_budget` and `cost_budget`

    error: `h` has no `weights` for every expert
      --> pipelines/flights.toml:35:11
       |
    35 | weights = { newark = 0, laguardia = -1 }
       |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ nothing for `kennedy`
       |
       = help: `weights = { newark = …, kennedy = … }`

    error: all weights are 0
      --> pipelines/flights.toml:35:11
       |
    35 | weights = { newark = 0, laguardia = -1 }
       |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ one must be above 0

    error: `laguardia` is not among `experts`
      --> pipelines/flights.toml:35:25
       |
    35 | weights = { newark = 0, laguardia = -1 }
       |                         ^^^^^^^^^ not combined here
       |
       = help: there are: `newark`, `kennedy`

    error: `weights.laguardia` must be a finite number of at least 0, not -1
      --> pipelines/flights.toml:35:37
       |
    35 | weights = { newark = 0, laguardia = -1 }
       |                                     ^^ must be a finite number of at least 0
    ");
}

#[test]
fn gates_that_combine_each_other_are_a_circle() {
    let gate = |name: &str, other: &str| {
        format!(
            "\n[gate.{name}]\nexperts = [\"newark\", \"{other}\"]\ntype = \"uniform\"\ntarget = \"flights.late\"\n"
        )
    };
    let said = said(&(gate("a", "b") + &gate("b", "a")));
    assert!(said.contains("feed each other in a circle"), "{said}");
}

#[test]
fn names_are_shared_by_all_that_learns() {
    insta::assert_snapshot!(said("\n[gate.newark]\nexperts = [\"kennedy\", \"laguardia\"]\ntype = \"best\"\ntarget = \"flights.late\"\n"), @r"
    error: `newark` is both an expert and a gate
      --> pipelines/flights.toml:24:7
       |
     8 | [expert.newark]
       |         ------ by this expert
    ...
    24 | [gate.newark]
       |       ^^^^^^ the name is taken
       |
       = help: references could not tell them apart: rename one of them
    ");
}

#[test]
fn a_mixture_begins_only_with_experts_of_its_own_shape() {
    insta::assert_snapshot!(said(r#"
[mixture.m]
inputs = ["flights.hour", "flights.distance"]
target = "flights.late"
warm_start = ["newark", "nobody"]
"#), @r#"
    error: a mixture cannot begin with `newark`
      --> pipelines/flights.toml:27:15
       |
    27 | warm_start = ["newark", "nobody"]
       |               ^^^^^^^^ it has other inputs
       |
       = help: it needs experts of the same inputs, target and model

    error: there is no expert `nobody` to begin with
      --> pipelines/flights.toml:27:25
       |
    27 | warm_start = ["newark", "nobody"]
       |                         ^^^^^^^^ unknown expert
       |
       = help: there are: `newark`, `kennedy`, `laguardia`, `elsewhere`
    "#);
}

#[test]
fn a_mixture_begins_only_with_single_networks_on_standardised_numbers() {
    let begun = |keys: &str| {
        said(&format!(
            "\n[expert.more]\ninputs = [\"flights.hour\"]\ntarget = \"flights.late\"\n{keys}\n\
             [mixture.m]\ninputs = [\"flights.hour\"]\ntarget = \"flights.late\"\n\
             warm_start = [\"more\", \"more\"]\n"
        ))
    };
    let standard = "encode = { numbers = [\"standard\"] }\n";
    let help = |said: &str| {
        said.lines().find(|line| line.contains("add to")).unwrap_or_default().trim().to_owned()
    };
    assert_eq!(help(&begun("")), format!("= help: add to `expert.more`: `{}`", standard.trim()));
    assert_eq!(help(&begun(standard)), "= help: add to `expert.more`: `members = 1`");
    assert_eq!(help(&begun(&format!("{standard}members = 1\n"))), "");
}

#[test]
fn an_embedding_of_a_gate_does_not_exist() {
    let said = said(&format!(
        "{SOFTMAX}\n[expert.after]\ninputs = [\"by_airport.embedding\"]\ntarget = \"flights.cost\"\n"
    ));
    assert!(said.contains("`by_airport` has no embedding"), "{said}");
}

#[test]
fn thresholds_are_what_the_file_says() {
    let of = |more: &str| {
        let text = text(&format!(
            "\n[gate.g]\nexperts = [\"newark\", \"kennedy\"]\ntype = \"cascade\"\ntarget = \"flights.late\"\n{more}"
        ));
        expert(&text, "g").gate().expect("a gate").rule.clone()
    };
    let is = |more: &str, at| assert_eq!(&*of(more), &Cascade(at) as &dyn GateRule);
    is("", Threshold::ErrorBudget(0.0));
    is("error_budget = 0.1", Threshold::ErrorBudget(0.1));
    is("cost_budget = 5", Threshold::CostBudget(5.0));
}

#[test]
fn a_requirement_can_be_of_a_gate() {
    let more = format!("{SOFTMAX}\n[evaluate]\nrequire = [\"gate.by_airport test auc >= 0.6\"]\n");
    let pipeline = pipeline(&text(&more));
    assert_eq!(pipeline.evaluate.require[0].get_ref().expert, "by_airport");
    assert_eq!(pipeline.experts["newark"].task.as_ref().map(|t| *t.get_ref()), None::<Task>);
}
