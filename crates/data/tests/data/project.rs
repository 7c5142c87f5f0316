//! A throw-away project: a folder, a store and a data source in it.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, atomic::AtomicBool},
};

use collegium_data::{Context, DataError, Prepared, SqlLimits, prepare};
use collegium_manifest::{
    ColumnType, DataSource, Fence, GatheredImage, ImageShape, PixelColumns, ReadOptions,
    SourceFile, SourceOrigin, Spanned, Split, SplitRule,
};
use collegium_records::Settled;
use collegium_store::Store;
use collegium_table::Table;
use indexmap::IndexMap;

pub(crate) struct Project {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) source: DataSource,
    pub(crate) settled: Settled,
    pub(crate) memory_bound: u64,
    pub(crate) limits: SqlLimits,
    pub(crate) interrupted: AtomicBool,
    /// What progress was reported about.
    pub(crate) work: Mutex<Vec<String>>,
}

pub(crate) fn spanned<T>(value: T) -> Spanned<T> {
    Spanned::new(0..0, value)
}

impl Project {
    /// A data source named `t` of the file `t.csv` with this text.
    pub(crate) fn csv(text: impl AsRef<[u8]>) -> Self {
        Self::file("t.csv", text)
    }

    /// A data source named `t` of one file.
    pub(crate) fn file(name: &str, content: impl AsRef<[u8]>) -> Self {
        let project = Self::empty().table("t", name);
        project.write(name, content);
        project
    }

    pub(crate) fn empty() -> Self {
        let split = Split { train: 1.0, valid: 0.0, test: 0.0, seed: 7, ..Split::default() };
        Self {
            folder: tempfile::tempdir().unwrap(),
            source: DataSource {
                name: spanned("t".to_owned()),
                tables: IndexMap::new(),
                idx: false,
                read: ReadOptions::default(),
                reads: IndexMap::new(),
                query: None,
                images: IndexMap::new(),
                derive: IndexMap::new(),
                rules: Vec::new(),
                types: IndexMap::new(),
                missing: vec![String::new(), "NA".to_owned()],
                split,
                origin: SourceOrigin::default(),
                unpacked_limit: None,
                origins: IndexMap::new(),
            },
            settled: Settled::default(),
            memory_bound: u64::MAX,
            limits: SqlLimits::default(),
            interrupted: AtomicBool::new(false),
            work: Mutex::default(),
        }
    }

    pub(crate) fn table(mut self, name: &str, pattern: &str) -> Self {
        self.source.tables.insert(name.to_owned(), spanned(pattern.to_owned()));
        self
    }

    /// How its text files are written.
    pub(crate) fn reading(mut self, read: ReadOptions) -> Self {
        self.source.read = read;
        self
    }

    pub(crate) fn query(mut self, sql: &str) -> Self {
        self.source.query = Some(spanned(sql.to_owned()));
        self
    }

    /// IDX files side by side instead of tables.
    pub(crate) fn idx(mut self) -> Self {
        self.source.idx = true;
        self
    }

    /// An image that columns make.
    pub(crate) fn image(
        mut self,
        name: &str,
        columns: PixelColumns,
        [height, width, channels]: [usize; 3],
        scale: f64,
    ) -> Self {
        let shape = ImageShape { height, width, channels };
        let image = GatheredImage { columns: spanned(columns), shape, scale };
        self.source.images.insert(name.to_owned(), image);
        self
    }

    pub(crate) fn derive(mut self, name: &str, sql: &str) -> Self {
        self.source.derive.insert(name.to_owned(), spanned(sql.to_owned()));
        self
    }

    pub(crate) fn typed(mut self, name: &str, kind: ColumnType) -> Self {
        self.source.types.insert(name.to_owned(), spanned(kind));
        self
    }

    pub(crate) fn split(mut self, shares: [f64; 3], by: &[&str], stratify: Option<&str>) -> Self {
        let [train, valid, test] = shares;
        let by = by.iter().map(|name| spanned((*name).to_owned())).collect();
        let stratify = stratify.map(|name| spanned(name.to_owned()));
        self.source.split = Split { train, valid, test, by, stratify, ..Split::default() };
        self
    }

    pub(crate) fn rule(mut self, rule: SplitRule, by: &[&str]) -> Self {
        let by = by.iter().map(|name| spanned((*name).to_owned())).collect();
        self.source.split = Split { rule, by, ..Split::default() };
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn store(&self) -> Store {
        Store::open(self.folder.path()).unwrap()
    }

    pub(crate) fn try_prepare(&self) -> Result<Prepared, DataError> {
        let store = self.store();
        let note =
            |what: &str, _: u64, _: Option<u64>| self.work.lock().unwrap().push(what.to_owned());
        let cx = Context {
            store: &store,
            base: self.folder.path(),
            fence: &Fence::around(self.folder.path()),
            limits: self.limits,
            progress: &note,
            interrupted: &self.interrupted,
            memory_bound: self.memory_bound,
        };
        let prepared = prepare(&self.source, &self.settled, &cx);
        store.flush().unwrap();
        prepared
    }

    pub(crate) fn prepared(&self) -> Prepared {
        self.try_prepare().unwrap()
    }

    pub(crate) fn rows(&self) -> Arc<Table> {
        self.prepared().table().unwrap()
    }

    /// The error's message and help, with the folder's path left out.
    pub(crate) fn error(&self) -> String {
        let error = self.try_prepare().expect_err("the input is wrong");
        shown(&error, self.folder.path())
    }

    /// What whoever reads the column is told.
    pub(crate) fn refusal(&self, column: &str) -> String {
        let error = self.prepared().refusal(column).expect("the column is unfit");
        shown(&error, self.folder.path())
    }

    /// The next run: it is told what the last one settled.
    pub(crate) fn settle(mut self) -> Self {
        self.settled = self.prepared().settled().clone();
        self
    }

    /// Did the last [`Project::prepared`] read data?
    pub(crate) fn loaded(&self) -> bool {
        std::mem::take(&mut *self.work.lock().unwrap()).iter().any(|what| what == "storing")
    }
}

pub(crate) fn shown(error: &DataError, folder: &Path) -> String {
    let source = Arc::new(SourceFile::new("p.toml", ""));
    let found = error.diagnostic(&source);
    let help = found.help.map(|help| format!("\nhelp: {help}")).unwrap_or_default();
    let folder = folder.display().to_string();
    let text = format!("{}{help}", found.message);
    if folder.is_empty() {
        return text;
    }
    text.replace(&format!("{folder}/"), "").replace(&folder, ".")
}

/// The texts of a column; `-` for missing values.
pub(crate) fn texts(table: &Table, name: &str) -> Vec<String> {
    let column = table.column(name).unwrap();
    (0..table.rows).map(|row| column.text(row).unwrap_or_else(|| "-".to_owned())).collect()
}
