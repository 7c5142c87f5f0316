//! A small project in a temporary folder, and the binary run in it.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::OnceLock,
};

use collegium_data::RowWriter;
use collegium_records::{Fit, Lock, LockedNode, Recipe, Standing};
use collegium_store::read_lock;
use collegium_table::{Column, Values};
use serde_json::Value;

/// A project with a table of 600 rows and three experts in two levels:
/// `size` (regression on `a`, `b`), `kind` (binary, on `b`, `c`), `final` (fed by both, and `d`).
pub struct Project {
    folder: tempfile::TempDir,
}

/// Names (from the project's root) and contents of files.
pub type Files = BTreeMap<String, Vec<u8>>;

/// What a run of the binary said.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    /// Of a process that ended; code -1 stands for a signal.
    pub fn of(Output { status, stdout, stderr }: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: status.code().unwrap_or(-1), out: text(stdout), err: text(stderr) }
    }

    /// The document of `--json`.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|e| panic!("no JSON ({e}):\n{}\n{}", self.out, self.err))
    }

    /// The run must have ended well.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.code, 0, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// What went wrong must end with where more stands of it.
    #[track_caller]
    pub fn explained(self) -> Self {
        assert!(self.err.contains("\nfor more: `collegium explain "), "{}", self.err);
        self
    }

    /// The run must have failed with this code and say this on stderr.
    #[track_caller]
    pub fn fails(self, code: i32, needles: &[&str]) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        for needle in needles {
            assert!(self.err.contains(needle), "{needle:?} is not in:\n{}", self.err);
        }
        self
    }
}

pub const PIPELINE: &str = r#"[pipeline]
name = "small"
seed = 3

[data.rows]
path = "data/rows.csv"
split = { train = 0.7, valid = 0.15, test = 0.15, by = ["id"] }

[expert.size]
inputs = ["rows.a", "rows.b"]
target = "rows.size"
model  = { type = "mlp", hidden = [8] }
train  = { epochs = 4, batch = 32, learning_rate = 0.01 }

[expert.kind]
inputs = ["rows.b", "rows.c"]
target = "rows.kind"
model  = { type = "mlp", hidden = [8] }
train  = { epochs = 4, batch = 32, learning_rate = 0.01 }

[expert.final]
inputs = ["size.value", "kind.logit", "rows.d"]
target = "rows.final"
model  = { type = "mlp", hidden = [8] }
train  = { epochs = 4, batch = 32, learning_rate = 0.01 }

[evaluate]
baselines = []

[audit]
rows = 100
bootstrap = 5
"#;

/// The small project's experts as single networks of a first try: Adam at one rate on standardised numbers. Tests of margins
/// were written for them.
pub fn first_try() -> String {
    let train = "learning_rate = 0.01, schedule = \"constant\", optimizer = \"adam\", beta2 = 0.999, \
                 weight_decay = 0.0, patience = 10";
    let network = "hidden = [8], activation = \"relu\" }\nmembers = 1\ncalibrate = \"none\"\n\
                   encode = { numbers = [\"standard\"] }\n";
    PIPELINE.replace("learning_rate = 0.01", train).replace("hidden = [8] }\n", network)
}

/// Numbers from 0 to 1, the same for the same seed on every machine: a linear congruential generator is random enough for a
/// test table.
pub fn uniform(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 40) as f64 / (1u64 << 24) as f64
    }
}

/// The same from -½ to ½.
pub fn noise(seed: u64) -> impl FnMut() -> f64 {
    let mut uniform = uniform(seed);
    move || uniform() - 0.5
}

/// The table's rows: id, four inputs, a column that nobody reads, three targets.
pub fn rows(count: usize) -> String {
    let mut text = "id,a,b,c,d,unread,size,kind,final\n".to_owned();
    let mut noise = noise(12345);
    for id in 0..count {
        let (a, b, c, d) = (noise(), noise(), noise(), noise());
        let size = 2.0 * a + b * b + 0.05 * noise();
        let kind = b + c + 0.2 * noise() > 0.0;
        let last = size > 0.1 && kind || d > 0.4;
        let level = ["red", "green", "blue"][(noise().abs() * 6.0) as usize % 3];
        writeln!(text, "{id},{a},{b},{c},{d},{level},{size},{kind},{last}").unwrap();
    }
    text
}

/// 40 experts of four hidden units in five levels, on the table of `rows`; 70 fits, since three read
/// their upstreams out of fold.
pub fn forty() -> String {
    let mut text =
        "[pipeline]\nname = \"small\"\nseed = 11\n\n[data.rows]\npath = \"data/rows.csv\"\n\
        split = { train = 0.6, valid = 0.2, test = 0.2, by = [\"id\"] }\n"
            .to_owned();
    let mut above = Vec::new();
    for (level, count) in [16, 12, 8, 3, 1].into_iter().enumerate() {
        let mut names = Vec::new();
        for at in 0..count {
            let name = format!("l{level}n{at}");
            let column = |step: usize| ["a", "b", "c", "d"][(at + level + step) % 4];
            let mut inputs = vec![format!("rows.{}", column(0)), format!("rows.{}", column(1))];
            // No two experts alike: they would share their fits.
            let rate = 0.01 * (at + 1) as f64;
            let mut fed = "";
            if !above.is_empty() {
                let from = |step: usize| format!("{}.value", above[(at + step) % above.len()]);
                inputs.extend([from(0), from(5)]);
                let folds = level == 1 && at < 2 || level == 2 && at == 0;
                fed = if folds { "" } else { "upstream = \"in-sample\"\n" };
            }
            write!(
                text,
                "\n[expert.{name}]\ninputs = {inputs:?}\ntarget = \"rows.size\"\n{fed}\
                 model = {{ type = \"mlp\", hidden = [4] }}\n\
                 train = {{ epochs = 2, batch = 32, patience = 0, learning_rate = {rate} }}\n"
            )
            .unwrap();
            names.push(name);
        }
        above = names;
    }
    text + "\n[evaluate]\nbaselines = []\n\n[audit]\nrows = 30\nbootstrap = 3\n"
}

/// The table of `rows`, as Parquet.
pub fn parquet(path: &Path, count: usize) {
    let text = rows(count);
    let head = text.lines().next().unwrap();
    let mut columns = Vec::new();
    for (at, name) in head.split(',').enumerate() {
        let cells: Vec<&str> =
            text.lines().skip(1).map(|line| line.split(',').nth(at).unwrap()).collect();
        let values = match name {
            "unread" => {
                let levels = ["red", "green", "blue"];
                let code =
                    |cell: &&str| levels.iter().position(|level| level == cell).unwrap() as u32;
                let codes = cells.iter().map(code).collect();
                Values::Category { codes, levels: levels.map(str::to_owned).to_vec() }
            }
            "kind" | "final" => {
                Values::Boolean(cells.iter().map(|c| u8::from(*c == "true")).collect())
            }
            _ => Values::Number(cells.iter().map(|cell| cell.parse().unwrap()).collect()),
        };
        columns.push(Column::new(name, values));
    }
    let mut writer = RowWriter::create(path).unwrap();
    writer.write(&columns).unwrap();
    writer.finish().unwrap();
}

impl Project {
    /// The project above.
    pub fn new() -> Self {
        let project = Self::empty();
        project.write("pipelines/small.toml", PIPELINE);
        project.write("pipelines/data/rows.csv", rows(600));
        project
    }

    /// With rows of one's own, and not run yet.
    pub fn empty_rows(rows: String) -> Self {
        let project = Self::new();
        project.write("pipelines/data/rows.csv", rows);
        project
    }

    /// A folder with nothing in it.
    pub fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// The project above in a folder below `above`.
    pub fn below(above: &Path) -> Self {
        let project = Self { folder: tempfile::tempdir_in(above).unwrap() };
        project.write("pipelines/small.toml", PIPELINE);
        project.write("pipelines/data/rows.csv", rows(600));
        project
    }

    /// The project of [`forty`] experts and 160 rows.
    pub fn forty() -> Self {
        let project = Self::in_memory();
        project.write_forty();
        project
    }

    /// A folder with nothing in it, on a disk in memory where there is one: a run's flush waits for
    /// everything that anybody has written to the same disk, which is too long for dozens of runs.
    pub fn in_memory() -> Self {
        match tempfile::tempdir_in("/dev/shm") {
            Ok(folder) => Self { folder },
            Err(_) => Self::empty(),
        }
    }

    /// The files of the project of forty, here.
    pub fn write_forty(&self) {
        self.write("pipelines/small.toml", forty());
        self.write("pipelines/data/rows.csv", rows(160));
    }

    /// The project above after one run. It is run once per process and copied from then on.
    pub fn ready() -> Self {
        static READY: OnceLock<Files> = OnceLock::new();
        let files = READY.get_or_init(|| {
            let project = Self::new();
            project.collegium(&["run", "--quiet"]).ok();
            project.files("")
        });
        let project = Self::empty();
        project.restore(files);
        project
    }

    /// All files below a folder of the project.
    pub fn files(&self, below: &str) -> Files {
        fn gather(root: &Path, folder: &Path, found: &mut Files) {
            let Ok(entries) = std::fs::read_dir(folder) else { return };
            for entry in entries {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    gather(root, &path, found);
                } else {
                    let name = path.strip_prefix(root).unwrap().display().to_string();
                    found.insert(name, std::fs::read(path).unwrap());
                }
            }
        }
        let mut found = Files::new();
        gather(self.root(), &self.path(below), &mut found);
        found
    }

    /// Writes files.
    pub fn restore(&self, files: &Files) {
        for (name, bytes) in files {
            self.write(name, bytes);
        }
    }

    /// What the pipeline stands on: objects, realisations, the lock.
    pub fn standing(&self) -> Files {
        let mut files = self.files(".collegium/objects");
        files.extend(self.files(".collegium/realisations"));
        files.extend(
            self.files("pipelines").into_iter().filter(|(name, _)| name.ends_with(".lock")),
        );
        files
    }

    /// A run that must fail with this code, say this on stderr, and leave store and lock as they are.
    #[track_caller]
    pub fn refuses(&self, code: i32, needles: &[&str]) -> Said {
        let before = self.standing();
        let said = self.collegium(&["run"]).fails(code, needles).explained();
        self.stands_on(&before);
        said
    }

    /// A run that must fail with this code and say this, after the table was read: the table may be kept,
    /// but nothing that was there may change, and nothing is fitted.
    #[track_caller]
    pub fn refuses_rows(&self, code: i32, needles: &[&str]) -> Said {
        let before = self.standing();
        let said = self.collegium(&["run"]).fails(code, needles).explained();
        self.has_kept(&before);
        said
    }

    /// What was there before must be as it was, the lock too; only tables may have come.
    #[track_caller]
    pub fn has_kept(&self, before: &Files) {
        let after = self.standing();
        for (name, bytes) in before {
            assert!(after.get(name) == Some(bytes), "{name} has changed");
        }
        let fits = |files: &Files| {
            let of_fits = |(name, bytes): &(&String, &Vec<u8>)| {
                name.contains("realisations")
                    && String::from_utf8_lossy(bytes).contains("best_epoch")
            };
            files.iter().filter(of_fits).count()
        };
        assert_eq!(fits(&after), fits(before), "something was fitted");
    }

    /// Objects, realisations and lock must be these.
    #[track_caller]
    pub fn stands_on(&self, before: &Files) {
        let after = self.standing();
        let names = |files: &Files| files.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&after), names(before), "files of store and lock came or went");
        assert!(after == *before, "the content of store or lock changed");
    }

    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// Replaces text in a file; it must be there.
    #[track_caller]
    pub fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "{from:?} is not in {name}");
        self.write(name, text.replacen(from, to, 1));
    }

    #[track_caller]
    pub fn edit_pipeline(&self, from: &str, to: &str) {
        self.edit("pipelines/small.toml", from, to);
    }

    /// Adds a line to `[data.rows]`.
    #[track_caller]
    pub fn to_data(&self, line: &str) {
        let path = "path = \"data/rows.csv\"\n";
        self.edit_pipeline(path, &format!("{path}{line}\n"));
    }

    /// Adds a line to `[expert.kind]`.
    #[track_caller]
    pub fn to_kind(&self, line: &str) {
        let target = "target = \"rows.kind\"\n";
        self.edit_pipeline(target, &format!("{target}{line}\n"));
    }

    /// Changes one column of the table.
    pub fn map_column(&self, column: &str, change: impl Fn(&str) -> String) {
        let text = self.read("pipelines/data/rows.csv");
        let mut lines = text.lines();
        let head = lines.next().unwrap();
        let at = head.split(',').position(|name| name == column).unwrap();
        let mut changed = format!("{head}\n");
        for line in lines {
            let mut cells: Vec<String> = line.split(',').map(str::to_owned).collect();
            cells[at] = change(&cells[at]);
            writeln!(changed, "{}", cells.join(",")).unwrap();
        }
        self.write("pipelines/data/rows.csv", changed);
    }

    /// The binary of this build, or that of `COLLEGIUM_BINARY`, as for the benches.
    pub fn command(&self, args: &[&str]) -> Command {
        let built = || env!("CARGO_BIN_EXE_collegium").into();
        let mut command = Command::new(std::env::var_os("COLLEGIUM_BINARY").unwrap_or_else(built));
        command
            .args(args)
            .current_dir(self.root())
            .env("NO_COLOR", "1")
            .env_remove("COLLEGIUM_JOBS")
            .stdin(Stdio::null());
        command
    }

    pub fn collegium(&self, args: &[&str]) -> Said {
        Said::of(self.command(args).output().unwrap())
    }

    /// Runs the pipeline and lists the fits that were really executed, as `expert: part`, sorted.
    #[track_caller]
    pub fn fitted(&self) -> Vec<String> {
        self.fitted_with(&[])
    }

    #[track_caller]
    pub fn fitted_with(&self, args: &[&str]) -> Vec<String> {
        let all: Vec<&str> = ["run", "--json", "--quiet"].iter().chain(args).copied().collect();
        fitted(&self.collegium(&all).ok().json())
    }

    /// The report of a run that ends well.
    #[track_caller]
    pub fn run(&self, args: &[&str]) -> Value {
        let all: Vec<&str> = ["run", "--json", "--quiet"].iter().chain(args).copied().collect();
        self.collegium(&all).ok().json()
    }

    /// The lock of `small.toml`.
    pub fn lock(&self) -> Lock {
        read_lock(&self.path("pipelines/small.lock")).unwrap()
    }

    /// The record of a fit that the lock names.
    pub fn fit(&self, standing: &Standing) -> Fit {
        let store = collegium_store::Store::open(self.root()).unwrap();
        store.realisations::<Fit>(&standing.recipe).unwrap().remove(&standing.realisation).unwrap()
    }

    /// What a recipe was made of.
    pub fn recipe(&self, digest: &collegium_digest::Digest) -> Recipe {
        let store = collegium_store::Store::open(self.root()).unwrap();
        store.recipe(digest).unwrap().unwrap()
    }

    /// Takes an object out of the store.
    pub fn lose(&self, object: &collegium_digest::Digest) {
        let store = collegium_store::Store::open(self.root()).unwrap();
        std::fs::remove_file(store.object_file(object)).unwrap();
    }

    /// Adds a line to an expert.
    #[track_caller]
    pub fn to_expert(&self, name: &str, line: &str) {
        let head = format!("[expert.{name}]\n");
        self.edit_pipeline(&head, &format!("{head}{line}\n"));
    }

    /// Names of all objects in the store.
    pub fn objects(&self) -> Vec<String> {
        let store = collegium_store::Store::open(self.root()).unwrap();
        store.objects().unwrap().iter().map(ToString::to_string).collect()
    }
}

/// One node of a JSON document.
#[track_caller]
pub fn node<'a>(report: &'a Value, name: &str) -> &'a Value {
    let nodes = report["nodes"].as_array().unwrap();
    let named = |node: &&Value| {
        let full = node["name"].as_str().unwrap();
        full.split_once('.').is_some_and(|(_, short)| short == name)
    };
    nodes.iter().find(named).unwrap()
}

/// The full model of a block of the lock.
pub fn standing(node: &LockedNode) -> Standing {
    Standing { recipe: node.recipe, realisation: node.realisation }
}

/// The fits of a run report, as `expert: part`, sorted.
pub fn fitted(report: &Value) -> Vec<String> {
    let mut fits: Vec<String> = report["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|node| {
            let name = node["name"].as_str().unwrap().trim_start_matches("expert.").to_owned();
            let parts = node["fitted"].as_array().unwrap().clone();
            parts.into_iter().map(move |part| format!("{name}: {}", part.as_str().unwrap()))
        })
        .collect();
    fits.sort();
    fits
}

/// All six fits of an expert that feeds another.
pub fn with_folds(expert: &str) -> Vec<String> {
    let folds = (1..=5).map(|fold| format!("{expert}: fold {fold}/5"));
    folds.chain([format!("{expert}: full")]).collect()
}

/// Sorted union.
pub fn all(lists: &[Vec<String>]) -> Vec<String> {
    let mut all: Vec<String> = lists.concat();
    all.sort();
    all
}
