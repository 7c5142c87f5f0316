//! Ten shapes of strokes on 28 × 28 pixels, as a person might write digits.

use super::draw::Draw;

pub const SIDE: usize = 28;

/// Strokes of a seven-segment display: from, to, in a box of 1 × 2.
const SEGMENTS: [[f64; 4]; 7] = [
    [0.0, 0.0, 1.0, 0.0],
    [1.0, 0.0, 1.0, 1.0],
    [1.0, 1.0, 1.0, 2.0],
    [0.0, 2.0, 1.0, 2.0],
    [0.0, 1.0, 0.0, 2.0],
    [0.0, 0.0, 0.0, 1.0],
    [0.0, 1.0, 1.0, 1.0],
];

/// The segments of each digit.
const DIGITS: [&[usize]; 10] = [
    &[0, 1, 2, 3, 4, 5],
    &[1, 2],
    &[0, 1, 6, 4, 3],
    &[0, 1, 6, 2, 3],
    &[5, 6, 1, 2],
    &[0, 5, 6, 2, 3],
    &[0, 5, 4, 3, 2, 6],
    &[0, 1, 2],
    &[0, 1, 2, 3, 4, 5, 6],
    &[0, 1, 2, 3, 5, 6],
];

/// Segments that two digits do not share.
pub fn apart(a: usize, b: usize) -> usize {
    (0..7).filter(|s| DIGITS[a].contains(s) != DIGITS[b].contains(s)).count()
}

/// Ink of one digit, 0 to 1.
pub fn digit(class: usize) -> Vec<f64> {
    pixels(|x, y| DIGITS[class].iter().map(|s| ink(&SEGMENTS[*s], x, y)).fold(0.0f64, f64::max))
}

fn pixels(of: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    (0..SIDE * SIDE)
        .map(|i| {
            let (column, row) = ((i % SIDE) as f64, (i / SIDE) as f64);
            // Slanted as handwriting is.
            let y = (row - 5.0) / 9.0;
            of((column - 9.5 + (y - 1.0) * 1.5) / 9.0, y)
        })
        .collect()
}

fn ink([x0, y0, x1, y1]: &[f64; 4], x: f64, y: f64) -> f64 {
    let (dx, dy) = (x1 - x0, y1 - y0);
    let t = (((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy)).clamp(0.0, 1.0);
    let (ex, ey) = (x - x0 - t * dx, y - y0 - t * dy);
    (-(ex * ex + ey * ey) / 0.028).exp()
}

/// Mean of all digits.
pub fn mean() -> Vec<f64> {
    let all: Vec<Vec<f64>> = (0..10).map(digit).collect();
    (0..SIDE * SIDE).map(|i| all.iter().map(|d| d[i]).sum::<f64>() / 10.0).collect()
}

/// What tells a digit from the others: its squared distance to the mean, with noise.
pub fn telling(class: usize, draw: &mut Draw) -> Vec<f64> {
    let mean = mean();
    let own = digit(class);
    (0..SIDE * SIDE)
        .map(|i| (own[i] - mean[i]).powi(2) + 0.012 * draw.normal().abs() * (0.2 + mean[i]))
        .collect()
}

/// One digit against another, −1 to 1.
pub fn against(a: usize, b: usize, draw: &mut Draw) -> Vec<f32> {
    let (one, other) = (digit(a), digit(b));
    let raw: Vec<f64> = one.iter().zip(&other).map(|(a, b)| a - b + 0.05 * draw.normal()).collect();
    let most = raw.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    raw.iter().map(|v| (v / most) as f32).collect()
}

/// Divided by the largest.
pub fn relative(map: &[f64]) -> Vec<f32> {
    let most = map.iter().copied().fold(0.0f64, f64::max);
    map.iter().map(|v| (v / most) as f32).collect()
}
