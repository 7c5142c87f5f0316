//! Conversion between plain buffers and burn's tensors, without copying.

use burn::tensor::{Device, Tensor, TensorData};

/// `rows × columns`, row-major.
pub(crate) fn tensor(values: Vec<f32>, rows: usize, columns: usize, device: &Device) -> Tensor<2> {
    Tensor::from_data(TensorData::new(values, [rows, columns]), device)
}

pub(crate) fn values(tensor: Tensor<2>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("flex tensors of 32-bit floats hold them")
}
