//! The resolved columns of one expert: types, classes, task.

use std::sync::Arc;

use collegium_manifest::{Input, Output, Task};

/// The resolved columns of an expert.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// What is predicted.
    pub task: Task,
    /// Class names in the order of the logits; empty for regression.
    pub classes: Vec<String>,
    /// Declared inputs in canonical order: by name.
    pub inputs: Vec<Input>,
    /// Raw columns that the expert and its ancestors read, in canonical order: one list for all that read
    /// the same.
    pub raw: Arc<[Input]>,
}

impl Resolved {
    /// The output that metrics are measured on: probabilities, or values.
    pub fn measured_output(&self) -> Output {
        match self.task {
            Task::Classification => Output::Probability,
            Task::Regression => Output::Value,
        }
    }

    /// Raw outputs of a model: one for a value or two classes, else one for each class.
    pub fn outputs(&self) -> usize {
        match self.classes.len() {
            0..=2 => 1,
            many => many,
        }
    }
}
