//! `extends` and blueprints.

use collegium_manifest::{Activation, Batch, ClassWeights, Mlp, Optimizer, Output};

use crate::{GOOD, expert, messages, wrong, wrong_after_good};

fn mlp(expert: &collegium_manifest::Expert) -> &Mlp {
    expert.model.layers().expect("a perceptron")
}

#[test]
fn an_expert_extends_another_key_by_key() {
    let text = format!(
        "{GOOD}model = {{ hidden = [9], dropout = 0.1 }}\ntrain = {{ epochs = 7, batch = 8 }}\n\
         where = \"flights.hour > 5\"\n\n\
         [expert.newark]\nextends = \"expert.departure\"\nwhere = \"flights.origin = 'EWR'\"\n\
         model = {{ dropout = 0.3 }}\ntrain = {{ batch = 16 }}\n"
    );
    let newark = expert(&text, "newark");
    assert_eq!(newark.name.get_ref(), "newark");
    assert_eq!(newark.inputs.len(), 2, "inherited");
    assert_eq!(newark.target.get_ref(), "departs_late");
    assert_eq!(newark.filter.expect("its own").get_ref(), "flights.origin = 'EWR'");
    assert_eq!((newark.train.epochs, newark.train.batch), (7, Batch::Rows(16)), "tables merge");
    let expert = expert(&text, "newark");
    assert_eq!((mlp(&expert).hidden.as_slice(), mlp(&expert).dropout), (&[9][..], 0.3.into()));
}

#[test]
fn extends_makes_chains_and_the_nearest_wins() {
    let text = format!(
        "{GOOD}train = {{ epochs = 7, batch = 8, patience = 9 }}\n\
         [expert.b]\nextends = \"expert.departure\"\ntrain = {{ epochs = 70, optimizer = \"sgd\" }}\n\
         [expert.c]\nextends = \"expert.b\"\ntrain = {{ batch = 80 }}\ninputs = [\"departure.logit\"]\n"
    );
    let train = expert(&text, "c").train;
    assert_eq!((train.epochs, train.batch, train.patience), (70, Batch::Rows(80), 9));
    assert_eq!(train.optimizer, Optimizer::Sgd);
    let inputs = expert(&text, "c").inputs;
    assert_eq!(inputs.len(), 1, "lists are replaced, not joined");
    assert_eq!(inputs[0].get_ref().to_string(), format!("departure.{}", Output::Logit));
}

#[test]
fn tables_of_class_weights_merge_and_a_rule_replaces_them() {
    let text = format!(
        "{GOOD}train = {{ class_weights = {{ yes = 2, no = 1 }} }}\n\
         [expert.b]\nextends = \"expert.departure\"\ntrain = {{ class_weights = {{ no = 3 }} }}\n\
         [expert.c]\nextends = \"expert.b\"\ntrain = {{ class_weights = \"balanced\" }}\n\
         [expert.d]\nextends = \"expert.c\"\ntrain = {{ class_weights = {{ no = 4 }} }}\n"
    );
    let weights = [("no".to_owned(), 3.0), ("yes".to_owned(), 2.0)].into_iter().collect();
    assert_eq!(expert(&text, "b").train.class_weights, ClassWeights::Given(weights));
    assert_eq!(expert(&text, "c").train.class_weights, ClassWeights::Balanced);
    let alone = [("no".to_owned(), 4.0)].into_iter().collect();
    assert_eq!(
        expert(&text, "d").train.class_weights,
        ClassWeights::Given(alone),
        "nothing shines through a rule"
    );
}

#[test]
fn a_circle_of_extends_is_told_once() {
    insta::assert_snapshot!(
        wrong_after_good(
            "[expert.a]\nextends = \"expert.b\"\n[expert.b]\nextends = \"expert.c\"\n\
             [expert.c]\nextends = \"expert.b\"\n"
        ),
        @r#"
    error: experts extend each other in a circle: `b` → `c` → `b`
      --> pipelines/flights.toml:11:11
       |
    11 | extends = "expert.c"
       |           ^^^^^^^^^^ the circle begins here
    "#
    );
}

#[test]
fn an_unknown_base_names_the_nearest_known_one() {
    insta::assert_snapshot!(
        wrong_after_good("[expert.a]\nextends = \"expert.depature\"\n[expert.b]\nextends = \"departure\"\n"),
        @r#"
    error: there is no expert `depature` to extend
     --> pipelines/flights.toml:9:11
      |
    9 | extends = "expert.depature"
      |           ^^^^^^^^^^^^^^^^^ unknown expert
      |
      = help: did you mean `expert.departure`?

    error: `extends` names a node
      --> pipelines/flights.toml:11:11
       |
    11 | extends = "departure"
       |           ^^^^^^^^^^^ expected `expert.NAME`
       |
       = help: did you mean `expert.departure`?
    "#
    );
}

#[test]
fn an_inherited_slip_is_told_once_and_where_it_was_made() {
    let text = format!(
        "{}[expert.b]\nextends = \"expert.departure\"\n[expert.c]\nextends = \"expert.b\"\n",
        GOOD.replace("flights.hour", "fligths.hour")
    );
    assert_eq!(messages(&text), ["there is no data source or expert `fligths`"]);
}

#[test]
fn a_blueprint_is_a_model_in_a_file() {
    let small = expert(&format!("{GOOD}model = \"small\"\n"), "departure");
    assert_eq!(mlp(&small).hidden, [8]);
    assert_eq!(mlp(&small).activation, Activation::Tanh);
}

#[test]
fn a_blueprint_can_be_extended_and_can_replace() {
    let text = format!(
        "{GOOD}model = \"small\"\n\
         [expert.b]\nextends = \"expert.departure\"\nmodel = {{ hidden = [3, 3] }}\n\
         [expert.c]\nextends = \"expert.b\"\nmodel = \"small\"\n"
    );
    assert_eq!(mlp(&expert(&text, "b")).hidden, [3, 3]);
    assert_eq!(mlp(&expert(&text, "b")).activation, Activation::Tanh, "from the blueprint");
    assert_eq!(mlp(&expert(&text, "c")).hidden, [8], "a blueprint is a whole model");
}

#[test]
fn errors_in_a_blueprint_point_into_the_blueprint_and_are_told_once() {
    insta::assert_snapshot!(
        wrong_after_good("model = \"slip\"\n[expert.b]\nextends = \"expert.departure\"\nmodel = \"slip\"\n"),
        @r"
    error: `hidden` must be from 1 to 65536, not 0
     --> models/slip.toml:1:11
      |
    1 | hidden = [0]
      |           ^ must be from 1 to 65536

    error: unknown key `dropuot`
     --> models/slip.toml:2:1
      |
    2 | dropuot = 0.5
      | ^^^^^^^ unknown key
      |
      = help: did you mean `dropout`?
    "
    );
}

#[test]
fn a_missing_blueprint_and_an_odd_name_are_told_at_the_name() {
    insta::assert_snapshot!(
        wrong_after_good(
            "model = \"smal\"\n[expert.b]\nextends = \"expert.departure\"\nmodel = \"../secret\"\n"
        ),
        @r#"
    error: cannot read the blueprint `smal`
     --> pipelines/flights.toml:8:9
      |
    8 | model = "smal"
      |         ^^^^^^ there is no `models/smal.toml`
      |
      = help: did you mean `small`?

    error: `../secret` cannot be the name of a blueprint
      --> pipelines/flights.toml:11:9
       |
    11 | model = "../secret"
       |         ^^^^^^^^^^^ names are made of letters, digits, `_` and `-`
       |
       = help: `model = "mlp-small"` reads `models/mlp-small.toml`
    "#
    );
}

#[test]
fn a_chain_of_a_thousand_is_followed() {
    let mut text = GOOD.to_owned();
    let mut last = "departure".to_owned();
    for i in 0..1000 {
        text.push_str(&format!(
            "[expert.e{i}]\nextends = \"expert.{last}\"\ninputs = [\"{last}.logit\"]\n"
        ));
        last = format!("e{i}");
    }
    assert_eq!(expert(&text, "e999").target.get_ref(), "departs_late");
    let circle = text.replacen("flights.hour", "e999.logit", 1);
    assert!(wrong(&circle).contains("circle"));
}
