//! Gates and mixtures written out.

use super::{Written, float, key, line, list, name, patterns, perceptron, table, text, train};
use crate::{Expert, Gate, Input, Mixture, Mlp, Rule, Threshold, spec::written_rule};

/// The keys of a gate behind its name; the inputs without what its experts and rules make.
pub(super) fn gate(out: &mut String, expert: &Expert, gate: &Gate) {
    line(out, "experts", list(gate.experts.iter().map(|expert| text(expert.get_ref()))));
    line(out, "type", text(gate.rule.name()));
    let own = expert.inputs.iter().map(|input| input.get_ref());
    let own: Vec<&Input> = own.filter(|input| !expert.is_handed(input)).collect();
    if !own.is_empty() || !expert.patterns.is_empty() {
        let own = own.iter().map(|input| text(&input.to_string()));
        line(out, "inputs", list(own.chain(patterns(expert))));
    }
}

/// What the rule has, beside what every node has.
pub(crate) fn rule(written: &mut Written<'_>, gate: &Gate) {
    let Written { out, expert, pipeline } = written;
    let predicate = |column: &str| {
        let sql = pipeline.data.get(&expert.data)?.derive.get(column)?.get_ref();
        Some(written_rule(sql).to_owned())
    };
    let names = || gate.experts.iter().map(|expert| expert.get_ref().as_str());
    match &gate.rule {
        Rule::Uniform | Rule::Geometric | Rule::NoisyOr | Rule::Best => {}
        Rule::Fixed(weights) => {
            line(out, "weights", table(names().zip(weights.iter().map(|w| float(*w)))));
        }
        Rule::Stack { ridge } => line(out, "ridge", float(*ridge)),
        Rule::Softmax { net, loss, balance, noise } => {
            network(out, net);
            line(out, "loss", name(loss));
            line(out, "noise", float(*noise));
            line(out, "balance", name(&balance.by));
            line(out, "balance_weight", float(balance.weight));
            line(out, "train", train(&expert.train));
        }
        Rule::Own { net } => {
            network(out, net);
            line(out, "train", train(&expert.train));
        }
        Rule::Distance => {}
        Rule::Rules { columns } => {
            let sql = columns.iter().map(|column| text(&predicate(column).unwrap_or_default()));
            line(out, "rules", table(names().zip(sql)));
        }
        Rule::Cascade(Threshold::Confidence(at)) => line(out, "confidence", float(*at)),
        Rule::Cascade(Threshold::ErrorBudget(at)) => line(out, "error_budget", float(*at)),
        Rule::Cascade(Threshold::CostBudget(at)) => line(out, "cost_budget", float(*at)),
    }
    if matches!(gate.rule, Rule::Softmax { .. } | Rule::Own { .. } | Rule::Distance) {
        match gate.temperature {
            Some(temperature) => line(out, "temperature", float(temperature)),
            None => out.push_str("# temperature: the one of least validation loss\n"),
        }
        match gate.top_k {
            Some(k) => line(out, "top_k", k),
            None => out.push_str("# top_k: all experts answer\n"),
        }
        let shared = gate.shared.iter().filter_map(|at| gate.experts.get(*at));
        line(out, "shared", list(shared.map(|expert| text(expert.get_ref()))));
    }
}

fn network(out: &mut String, net: &Mlp) {
    line(out, "hidden", list(net.hidden.iter().map(u32::to_string)));
    line(out, "activation", name(&net.activation));
}

/// What a mixture has, beside what every node has.
pub(crate) fn mixture(written: &mut Written<'_>, mixture: &Mixture) {
    let Written { out, expert, .. } = written;
    line(out, "experts", mixture.experts);
    let kind = ("type", text("mlp"));
    let model = table(std::iter::once(kind).chain(perceptron(&mixture.expert)));
    line(out, "model", model);
    let mut gate = vec![
        ("hidden", list(mixture.gate.hidden.iter().map(u32::to_string))),
        ("activation", name(&mixture.gate.activation)),
        ("temperature", float(mixture.temperature)),
    ];
    gate.extend(mixture.top_k.map(|k| ("top_k", k.to_string())));
    gate.extend([
        ("shared", mixture.shared.to_string()),
        ("noise", float(mixture.noise)),
        ("balance", name(&mixture.balance.by)),
        ("balance_weight", float(mixture.balance.weight)),
        ("z_loss", float(mixture.z_loss)),
    ]);
    gate.extend(mixture.capacity_factor.map(|factor| ("capacity_factor", float(factor))));
    line(out, "gate", table(gate));
    line(out, "restarts", mixture.restarts);
    line(out, "warm_start", list(mixture.warm_start.iter().map(|e| text(e.get_ref()))));
    line(out, "train", train(&expert.train));
}

/// `[gate.NAME]`, the head of a table.
pub(super) fn head(expert: &Expert) -> String {
    format!("[{}.{}]\n", expert.section(), key(expert.name.get_ref()))
}
