//! Files that somebody else made, or made to harm: each ends as an error about the file, soon, and without
//! memory that the file does not pay for.

use std::{
    io::{Read as _, Write as _},
    path::Path,
    sync::Arc,
};

use collegium_data::{DataErrorKind, read_rows};
use collegium_manifest::ReadOptions;
use flate2::{Compression, write::GzEncoder};
use insta::assert_snapshot;

use crate::{
    images::idx,
    project::{Project, shown},
};

fn kind(project: &Project) -> DataErrorKind {
    project.try_prepare().expect_err("the input is wrong").kind()
}

/// A packed text of a line many times over.
fn bomb(lines: usize) -> Vec<u8> {
    let block = "1\n".repeat(1 << 19);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(b"n\n").unwrap();
    for _ in 0..lines >> 19 {
        encoder.write_all(block.as_bytes()).unwrap();
    }
    encoder.finish().unwrap()
}

#[test]
fn a_few_bytes_do_not_unpack_to_all_of_the_memory() {
    let project = Project::file("t.csv.gz", bomb(160 << 20));
    let error = project.error();
    let error = error.replace(|c: char| c.is_ascii_digit(), "9");
    assert_snapshot!(error, @"
    t.csv.gz:999999999: its 999999 bytes hold more than 999 MiB
    help: a file may hold 999 times its own size; if the file is meant to be so, unpack it and name the unpacked file; or raise `unpacked_limit` of its `[data.NAME]`
    ");
    let zeros = zstd::encode_all(std::io::repeat(b'\n').take(300 << 20), 1).unwrap();
    let project = Project::file("t.csv.zst", zeros);
    assert_eq!(kind(&project), DataErrorKind::TooLarge);
}

#[test]
fn a_data_source_says_how_much_its_files_may_hold() {
    let mut project = Project::file("t.csv.gz", bomb(1 << 20));
    let limits = [None, Some(3 << 20)];
    for limit in limits {
        project.source.unpacked_limit = limit;
        assert_eq!(project.rows().rows, 1 << 20, "{limit:?}");
    }
    let rows = |limit| {
        let path = project.path("t.csv.gz");
        let rows = read_rows(&path, &[], &ReadOptions::default(), limit, 1 << 20)?;
        rows.map(|chunk| chunk.map(|_| ())).collect::<Result<Vec<()>, _>>()
    };
    assert!(limits.into_iter().all(|limit| rows(limit).is_ok()));
    assert_eq!(rows(Some(1 << 20)).unwrap_err().kind(), DataErrorKind::TooLarge);
    // Another content, so that the table is not in the store.
    project.write("t.csv.gz", bomb(2 << 20));
    project.source.unpacked_limit = Some(1 << 20);
    let error = project.error();
    assert_snapshot!(error.replace(|c: char| c.is_ascii_digit(), "9"), @"
    t.csv.gz:999999: its 9999 bytes hold more than 9 MiB
    help: its `unpacked_limit` lets it hold no more; if the file is meant to be so, unpack it and name the unpacked file; or raise `unpacked_limit` of its `[data.NAME]`
    ");
}

#[test]
fn images_do_not_either() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&idx(8, &[300 << 10, 32, 32], &[])).unwrap();
    let pixels = vec![0; 1 << 20];
    (0..300).for_each(|_| encoder.write_all(&pixels).unwrap());
    let project = Project::empty().table("image", "image.idx3-ubyte.gz").idx();
    project.write("image.idx3-ubyte.gz", encoder.finish().unwrap());
    assert_eq!(kind(&project), DataErrorKind::TooLarge);
}

#[test]
fn a_header_of_too_many_columns_and_one_of_a_name_without_an_end_are_refused() {
    let wide: String = (0..140_000).map(|i| format!("c{i},")).collect();
    assert_snapshot!(Project::csv(wide + "z\n1\n").error(), @"
    t.csv:1: the line has more than 131072 fields
    help: are its rows and columns exchanged, or its lines of another form?
    ");
    let long = format!("a,{}\n1,2\n", "x".repeat(20_000));
    assert_snapshot!(Project::csv(long).error(), @"
    t.csv:1: the name of the column begins with `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx` and has 20000 bytes
    help: a name has at most 16384 bytes: is the first line one of names?
    ");
}

#[cfg(unix)]
#[test]
fn a_pipe_and_a_device_are_refused_and_not_waited_for() {
    let project = Project::empty().table("t", "t.csv");
    let pipe = project.path("t.csv");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert_snapshot!(project.error(), @"
    t.csv: it is a pipe, and data are read from files
    help: files are read more than once and known by their content: write it to a file first
    ");
    let of = |path: &Path| {
        let error =
            read_rows(path, &[], &ReadOptions::default(), None, 100).err().expect("no file");
        shown(&error, project.folder.path())
    };
    assert!(of(&pipe).contains("it is a pipe"));
    assert!(of(Path::new("/dev/zero")).contains("it is a device"));
    // A pipeline does not even get as far as that.
    let project = Project::empty().table("t", "/dev/null");
    assert_eq!(kind(&project), DataErrorKind::Outside);
}

/// A text of a megabyte that every row has, by a dictionary, a view, or a page of a Parquet file.
#[test]
fn a_text_that_all_rows_share_is_not_copied_for_each_of_them() {
    use arrow_array::{
        ArrayRef, DictionaryArray, Int32Array, RecordBatch, StringArray, StringViewArray,
        types::Int32Type,
    };
    use arrow_ipc::writer::FileWriter;
    let text = "x".repeat(1 << 20);
    let keys = |rows: usize| (0..rows).map(|_| Some(0)).collect::<Int32Array>();
    let levels = Arc::new(StringArray::from(vec![text.as_str()]));
    let dictionary =
        |rows| DictionaryArray::<Int32Type>::try_new(keys(rows), levels.clone()).unwrap();
    let view = |rows: usize| {
        let mut builder = arrow_array::builder::StringViewBuilder::new().with_deduplicate_strings();
        (0..rows).for_each(|_| builder.append_value(&text));
        builder.finish()
    };
    let file = |array: ArrayRef| {
        let batch = RecordBatch::try_from_iter([("c", array)]).unwrap();
        let mut bytes = Vec::new();
        let mut writer = FileWriter::try_new(&mut bytes, &batch.schema()).unwrap();
        writer.write(&batch).unwrap();
        writer.finish().unwrap();
        drop(writer);
        Project::file("t.arrow", bytes)
    };
    let _: StringViewArray = view(1);
    for array in [Arc::new(dictionary(40)) as ArrayRef, Arc::new(view(40))] {
        assert_eq!(file(array).rows().rows, 40, "forty megabytes are a table like any other");
    }
    for array in [Arc::new(dictionary(10_000)) as ArrayRef, Arc::new(view(10_000))] {
        assert_eq!(kind(&file(array)), DataErrorKind::TooLarge);
    }
}
