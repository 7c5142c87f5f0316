//! Sparse gradient products: leave out the units without a slope (ReLU).
//!
//! Behind a ReLU about half of a row's gradients are exactly 0, in the same units for all of its
//! cotangents. With b_u the column of an active unit in a row's gradients B (each × units):
//!
//! - B W = Σ_u b_u w_u, which reads the active rows of W alone;
//! - BᵀB has rows b_uᵀ B, of which the active are added to, in the lower triangle.
//!
//! Libraries multiply densely, and burn's gemm does so at nine tenths of what a core can do (105 of
//! 115 GFLOP/s, AVX-512 on a Zen 4; faer's is as fast): to be faster is to leave work out. The AGOP of
//! a 784-256-256-10 network on 1,000 rows fell from 41 ms to 24. Where every unit is active, these
//! loops cost what dense products do.

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
    /// Of each row and unit how far it is from 0: kept, since a large buffer that is asked for anew for every chunk
    /// costs more in the system than all else.
    sizes: Vec<f32>,
}

/// One row's share of [`Gradients`].
#[derive(Clone, Copy)]
struct Row<'a> {
    active: &'a [u32],
    /// Each × units.
    values: &'a [f32],
}

impl Gradients {
    /// Of no rows.
    pub(crate) fn new(each: usize, units: usize) -> Self {
        let (values, sizes) = (Vec::new(), Vec::new());
        Self { each, units, values, active: Vec::new(), ends: Vec::new(), sizes }
    }

    /// The buffer of its values, to be filled and given to [`Self::set`] or [`Self::set_through`].
    pub(crate) fn buffer(&mut self) -> Vec<f32> {
        std::mem::take(&mut self.values)
    }

    /// Replaces them by given ones, (rows · each) × units. Units with a value that is not 0 are
    /// active.
    pub(crate) fn set(&mut self, values: Vec<f32>) {
        let (each, units) = (self.each, self.units);
        let mut sizes = std::mem::take(&mut self.sizes);
        sizes.clear();
        sizes.resize(values.len() / each, 0.0);
        for (row, sizes) in values.chunks_exact(each * units).zip(sizes.chunks_exact_mut(units)) {
            for gradient in row.chunks_exact(units) {
                sizes.iter_mut().zip(gradient).for_each(|(size, value)| *size += value.abs());
            }
        }
        self.values = values;
        self.find_active(&sizes);
        self.sizes = sizes;
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
        self.ends.clear();
        self.active.resize(slopes.len(), 0);
        let mut end = 0;
        for slopes in slopes.chunks_exact(self.units) {
            for (unit, slope) in slopes.iter().enumerate() {
                // No branch: which units are active cannot be foretold.
                self.active[end] = unit as u32;
                end += usize::from(*slope != 0.0);
            }
            self.ends.push(end);
        }
    }

    fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let values = self.values.chunks_exact(self.each * self.units);
        let mut start = 0;
        self.ends.iter().zip(values).map(move |(&end, values)| {
            let active = &self.active[start..end];
            start = end;
            Row { active, values }
        })
    }

    /// B W: (rows · each) × columns, row-major.
    pub(crate) fn times(&self, weight: &Panels) -> Vec<f32> {
        let mut out = Vec::new();
        self.times_into(weight, &mut out);
        out
    }

    /// The same into a buffer.
    pub(crate) fn times_into(&self, weight: &Panels, out: &mut Vec<f32>) {
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
        let Self { gradients: &Gradients { each, units, .. }, weight, out } = self;
        let width = weight.columns;
        // A panel stays in the nearest cache while all rows pass.
        for (panel, weight) in weight.values.chunks_exact(units * PANEL).enumerate() {
            let first = panel * PANEL;
            let out = out.chunks_exact_mut(each * width);
            for (row, out) in self.gradients.rows().zip(out) {
                let values = row.values.chunks(ROWS * units);
                for (values, out) in values.zip(out.chunks_mut(ROWS * width)) {
                    let rows = values.len() / units;
                    tile!(rows, times(simd, row.active, values, weight, out, first));
                }
            }
        }
    }
}

/// Products of `R` cotangents' values and a panel of weights, into the columns from `first`.
#[inline(always)]
fn times<S: Simd, const R: usize>(
    simd: S,
    active: &[u32],
    values: &[f32],
    weight: &[f32],
    out: &mut [f32],
    first: usize,
) {
    let (units, width) = (values.len() / R, out.len() / R);
    let values: [&[f32]; R] = std::array::from_fn(|r| &values[r * units..][..units]);
    for part in (0..PANEL).step_by(REGISTERS * S::F32_LANES) {
        let mut sums = [[simd.splat_f32s(0.0); REGISTERS]; R];
        for unit in active {
            let unit = *unit as usize;
            add(simd, &mut sums, |r| values[r][unit], &weight[unit * PANEL + part..]);
        }
        for (out, sums) in out.chunks_exact_mut(width).zip(&sums) {
            store::<S>(&mut out[(first + part).min(width)..], sums);
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
        let Self { gradients: &Gradients { units, .. }, panels } = self;
        for (panel, sums) in panels.chunks_exact_mut(units * PANEL).enumerate() {
            let first = panel * PANEL;
            for row in self.gradients.rows() {
                // Above the diagonal nothing is needed.
                let above = row.active.partition_point(|unit| (*unit as usize) < first);
                for active in row.active[above..].chunks(ROWS) {
                    tile!(active.len(), gram(simd, active, row.values, units, sums, first));
                }
            }
        }
    }
}

/// Adds one row's products for `R` active units and the columns of a panel, which begins at `first`.
#[inline(always)]
fn gram<S: Simd, const R: usize>(
    simd: S,
    active: &[u32],
    values: &[f32],
    units: usize,
    panel: &mut [f32],
    first: usize,
) {
    // Of a length that the compiler knows, so that the sums stay in registers. Nor are there `map`
    // and `from_fn` of registers: not inlined, they are not compiled for the processor at hand.
    let active = &active[..R];
    for part in (0..PANEL).step_by(REGISTERS * S::F32_LANES) {
        let mut sums = [[simd.splat_f32s(0.0); REGISTERS]; R];
        for (sums, unit) in sums.iter_mut().zip(active) {
            *sums = load(simd, &panel[*unit as usize * PANEL + part..]);
        }
        for values in values.chunks_exact(units) {
            let columns = &values[(first + part).min(units)..];
            add(simd, &mut sums, |r| values[active[r] as usize], columns);
        }
        for (sums, unit) in sums.iter().zip(active) {
            store::<S>(&mut panel[*unit as usize * PANEL + part..], sums);
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
    let values = load(simd, values);
    for (r, sums) in sums.iter_mut().enumerate() {
        let factor = simd.splat_f32s(factor(r));
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum = simd.mul_add_e_f32s(factor, value, *sum);
        }
    }
}

/// The first values, as many as the registers hold; zeros behind the last.
#[inline(always)]
fn load<S: Simd>(simd: S, values: &[f32]) -> [S::f32s; REGISTERS] {
    match values.get(..REGISTERS * S::F32_LANES) {
        Some(values) => {
            let values = S::as_simd_f32s(values).0;
            [values[0], values[1]]
        }
        None => {
            let mut registers = [simd.splat_f32s(0.0); REGISTERS];
            bytemuck::cast_slice_mut(&mut registers)[..values.len()].copy_from_slice(values);
            registers
        }
    }
}

/// Into the first values; what finds no place is dropped.
#[inline(always)]
fn store<S: Simd>(values: &mut [f32], registers: &[S::f32s; REGISTERS]) {
    match values.get_mut(..REGISTERS * S::F32_LANES) {
        Some(values) => {
            let values = S::as_mut_simd_f32s(values).0;
            (values[0], values[1]) = (registers[0], registers[1]);
        }
        None => values.copy_from_slice(&bytemuck::cast_slice(registers)[..values.len()]),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use pulp::Scalar;

    use super::*;

    fn near(a: &[f32], b: &[f32]) -> bool {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-3)
    }

    proptest! {
        #[test]
        fn products_are_those_of_plain_loops(
            rows in 0usize..4, each in 1usize..13, units in 1usize..70, columns in 0usize..70,
            seed in any::<u32>(),
        ) {
            let number = |i: usize| ((i as f32 + seed as f32 / 7e5) * 0.618_034).fract() - 0.5;
            let slopes: Vec<f32> = (0..rows * units).map(|i| number(i * i).max(0.0)).collect();
            let values: Vec<f32> = (0..rows * each * units).map(number).collect();
            let weight = |unit: usize, column: usize| number(3 * unit * columns + column);
            let panels = Panels::new(units, columns, weight);
            let mut gradients = Gradients::new(each, units);
            gradients.set_through(values.clone(), &slopes);

            let b = |k: usize, unit: usize| values[k * units + unit] * slopes[k / each * units + unit];
            let mut product = vec![0.0; rows * each * columns];
            let mut gram = vec![0.0; units * units];
            for k in 0..rows * each {
                for unit in 0..units {
                    for column in 0..columns {
                        product[k * columns + column] += b(k, unit) * weight(unit, column);
                    }
                    for other in 0..units {
                        gram[unit * units + other] += b(k, unit) * b(k, other);
                    }
                }
            }
            prop_assert!(near(&gradients.times(&panels), &product));
            prop_assert!(near(&gradients.gram(), &gram));

            // Found active by their values, they are the same.
            let mut same = Gradients::new(each, units);
            same.set(gradients.values.clone());
            prop_assert_eq!(same.times(&panels), gradients.times(&panels));
            prop_assert_eq!(same.gram(), gradients.gram());

            // Without wide registers, too.
            let mut plain = vec![0.0; product.len()];
            Times { gradients: &gradients, weight: &panels, out: &mut plain }.with_simd(Scalar);
            prop_assert!(near(&plain, &product));
            let mut sums = [(); 2].map(|()| vec![0.0; units.next_multiple_of(PANEL) * units]);
            Gram { gradients: &gradients, panels: &mut sums[0] }.with_simd(Scalar);
            Arch::new().dispatch(Gram { gradients: &gradients, panels: &mut sums[1] });
            prop_assert!(near(&sums[0], &sums[1]));
        }

        #[cfg(target_arch = "x86_64")]
        #[test]
        fn narrower_registers_give_the_same(each in 1usize..13, columns in 1usize..70) {
            let Some(v3) = pulp::x86::V3::try_new() else { return Ok(()) };
            let values = (0..2 * each * 41).map(|i| (i as f32 * 0.618_034).fract() - 0.5).collect();
            let panels = Panels::new(41, columns, |unit, column| ((unit + column) % 5) as f32);
            let mut gradients = Gradients::new(each, 41);
            gradients.set(values);
            let mut out = vec![0.0; 2 * each * columns];
            Simd::vectorize(v3, Times { gradients: &gradients, weight: &panels, out: &mut out });
            prop_assert!(near(&out, &gradients.times(&panels)));
            let mut sums = [(); 2].map(|()| vec![0.0; 64 * 41]);
            Simd::vectorize(v3, Gram { gradients: &gradients, panels: &mut sums[0] });
            Arch::new().dispatch(Gram { gradients: &gradients, panels: &mut sums[1] });
            prop_assert!(near(&sums[0], &sums[1]));
        }
    }
}
