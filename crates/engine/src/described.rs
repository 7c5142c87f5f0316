//! Written audit pages: which models each describes, and whether the lock still stands on them.
//!
//! A page says in its head which models it describes (`<meta name="collegium-models">`): by that a page that
//! was mailed or left behind is told from one of the models in use.

use std::{fs::File, io::Read as _, path::Path};

use serde::Serialize;

use crate::{EngineError, Session};

/// Bytes of a page in which its head ends; the style sheet comes after what is looked for.
const HEAD: u64 = 1 << 20;

/// A page of an audit that lies in the store's folder of reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReportStatus {
    /// Its name in the folder of reports.
    pub name: String,
    /// The experts whose models the lock does not stand on any more: `expert.NAME`. Empty: it is of the
    /// models in use.
    pub older: Vec<String>,
}

impl Session {
    /// The pages of this pipeline that were written into the store's folder, by name.
    ///
    /// # Errors
    /// None so far: a page that cannot be read is none.
    pub(crate) fn reports(&self) -> Result<Vec<ReportStatus>, EngineError> {
        let folder = self.store.root().join("reports");
        let Ok(entries) = std::fs::read_dir(&folder) else { return Ok(Vec::new()) };
        let mut found: Vec<ReportStatus> = entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| is_of(name, &self.pipeline.name))
            .filter_map(|name| {
                let models = described(&folder.join(&name))?;
                Some(ReportStatus { older: self.older(&models), name })
            })
            .collect();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    fn older(&self, models: &[(String, String)]) -> Vec<String> {
        let stands = |(name, model): &&(String, String)| {
            let locked = self.lock.node.get(name).map(|node| node.realisation.to_string());
            locked.as_ref() != Some(model)
        };
        models.iter().filter(stands).map(|(name, _)| name.clone()).collect()
    }
}

/// `flights.html`, or that of some experts: `flights.arrival.html`.
fn is_of(file: &str, pipeline: &str) -> bool {
    let rest = file.strip_prefix(pipeline).and_then(|rest| rest.strip_suffix(".html"));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// The nodes that a page describes, with their models; `None` of a page that does not say.
fn described(page: &Path) -> Option<Vec<(String, String)>> {
    let mut head = Vec::new();
    File::open(page).ok()?.take(HEAD).read_to_end(&mut head).ok()?;
    let head = String::from_utf8_lossy(&head);
    let content = head.split("<meta name=\"collegium-models\" content=\"").nth(1)?;
    let pairs = content.split('"').next()?.split(", ");
    let pairs = pairs.filter_map(|pair| pair.split_once(' '));
    Some(pairs.map(|(name, model)| (name.to_owned(), model.to_owned())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_of_a_pipeline_by_its_whole_name() {
        assert!(
            is_of("flights.html", "flights") && is_of("flights.arrival+newark.html", "flights")
        );
        assert!(!is_of("flights2.html", "flights") && !is_of("flights.json", "flights"));
    }
}
