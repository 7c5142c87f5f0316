//! A file that is replaced while it is read, and put back: a table is never filed under another's content.

use std::{
    cell::Cell,
    fs,
    io::Write as _,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_ipc::writer::{FileWriter, StreamWriter};
use collegium_data::{Context, DataErrorKind, SqlLimits, prepare, read_rows};
use collegium_digest::Digest;
use collegium_manifest::{Fence, ReadOptions};
use collegium_table::Table;
use parquet::arrow::ArrowWriter;

use crate::{
    images::{gzipped, idx},
    project::{Project, texts},
};

/// Rows enough for several chunks and several blocks.
const ROWS: usize = 36_000;

/// Two contents of one format that have the same rows but for their values.
struct Pair {
    name: &'static str,
    contents: [Vec<u8>; 2],
}

/// A number that looks as long in both.
fn value(row: usize, which: usize) -> i64 {
    100_000 + (row.wrapping_mul(7919).wrapping_add(which * 31_337) % 900_000) as i64
}

fn text(which: usize) -> Vec<u8> {
    let rows = (0..ROWS).map(|row| format!("{},x{}\n", value(row, which), value(row, which) % 7));
    ["n,c\n".to_owned()].into_iter().chain(rows).collect::<String>().into_bytes()
}

fn batch(which: usize) -> RecordBatch {
    let numbers: Int64Array = (0..ROWS).map(|row| Some(value(row, which))).collect();
    let texts = (0..ROWS).map(|row| Some(format!("x{}", value(row, which) % 7)));
    let texts: StringArray = texts.collect();
    let columns = [("n", Arc::new(numbers) as ArrayRef), ("c", Arc::new(texts) as ArrayRef)];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn pieces(which: usize) -> impl Iterator<Item = RecordBatch> {
    let batch = batch(which);
    (0..ROWS).step_by(9000).map(move |at| batch.slice(at, 9000))
}

fn pairs() -> Vec<Pair> {
    let both = |name, of: &dyn Fn(usize) -> Vec<u8>| Pair { name, contents: [of(0), of(1)] };
    let schema = batch(0).schema();
    vec![
        both("t.csv", &text),
        both("t.csv.gz", &|which| gzipped(&text(which))),
        both("t.csv.zst", &|which| zstd::encode_all(text(which).as_slice(), 1).unwrap()),
        both("t.parquet", &|which| {
            let mut bytes = Vec::new();
            let mut writer = ArrowWriter::try_new(&mut bytes, schema.clone(), None).unwrap();
            pieces(which).for_each(|piece| writer.write(&piece).unwrap());
            writer.close().unwrap();
            bytes
        }),
        both("t.arrow", &|which| {
            let mut bytes = Vec::new();
            let mut writer = FileWriter::try_new(&mut bytes, &schema).unwrap();
            pieces(which).for_each(|piece| writer.write(&piece).unwrap());
            writer.finish().unwrap();
            drop(writer);
            bytes
        }),
        both("t.ipc", &|which| {
            let mut bytes = Vec::new();
            let mut writer = StreamWriter::try_new(&mut bytes, &schema).unwrap();
            pieces(which).for_each(|piece| writer.write(&piece).unwrap());
            writer.finish().unwrap();
            drop(writer);
            bytes
        }),
    ]
}

/// Writes over a file as it is, or replaces it by another.
fn put(path: &Path, content: &[u8], in_place: bool) {
    if in_place {
        let mut file = fs::File::options().write(true).open(path).unwrap();
        file.write_all(content).unwrap();
        file.set_len(content.len() as u64).unwrap();
    } else {
        let beside = path.with_extension("new");
        fs::write(&beside, content).unwrap();
        fs::rename(beside, path).unwrap();
    }
}

/// Prepares a project while `swap` is told how often there was progress so far.
fn watched(project: &Project, swap: &(dyn Fn(u64) + Sync)) -> (Result<Answer, DataErrorKind>, u64) {
    let store = project.store();
    let count = AtomicU64::new(0);
    let progress = |_: &str, _: u64, _: Option<u64>| swap(count.fetch_add(1, Ordering::Relaxed));
    let cx = Context {
        store: &store,
        base: project.folder.path(),
        fence: &Fence::around(project.folder.path()),
        limits: SqlLimits::default(),
        progress: &progress,
        interrupted: &project.interrupted,
        memory_bound: u64::MAX,
    };
    let prepared = prepare(&project.source, &project.settled, &cx);
    let answer = prepared.map(|prepared| (prepared.contents(), prepared.table().unwrap()));
    (answer.map_err(|error| error.kind()), count.into_inner())
}

type Answer = (Vec<(std::path::PathBuf, Digest)>, Arc<Table>);

/// Swaps the content of `name` at each moment of reading and puts it back later.
fn swap_at_every_moment(project: impl Fn() -> Project, pair: &Pair, truths: [&Table; 2]) {
    let moments = watched(&project(), &|_| {}).1;
    assert!(moments >= 4, "{}: there is something to hook into", pair.name);
    let (mut refused, mut made) = (0, 0);
    for (begin, end, in_place) in (0..moments)
        .flat_map(|begin| [1, 2, moments].map(|length| (begin, begin + length)))
        .flat_map(|(begin, end)| [true, false].map(|in_place| (begin, end, in_place)))
        // Every other one of the longer ones: each kind of swap at each moment would take minutes.
        .filter(|(begin, end, in_place)| end - begin == 1 || *in_place == (begin % 2 == 0))
    {
        let project = project();
        let path = project.path(pair.name);
        let swap = |moment: u64| {
            if moment == begin {
                put(&path, &pair.contents[1], in_place);
            } else if moment == end {
                put(&path, &pair.contents[0], in_place);
            }
        };
        match watched(&project, &swap).0 {
            Ok((contents, table)) => {
                made += 1;
                let of = contents.iter().find(|(file, _)| *file == path).unwrap().1;
                let which = pair.contents.iter().position(|content| Digest::of(content) == of);
                let truth = truths[which.unwrap()];
                assert!(
                    *table == *truth,
                    "{} {begin}..{end}: a table under a wrong key",
                    pair.name
                );
            }
            Err(kind) => {
                refused += 1;
                assert_eq!(kind, DataErrorKind::Changed, "{} {begin}..{end}", pair.name);
            }
        }
        // Nothing wrong was filed either.
        put(&path, &pair.contents[0], in_place);
        let again = project.rows();
        assert!(*again == *truths[0], "{} {begin}..{end}: filed wrongly", pair.name);
    }
    assert!(refused > 0 && made > 0, "{}: {refused} refused, {made} made", pair.name);
}

#[test]
fn a_file_that_is_swapped_and_put_back_is_read_as_what_was_hashed_or_not_at_all() {
    for pair in pairs() {
        let project = |which: usize| Project::file(pair.name, &pair.contents[which]);
        let truths = [project(0).rows(), project(1).rows()];
        assert!(truths[0] != truths[1]);
        swap_at_every_moment(|| project(0), &pair, [&truths[0], &truths[1]]);
    }
}

#[test]
fn so_are_the_tables_of_a_query() {
    let all = pairs();
    let sql = "SELECT a.n AS n, b.c AS c, a.rowid AS i FROM a JOIN b ON a.rowid = b.rowid";
    let (first, second) = (&all[0], &all[3]);
    let project = |which: [usize; 2]| {
        let project = Project::empty().table("a", first.name).table("b", second.name).query(sql);
        project.write(first.name, &first.contents[which[0]]);
        project.write(second.name, &second.contents[which[1]]);
        project
    };
    let truth = project([0, 0]).rows();
    for (pair, other) in [(first, [1, 0]), (second, [0, 1])] {
        swap_at_every_moment(|| project([0, 0]), pair, [&truth, &project(other).rows()]);
    }
}

#[test]
fn so_are_images() {
    let images = |which: usize| {
        let pixels: Vec<u8> = (0..ROWS * 64)
            .map(|at| (value(at.wrapping_mul(0x9e37_79b9), which) >> 5) as u8)
            .collect();
        idx(8, &[ROWS as u32, 8, 8], &pixels)
    };
    for packed in [false, true] {
        let of = |which| if packed { gzipped(&images(which)) } else { images(which) };
        let pair = Pair { name: "image.idx3-ubyte", contents: [of(0), of(1)] };
        let project = |which: usize| {
            let project = Project::empty().table("image", pair.name).idx();
            project.write(pair.name, &pair.contents[which]);
            project
        };
        let truths = [project(0).rows(), project(1).rows()];
        swap_at_every_moment(|| project(0), &pair, [&truths[0], &truths[1]]);
    }
}

#[test]
fn new_rows_are_of_one_content() {
    for pair in pairs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(pair.name);
        let read = |swap: &dyn Fn(usize)| {
            let rows = read_rows(&path, &[], &ReadOptions::default(), None, 5000);
            let rows = rows.map_err(|error| error.kind())?;
            let content = rows.content();
            let mut values = Vec::new();
            for (number, chunk) in rows.enumerate() {
                let chunk = chunk.map_err(|error| error.kind())?;
                values.extend(texts(&chunk, "n"));
                swap(number);
            }
            Ok::<_, DataErrorKind>((content, values))
        };
        fs::write(&path, &pair.contents[0]).unwrap();
        let truth = read(&|_| {}).unwrap();
        assert_eq!(truth.0, Digest::of(&pair.contents[0]));
        let refused = Cell::new(0);
        for (begin, in_place) in (0..9).flat_map(|begin| [(begin, true), (begin, false)]) {
            fs::write(&path, &pair.contents[0]).unwrap();
            let swapped = read(&|number| {
                if number == begin {
                    put(&path, &pair.contents[1], in_place);
                } else if number == begin + 1 {
                    put(&path, &pair.contents[0], in_place);
                }
            });
            match swapped {
                Ok(rows) => assert!(rows == truth, "{} {begin}: a mixture", pair.name),
                Err(kind) => {
                    refused.set(refused.get() + 1);
                    assert_eq!(kind, DataErrorKind::Changed);
                }
            }
        }
        // An Arrow file is read a batch at a time, and a packed text in a few gulps.
        assert!(refused.get() > 0 || pair.name != "t.csv", "{}", pair.name);
    }
}

#[test]
fn what_changed_after_it_was_read_is_filed_under_what_was_read() {
    let project = Project::file("t.csv", text(0));
    let truth = Project::file("t.csv", text(0)).rows();
    let store = project.store();
    let change = |what: &str, _: u64, _: Option<u64>| {
        if what == "storing" {
            put(&project.path("t.csv"), &text(1), false);
        }
    };
    let cx = Context {
        store: &store,
        base: project.folder.path(),
        fence: &Fence::around(project.folder.path()),
        limits: SqlLimits::default(),
        progress: &change,
        interrupted: &project.interrupted,
        memory_bound: u64::MAX,
    };
    let prepared = prepare(&project.source, &project.settled, &cx).unwrap();
    assert_eq!(prepared.contents()[0].1, Digest::of(&text(0)));
    assert!(*prepared.table().unwrap() == *truth);
    assert!(*project.rows() == *Project::file("t.csv", text(1)).rows(), "the next run reads it");
}
