//! Processor class (kernels that fits run on), and memory estimate of a fit.

use std::sync::OnceLock;

use burn::tensor::{Device, Tensor, TensorData};
use collegium_digest::Digest;
use collegium_manifest::spec::{Added, Mlp};

use crate::Shape;

/// The class of processor kernels that fits run on: the instruction set, and a fingerprint of what
/// a product of fixed matrices comes out as. Matrix products are blocked by instruction set *and*
/// cache sizes, so two machines give the same bits when the fingerprints agree.
///
/// Measured once per process.
pub fn kernel_class() -> String {
    static CLASS: OnceLock<String> = OnceLock::new();
    CLASS.get_or_init(|| format!("{} #{}", instruction_set(), fingerprint())).clone()
}

#[cfg(target_arch = "x86_64")]
fn instruction_set() -> &'static str {
    if is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512cd")
    {
        "x86-64-v4 (avx512)"
    } else if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        "x86-64-v3 (avx2)"
    } else {
        "x86-64 (sse2)"
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn instruction_set() -> &'static str {
    std::env::consts::ARCH
}

/// The products that training takes (forward, weights' gradient, inputs' gradient) at a batch's
/// depth, hashed.
fn fingerprint() -> String {
    let device = Device::flex();
    let tensor = |rows: usize, columns: usize| {
        let values = (0..rows * columns).map(|i| {
            // Irrational steps: the sums have nothing exact about them.
            ((i as f32 * 0.618_034).fract() - 0.5) * 1.3
        });
        Tensor::<2>::from_data(
            TensorData::new(values.collect::<Vec<f32>>(), [rows, columns]),
            &device,
        )
    };
    let (x, w) = (tensor(1024, 33), tensor(33, 47));
    let z = x.clone().matmul(w.clone());
    let products = [z.clone(), x.transpose().matmul(z.clone()), z.matmul(w.transpose())];
    let mut bytes = Vec::new();
    for product in products {
        for value in product.into_data().iter::<f32>() {
            bytes.extend_from_slice(&value.to_le_bytes());
        }
    }
    Digest::of(&bytes).to_string()[..8].to_owned()
}

/// About how many bytes a fit holds at its peak: encoded rows, weights with gradients and optimiser
/// state, and one batch of activations.
///
/// `rows` counts training and validation rows; `outputs` is 1 for binary classification and
/// regression.
pub fn estimate_bytes(spec: &Mlp, width: usize, outputs: usize, rows: u64, batch: u32) -> u64 {
    let (inputs, outputs) = (width as u64, outputs as u64);
    let parameters = spec.parameters(inputs, outputs);
    let units: u64 = spec.widths(inputs, outputs).iter().sum();
    // Weights, the best epoch's, a step's copy and gradient, two moments.
    let state = 6 * parameters;
    // Activations, slopes and gradients of one batch.
    let step = 3 * units * u64::from(batch.max(1)).min(rows.max(1));
    // The rows themselves, a target and a place in the shuffle each.
    4 * (rows * (width as u64 + 2) + state + step)
}

/// About how many bytes encodings of numbers add to that: rows as lists of what is not zero of them, and a wider first layer
/// with the sums of its bins.
pub(crate) fn bytes_of_encodings(spec: &Mlp, shape: &Shape) -> u64 {
    let Added { columns, terms } = shape.added;
    if columns == 0 {
        return 0;
    }
    let units = u64::from(spec.hidden.first().copied().unwrap_or(shape.outputs as u32));
    // A place, a factor; and where each list ends.
    let lists = shape.rows * (8 * (shape.width + terms) as u64 + 8);
    // As in the estimate above, and the table with the gradient of a step.
    lists + 4 * (6 + 4) * columns as u64 * units
}

#[cfg(test)]
mod tests {
    use collegium_manifest::spec::Activation;

    use super::*;

    #[test]
    fn the_kernel_class_is_the_same_each_time() {
        let class = kernel_class();
        assert!(class.contains(" #"), "{class}");
        assert_eq!(fingerprint(), fingerprint());
    }

    #[test]
    fn memory_grows_with_rows_and_weights() {
        let spec = Mlp { hidden: vec![64, 32], activation: Activation::Relu, dropout: 0.0.into() };
        let flights = estimate_bytes(&spec, 25, 1, 229_000, 1024);
        assert!((24_000_000..30_000_000).contains(&flights), "{flights}");
        assert!(estimate_bytes(&spec, 25, 1, 458_000, 1024) > flights);
    }
}
