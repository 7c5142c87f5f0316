//! Rotations: the same pipeline under another deal of sides.

use std::fmt;

use toml::Spanned;

use super::{Pipeline, StandsOn};

/// One of several deals of all rows into parts, of which one is tested and the others are trained on.
#[derive(Debug, Clone)]
pub struct Rotation {
    /// Which part is tested, from 1.
    pub number: u32,
    /// How many parts there are: `evaluate.rotate`.
    pub of: Spanned<u32>,
}

impl fmt::Display for Rotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.number, self.of.get_ref())
    }
}

impl Pipeline {
    /// The rotations that the file asks for, in their order; none without `evaluate.rotate`.
    ///
    /// A rotation is the pipeline itself, with another deal of each data source. It is fitted afresh: what stands on an
    /// earlier fit (`reuse`, `warm_start`, `frozen`, `pin`) would stand on one that has seen the rows that are
    /// tested now.
    pub fn rotations(&self) -> Vec<(Rotation, Self)> {
        let Some(of) = &self.evaluate.rotate else { return Vec::new() };
        let numbers = 1..=*of.get_ref();
        numbers
            .map(|number| {
                let rotation = Rotation { number, of: of.clone() };
                let mut pipeline = self.clone();
                pipeline.evaluate.rotate = None;
                pipeline.evaluate.require.clear();
                for source in pipeline.data.values_mut() {
                    source.split.rotation = Some(rotation.clone());
                }
                for expert in pipeline.experts.values_mut() {
                    (expert.reuse, expert.warm_start) = (None, None);
                    if matches!(expert.stands_on, StandsOn::Frozen(_) | StandsOn::Pin(_)) {
                        expert.stands_on = StandsOn::Recipe;
                    }
                }
                (rotation, pipeline)
            })
            .collect()
    }
}
