//! Serialisation of gates and mixtures to TOML.

use super::{Written, float, key, line, list, name, patterns, perceptron, table, text, train};
use crate::{Expert, Gate, Input, Mixture};

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

/// What a rule has whose weights are a softmax.
pub(crate) fn routing(written: &mut Written<'_>, gate: &Gate) {
    match gate.temperature {
        Some(temperature) => written.key("temperature", float(temperature)),
        None => written.comment("temperature: the one of least validation loss"),
    }
    match gate.top_k {
        Some(k) => written.key("top_k", k),
        None => written.comment("top_k: all experts answer"),
    }
    let shared = gate.shared.iter().filter_map(|at| gate.experts.get(*at));
    written.key("shared", list(shared.map(|expert| text(expert.get_ref()))));
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
