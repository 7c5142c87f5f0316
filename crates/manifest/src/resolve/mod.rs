//! Semantic analysis of a pipeline file: defaults, inheritance, references, and all errors in
//! them.

mod average;
mod cycles;
mod data;
mod decide;
mod experts;
mod extends;
mod gates;
mod idle;
mod images;
mod memory;
mod merged;
mod mixtures;
mod model;
mod names;
mod node;
mod origin;
pub(crate) mod ranges;
mod read;
mod references;
mod require;
mod rotate;
mod slices;
mod split;
mod stands_on;
mod tune;

use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

use collegium_records::Code;
use toml::Spanned;

use crate::{
    Audit, Diagnostic, Diagnostics, Evaluate, Loaded, Pipeline, Slice, SourceFile, TomlTable,
    bounds,
    defaults::{BASELINES, FORMAT, LEAST_STEPS, SEED},
    kind::Registry,
    raw::{RawAudit, RawGate, RawMixture, RawPipeline},
    reader::{Recovered, read_pipeline},
    recover::Cut,
    sink::Sink,
};

/// The whole way from a text to a pipeline or to all of its errors.
pub(crate) fn resolve(
    source: &Arc<SourceFile>,
    root: PathBuf,
    registry: &Registry,
    read_blueprint: crate::loaded::ReadBlueprint<'_>,
) -> Result<Loaded, Diagnostics> {
    let Recovered { value: mut file, mut cut, mut sink } = read_pipeline(source);
    let blueprints = extends::Blueprints::read(&file, read_blueprint);
    let raw = file.pipeline.take().unwrap_or_default();
    check_pipeline(&raw, &mut sink);
    let memory_limit = memory::resolve("memory_limit", raw.memory_limit.as_ref(), &mut sink);
    let sql_memory = memory::resolve("sql_memory", raw.sql_memory.as_ref(), &mut sink);
    let steps = |steps: u64| steps >= LEAST_STEPS;
    let wanted = format!("at least {LEAST_STEPS}");
    bounds::bound(&mut sink, "sql_steps", &raw.sql_steps, steps, &wanted);
    for folder in raw.reads.iter().flatten() {
        bounds::not_empty(&mut sink, "reads", folder);
    }

    let names = names::Names::new(&file, &cut);
    names::check(&file, &mut sink);
    let mut data = data::resolve(&file.data, &cut, &mut sink);
    let (gates, mut mixtures) = (file.gate, file.mixture);
    let merged = extends::merge(
        file.expert,
        &mut mixtures,
        &blueprints,
        &registry.kinds,
        raw.preset.as_ref().map(|preset| *preset.get()),
        &mut cut,
        &mut sink,
    );
    let targets = targets(&merged, &gates, &mixtures, &names, &cut, &mut sink);
    let around =
        node::Around { names: &names, targets: &targets, experts: &merged, rules: &registry.rules };
    let mut experts = experts::resolve(&merged, &around, &cut, &raw, &mut sink);
    average::resolve(&merged, &data, &raw, &mut experts, &mut sink);
    tune::resolve(&merged, &mut experts, &mut sink);
    gates::resolve(&gates, &around, &cut, &raw, &mut data, &mut experts, &mut sink);
    mixtures::resolve(&mixtures, &around, &mut cut, &raw, &mut experts, &mut sink);
    cycles::check(&experts, &mut sink);

    let evaluate = file.evaluate.unwrap_or_default();
    let baselines = match evaluate.baselines {
        None => BASELINES.to_vec(),
        Some(given) => {
            let mut baselines = Vec::new();
            for baseline in given {
                if baselines.contains(baseline.get()) {
                    sink.local(
                        sink.error(Code::GivenTwice, baseline.span(), "a baseline is listed twice")
                            .label("listed before"),
                    );
                }
                baselines.push(*baseline.get());
            }
            baselines
        }
    };
    let share = |x: f64| (0.0..=1.0).contains(&x);
    bounds::bound(&mut sink, "least_measured", &evaluate.least_measured, share, "from 0 to 1");
    let least_measured = evaluate.least_measured.map(|share| share.0);
    let mut requirements = Vec::new();
    for text in evaluate.require.unwrap_or_default() {
        if let Some(found) = require::parse(&text, &names, &merged, &mut sink) {
            requirements.push(Spanned::new(text.span(), found));
        }
    }
    let rotate = rotate::resolve(evaluate.rotate, &data, &mut sink);
    let audit = audit(file.audit.unwrap_or_default(), &names, &mut sink);

    if !sink.findings.has_errors() {
        warn_of_unused(&data, &experts, &mut sink);
    }
    let mut findings = sink.findings;
    findings.extend(merged.findings);
    findings.tidy(source);
    if findings.has_errors() {
        return Err(findings);
    }
    let pipeline = Pipeline {
        source: Arc::clone(source),
        root,
        name: raw.name.map_or_else(|| stem(source), |name| name.0.into_inner()),
        seed: raw.seed.as_ref().map_or(SEED, |seed| *seed.get()),
        memory_limit,
        reads: raw.reads.iter().flatten().map(|folder| folder.0.clone()).collect(),
        sql_steps: raw.sql_steps.as_ref().map(|steps| *steps.get()),
        sql_memory,
        data,
        experts,
        evaluate: Evaluate { baselines, require: requirements, least_measured, rotate },
        audit,
    };
    Ok(Loaded { pipeline, warnings: findings })
}

/// What a pipeline without a `name` is called.
fn stem(source: &SourceFile) -> String {
    source.path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into())
}

/// The targets of all nodes that have one.
fn targets(
    merged: &merged::MergedExperts<'_>,
    gates: &TomlTable<RawGate>,
    mixtures: &TomlTable<RawMixture<'_>>,
    names: &names::Names,
    cut: &Cut,
    sink: &mut Sink,
) -> node::Targets {
    let mut targets = node::Targets::with_capacity(merged.experts.len());
    for expert in &merged.experts {
        let lost = |key: &str| expert.lost(key, cut);
        let target = node::Node::of(&expert.name, &expert.raw.inputs, &expert.raw.target, &lost)
            .target(names, sink);
        targets.extend(target.map(|target| (expert.name.get().clone(), target)));
    }
    for (name, gate) in &gates.0 {
        let lost = |key: &str| cut.touches(&["gate", name.get(), key]);
        let target = node::Node::of(name, &gate.inputs, &gate.target, &lost).target(names, sink);
        targets.extend(target.map(|target| (name.get().clone(), target)));
    }
    for (name, mixture) in &mixtures.0 {
        let lost = |key: &str| cut.touches(&["mixture", name.get(), key]);
        let target =
            node::Node::of(name, &mixture.inputs, &mixture.target, &lost).target(names, sink);
        targets.extend(target.map(|target| (name.get().clone(), target)));
    }
    targets
}

fn check_pipeline(raw: &RawPipeline, sink: &mut Sink) {
    if let Some(format) = &raw.format
        && *format.get() != FORMAT
    {
        sink.local(
            sink.error(
                Code::NewerFormat,
                format.span(),
                format!("format {} is not known", format.get()),
            )
            .label(format!("this version reads format {FORMAT}"))
            .help("a newer collegium may be able to read this file"),
        );
    }
    if let Some(name) = &raw.name {
        names::check_name(name, "a pipeline", sink);
        names::check_reserved(name, "a pipeline", sink);
    } else {
        names::check_stem(&stem(&sink.source.clone()), sink);
    }
    ranges::check_reuse(raw.reuse.as_ref(), sink);
}

fn audit(raw: RawAudit, names: &names::Names, sink: &mut Sink) -> Audit {
    let audit = Audit::default();
    ranges::check_audit(&raw, sink);
    let mut slices: Vec<Spanned<Slice>> = Vec::new();
    for text in raw.slices.iter().flatten() {
        let Some(slice) = slices::parse(text, names, sink) else { continue };
        match slices.iter().find(|known| *known.get_ref() == slice) {
            Some(known) => {
                let finding = sink
                    .error(
                        Code::GivenTwice,
                        text.span(),
                        format!("`{}` stands there twice", slice.text),
                    )
                    .label("again")
                    .also(known.span(), "first here");
                sink.local(finding);
            }
            None => slices.push(Spanned::new(text.span(), slice)),
        }
    }
    Audit {
        rows: raw.rows.map_or(audit.rows, |rows| *rows.get()),
        bootstrap: raw.bootstrap.map_or(audit.bootstrap, |times| *times.get()),
        seeds: raw.seeds.map_or(audit.seeds, |seeds| *seeds.get()),
        permuted: raw.permuted.map_or(audit.permuted, |fits| *fits.get()),
        margin: raw
            .margin
            .unwrap_or_default()
            .iter()
            .map(|(metric, margin)| (metric.get().clone(), *margin.get()))
            .collect(),
        slices,
    }
}

fn warn_of_unused(
    data: &indexmap::IndexMap<String, crate::DataSource>,
    experts: &indexmap::IndexMap<String, crate::Expert>,
    sink: &mut Sink,
) {
    let source = Arc::clone(&sink.source);
    let read: BTreeSet<&str> = experts.values().map(|expert| expert.data.as_str()).collect();
    for (name, data) in data {
        if !read.contains(name.as_str()) {
            sink.global(
                Diagnostic::warning(
                    Code::NothingReadsIt,
                    &source,
                    data.name.span(),
                    format!("no expert reads the data source `{name}`"),
                )
                .label("unused"),
            );
        }
    }
    if experts.is_empty() {
        let mut finding = Diagnostic::placeless(
            Code::NothingReadsIt,
            "the pipeline has no experts: there is nothing to train",
        );
        finding.warning = true;
        sink.global(finding.help("add `[expert.NAME]` with `inputs` and `target`"));
    }
}
