//! A project of two experts, one of which reads the other.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
};

use collegium_engine::{DECLARED, Options, PlanOptions, Quiet, RunOptions, Session};
use collegium_manifest::load;
use collegium_records::{NodePlan, NodeRun, PlanReport, RunReport};
use collegium_store::{Backend, Store};

pub struct Project {
    folder: tempfile::TempDir,
}

const FILE: &str = "pipelines/p.toml";

/// `first` predicts `y` from `a` and `b`; `second` predicts `z` from that and `c`.
const PIPELINE: &str = r#"[data.t]
path = "t.csv"
split = { by = ["id"] }

[expert.first]
inputs = ["t.a", "t.b"]
target = "t.y"
task   = "regression"
model  = { hidden = [8] }
train  = { epochs = 25, batch = 64, learning_rate = 0.01 }

[expert.second]
inputs = ["first.value", "t.c"]
target = "t.z"
task   = "regression"
model  = { hidden = [8] }
train  = { epochs = 25, batch = 64, learning_rate = 0.01 }

[evaluate]
baselines = []
"#;

/// Rows with columns `id`, `a`, `b`, `c`, `y` and `z`, the same every time.
fn rows(count: usize) -> String {
    let mut text = "id,a,b,c,y,z\n".to_owned();
    let mut state = 7u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 40) as f64 / (1u64 << 24) as f64 - 0.5
    };
    for id in 0..count {
        let (a, b, c) = (noise(), noise(), noise());
        let y = 2.0 * a - b + 0.1 * noise();
        let z = y + c * c + 0.1 * noise();
        writeln!(text, "{id},{a},{b},{c},{y},{z}").unwrap();
    }
    text
}

impl Project {
    pub fn new() -> Self {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let project = Self { folder };
        fs::create_dir(project.path("pipelines")).unwrap();
        fs::write(project.path(FILE), PIPELINE).unwrap();
        fs::write(project.path("pipelines/t.csv"), rows(1500)).unwrap();
        project
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn file(&self) -> PathBuf {
        self.path(FILE)
    }

    /// Replaces a text in the pipeline.
    #[track_caller]
    pub fn edit(&self, from: &str, to: &str) {
        self.edit_file(FILE, from, to);
    }

    #[track_caller]
    pub fn edit_file(&self, name: impl AsRef<Path>, from: &str, to: &str) {
        let path = self.folder.path().join(name);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from:?} is not in {text}");
        fs::write(path, text.replacen(from, to, 1)).unwrap();
    }

    pub fn session(&self) -> Arc<Session> {
        let pipeline = load(&self.file(), &DECLARED).unwrap().pipeline;
        Arc::new(Session::open(pipeline, options()).unwrap())
    }

    /// A session whose objects and records lie in `backend`.
    pub fn session_over(&self, backend: Arc<dyn Backend>) -> Arc<Session> {
        let pipeline = load(&self.file(), &DECLARED).unwrap().pipeline;
        let store = Arc::new(Store::over(self.folder.path(), backend).unwrap());
        Arc::new(Session::over(pipeline, options(), store).unwrap())
    }

    pub fn run(&self) -> RunReport {
        run_in(&self.session())
    }
    /// Runs until a run can file what it rests on: not while a file changed so lately that it could change again
    /// under the same stamp.
    pub fn settle(&self) {
        for _ in 0..100 {
            self.run();
            if collegium_engine::fresh(&self.file(), &[], &[]).unwrap().is_some() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
        panic!("it never comes to rest");
    }

    pub fn plan(&self) -> PlanReport {
        let options = PlanOptions::default();
        collegium_engine::plan(&self.session(), &options).unwrap()
    }
}

fn options() -> Options {
    Options {
        observer: Arc::new(Quiet),
        interrupted: Arc::new(AtomicBool::new(false)),
        keeps: true,
        memory_bound: 1 << 30,
        advance_split: false,
        allowed: Vec::new(),
        look: None,
    }
}

pub fn run_in(session: &Arc<Session>) -> RunReport {
    let options = RunOptions {
        nodes: Vec::new(),
        jobs: 2,
        force: Vec::new(),
        keep_going: false,
        exact: false,
        locked: false,
        retune: None,
    };
    collegium_engine::run(session, &options).unwrap().report
}

#[track_caller]
pub fn planned<'a>(plan: &'a PlanReport, name: &str) -> &'a NodePlan {
    plan.nodes.iter().find(|node| node.name == format!("expert.{name}")).unwrap()
}

#[track_caller]
pub fn ran<'a>(run: &'a RunReport, name: &str) -> &'a NodeRun {
    run.nodes.iter().find(|node| node.name == format!("expert.{name}")).unwrap()
}
