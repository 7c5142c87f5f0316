use std::fs;

use collegium_records::{Lock, LockedData, LockedNode, LockedRotations, Reads, Settled, Standing};
use collegium_store::{LOCK_FORMAT, StoreError, read_lock, write_lock};
use proptest::prelude::*;

use crate::{files, id};

fn node(name: &str) -> LockedNode {
    let part = |number: u32| {
        let name = collegium_records::FitName::Fold { fold: number, of: 2 };
        let standing =
            Standing { recipe: id(&name.to_string()), realisation: id(&format!("model {number}")) };
        (name, standing)
    };
    LockedNode {
        recipe: id(name),
        realisation: id("model"),
        outputs: id("apply"),
        held: None,
        parts: [part(1), part(2)].into(),
        reads: [("size.value".to_owned(), Reads { deployed: id("d"), view: id("v") })].into(),
        hands: [("logit".to_owned(), id("l")), ("logit out-of-fold 2".to_owned(), id("o"))].into(),
        certificate: None,
        tuned: None,
        overrides: Vec::new(),
        seal: None,
    }
}

fn lock() -> Lock {
    let names = ["expert.departure", "expert.arrival"];
    let data =
        LockedData { table: id("table"), sides: id("sides"), rows: 7, settled: Settled::default() };
    Lock {
        format: LOCK_FORMAT,
        data: [("data.flights".to_owned(), data)].into(),
        node: names.map(|n| (n.to_owned(), node(n))).into(),
        rotated: None,
    }
}

/// The error for a lock file of this text, with the folder cut off.
fn refusal(text: impl AsRef<[u8]>) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flights.lock");
    fs::write(&path, text).unwrap();
    let error = read_lock(&path).unwrap_err();
    assert!(matches!(error, StoreError::LockFile { .. }));
    assert!(!error.is_damage_or_write());
    error.to_string().replace(&format!("{}/", folder.path().display()), "")
}

#[test]
fn it_is_one_key_per_line_and_sorted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flights.lock");
    write_lock(&path, &lock()).unwrap();
    insta::assert_snapshot!(fs::read_to_string(&path).unwrap(), @r#"
    # Which trained model of each expert this pipeline stands on.
    # Written by collegium: commit it, do not edit it. On a merge conflict keep either side and run again.

    format = 2

    [data."data.flights"]
    rows = 7
    sides = "cac3b92ff8e281819c661aed74d920c184a332675302e98c66ea00d892427621"
    table = "7e52255d2706f83a47c10890e62431bca8055cfe990fa8648555bc3a6004a896"

    [node."expert.arrival"]
    outputs = "b50d27bde7f388a08c9c191eee4ea684642a4bee4da412187ffc9f6c8163be11"
    realisation = "ccca53791b024d98ee5d8c126d923e16f6cede945beb0b93c9abca301ed453e7"
    recipe = "bc585b4a2fdf00c2811a65128f257cc5bed8b34f68745b1efe61103ad680a89b"
    hands.logit = "b9f63c83975dadee9b4dc3faeeb669ddef34bbe12e3a0626183166982681d81c"
    hands."logit out-of-fold 2" = "94aa73e5d53ded06f0dcc593d9fe8a33664d3695be88d9fba0b872938059f213"
    parts."fold 1/2".realisation = "40ade19869edcc4c84d289d4cd2fbcbad5f7455ad64fbf118ff2cc1be12040b6"
    parts."fold 1/2".recipe = "193ecd70dadeee3df8638ae145863e4f0b87517942fdfec4c6f36a52090d332a"
    parts."fold 2/2".realisation = "9d15c5b9b2b0f3477b4de5ae4a9b292fc34dbf9637902d6fffced23cf037f57a"
    parts."fold 2/2".recipe = "0e67de576cc91f68e457124ae70737f5cb13a7dc6591e29680b6230164a6c33a"
    reads."size.value".deployed = "d5ede538f628f687e5e0422c7755b503653de2dcd7053ca8791afa5d4787d843"
    reads."size.value".view = "fbf7129093429293d558b3993ca13988daba893f4a191bc2b1c1e5b52a0d0172"
    seal = "444454bd937a50fb6d6d3c559eea3d7177625a82700170c5d0678edf4b145564"

    [node."expert.departure"]
    outputs = "b50d27bde7f388a08c9c191eee4ea684642a4bee4da412187ffc9f6c8163be11"
    realisation = "ccca53791b024d98ee5d8c126d923e16f6cede945beb0b93c9abca301ed453e7"
    recipe = "626662e13d32c127f8099fc5c7450755e89a95a585a359ee188e0967a504a579"
    hands.logit = "b9f63c83975dadee9b4dc3faeeb669ddef34bbe12e3a0626183166982681d81c"
    hands."logit out-of-fold 2" = "94aa73e5d53ded06f0dcc593d9fe8a33664d3695be88d9fba0b872938059f213"
    parts."fold 1/2".realisation = "40ade19869edcc4c84d289d4cd2fbcbad5f7455ad64fbf118ff2cc1be12040b6"
    parts."fold 1/2".recipe = "193ecd70dadeee3df8638ae145863e4f0b87517942fdfec4c6f36a52090d332a"
    parts."fold 2/2".realisation = "9d15c5b9b2b0f3477b4de5ae4a9b292fc34dbf9637902d6fffced23cf037f57a"
    parts."fold 2/2".recipe = "0e67de576cc91f68e457124ae70737f5cb13a7dc6591e29680b6230164a6c33a"
    reads."size.value".deployed = "d5ede538f628f687e5e0422c7755b503653de2dcd7053ca8791afa5d4787d843"
    reads."size.value".view = "fbf7129093429293d558b3993ca13988daba893f4a191bc2b1c1e5b52a0d0172"
    seal = "9ee02bd721d666b4c837fc099ce23a0be411a5cf31bd1854e07ad64b4ce52dd2"
    "#);
    assert_eq!(read_lock(&path).unwrap(), lock());
    assert_eq!(files(folder.path()), [path], "no temporary file is left");
}

#[test]
fn a_missing_file_is_an_empty_lock() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flights.lock");
    let empty = read_lock(&path).unwrap();
    assert_eq!((empty.format, empty.node.len()), (LOCK_FORMAT, 0));
    write_lock(&path, &empty).unwrap();
    assert_eq!(read_lock(&path).unwrap(), empty);
}

#[test]
fn an_equal_lock_does_not_touch_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flights.lock");
    write_lock(&path, &lock()).unwrap();
    let before = fs::metadata(&path).unwrap().modified().unwrap();
    write_lock(&path, &lock()).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), before);
}

#[test]
fn a_merge_conflict_is_named_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flights.lock");
    write_lock(&path, &lock()).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let at = text.find("recipe").unwrap();
    let (head, tail) = text.split_at(at);
    let text = format!(
        "{head}<<<<<<< ours\nrecipe = \"a\"\n=======\nrecipe = \"b\"\n>>>>>>> theirs\n{tail}"
    );
    insta::assert_snapshot!(refusal(text), @"flights.lock:14: a merge conflict was left here; keep either side of the whole file and run again");
}

#[test]
fn an_unknown_format_is_refused_with_a_way_out() {
    insta::assert_snapshot!(refusal("# x\nformat = 3\nnew = []\n"), @"flights.lock:2: this collegium writes lock files of format 2 and does not read format 3; update collegium, or delete the file and run again");
}

#[test]
fn broken_files_are_refused_with_their_line() {
    let cases: [&[u8]; 6] = [
        b"",
        b"format = 2\n[node",
        b"format = 2\n\n[node.\"expert.a\"]\nrecipe = \"12\"\n",
        b"format = 2\nnodes = 3\n",
        b"format = 2\n[node.\"expert.a\"]\n",
        b"format = 2\n\xff\xfe",
    ];
    insta::assert_snapshot!(cases.map(refusal).join("\n"), @r#"
    flights.lock:1: missing field `format`; restore it from version control, or delete it, and run again
    flights.lock:2: unclosed table, expected `]`; restore it from version control, or delete it, and run again
    flights.lock:4: a digest is 64 hexadecimal digits; restore it from version control, or delete it, and run again
    flights.lock:2: unknown field `nodes`, expected one of `format`, `data`, `node`, `rotated`; restore it from version control, or delete it, and run again
    flights.lock:2: missing field `recipe`; restore it from version control, or delete it, and run again
    flights.lock:2: this is not text in UTF-8; restore it from version control, or delete it, and run again
    "#);
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = write_lock(&folder.path().join("absent/flights.lock"), &lock()).unwrap_err();
    assert!(error.is_damage_or_write());
    assert!(error.to_string().contains("absent/flights.lock"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_lock_comes_back(names in prop::collection::btree_set(any::<String>(), 0..6), rotations in prop::option::of(2_u32..50)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.lock");
        let rotated = rotations.map(|rotations| LockedRotations { rotations, locks: id("rotations") });
        let lock = Lock { format: LOCK_FORMAT, data: Default::default(), node: names.iter().map(|n| (n.clone(), node(n))).collect(), rotated };
        write_lock(&path, &lock).unwrap();
        prop_assert_eq!(read_lock(&path).unwrap(), lock);
    }
}
