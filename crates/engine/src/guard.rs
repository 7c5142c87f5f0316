//! Overwrite protection: an output may not replace a file that the command or its pipeline reads.

use std::path::Path;

use collegium_records::Code;

use crate::{EngineError, Session};

impl Session {
    /// Refuses an output in the place of these files, the pipeline's data, its file or its lock.
    ///
    /// # Errors
    /// [`EngineError::Usage`]
    pub fn guard(&self, output: &Path, read: &[&Path]) -> Result<(), EngineError> {
        // A file that does not exist yet is nobody's.
        let Ok(target) = output.canonicalize() else { return Ok(()) };
        let lock = self.lock_path();
        let precious = [self.pipeline.source.path.as_path(), &lock];
        let taken = precious
            .into_iter()
            .chain(read.iter().copied())
            .chain(self.files.iter().map(|(path, _)| path.as_path()))
            .any(|path| path.canonicalize().is_ok_and(|path| path == target));
        if taken {
            return Err(EngineError::Usage(
                Code::OutputOverInput,
                format!(
                    "the output would replace {}, which this command or its pipeline reads; choose \
                 another output",
                    output.display()
                ),
            ));
        }
        Ok(())
    }
}
