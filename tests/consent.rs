//! A pipeline reads files of its own project, and others only where its user consents.

use std::{os::unix::fs::symlink, path::Path};

use crate::project::{Project, Said};

/// The small project, and a table and settings of the user's own beside it.
struct Here {
    project: Project,
    beside: tempfile::TempDir,
}

impl Here {
    fn new() -> Self {
        let here = Self { project: Project::new(), beside: tempfile::tempdir().unwrap() };
        let table = here.project.path("pipelines/data/rows.csv");
        std::fs::create_dir(here.beside.path().join("shared")).unwrap();
        std::fs::copy(table, here.shared().join("rows.csv")).unwrap();
        here
    }

    fn shared(&self) -> std::path::PathBuf {
        self.beside.path().join("shared").canonicalize().unwrap()
    }

    /// With the table of the pipeline at another path.
    fn reading(path: impl AsRef<Path>) -> Self {
        let here = Self::new();
        here.path_is(path);
        here
    }

    fn path_is(&self, path: impl AsRef<Path>) {
        let path = format!("path = \"{}\"", path.as_ref().display());
        self.project.edit_pipeline("path = \"data/rows.csv\"", &path);
    }

    /// The binary, with settings that are nobody else's.
    fn collegium(&self, args: &[&str]) -> Said {
        let mut command = self.project.command(args);
        command.env("XDG_CONFIG_HOME", self.beside.path().join("settings"));
        Said::of(command.output().unwrap())
    }

    fn is_refused(&self) {
        let folder = self.shared().display().to_string();
        let said = self.collegium(&["check"]);
        said.fails(
            3,
            &[
                "lies outside of the project",
                "small.toml:6:",
                &format!("--allow-read {folder}"),
                "collegium trust",
            ],
        );
        let outside = self.collegium(&["run", "--quiet"]);
        outside.fails(3, &["lies outside of the project"]);
        assert!(!self.project.path("pipelines/small.lock").exists());
    }
}

#[test]
fn a_table_outside_of_the_project_is_refused_however_its_path_is_spelt() {
    let here = Here::new();
    here.path_is(here.shared().join("rows.csv"));
    here.is_refused();

    let here = Here::new();
    let up =
        "../".repeat(here.project.path("pipelines").canonicalize().unwrap().components().count());
    here.path_is(format!(
        "{up}{}",
        here.shared().join("rows.csv").strip_prefix("/").unwrap().display()
    ));
    here.is_refused();

    let here = Here::reading("data/link.csv");
    symlink(here.shared().join("rows.csv"), here.project.path("pipelines/data/link.csv")).unwrap();
    here.is_refused();

    let here = Here::reading("data/in/r*.csv");
    symlink(here.shared(), here.project.path("pipelines/data/in")).unwrap();
    here.is_refused();

    let here = Here::reading("data/*/r*.csv");
    symlink(here.shared(), here.project.path("pipelines/data/in")).unwrap();
    here.is_refused();

    // Not even whether a file is there is said.
    let here = Here::new();
    here.path_is(here.shared().join("nothing.csv"));
    here.is_refused();
}

#[test]
fn a_link_that_stays_inside_is_a_file_of_the_project() {
    let here = Here::reading("data/link.csv");
    symlink("rows.csv", here.project.path("pipelines/data/link.csv")).unwrap();
    here.collegium(&["check"]).ok();
}

#[test]
fn a_test_file_and_a_blueprint_and_a_sidecar_stay_inside_too() {
    let here = Here::new();
    let test = here.shared().join("rows.csv");
    here.project.edit_pipeline(
        "split = { train = 0.7, valid = 0.15, test = 0.15, by = [\"id\"] }",
        &format!("split = {{ test_file = \"{}\" }}", test.display()),
    );
    here.collegium(&["check"]).fails(3, &["lies outside of the project"]);

    let here = Here::new();
    std::fs::write(here.shared().join("m.toml"), "hidden = [8]\n").unwrap();
    std::fs::create_dir(here.project.path("models")).unwrap();
    symlink(here.shared().join("m.toml"), here.project.path("models/m.toml")).unwrap();
    here.project.edit_pipeline("model  = { type = \"mlp\", hidden = [8] }", "model = \"m\"");
    here.collegium(&["check"]).fails(3, &["cannot read the blueprint `m`", "lies outside"]);
    let shared = here.shared().display().to_string();
    here.collegium(&["check", "--allow-read", &shared]).ok();

    let here = Here::new();
    std::fs::write(here.shared().join("x.json"), "a secret").unwrap();
    let beside = here.project.path("pipelines/data/rows.csv.provenance.json");
    symlink(here.shared().join("x.json"), beside).unwrap();
    let said = here.collegium(&["check"]);
    assert!(!said.err.contains("secret"), "{}", said.err);
}

#[test]
fn consent_on_the_command_line_is_for_a_folder_and_for_once() {
    let here = Here::new();
    here.path_is(here.shared().join("rows.csv"));
    let shared = here.shared().display().to_string();
    here.collegium(&["run", "--quiet", "--allow-read", &shared]).ok();
    here.collegium(&["run", "--quiet", "--allow-read", &shared]).ok();
    // Also where nothing is to be done.
    here.collegium(&["run", "--quiet"]).fails(3, &["lies outside of the project"]);
    let mut command = here.project.command(&["run", "--quiet"]);
    let folders = std::env::join_paths([Path::new("/nowhere"), &here.shared()]).unwrap();
    assert!(command.env("COLLEGIUM_ALLOW_READ", folders).status().unwrap().success());
    let elsewhere = here.beside.path().join("settings").display().to_string();
    std::fs::create_dir(&elsewhere).unwrap();
    here.collegium(&["check", "--allow-read", &elsewhere]).fails(3, &["lies outside"]);
    here.collegium(&["check", "--allow-read", "nowhere"]).fails(2, &["there is no folder nowhere"]);
}

#[test]
fn trust_remembers_consent_to_exactly_what_was_asked() {
    let here = Here::new();
    here.path_is(here.shared().join("rows.csv"));
    let shared = here.shared().display().to_string();
    // Nobody is there to answer.
    here.collegium(&["trust"]).fails(2, &["asks to read", &shared, "--yes"]);
    here.is_refused();
    here.collegium(&["trust", "--yes"]).ok();
    here.collegium(&["check"]).ok();
    let said = here.collegium(&["trust", "--list"]).ok();
    assert!(said.out.contains(&shared), "{}", said.out);

    // What is asked changes: it is asked anew.
    here.project.edit_pipeline("seed = 3", "seed = 3\nreads = [\"/etc\"]");
    here.collegium(&["check"]).fails(3, &["lies outside of the project"]);
    here.project.edit_pipeline("reads = [\"/etc\"]\n", "");
    here.collegium(&["check"]).ok();

    here.collegium(&["trust", "--revoke"]).ok();
    here.is_refused();
}

#[test]
fn reads_asks_and_does_not_consent() {
    let here = Here::reading("data/in/*/r*.csv");
    let other = here.shared().join("2013");
    std::fs::create_dir(&other).unwrap();
    std::fs::rename(here.shared().join("rows.csv"), other.join("rows.csv")).unwrap();
    symlink(here.shared(), here.project.path("pipelines/data/in")).unwrap();
    let shared = here.shared().display().to_string();
    here.project.edit_pipeline("seed = 3", &format!("seed = 3\nreads = [\"{shared}\"]"));
    here.collegium(&["check"]).fails(3, &["lies outside of the project"]);
    here.collegium(&["trust", "--yes", "pipelines/small.toml"]).ok();
    here.collegium(&["check"]).ok();
    let shown = here.collegium(&["show"]).ok();
    assert!(shown.out.contains(&format!("reads = [\"{shared}\"]")), "{}", shown.out);
}

#[test]
fn a_users_own_lines_in_the_file_of_trust_stay_as_they_are() {
    let here = Here::new();
    here.path_is(here.shared().join("rows.csv"));
    let file = here.beside.path().join("settings/collegium/trust.toml");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let mine = "# mine\nstores = [\n  \"/srv/a\", # theirs\n]\n";
    std::fs::write(&file, mine).unwrap();
    here.collegium(&["trust", "--yes"]).ok();
    assert!(std::fs::read_to_string(&file).unwrap().starts_with(mine));
    here.collegium(&["trust", "--revoke"]).ok();
    assert_eq!(std::fs::read_to_string(&file).unwrap().trim_end(), mine.trim_end());
    let store = here.shared().display().to_string();
    here.collegium(&["trust", "--yes", "--store", &store]).ok();
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("\"/srv/a\"") && text.contains(&store), "{text}");
    // What cannot be understood is not written over.
    std::fs::write(&file, "stores = [\n").unwrap();
    here.collegium(&["trust", "--yes"]).fails(7, &["cannot write", "trust.toml"]);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "stores = [\n");
}
