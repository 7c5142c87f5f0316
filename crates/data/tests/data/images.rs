//! Images: IDX files side by side, and columns that are pixels.

use std::io::Write as _;

use collegium_data::{Conform, DataError, DataErrorKind, Side, read_rows, select};
use collegium_manifest::{ColumnType, PixelColumns, ReadOptions};
use collegium_table::{Column, ImageShape, Table, Values};
use flate2::{Compression, write::GzEncoder};
use insta::assert_snapshot;
use proptest::prelude::*;

use crate::project::{Project, shown, spanned, texts};

/// An IDX file: two zeros, the type, the number of dimensions, the dimensions, the elements.
pub(crate) fn idx(kind: u8, sizes: &[u32], elements: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, kind, sizes.len() as u8];
    bytes.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
    bytes.extend(elements);
    bytes
}

pub(crate) fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// `rows` images of 2 × 3 whose pixels all differ within 250 rows, from `first` on.
pub(crate) fn images(first: usize, rows: usize) -> Vec<u8> {
    let pixels: Vec<u8> = (first * 6..(first + rows) * 6).map(|i| (i * 37 % 251) as u8).collect();
    idx(8, &[rows as u32, 2, 3], &pixels)
}

fn labels(first: usize, rows: usize) -> Vec<u8> {
    let labels: Vec<u8> = (first..first + rows).map(|i| (i % 4) as u8).collect();
    idx(8, &[rows as u32], &labels)
}

/// A data source of `image.idx3-ubyte` and `label.idx1-ubyte`.
fn pair(image: impl AsRef<[u8]>, label: impl AsRef<[u8]>) -> Project {
    let project = Project::empty()
        .table("image", "image.idx3-ubyte")
        .table("label", "label.idx1-ubyte")
        .idx();
    project.write("image.idx3-ubyte", image);
    project.write("label.idx1-ubyte", label);
    project
}

const SMALL: ImageShape = ImageShape { height: 2, width: 3, channels: 1 };

#[test]
fn images_and_labels_stand_side_by_side_packed_or_not() {
    let project = pair(images(0, 20), labels(0, 20));
    let table = project.rows();
    assert_eq!((table.names(), table.rows), (vec!["image", "label"], 20));
    let Values::Image { shape, pixels } = &table.column("image").unwrap().values else { panic!() };
    assert_eq!((*shape, &pixels[..7]), (SMALL, &[0, 37, 74, 111, 148, 185, 222][..]));
    assert_eq!(texts(&table, "image")[0], "00254a6f94b9");
    assert_eq!(texts(&table, "label")[..5], ["0", "1", "2", "3", "0"]);
    assert_eq!(table.bytes(), 20 * 6 + 20 * 8, "a byte per pixel");
    let facts = project.prepared().facts;
    let (image, label) = (facts.column("image").unwrap(), facts.column("label").unwrap());
    assert_eq!((image.kind, image.image, image.missing), (ColumnType::Image, Some(SMALL), 0));
    assert!(label.integer && label.whole && label.image.is_none());
    let packed = pair(gzipped(&images(0, 20)), gzipped(&labels(0, 20)));
    assert_eq!(packed.rows(), table, "whatever the name of the file says");
    assert_eq!(packed.prepared().facts.columns, facts.columns);
}

#[test]
fn globs_match_their_files_in_pairs() {
    let project = Project::empty().table("image", "*-images-*").table("label", "*-labels-*").idx();
    project.write("b-images-idx3-ubyte.gz", gzipped(&images(0, 8)));
    project.write("b-labels-idx1-ubyte.gz", gzipped(&labels(0, 8)));
    project.write("a-images-idx3-ubyte", images(8, 5));
    project.write("a-labels-idx1-ubyte", labels(8, 5));
    let table = project.rows();
    assert_eq!(texts(&table, "label").concat(), "0123001230123", "`a` comes before `b`");
    let alone = pair(images(8, 5), labels(8, 5)).rows();
    let (all, five) = (table.column("image").unwrap(), alone.column("image").unwrap());
    assert_eq!(all.digest(&[0, 1, 2, 3, 4]), five.digest(&[0, 1, 2, 3, 4]));
}

#[test]
fn numbers_of_every_type_are_read_to_the_last_bit() {
    let of = |kind: u8, bytes: &[u8], rows: u32| {
        let project = Project::empty().table("x", "x.idx").idx();
        project.write("x.idx", idx(kind, &[rows], bytes));
        (texts(&project.rows(), "x").join(" "), project.prepared().facts.column("x").unwrap().whole)
    };
    assert_eq!(of(0x08, &[0, 255], 2), ("0 255".into(), true));
    assert_eq!(of(0x09, &[0x80, 127], 2), ("-128 127".into(), true));
    assert_eq!(of(0x0b, &[0x80, 0, 1, 2], 2), ("-32768 258".into(), true));
    assert_eq!(of(0x0c, &(-70_000_i32).to_be_bytes(), 1), ("-70000".into(), true));
    assert_eq!(of(0x0d, &0.1_f32.to_be_bytes(), 1), (f64::from(0.1_f32).to_string(), false));
    assert_eq!(of(0x0e, &1e-300_f64.to_be_bytes(), 1), (1e-300_f64.to_string(), false));
}

#[test]
fn labels_can_be_classes_and_make_other_columns() {
    let project = pair(images(0, 20), labels(0, 20))
        .typed("label", ColumnType::Category)
        .derive("odd", "label IN ('1', '3')");
    let facts = project.prepared().facts;
    assert_eq!(facts.column("label").unwrap().levels, ["0", "1", "2", "3"]);
    assert!(facts.column("odd").unwrap().binary);
    let table = project.rows();
    let chosen = select(&table, &facts, "t", &spanned("label = '3'".to_owned())).unwrap();
    assert_eq!(chosen.iter().filter(|chosen| **chosen).count(), 5);
}

#[test]
fn sql_that_reads_an_image_is_refused_with_a_way_out() {
    let project = pair(images(0, 4), labels(0, 4));
    assert_snapshot!(pair(images(0, 4), labels(0, 4)).derive("d", "label + length(image)").error(), @"
    `image` is an image, which SQL cannot read
    help: SQL reads numbers, texts, booleans and times: use labels or other columns here; experts read images as `inputs`
    ");
    let (table, facts) = (project.rows(), project.prepared().facts);
    let sql = spanned("t.image IS NOT NULL AND label = 1".to_owned());
    let error = select(&table, &facts, "t", &sql).unwrap_err();
    assert_snapshot!(shown(&error, project.folder.path()), @"
    `image` is an image, which SQL cannot read
    help: SQL reads numbers, texts, booleans and times: use labels or other columns here; experts read images as `inputs`
    ");
    assert_eq!(error.fault().part.as_ref().unwrap().1, 2..7);
}

#[test]
fn every_way_in_which_an_idx_file_is_no_idx_file_is_named() {
    let of = |bytes: Vec<u8>| pair(bytes, labels(0, 3)).error();
    assert_snapshot!(of(Vec::new()), @"image.idx3-ubyte: the file is empty");
    assert_snapshot!(of(b"<html>not found".to_vec()), @"
    image.idx3-ubyte: not an IDX file: it begins with 3c 68 74 6d, and not with 00 00, a type (08 to 0e) and the number of dimensions
    help: IDX files of images begin with 00 00 08 03, those of labels with 00 00 08 01; is it another file, or a page that was saved in its place?
    ");
    assert_snapshot!(of(vec![0, 0]), @"
    image.idx3-ubyte: not an IDX file: it begins with 00 00, and not with 00 00, a type (08 to 0e) and the number of dimensions
    help: IDX files of images begin with 00 00 08 03, those of labels with 00 00 08 01; is it another file, or a page that was saved in its place?
    ");
    assert_snapshot!(of(idx(7, &[3, 2, 3], &[0; 18])), @"
    image.idx3-ubyte: not an IDX file: it begins with 00 00 07 03, and not with 00 00, a type (08 to 0e) and the number of dimensions
    help: IDX files of images begin with 00 00 08 03, those of labels with 00 00 08 01; is it another file, or a page that was saved in its place?
    ");
    assert_snapshot!(of(idx(8, &[3, 2, 3], &[0; 18])[..9].to_vec()), @"
    image.idx3-ubyte: its header of 3 dimensions is cut off
    help: was it cut off or changed while it was copied? get it again
    ");
    assert_snapshot!(of(idx(8, &[3, 6], &[0; 18])), @"
    image.idx3-ubyte: it has 2 dimensions, 3 × 6
    help: one dimension is a column of numbers; images are bytes of three dimensions (rows × height × width), or of four with 1 or 3 channels at the end
    ");
    assert_snapshot!(of(idx(8, &[3, 2, 3, 2], &[0; 36])), @"
    image.idx3-ubyte: it has 4 dimensions, 3 × 2 × 3 × 2
    help: one dimension is a column of numbers; images are bytes of three dimensions (rows × height × width), or of four with 1 or 3 channels at the end
    ");
    assert_snapshot!(of(idx(0x0d, &[3, 2, 3], &[0; 72])), @"
    image.idx3-ubyte: its images are of 32-bit floats
    help: one dimension is a column of numbers; images are bytes of three dimensions (rows × height × width), or of four with 1 or 3 channels at the end
    ");
    assert_snapshot!(of(idx(8, &[3, 0, 3], &[])), @"
    image.idx3-ubyte: images have from 1 to 16777216 pixels, and it holds 3 × 0 × 3 bytes
    help: one dimension is a column of numbers; images are bytes of three dimensions (rows × height × width), or of four with 1 or 3 channels at the end
    ");
    assert_snapshot!(of(idx(8, &[3, u32::MAX, u32::MAX, 3], &[])), @"
    image.idx3-ubyte: images have from 1 to 16777216 pixels, and it holds 3 × 4294967295 × 4294967295 × 3 bytes
    help: one dimension is a column of numbers; images are bytes of three dimensions (rows × height × width), or of four with 1 or 3 channels at the end
    ");
}

#[test]
fn files_that_are_cut_off_too_long_or_damaged_are_named() {
    let of = |bytes: Vec<u8>| pair(bytes, labels(0, 3)).error();
    let whole = images(0, 3);
    assert_snapshot!(of(whole[..whole.len() - 1].to_vec()), @"
    image.idx3-ubyte: it is cut off: its header promises 3 × 2 × 3 bytes (18 bytes), and 17 are there
    help: was it cut off or changed while it was copied? get it again
    ");
    assert_snapshot!(of([&whole[..], &[0]].concat()), @"
    image.idx3-ubyte: it goes on behind the 3 × 2 × 3 bytes that its header promises
    help: was it cut off or changed while it was copied? get it again
    ");
    assert_snapshot!(of(idx(8, &[u32::MAX, 2, 3], &[0; 18])), @"
    image.idx3-ubyte: it is cut off: its header promises 4294967295 × 2 × 3 bytes (25769803770 bytes), and it is too short for them
    help: was it cut off or changed while it was copied? get it again
    ");
    assert_snapshot!(of(gzipped(&whole[..whole.len() - 1])), @"
    image.idx3-ubyte: it is cut off: its header promises 3 × 2 × 3 bytes (18 bytes), and 17 are there
    help: was it cut off or changed while it was copied? get it again
    ");
    assert_snapshot!(of(gzipped(&idx(8, &[u32::MAX, 2, 3], &[0; 18]))), @"
    image.idx3-ubyte: it is cut off: its header promises 4294967295 × 2 × 3 bytes (25769803770 bytes), and it is too short for them
    help: was it cut off or changed while it was copied? get it again
    ");
    let packed = gzipped(&whole);
    assert_snapshot!(of(packed[..packed.len() - 9].to_vec()), @"
    image.idx3-ubyte: not a whole gzip file: incomplete deflate stream
    help: was it cut off or changed while it was copied? get it again
    ");
    let mut damaged = packed.clone();
    damaged[packed.len() - 6] ^= 1;
    assert_snapshot!(of(damaged), @"
    image.idx3-ubyte: not a whole gzip file: corrupt gzip stream does not have a matching checksum
    help: was it cut off or changed while it was copied? get it again
    ");
}

#[test]
fn columns_that_do_not_belong_beside_each_other_are_named() {
    assert_snapshot!(pair(images(0, 4), labels(0, 3)).error(), @"
    label.idx1-ubyte: it has 3 rows, and image.idx3-ubyte beside it has 4
    help: row i of one belongs to row i of the other: is one of them of another set?
    ");
    assert_snapshot!(pair(images(0, 0), labels(0, 0)).error(), @"
    image.idx3-ubyte: there are no rows
    help: the file holds a header and nothing more
    ");
    let project = Project::empty().table("image", "i*").table("label", "l*").idx();
    project.write("i1.idx", images(0, 4));
    project.write("i2.idx", images(4, 4));
    project.write("l1.idx", labels(0, 8));
    assert_snapshot!(project.error(), @"
    `label` has 1 file, and `image` has 2 files
    help: the files of all columns stand beside each other, in the order of their paths: there must be as many for each
    ");
    project.write("l2.idx", labels(0, 4));
    project.write("l1.idx", labels(0, 4));
    project.write("i2.idx", idx(8, &[4, 3, 2], &[0; 24]));
    assert_snapshot!(project.error(), @"
    i2.idx: it holds images of 3 × 2, and i1.idx holds images of 2 × 3
    help: the files of one column hold numbers, or images of one shape
    ");
    project.write("i2.idx", labels(0, 4));
    assert_snapshot!(project.error(), @"
    i2.idx: it holds numbers, and i1.idx holds images of 2 × 3
    help: the files of one column hold numbers, or images of one shape
    ");
    let missing = Project::empty().table("image", "train-image.idx").idx();
    missing.write("train-images.idx", images(0, 4));
    assert_snapshot!(missing.error(), @"
    train-image.idx: there is no such file
    help: did you mean `train-images.idx`?
    ");
}

#[test]
fn an_idx_file_is_no_table_and_its_columns_have_types() {
    let project = Project::file("t10k-images-idx3-ubyte.gz", gzipped(&images(0, 3)));
    assert_snapshot!(project.error(), @r#"
    t10k-images-idx3-ubyte.gz: an IDX file is one column and no table
    help: name the columns of such files: `idx = { image = "…-images-idx3-ubyte.gz", label = "…-labels-idx1-ubyte.gz" }`
    "#);
    let error = pair(images(0, 3), labels(0, 3)).typed("label", ColumnType::Time).error();
    assert_snapshot!(error, @r#"
    row 1: column `label`: `0` is not an ISO date or time such as 2013-01-31 or 2013-01-31 17:05
    help: correct it; or, if it means that the value is missing, name "0" in `missing`; or declare another type for the column in `types`
    "#);
    let error = pair(images(0, 3), labels(0, 3)).typed("image", ColumnType::Number).error();
    assert_snapshot!(error, @"
    `types` says that `image` is a number, and its files hold images of 2 × 3
    help: leave it out of `types`: images are images
    ");
    let error = pair(images(0, 3), idx(0x0d, &[3], &[0, 0, 0, 0, 0x7f, 0xc0, 0, 0, 0, 0, 0, 0]));
    assert_snapshot!(error.error(), @"label.idx1-ubyte:2: NaN is not a finite number");
    assert_snapshot!(pair(images(0, 3), labels(0, 3)).split([1., 0., 0.], &[], Some("image")).error(), @"
    `stratify` names `image`, a column of images
    help: stratify by a column of labels, whose values recur
    ");
}

/// A table of 2 × 2 pixels from 0 to 16, out of order among other columns.
const DIGITS: &str = "id,p2,p0,kind,p1,p3\n1,16,0,a,8,1\n2,5,0,b,0,15\n3,0,1,a,2,3\n";

fn digits(columns: PixelColumns) -> Project {
    Project::csv(DIGITS).image("digit", columns, [2, 2, 1], 16.0)
}

fn list(names: &[&str]) -> PixelColumns {
    PixelColumns::List(names.iter().map(|name| spanned((*name).to_owned())).collect())
}

#[test]
fn columns_become_an_image_and_leave_the_table() {
    let ordered = digits(list(&["p0", "p1", "p2", "p3"]));
    let table = ordered.rows();
    assert_eq!(table.names(), ["id", "kind", "digit"]);
    // 8 of 16 is 127.5 of 255, and halves go up; 1 is 15.9, 5 is 79.7, 15 is 239.1.
    assert_eq!(texts(&table, "digit"), ["0080ff10", "000050ef", "10200030"]);
    let facts = ordered.prepared().facts;
    let digit = facts.column("digit").unwrap();
    assert_eq!(digit.image, Some(ImageShape { height: 2, width: 2, channels: 1 }));
    assert_eq!(digit.pixels, ["p0", "p1", "p2", "p3"]);
    let globbed = digits(PixelColumns::Pattern("p?".to_owned()));
    assert_eq!(texts(&globbed.rows(), "digit"), ["ff008010", "500000ef", "00102030"]);
    let queried = digits(PixelColumns::Pattern("p?".to_owned()))
        .query("SELECT p0, p1, p2, p3, kind FROM t WHERE id > 1");
    assert_eq!(texts(&queried.rows(), "digit"), ["000050ef", "10200030"]);
    assert_eq!(queried.rows().names(), ["kind", "digit"]);
}

#[test]
fn colours_are_three_columns_of_one_pixel() {
    let project =
        Project::csv("r,g,b\n0,128,255\n").image("c", list(&["b", "g", "r"]), [1, 1, 3], 255.0);
    assert_eq!(texts(&project.rows(), "c"), ["ff8000"]);
    let shape = project.prepared().facts.column("c").unwrap().image.unwrap();
    assert_eq!(shape.to_string(), "1 × 1 × 3");
}

#[test]
fn every_way_in_which_columns_are_no_image_is_named() {
    let pattern = |text: &str| PixelColumns::Pattern(text.to_owned());
    assert_snapshot!(digits(pattern("q*")).error(), @"
    no column matches `q*`
    help: the columns are: `id`, `p2`, `p0`, `kind`, `p1`, `p3`
    ");
    assert_snapshot!(digits(pattern("p[0-2]")).error(), @"
    the image `digit` of 2 × 2 has 4 pixels, and 3 columns are named for them
    help: they go from `p2` to `p1`: is it another shape, or does the pattern match too little or too much? a list of names is exact
    ");
    assert_snapshot!(digits(list(&["p0", "p1", "p2", "p33"])).error(), @"
    `images` names a column `p33` that does not exist
    help: did you mean `p3`?
    ");
    assert_snapshot!(digits(list(&["p0", "p1", "p2", "kind"])).error(), @"
    column `kind`: it is a category and cannot be a pixel
    help: pixels are numbers: correct its values, or leave it out of `columns`
    ");
    let scaled = Project::csv(DIGITS).image("digit", pattern("p?"), [2, 2, 1], 15.0);
    assert_snapshot!(scaled.error(), @"
    row 1: column `p2`: 16 is no pixel of the image `digit`, whose pixels go from 0 to 15
    help: `scale` is the number that means full brightness
    ");
    let negative = Project::csv("p,q\n1,2\n3,-1\n").image("digit", pattern("?"), [1, 2, 1], 16.0);
    assert_snapshot!(negative.error(), @"
    row 2: column `q`: -1 is no pixel of the image `digit`, whose pixels go from 0 to 16
    help: `scale` is the number that means full brightness
    ");
    let missing = Project::csv("p,q\n1,2\n,1\n").image("digit", pattern("?"), [1, 2, 1], 16.0);
    assert_snapshot!(missing.error(), @"
    row 2: column `p`: a pixel of the image `digit` is missing
    help: images are whole: leave the row out or fill it in `query`, e.g. with COALESCE(…, 0)
    ");
    let taken = Project::csv(DIGITS).image("Kind", pattern("p?"), [2, 2, 1], 16.0);
    assert_snapshot!(taken.error(), @"
    `images` makes a column `Kind`, which exists already
    help: choose another name
    ");
    assert_snapshot!(digits(pattern("p?")).derive("d", "p1 + 1").error(), @"
    no such column: p1
    help: `p1` is a pixel of the image `digit` by now: make such a column in `query`
    ");
    assert_snapshot!(digits(pattern("p?")).derive("digit", "id + 1").error(), @"
    `derive` makes a column `digit`, which exists already
    help: choose another name
    ");
}

#[test]
fn an_image_may_take_the_name_of_one_of_its_columns() {
    let project = Project::csv("p,q\n1,2\n").image("p", list(&["p", "q"]), [1, 2, 1], 2.0);
    assert_eq!(project.rows().names(), ["p"]);
    assert_eq!(texts(&project.rows(), "p"), ["80ff"]);
}

#[test]
fn the_stored_table_is_the_made_one() {
    // 12,288 bytes an image, so that there are several record batches.
    let size = 64 * 64 * 3;
    let pixels: Vec<u8> = (0..1500 * size).map(|i| ((i % 256) ^ (i / 9973 % 256)) as u8).collect();
    let project = pair(idx(8, &[1500, 64, 64, 3], &pixels), labels(0, 1500));
    let first = project.prepared();
    assert!(project.loaded());
    let second = project.prepared();
    assert!(!project.loaded(), "nothing is read twice");
    assert_eq!(first.key, second.key);
    assert_eq!(first.facts, second.facts);
    let stored = second.table().unwrap();
    assert_eq!(first.table().unwrap(), stored);
    let Values::Image { shape, pixels: back } = &stored.column("image").unwrap().values else {
        panic!()
    };
    assert_eq!(shape.channels, 3);
    assert!(*back == pixels);
    let object = project.store().path(&second.object()).unwrap().unwrap();
    let bytes = std::fs::metadata(object).unwrap().len();
    assert!(bytes < (pixels.len() + 1500 * 8 + 20_000) as u64, "{bytes} bytes are stored");
}

#[test]
fn every_ingredient_of_an_image_makes_another_table() {
    let wide = || Project::csv("p,q,r,s\n0,1,2,3\n3,2,1,0\n");
    let all = || PixelColumns::Pattern("?".to_owned());
    let mut recipes = vec![
        wide().prepared().recipe().digest(),
        wide().image("i", all(), [2, 2, 1], 3.0).prepared().recipe().digest(),
        wide().image("j", all(), [2, 2, 1], 3.0).prepared().recipe().digest(),
        wide().image("i", all(), [1, 4, 1], 3.0).prepared().recipe().digest(),
        wide().image("i", all(), [2, 2, 1], 4.0).prepared().recipe().digest(),
        wide().image("i", list(&["p", "q", "r", "s"]), [2, 2, 1], 3.0).prepared().recipe().digest(),
        wide().image("i", list(&["q", "p", "r", "s"]), [2, 2, 1], 3.0).prepared().recipe().digest(),
        pair(images(0, 4), labels(0, 4)).prepared().recipe().digest(),
        pair(labels(0, 4), images(0, 4)).prepared().recipe().digest(),
    ];
    let count = recipes.len();
    recipes.sort();
    recipes.dedup();
    assert_eq!(recipes.len(), count);
}

#[test]
fn equal_images_share_a_side_and_appended_ones_move_none() {
    let twice = [images(0, 60), images(0, 60)[16..].to_vec()].concat();
    let twice = idx(8, &[120, 2, 3], &twice[16..]);
    let by_image = |image: &[u8], rows: usize| {
        pair(image, labels(0, rows)).split([0.5, 0.25, 0.25], &["image"], None).prepared()
    };
    let sides = by_image(&twice, 120).sides().unwrap();
    assert_eq!(sides[..60], sides[60..]);
    assert!(Side::ALL.iter().all(|side| sides.contains(side)));
    let fewer = by_image(&images(0, 40), 40);
    assert_eq!(fewer.sides().unwrap()[..], sides[..40]);
    assert_eq!(fewer.groups().unwrap().unwrap().len(), 40);
}

#[test]
fn a_name_that_is_no_table_is_still_refused() {
    let error = Project::file("t.bin", [0]).try_prepare().unwrap_err();
    assert_eq!(error.kind(), DataErrorKind::UnknownFormat);
}

proptest! {
    #[test]
    fn a_packed_file_that_is_cut_or_flipped_anywhere_is_refused_or_whole(
        rows in 1_usize..30, at in 0.0_f64..1.0, bit in 0_u32..8, cut in any::<bool>(),
    ) {
        let whole = gzipped(&images(0, rows));
        // The first ten bytes hold a time and a system, which mean nothing.
        let at = 10 + (at * (whole.len() - 10) as f64) as usize;
        let mut bytes = whole;
        if cut { bytes.truncate(at) } else { bytes[at] ^= 1 << bit }
        // A flip may name another copy of the same bytes: then nothing is lost.
        if let Ok(found) = pair(bytes, labels(0, rows)).try_prepare() {
            prop_assert_eq!(found.table().unwrap(), pair(images(0, rows), labels(0, rows)).rows());
            prop_assert!(!cut);
        }
    }

    #[test]
    fn a_digest_is_that_of_the_pixels_and_the_shape(
        pixels in prop::collection::vec(any::<u8>(), 24), rows in prop::collection::vec(0_u32..4, 0..6),
    ) {
        let column = |name: &str, sides: [usize; 3], pixels: Vec<u8>| {
            let [height, width, channels] = sides;
            Column::new(name, Values::Image { shape: ImageShape { height, width, channels }, pixels })
        };
        let whole = column("a", [2, 3, 1], pixels.clone());
        let chosen: Vec<u8> =
            rows.iter().flat_map(|&r| pixels[r as usize * 6..][..6].to_vec()).collect();
        let alone = column("b", [2, 3, 1], chosen);
        let all: Vec<u32> = (0..rows.len() as u32).collect();
        prop_assert_eq!(whole.digest(&rows), alone.digest(&all));
        prop_assert_ne!(column("a", [3, 2, 1], pixels.clone()).digest(&rows), whole.digest(&rows));
        let mut other = pixels;
        other[0] ^= 1;
        let moved = column("a", [2, 3, 1], other).digest(&rows) != whole.digest(&rows);
        prop_assert_eq!(moved, rows.contains(&0));
    }
}

/// All rows of a file in the wanted shape, as prediction reads them.
fn conformed(
    project: &Project,
    file: &str,
    wanted: &[&str],
    chunk: usize,
) -> Result<Vec<Table>, String> {
    let folder = project.folder.path();
    let said = |error: DataError| shown(&error, folder);
    let prepared = project.prepared();
    let wanted: Vec<String> = wanted.iter().map(|name| (*name).to_owned()).collect();
    let mut rows =
        read_rows(&project.path(file), &[String::new()], &ReadOptions::default(), None, chunk)
            .map_err(said)?;
    rows.adopt(&prepared.facts, &wanted);
    let conform = Conform::of_source(&project.source, &prepared.facts, &wanted, rows.header());
    let conform = conform.map_err(said)?;
    assert_eq!(conform.no_rows().names(), wanted);
    let mut tables = Vec::new();
    while let Some(chunk) = rows.next() {
        tables.push(conform.apply(&chunk.map_err(said)?, rows.places()).map_err(said)?);
    }
    Ok(tables)
}

/// One column of all chunks, as texts.
fn all_texts(tables: &[Table], name: &str) -> Vec<String> {
    tables.iter().flat_map(|table| texts(table, name)).collect()
}

#[test]
fn new_images_come_in_an_idx_file_that_does_not_name_them() {
    let project = pair(images(0, 20), labels(0, 20));
    let trained = texts(&project.rows(), "image");
    project.write("new-images.idx3-ubyte.gz", gzipped(&images(0, 20)));
    for chunk in [1, 7, 1000] {
        let tables = conformed(&project, "new-images.idx3-ubyte.gz", &["image"], chunk).unwrap();
        assert_eq!(tables.iter().map(|table| table.rows).sum::<usize>(), 20);
        assert!(tables.iter().all(|table| table.rows <= chunk));
        assert_eq!(all_texts(&tables, "image"), trained);
    }
    let tables = conformed(&project, "label.idx1-ubyte", &["label"], 8).unwrap();
    assert_eq!(all_texts(&tables, "label"), texts(&project.rows(), "label"));
}

#[test]
fn new_rows_of_pixels_are_gathered_as_in_training_whatever_their_order() {
    let project = digits(PixelColumns::Pattern("p?".to_owned())).derive("big", "id > 1");
    let trained = texts(&project.rows(), "digit");
    // The pattern would match `px` here, and in another order.
    project.write("new.csv", "px,p3,p2,p1,p0,id\n9,1,16,8,0,1\n9,15,5,0,0,2\n9,3,0,2,1,3\n");
    for chunk in [1, 2, 3] {
        let tables = conformed(&project, "new.csv", &["digit", "big"], chunk).unwrap();
        assert_eq!(tables[0].names(), ["digit", "big"]);
        assert_eq!(all_texts(&tables, "digit"), trained);
        assert_eq!(all_texts(&tables, "big"), texts(&project.rows(), "big"));
    }
    let pixels: Vec<u8> = vec![255, 0, 128, 16, 80, 0, 0, 239];
    project.write("new.idx", gzipped(&idx(8, &[2, 2, 2], &pixels)));
    let tables = conformed(&project, "new.idx", &["digit"], 9).unwrap();
    assert_eq!(all_texts(&tables, "digit"), trained[..2], "an image is an image");
}

#[test]
fn new_rows_that_are_not_the_images_of_training_are_named() {
    let project = pair(images(0, 20), labels(0, 20));
    let of = |file: &str, content: &[u8], wanted: &[&str]| {
        project.write(file, content);
        conformed(&project, file, wanted, 2).unwrap_err()
    };
    assert_snapshot!(of("n.idx", &idx(8, &[1, 3, 2], &[0; 6]), &["image"]), @"n.idx: column `image`: it holds images of 3 × 2 and was trained on as images of 2 × 3");
    assert_snapshot!(of("n-images.idx3", &images(0, 3), &["image", "label"]), @"
    the rows have no column `label`
    help: the rows have: `image`
    ");
    assert_snapshot!(of("n.idx", &labels(0, 3), &["image"]), @"
    the rows have no column `image`
    help: `image` is an image of 2 × 3: its rows come in an IDX file, whose name says so, such as images-idx3-ubyte.gz; one holds one column
    ");
    assert_snapshot!(of("n.idx", &images(0, 3), &["label"]), @"
    the rows have no column `label`
    help: the rows have: `n.idx`
    ");
    assert_snapshot!(of("n.csv", b"image\nx\n", &["image"]), @"n.csv: column `image`: it is of type category and was trained on as images of 2 × 3");
    assert_snapshot!(of("n.csv", b"other\n1\n", &["image"]), @"
    the rows have no column `image`
    help: `image` is an image of 2 × 3: its rows come in an IDX file, whose name says so, such as images-idx3-ubyte.gz; one holds one column
    ");
    assert_snapshot!(of("n.idx", &images(0, 3)[..30], &["image"]), @"
    n.idx: it is cut off: its header promises 3 × 2 × 3 bytes (18 bytes), and 14 are there
    help: was it cut off or changed while it was copied? get it again
    ");
    let project = digits(PixelColumns::Pattern("p?".to_owned()));
    let of = |content: &str| {
        project.write("n.csv", content);
        conformed(&project, "n.csv", &["digit"], 2).unwrap_err()
    };
    assert_snapshot!(of("p0,p1,p2,p3\n0,1,2,3\n0,1,2,3\n0,17,2,3\n"), @"
    n.csv:4:2: column `p1`: 17 is no pixel of the image `digit`, whose pixels go from 0 to 16
    help: `scale` is the number that means full brightness
    ");
    assert_snapshot!(of("p0,p1,p2,p3\n0,1,2,\n"), @"
    n.csv:2:4: column `p3`: a pixel of the image `digit` is missing
    help: images are whole: leave the row out or fill it in `query`, e.g. with COALESCE(…, 0)
    ");
    assert_snapshot!(of("p0,p1,p2,p3\n0,one,2,3\n"), @"
    n.csv:2:2: column `p1`: `one` is not a number
    help: the column was trained on as number
    ");
    assert_snapshot!(of("p0,p1,p_2,p3\n0,1,2,3\n"), @"
    the rows have no column `p2`
    help: `p2`: did you mean `p_2`?
    ");
}
