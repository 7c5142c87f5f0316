//! One bad number in every place of a record that has one.

use collegium_records::{
    Agop, Agreement, Ansatz, Collapse, Interval, Measure, MetricDiff, Performance, PermutedNull,
    Probe,
};

/// In what an expert looks at.
pub fn looks(agop: &mut Agop, bad: f64) {
    agop.participation = bad;
    for row in &mut agop.importance {
        row.seeds = Some(Interval { low: bad, high: bad });
    }
    let floor = &mut agop.noise_floor;
    floor.untrained_eigenvalues = vec![bad; 4];
    floor.permuted = Some(PermutedNull {
        fits: 1,
        shares: vec![bad; 9],
        eigenvalues: vec![bad; 3],
        effective_rank: bad,
    });
    floor.seeds = Some(Agreement { of: 2, cosine: bad, spearman: bad, overlap: bad });
    for group in &mut agop.groups {
        (group.correlation, group.share, group.low, group.high) = (bad, bad, bad, bad);
    }
    for direction in &mut agop.directions {
        (direction.eigenvalue, direction.share) = (bad, bad);
        direction.loadings.iter_mut().for_each(|loading| loading.weight = bad);
    }
    if let Some(classes) = &mut agop.classes {
        let shares = classes.shares.iter_mut().flatten();
        shares.chain(&mut classes.totals).for_each(|share| *share = bad);
    }
}

/// In how well it does.
pub fn performance(performance: &mut Performance, bad: f64) {
    let measure = Measure { value: bad, interval: Some(Interval { low: bad, high: bad }) };
    for class in &mut performance.classes {
        class.precision = Some(measure);
        class.recall = Some(measure);
        class.f1 = Some(measure);
    }
    if let Some(curves) = &mut performance.curves {
        for curve in curves.roc.iter_mut().chain(&mut curves.precision_recall) {
            (curve.prevalence, curve.area) = (bad, bad);
            curve.points.iter_mut().for_each(|point| *point = [bad, bad]);
        }
    }
    if let Some(residuals) = &mut performance.residuals {
        (residuals.bias, residuals.quantiles) = (bad, [bad; 5]);
        residuals.edges.iter_mut().for_each(|edge| *edge = bad);
        for bin in &mut residuals.by_prediction {
            (bin.predicted, bin.mean, bin.low, bin.high) = (bad, bad, bad, bad);
        }
    }
    if let Some(slices) = &mut performance.slices {
        slices.overall = bad;
        for slice in &mut slices.slices {
            (slice.loss, slice.elsewhere, slice.p_value, slice.adjusted) = (bad, bad, bad, bad);
        }
    }
}

/// In everything else that was probed.
pub fn probe(probe: &mut Probe, bad: f64) {
    for row in probe.raw.iter_mut().flat_map(|raw| &mut raw.importance) {
        (row.share, row.low, row.high) = (bad, bad, bad);
    }
    for row in &mut probe.rows {
        row.loss = bad;
        row.inputs.iter_mut().for_each(|input| input.weight = bad);
    }
    for layer in &mut probe.layers {
        (layer.agop_effective_rank, layer.activation_effective_rank) = (bad, bad);
        layer.ansatz = Some(Ansatz { initial: bad, trained: bad, change: Some(bad), pearson: bad });
        let collapse = Collapse { rows: 1, nc1: bad, nc2: bad, nc3: Some(bad), nc4: bad };
        (layer.collapse_train, layer.collapse_test) = (Some(collapse), Some(collapse));
    }
    for maps in &mut probe.images {
        let directions = maps.directions.iter_mut().flatten();
        let classes = maps.classes.iter_mut().flat_map(|(_, map)| map);
        let rest = maps.mean.iter_mut().chain(&mut maps.importance);
        directions.chain(classes).chain(rest).for_each(|value| *value = bad as f32);
    }
    for comparison in &mut probe.comparisons {
        (comparison.cosine, comparison.spearman, comparison.overlap) = (bad, bad, bad);
        comparison.angles = vec![bad; 2];
        comparison.split_half = Agreement { of: 2, cosine: bad, spearman: bad, overlap: bad };
        comparison.seeds = Some(comparison.split_half);
    }
    for cue in &mut probe.cues {
        let diffs = cue.removed.values_mut().chain(cue.permuted.values_mut());
        for diff in diffs.chain(cue.swapped.values_mut()) {
            let interval = Some(Interval { low: bad, high: bad });
            *diff = MetricDiff { before: bad, after: bad, difference: bad, interval };
        }
    }
    probe.seeds.iter_mut().flat_map(|m| m.values_mut()).for_each(|value| *value = bad);
}
