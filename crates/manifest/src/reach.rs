//! File access control: which files a pipeline may read.
//!
//! A pipeline file may come from a stranger, and what it names is read with its user's rights. So every path of
//! a pipeline (tables, files of a split, IDX columns, `source`, blueprints, what lies beside tables) passes
//! [`Fence::admit`]: links followed, it lies in the project's folder, or in a folder that the *user* consents to.
//! The file itself can only ask ([`Pipeline::asks`]). What the command line names is the user's own choice and
//! passes no fence.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    path::{Component, Path, PathBuf},
};

use crate::{Pipeline, StandsOn};

/// The folders in which the files of a pipeline may lie.
#[derive(Debug, Clone)]
pub struct Fence {
    pipeline: PathBuf,
    root: PathBuf,
    asked: Vec<PathBuf>,
    consented: Vec<PathBuf>,
}

/// A file that a pipeline must not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outside {
    /// What is wrong, in one line.
    pub message: String,
    /// What to say at the path.
    pub label: String,
    /// The ways out.
    pub help: String,
}

impl Fence {
    /// Around the project of a pipeline file, whose folder is `root`. `asked` are the folders that the pipeline
    /// asks for, `consented` those that its user consents to.
    pub fn new(pipeline: &Path, root: &Path, asked: &[PathBuf], consented: &[PathBuf]) -> Self {
        Self {
            pipeline: pipeline.to_owned(),
            root: real(root),
            asked: asked.to_vec(),
            consented: consented.iter().map(|folder| real(folder)).collect(),
        }
    }

    /// Around one folder: nothing beyond it was asked for or consented to.
    pub fn around(root: &Path) -> Self {
        Self::new(Path::new("PIPELINE"), root, &[], &[])
    }

    /// Lets a path of the pipeline pass; it need not exist.
    ///
    /// # Errors
    /// If it leads out of the project, by its spelling or through a link, to where nobody consented to.
    pub fn admit(&self, path: &Path) -> Result<(), Outside> {
        self.judge(&real(path))
    }

    /// The same for many files; each folder is looked at once.
    ///
    /// # Errors
    /// For the first that leads out.
    pub fn admit_all<'a>(
        &self,
        paths: impl IntoIterator<Item = &'a PathBuf>,
    ) -> Result<(), Outside> {
        let mut folders: BTreeMap<&Path, PathBuf> = BTreeMap::new();
        for path in paths {
            let is_link = fs::symlink_metadata(path).map_or(true, |found| found.is_symlink());
            match (path.parent(), path.file_name()) {
                (Some(folder), Some(name)) if !is_link => {
                    let real = folders.entry(folder).or_insert_with(|| real(folder));
                    self.judge(&real.join(name))?;
                }
                _ => self.admit(path)?,
            }
        }
        Ok(())
    }

    fn judge(&self, real: &Path) -> Result<(), Outside> {
        let within = |folder: &PathBuf| real.starts_with(folder);
        if within(&self.root) || self.consented.iter().any(within) {
            return Ok(());
        }
        let folder = real.parent().filter(|_| !real.is_dir()).unwrap_or(real);
        let (root, file, pipeline) = (&self.root, real.display(), self.pipeline.display());
        let once = format!("`--allow-read {}` for this once", folder.display());
        let trust = match self.asked.iter().any(within) {
            true => format!(
                "`collegium trust {pipeline}` shows what it asks for and remembers your consent"
            ),
            false => format!(
                "with `reads = [\"{}\"]` in `[pipeline]` it asks for that folder, and `collegium trust \
                 {pipeline}` remembers your consent",
                folder.display()
            ),
        };
        Err(Outside {
            message: format!(
                "{file} lies outside of the project, and nobody consented to reading it"
            ),
            label: format!("leads to {}", folder.display()),
            help: format!(
                "a pipeline reads files of its own project, {}: move the file there; or consent: {once}; \
                 {trust}",
                root.display()
            ),
        })
    }
}

impl Pipeline {
    /// The folders outside of its project that it asks to read, links followed, sorted: those of `reads`, and
    /// those that its own paths lead to.
    pub fn asks(&self) -> Vec<PathBuf> {
        let sources = self.experts.values().filter_map(|expert| match &expert.stands_on {
            StandsOn::Source { pipeline, .. } => Some(Path::new(pipeline.get_ref())),
            _ => None,
        });
        asks(
            &self.source.path,
            &self.root,
            self.reads.iter().map(|folder| folder.get_ref().as_str()),
            self.data.values().flat_map(|source| source.patterns()).map(|p| p.get_ref().as_str()),
            sources,
        )
    }
}

/// The same of a pipeline file that is not read: from `reads`, patterns of data files and other pipelines'
/// files (or their locks), all relative to the file.
pub fn asks<'a>(
    pipeline: &Path,
    root: &Path,
    reads: impl IntoIterator<Item = &'a str>,
    patterns: impl IntoIterator<Item = &'a str>,
    sources: impl IntoIterator<Item = &'a Path>,
) -> Vec<PathBuf> {
    let base = pipeline.parent().unwrap_or(Path::new(""));
    let root = real(root);
    let mut asked: Vec<PathBuf> =
        reads.into_iter().map(|folder| real(&base.join(folder))).collect();
    for pattern in patterns {
        let beginning = beginning(pattern);
        let literal = beginning == Path::new(pattern);
        let real = real(&base.join(beginning));
        let folder = real.parent().filter(|_| literal && !real.is_dir());
        asked.push(folder.map_or(real.clone(), Path::to_owned));
    }
    // Models of another pipeline lie in the store of its project.
    asked.extend(sources.into_iter().map(|source| real(&project_root(&base.join(source)))));
    asked.retain(|folder| !folder.starts_with(&root));
    asked.sort();
    asked.dedup();
    let all = asked.clone();
    asked.retain(|folder| !all.iter().any(|other| other != folder && folder.starts_with(other)));
    asked
}

/// What of a pattern is no pattern: the components before the first that holds a wildcard.
pub fn beginning(pattern: &str) -> PathBuf {
    let plain =
        |part: &Component<'_>| !part.as_os_str().to_string_lossy().contains(['*', '?', '[']);
    Path::new(pattern).components().take_while(plain).collect()
}

/// An absolute path without links, `.` and `..`. What does not exist is taken as it is spelt.
pub fn real(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut known = absolute;
    let mut rest: Vec<Option<OsString>> = Vec::new();
    loop {
        if let Ok(mut real) = fs::canonicalize(&known) {
            for part in rest.into_iter().rev() {
                match part {
                    Some(name) => real.push(name),
                    None => {
                        real.pop();
                    }
                }
            }
            return real;
        }
        match known.components().next_back() {
            Some(Component::Normal(name)) => rest.push(Some(name.to_owned())),
            Some(Component::ParentDir) => rest.push(None),
            _ => return known,
        }
        known = match known.parent() {
            Some(above) => above.to_owned(),
            None => return known,
        };
    }
}

/// The folder that `.collegium/` lies in: the nearest above the pipeline file that holds
/// `pipelines/`, else the file's own.
pub fn project_root(pipeline: &Path) -> PathBuf {
    let own = match pipeline.parent() {
        Some(folder) if folder != Path::new("") => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    // Made absolute only to climb: `flights.toml` alone still has folders above it.
    let absolute = std::path::absolute(&own).unwrap_or_else(|_| own.clone());
    absolute
        .ancestors()
        .find(|folder| folder.join("pipelines").is_dir())
        .map_or(own, Path::to_owned)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A project beside a folder of secrets; each with one file.
    fn here() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().canonicalize().unwrap();
        let (project, secret) = (real.join("project"), real.join("secret"));
        fs::create_dir_all(project.join("data")).unwrap();
        fs::create_dir_all(&secret).unwrap();
        fs::write(project.join("data/t.csv"), "a\n1\n").unwrap();
        fs::write(secret.join("t.csv"), "a\n1\n").unwrap();
        (folder, project, secret)
    }

    #[test]
    fn a_path_passes_by_where_it_leads_and_not_by_how_it_is_spelt() {
        let (_folder, project, secret) = here();
        symlink("data/t.csv", project.join("within.csv")).unwrap();
        symlink(secret.join("t.csv"), project.join("out.csv")).unwrap();
        symlink("../secret", project.join("folder")).unwrap();
        let fence = Fence::around(&project);
        for inside in
            ["data/t.csv", "data/../data/t.csv", "within.csv", "data/none.csv", "../project/x"]
        {
            assert_eq!(fence.admit(&project.join(inside)), Ok(()), "{inside}");
        }
        for outside in [
            "../secret/t.csv",
            "out.csv",
            "folder/t.csv",
            "folder/none.csv",
            "data/none/../../../secret/t.csv",
            "../project-too/x",
            "/etc/passwd",
        ] {
            let path = project.join(outside);
            assert!(fence.admit(&path).is_err(), "{outside}");
            assert!(fence.admit_all([&path]).is_err(), "{outside}");
        }
    }

    #[test]
    fn consent_lets_pass_what_lies_in_its_folder_and_nothing_else() {
        let (_folder, project, secret) = here();
        let fence = Fence::new(Path::new("p.toml"), &project, &[], &[project.join("../secret")]);
        assert_eq!(fence.admit(&secret.join("t.csv")), Ok(()));
        let refused = fence.admit(Path::new("/etc/passwd")).unwrap_err();
        assert!(refused.help.contains("--allow-read /etc"), "{}", refused.help);
    }

    #[test]
    fn a_pipeline_asks_for_the_folders_that_it_leads_to() {
        let (_folder, project, secret) = here();
        let asked = asks(
            &project.join("p.toml"),
            &project,
            ["data"],
            ["data/t.csv", "../secret/t.csv", "../secret/2013/*.csv"],
            [Path::new("../other/p.toml")],
        );
        assert_eq!(asked, [project.join("../other"), secret].map(|folder| real(&folder)));
    }

    #[test]
    fn a_pattern_begins_before_its_first_wildcard() {
        assert_eq!(beginning("a/b/*.csv"), Path::new("a/b"));
        assert_eq!(beginning("/x/**/t.csv"), Path::new("/x"));
        assert_eq!(beginning("t.csv"), Path::new("t.csv"));
        assert_eq!(beginning("*.csv"), Path::new(""));
    }
}
