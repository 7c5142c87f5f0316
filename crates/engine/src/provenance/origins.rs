//! Origin of tables and files: as the pipeline file and the provenance files beside them say.

use std::{collections::HashMap, fs, io::ErrorKind, path::Path, sync::OnceLock};

use collegium_digest::Digest;
use collegium_manifest::{Diagnostic, Origin, Spanned};
use collegium_records::{Code, PredictedBy, PredictedFile};

use super::known::{FileOrigin, Origins, TableOrigin};
use crate::Session;

impl Session {
    /// Where the tables of a data source come from; every file is asked once in a session.
    pub(super) fn origins(&self, data: &str) -> &Origins {
        static NONE: OnceLock<Origins> = OnceLock::new();
        let sources = self.memo.origins.sources.get_or_init(|| {
            self.data.keys().map(|name| (name.clone(), self.look_for_origins(name))).collect()
        });
        sources.get(data).unwrap_or_else(|| NONE.get_or_init(Origins::default))
    }

    fn look_for_origins(&self, data: &str) -> Origins {
        let contents: HashMap<&Path, &Digest> =
            self.files.iter().map(|(path, content)| (path.as_path(), content)).collect();
        let source = &self.pipeline.data[data];
        let mut origins = Origins::default();
        for (name, paths) in &self.data[data].files {
            let Some(pattern) = source.tables.get(name) else { continue };
            let declared = source.origin_of(name);
            let mut files = Vec::new();
            for path in paths {
                let said = contents.get(path.as_path()).map(|content| {
                    match self.fence.admit(&PredictedBy::beside(path)) {
                        Ok(()) => beside(path, content),
                        Err(_) => Err("is not read: it leads out of the project".to_owned()),
                    }
                });
                let made = match said.transpose() {
                    Ok(made) => made.flatten(),
                    // What is declared synthetic anyway needs no other witness.
                    Err(_) if declared == Origin::Synthetic => None,
                    Err(why) => {
                        origins.findings.push(self.not_told(path, pattern, why));
                        None
                    }
                };
                files.push(FileOrigin { path: path.clone(), made });
            }
            let pattern = pattern.clone();
            origins.tables.push(TableOrigin { name: name.clone(), pattern, declared, files });
        }
        origins
    }

    fn not_told(&self, path: &Path, pattern: &Spanned<String>, why: String) -> Diagnostic {
        let sidecar = PredictedBy::beside(path);
        let message = format!("{} {why}", sidecar.display());
        Diagnostic::warning(Code::LabelsNotMeasured, &self.pipeline.source, pattern.span(), message)
            .label("its rows count as measured")
            .help(
                "if a model made labels in it all the same, say `origin = \"synthetic\"`; if none \
                 did, remove the file that speaks of another",
            )
    }
}

/// The provenance file beside a file of this content; `None` where there is nothing beside it, and an
/// error in words where there is something that says nothing of it.
pub(super) fn beside(path: &Path, content: &Digest) -> Result<Option<PredictedFile>, String> {
    let bytes = match fs::read(PredictedBy::beside(path)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("cannot be read: {error}")),
    };
    let said: PredictedBy = serde_json::from_slice(&bytes)
        .map_err(|error| format!("does not say who made the file beside it: {error}"))?;
    match said.of(content) {
        Some(made) => Ok(Some(made.clone())),
        None => Err("speaks of another content than that of the file beside it".to_owned()),
    }
}
