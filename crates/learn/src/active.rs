//! Products of gradients, for the units through which they went.
//!
//! Behind a ReLU about half of a row's gradients are exactly 0, in the same units for all of its
//! cotangents. With b_u the column of an active unit in a row's gradients B (each × units):
//!
//! - B W = Σ_u b_u w_u, which reads the active rows of W alone;
//! - BᵀB has rows b_uᵀ B, of which the active are added to, in the lower triangle.
//!
//! Libraries multiply densely, and burn's gemm does so at nine tenths of what a core can do (105 of
//! 115 GFLOP/s, Zen 4); to be faster is to leave work out. These loops run as fast, on half of the
//! numbers or a quarter (the AGOP of a 784-256-256-10 network on 1,000 rows fell from 41 ms to 20).
//! Where every unit is active they cost what the dense products do.

use pulp::{Arch, Simd, WithSimd, bytemuck};

use crate::kernel::vectorised;

/// Columns that lie together in memory: two of the widest registers.
const PANEL: usize = 32;

/// Rows and registers of a tile of sums; with a tile's operands they fit 16 registers.
const ROWS: usize = 5;
const REGISTERS: usize = 2;

/// Calls a tile of as many rows as are left, if that are fewer than [`ROWS`].
macro_rules! tile {
    ($left:expr, $tile:ident($($argument:expr),*)) => {
        match $left {
            1 => $tile::<S, 1>($($argument),*),
            2 => $tile::<S, 2>($($argument),*),
            3 => $tile::<S, 3>($($argument),*),
            4 => $tile::<S, 4>($($argument),*),
            _ => $tile::<S, ROWS>($($argument),*),
        }
    };
}

/// A matrix of units × columns, laid out for [`Gradients::times`]: panel after panel of columns, the
/// last filled up with zeros.
pub(crate) struct Panels {
    units: usize,
    columns: usize,
    values: Vec<f32>,
}

impl Panels {
    /// From the value at each unit and column.
    pub(crate) fn new(units: usize, columns: usize, value: impl Fn(usize, usize) -> f32) -> Self {
        let mut values = Vec::with_capacity(columns.next_multiple_of(PANEL) * units);
        for first in (0..columns).step_by(PANEL) {
            for unit in 0..units {
                values.extend((first..columns.min(first + PANEL)).map(|c| value(unit, c)));
                values.resize(values.len().next_multiple_of(PANEL), 0.0);
            }
        }
        Self { units, columns, values }
    }
}

/// Gradients of some rows at one layer's pre-activations.
pub(crate) struct Gradients {
    /// Cotangents per row.
    each: usize,
    units: usize,
    /// (rows · each) × units.
    values: Vec<f32>,
    /// The units of row after row that are not 0 throughout, ascending.
    active: Vec<u32>,
    /// Where each row's end.
    ends: Vec<usize>,
    /// Gradients once more, by active unit: of each its `each`.
    columns: Vec<f32>,
}

/// One row's share of [`Gradients`].
#[derive(Clone, Copy)]
struct Row<'a> {
    active: &'a [u32],
    /// Active units × each.
    columns: &'a [f32],
    /// Each × units.
    values: &'a [f32],
}

impl Gradients {
    /// Of no rows.
    pub(crate) fn new(each: usize, units: usize) -> Self {
        let (values, columns) = (Vec::new(), Vec::new());
        Self { each, units, values, active: Vec::new(), ends: Vec::new(), columns }
    }

    /// Replaces them by given ones, (rows · each) × units. All units are active.
    pub(crate) fn set(&mut self, values: Vec<f32>) {
        self.values = values;
        let rows = self.values.len() / (self.each * self.units);
        self.find_active(&vec![1.0; rows * self.units]);
    }

    /// Replaces them by given ones times slopes, rows × units. Those with a slope are active.
    pub(crate) fn set_through(&mut self, values: Vec<f32>, slopes: &[f32]) {
        self.values = values;
        let (each, units) = (self.each, self.units);
        vectorised(
            #[inline(always)]
            || {
                let rows = self.values.chunks_exact_mut(each * units);
                for (row, slopes) in rows.zip(slopes.chunks_exact(units)) {
                    for gradient in row.chunks_exact_mut(units) {
                        gradient.iter_mut().zip(slopes).for_each(|(value, slope)| *value *= slope);
                    }
                }
            },
        );
        self.find_active(slopes);
    }

    /// Replaces them by (D W) ∘ slopes, of the gradients D at the layer above.
    pub(crate) fn pull_back(&mut self, above: &Self, weight: &Panels, slopes: &[f32]) {
        let mut values = std::mem::take(&mut self.values);
        above.times_into(weight, &mut values);
        self.set_through(values, slopes);
    }

    fn find_active(&mut self, slopes: &[f32]) {
        let (each, units) = (self.each, self.units);
        self.ends.clear();
        self.active.resize(slopes.len(), 0);
        self.columns.resize(slopes.len() * each, 0.0);
        let mut end = 0;
        for (row, slopes) in self.values.chunks_exact(each * units).zip(slopes.chunks_exact(units))
        {
            let start = end;
            for (unit, slope) in slopes.iter().enumerate() {
                // No branch: which units are active cannot be foretold.
                self.active[end] = unit as u32;
                end += usize::from(*slope != 0.0);
            }
            let columns = self.columns[start * each..end * each].chunks_exact_mut(each);
            for (unit, column) in self.active[start..end].iter().zip(columns) {
                let values = row[*unit as usize..].iter().step_by(units);
                column.iter_mut().zip(values).for_each(|(to, value)| *to = *value);
            }
            self.ends.push(end);
        }
        self.active.truncate(end);
        self.columns.truncate(end * each);
    }

    fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let values = self.values.chunks_exact(self.each * self.units);
        let mut start = 0;
        self.ends.iter().zip(values).map(move |(&end, values)| {
            let active = &self.active[start..end];
            let columns = &self.columns[start * self.each..end * self.each];
            start = end;
            Row { active, columns, values }
        })
    }

    /// B W: (rows · each) × columns, row-major.
    pub(crate) fn times(&self, weight: &Panels) -> Vec<f32> {
        let mut out = Vec::new();
        self.times_into(weight, &mut out);
        out
    }

    fn times_into(&self, weight: &Panels, out: &mut Vec<f32>) {
        assert_eq!(self.units, weight.units, "a row of the matrix for every unit");
        out.resize(self.ends.len() * self.each * weight.columns, 0.0);
        Arch::new().dispatch(Times { gradients: self, weight, out });
    }

    /// Σ BᵀB over the rows: units × units, row-major.
    pub(crate) fn gram(&self) -> Vec<f32> {
        let units = self.units;
        let mut panels = vec![0.0; units.next_multiple_of(PANEL) * units];
        Arch::new().dispatch(Gram { gradients: self, panels: &mut panels });
        let mut gram = vec![0.0; units * units];
        for (panel, values) in panels.chunks_exact(units * PANEL).enumerate() {
            let first = panel * PANEL;
            for unit in first..units {
                let of_unit = &values[unit * PANEL..][..PANEL.min(unit + 1 - first)];
                gram[unit * units + first..][..of_unit.len()].copy_from_slice(of_unit);
                for (other, value) in (first..).zip(of_unit) {
                    gram[other * units + unit] = *value;
                }
            }
        }
        gram
    }
}

struct Times<'a> {
    gradients: &'a Gradients,
    weight: &'a Panels,
    out: &'a mut [f32],
}

impl WithSimd for Times<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { gradients: &Gradients { each, .. }, weight, out } = self;
        let width = weight.columns;
        // A panel stays in the nearest cache while all rows pass.
        for (panel, values) in weight.values.chunks_exact(weight.units * PANEL).enumerate() {
            let out = out.chunks_exact_mut(each * width);
            for (row, out) in self.gradients.rows().zip(out) {
                for first in (0..each).step_by(ROWS) {
                    let out = &mut out[first * width..];
                    let at = panel * PANEL;
                    tile!(each - first, times(simd, row, each, first, values, out, width, at));
                }
            }
        }
    }
}

/// Sums of a panel for `R` cotangents of a row, from the `first`; `out` begins with the first's row,
/// and the panel at column `at`.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
fn times<S: Simd, const R: usize>(
    simd: S,
    row: Row,
    each: usize,
    first: usize,
    panel: &[f32],
    out: &mut [f32],
    width: usize,
    at: usize,
) {
    for part in (0..PANEL).step_by(REGISTERS * S::F32_LANES) {
        let mut sums = [[simd.splat_f32s(0.0); REGISTERS]; R];
        for (unit, column) in row.active.iter().zip(row.columns.chunks_exact(each)) {
            let column = &column[first..first + R];
            add(simd, &mut sums, |r| column[r], &panel[*unit as usize * PANEL + part..]);
        }
        for (r, sums) in sums.iter().enumerate() {
            let from = (at + part).min(width);
            let out = &mut out[r * width + from..(r + 1) * width];
            for (out, sum) in out.chunks_mut(S::F32_LANES).zip(sums) {
                let sum = bytemuck::cast_slice(std::slice::from_ref(sum));
                // Two cases, so that the usual is one instruction.
                match out.len() == S::F32_LANES {
                    true => out.copy_from_slice(&sum[..S::F32_LANES]),
                    false => out.copy_from_slice(&sum[..out.len()]),
                }
            }
        }
    }
}

struct Gram<'a> {
    gradients: &'a Gradients,
    panels: &'a mut [f32],
}

impl WithSimd for Gram<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { gradients: &Gradients { each, units, .. }, panels } = self;
        let mut values = vec![0.0; each * PANEL];
        for (panel, sums) in panels.chunks_exact_mut(units * PANEL).enumerate() {
            let first = panel * PANEL;
            let width = PANEL.min(units - first);
            for row in self.gradients.rows() {
                for (to, from) in values.chunks_exact_mut(PANEL).zip(row.values.chunks_exact(units))
                {
                    to[..width].copy_from_slice(&from[first..first + width]);
                }
                // Above the diagonal nothing is needed.
                let above = row.active.partition_point(|unit| (*unit as usize) < first);
                let active = row.active[above..].chunks(ROWS);
                let columns = row.columns[above * each..].chunks(ROWS * each);
                for (active, columns) in active.zip(columns) {
                    tile!(active.len(), gram(simd, active, columns, each, &values, sums));
                }
            }
        }
    }
}

/// Adds one row's products for `R` active units and the columns of a panel; `values` are each ×
/// [`PANEL`].
#[inline(always)]
fn gram<S: Simd, const R: usize>(
    simd: S,
    active: &[u32],
    columns: &[f32],
    each: usize,
    values: &[f32],
    panel: &mut [f32],
) {
    // As long as the tile is known to be, its sums stay in registers.
    let active = &active[..R];
    let columns: [&[f32]; R] = std::array::from_fn(|r| &columns[r * each..][..each]);
    // Loops, where `map` and `from_fn` of arrays would not be inlined and so not be compiled for the
    // processor at hand (a third of the speed, measured).
    for part in (0..PANEL).step_by(REGISTERS * S::F32_LANES) {
        let mut sums = [[simd.splat_f32s(0.0); REGISTERS]; R];
        for (sums, unit) in sums.iter_mut().zip(active) {
            *sums = registers::<S>(&panel[*unit as usize * PANEL + part..]);
        }
        for cotangent in 0..each {
            add(simd, &mut sums, |r| columns[r][cotangent], &values[cotangent * PANEL + part..]);
        }
        for (sums, unit) in sums.iter().zip(active) {
            let panel = &mut panel[*unit as usize * PANEL + part..][..REGISTERS * S::F32_LANES];
            for (panel, sum) in S::as_mut_simd_f32s(panel).0.iter_mut().zip(sums) {
                *panel = *sum;
            }
        }
    }
}

/// `sums[r] += factor(r) · values`
#[inline(always)]
fn add<S: Simd, const R: usize>(
    simd: S,
    sums: &mut [[S::f32s; REGISTERS]; R],
    factor: impl Fn(usize) -> f32,
    values: &[f32],
) {
    let values = registers::<S>(values);
    for (r, sums) in sums.iter_mut().enumerate() {
        let factor = simd.splat_f32s(factor(r));
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum = simd.mul_add_e_f32s(factor, value, *sum);
        }
    }
}

/// The first values, as many as the registers hold.
#[inline(always)]
fn registers<S: Simd>(values: &[f32]) -> [S::f32s; REGISTERS] {
    let values = S::as_simd_f32s(&values[..REGISTERS * S::F32_LANES]).0;
    [values[0], values[1]]
}
