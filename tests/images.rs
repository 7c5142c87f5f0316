//! Experts on images: IDX files and tables of pixels, from the file to predictions.

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};

use crate::{
    predict::{bits, csv, stored_bits},
    project::{Project, node},
};

const ROWS: usize = 400;

/// Images of 6 × 6: a bright half on noise, left (0), right (1) or above (2).
fn pixels(rows: usize) -> (Vec<u8>, Vec<u8>) {
    let mut state = 99_u64;
    let mut noise = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 58) as u8
    };
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for row in 0..rows {
        let label = (row * 7 % 3) as u8;
        for at in 0..36 {
            let bright = match label {
                0 => at % 6 < 3,
                1 => at % 6 >= 3,
                _ => at < 18,
            };
            pixels.push(noise() + if bright { 120 } else { 20 });
        }
        labels.push(label);
    }
    (pixels, labels)
}

fn idx(sizes: &[u32], elements: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, sizes.len() as u8];
    bytes.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
    bytes.extend(elements);
    bytes
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// An IDX file of some of the images.
fn images(rows: impl Iterator<Item = usize> + Clone) -> Vec<u8> {
    let (pixels, _) = pixels(ROWS);
    let chosen: Vec<u8> = rows.clone().flat_map(|row| pixels[row * 36..][..36].to_vec()).collect();
    idx(&[rows.count() as u32, 6, 6], &chosen)
}

const PIPELINE: &str = r#"[pipeline]
name = "small"
seed = 5

[data.pics]
idx = { image = "data/train-images-idx3-ubyte.gz", label = "data/train-labels.idx1-ubyte" }
derive = { half = "CASE label WHEN 2 THEN 'above' ELSE 'beside' END" }

[expert.side]
inputs = ["pics.image"]
target = "pics.label"
task   = "classification"
model  = { type = "mlp", hidden = [12] }
train  = { epochs = 30, batch = 32, learning_rate = 0.01 }

[expert.half]
inputs = ["side.logit", "pics.image"]
target = "pics.half"
where  = "pics.label >= 0"
model  = { type = "mlp", hidden = [4] }
train  = { epochs = 8, batch = 32, learning_rate = 0.01 }

[audit]
rows = 50
bootstrap = 5
"#;

/// A project of two experts on images, not yet run.
fn project() -> Project {
    let project = Project::new();
    let (_, labels) = pixels(ROWS);
    project.write("pipelines/data/train-images-idx3-ubyte.gz", gzipped(&images(0..ROWS)));
    project.write("pipelines/data/train-labels.idx1-ubyte", idx(&[ROWS as u32], &labels));
    project.write("pipelines/small.toml", PIPELINE);
    project
}

/// Every predicted number, by column, as bits.
fn predicted(project: &Project, input: &str, args: &[&str]) -> Vec<(String, Vec<u32>)> {
    let all: Vec<&str> =
        ["predict", "-i", input, "-o", "out.csv"].iter().chain(args).copied().collect();
    project.collegium(&all).ok();
    let columns = csv(&project.read("out.csv")).into_iter();
    columns.filter(|(name, _)| name.contains("probability")).map(|(n, c)| (n, bits(&c))).collect()
}

#[test]
fn images_are_learned_and_predicted_from_a_file_of_images_to_the_last_bit() {
    let project = project();
    project.collegium(&["check"]).ok();
    let report = project.run(&["--audit"]);
    for expert in ["side", "half"] {
        let accuracy = node(&report, expert)["metrics"]["test"]["accuracy"].as_f64().unwrap();
        assert!(accuracy > 0.95, "{expert}: {accuracy}");
    }
    // The regions of an image are tested: the quarters hold the whole map, and every one counts.
    let audit = project.collegium(&["audit", "side", "--json", "-q"]).ok().json();
    let side = &audit["nodes"][0];
    let regions = side["probe"]["images"][0]["regions"].as_array().unwrap();
    let number = |value: &serde_json::Value| value.as_f64().unwrap();
    let quarters: Vec<_> = regions.iter().filter(|region| region["proposed"] == false).collect();
    assert_eq!(quarters.len(), 4);
    let whole: f64 = quarters.iter().map(|region| number(&region["share"])).sum();
    assert!((whole - 1.0).abs() < 1e-6, "{whole}");
    assert_eq!(quarters[0]["cue"]["input"], "pics.image[0:3, 0:3]");
    for region in regions {
        let change = &region["cue"]["permuted"]["log_loss"];
        assert_eq!(change["before"], side["metrics"]["test"]["metrics"]["log_loss"]);
        assert!(number(&change["after"]) > number(&change["before"]), "{region}");
    }
    let findings = side["findings"].to_string();
    assert!(findings.contains("It uses pics.image."), "{findings}");
    project.write("new-images.idx3-ubyte", images(0..ROWS));
    let all = predicted(&project, "new-images.idx3-ubyte", &[]);
    let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
    let expected =
        ["half.probability", "side.probability.0", "side.probability.1", "side.probability.2"];
    assert_eq!(names, expected);
    assert_eq!(all[0].1, stored_bits(&project, "half", "probability"));
    let stored = stored_bits(&project, "side", "probability");
    for (class, (_, found)) in all[1..].iter().enumerate() {
        let of_class: Vec<u32> = stored.iter().skip(class).step_by(3).copied().collect();
        assert_eq!(*found, of_class);
    }
    // Packed, in another order and company, of one expert.
    let order = || (0..ROWS).rev().filter(|row| row % 3 != 1);
    project.write("t10k-images-idx3-ubyte.gz", gzipped(&images(order())));
    let some = predicted(&project, "t10k-images-idx3-ubyte.gz", &["half"]);
    assert_eq!(some[0].1, order().map(|row| all[0].1[row]).collect::<Vec<_>>());
    project.write("no-images-idx3-ubyte", idx(&[0, 6, 6], &[]));
    assert!(predicted(&project, "no-images-idx3-ubyte", &["half"])[0].1.is_empty());
    assert_eq!(project.fitted(), [""; 0], "nothing is left to do");
}

#[test]
fn other_pixels_retrain_what_sees_them_and_another_packing_does_not() {
    let project = project();
    // A row's side must not hang on what is changed.
    project.edit_pipeline(
        "derive =",
        "split = { train = 0.7, valid = 0.15, test = 0.15, stratify = \"label\" }\nderive =",
    );
    project.run(&[]);
    let mut changed = images(0..ROWS);
    project.write("pipelines/data/train-images-idx3-ubyte.gz", &changed);
    assert_eq!(project.fitted(), [""; 0], "unpacked, the same images");
    changed[16..].iter_mut().for_each(|pixel| *pixel += 1);
    project.write("pipelines/data/train-images-idx3-ubyte.gz", gzipped(&changed));
    let said = project.collegium(&["why", "side", "--json"]).ok().json();
    let changes = said["changes"].as_array().unwrap();
    let image = changes.iter().find(|c| c["ingredient"] == "inputs.pics.image").unwrap();
    let drift = image["drift"].as_f64().unwrap();
    assert!((0.01..0.04).contains(&drift), "one step of 255, in deviations: {drift}");
    let fitted = project.fitted();
    assert!(fitted.contains(&"side: full".to_owned()) && fitted.contains(&"half: full".to_owned()));
}

#[test]
fn a_table_of_pixels_is_an_image_in_training_and_prediction() {
    let project = project();
    let (pixels, labels) = pixels(ROWS);
    let table = |backwards: bool| {
        let columns: Vec<usize> =
            if backwards { (0..36).rev().collect() } else { (0..36).collect() };
        let names: Vec<String> = columns.iter().map(|c| format!("p{c:02}")).collect();
        let mut text = format!("label,{}\n", names.join(","));
        for (row, label) in labels.iter().enumerate() {
            let cells: Vec<String> =
                columns.iter().map(|c| pixels[row * 36 + c].to_string()).collect();
            text.push_str(&format!("{label},{}\n", cells.join(",")));
        }
        text
    };
    project.write("pipelines/data/pixels.csv", table(false));
    let (head, tail) = PIPELINE.split_once("idx = ").unwrap();
    let (_, tail) = tail.split_once('\n').unwrap();
    let gathered = "path = \"data/pixels.csv\"\n\
        images = { image = { columns = \"p*\", height = 6, width = 6 } }\n";
    project.write("pipelines/small.toml", format!("{head}{gathered}{tail}"));
    project.run(&[]);
    let stored = stored_bits(&project, "half", "probability");
    project.write("new.csv", table(true));
    assert_eq!(predicted(&project, "new.csv", &["half"])[0].1, stored, "columns go by name");
    project.write("new.idx3-ubyte.gz", gzipped(&images(0..ROWS)));
    assert_eq!(predicted(&project, "new.idx3-ubyte.gz", &["half"])[0].1, stored);
    let shown = project.collegium(&["show"]).ok().out;
    assert!(
        shown.contains(
            "images = { image = { columns = \"p*\", height = 6, width = 6, channels = 1, scale = 255.0 } }"
        ),
        "{shown}"
    );
    project.edit_pipeline("\"side.logit\", \"pics.image\"", "\"side.logit\", \"pics.p07\"");
    project.edit_pipeline("pics.label >= 0", "p08 > 0");
    project.refuses(
        3,
        &[
            "data source `pics` has no column `p07`",
            "`p07` is a pixel of the image `pics.image`: read that",
            "no such column: p08",
            "`p08` is a pixel of the image `image`, which SQL cannot read: make a column of it in `query`",
        ],
    );
}

#[test]
fn what_an_image_cannot_be_is_told_with_a_way_out() {
    let project = project();
    project.edit_pipeline("\"side.logit\", \"pics.image\"", "\"side.logit\"");
    project.edit_pipeline("target = \"pics.half\"", "target = \"pics.image\"");
    project.edit_pipeline("pics.label >= 0", "pics.image > 0");
    let said = project.collegium(&["check"]).fails(3, &[]);
    insta::assert_snapshot!(said.err.trim_end(), @r#"
    error: an image cannot be a target
      --> pipelines/small.toml:18:10
       |
    18 | target = "pics.image"
       |          ^^^^^^^^^^^^ target of expert `half`
       |
       = help: choose a column of labels or numbers; images can only be inputs

    error: `image` is an image, which SQL cannot read
      --> pipelines/small.toml:19:16
       |
    19 | where  = "pics.image > 0"
       |                ^^^^^
       |
       = help: SQL reads numbers, texts, booleans and times: use labels or other columns here; experts read images as `inputs`

    2 errors; nothing was run and nothing was changed

    for more: `collegium explain task-not-clear`, `collegium explain sql-refused`
    "#);
    project.write("pipelines/small.toml", PIPELINE);
    project.run(&[]);
    project.write("new.idx", images(0..3));
    let keep = ["predict", "-i", "new.idx", "-o", "out.csv", "--keep", "image"];
    project.collegium(&keep).fails(2, &["`image` is a column of images"]);
    project.write("new.idx", idx(&[1, 5, 6], &[0; 30]));
    let predict = ["predict", "-i", "new.idx", "-o", "out.csv"];
    project.collegium(&predict).fails(
        3,
        &["new.idx: column `image`: it holds images of 5 × 6 and was trained on as images of 6 × 6"],
    );
    assert!(!project.path("out.csv").exists());
    project.write("pipelines/data/train-images-idx3-ubyte.gz", &gzipped(&images(0..ROWS))[..500]);
    project.refuses(3, &["train-images-idx3-ubyte.gz: not a whole gzip file", "get it again"]);
}

#[test]
fn idx_files_that_do_not_belong_together_are_bad_data() {
    let project = project();
    let (_, labels) = pixels(ROWS);
    let label = "pipelines/data/train-labels.idx1-ubyte";
    for wrong in [
        idx(&[ROWS as u32 - 1], &labels[1..]),
        idx(&[ROWS as u32], &labels[1..]),
        idx(&[ROWS as u32, 6, 6], &labels),
        Vec::new(),
    ] {
        project.write(label, wrong);
        for args in [&["check"][..], &["plan"], &["run"], &["status", "--json"]] {
            project.collegium(args).fails(3, &["train-labels.idx1-ubyte"]);
        }
    }
    project.write(label, idx(&[ROWS as u32], &labels));
    project.collegium(&["check"]).ok();
}
