//! Prediction: the same bits as in training, whatever comes with the rows.

use std::collections::BTreeMap;

use collegium_data::read_rows;
use collegium_digest::Digest;
use collegium_records::Applied;
use collegium_store::{Store, read_lock};
use collegium_table::{Matrix, Values};

use crate::project::{Project, Said, parquet, rows};

const ROWS: &str = "pipelines/data/rows.csv";

/// The stored outputs of an expert on all rows of the table, as a run left them.
fn stored(project: &Project, expert: &str) -> BTreeMap<String, Matrix> {
    let store = Store::open(project.root()).unwrap();
    let lock = read_lock(&project.path("pipelines/small.lock")).unwrap();
    let node = &lock.node[&format!("expert.{expert}")];
    let applied: BTreeMap<Digest, Applied> = store.realisations(&node.outputs).unwrap();
    let applied = applied.into_values().next().unwrap();
    let matrix =
        |object: &Digest| Matrix::from_bytes(&store.get(object).unwrap().unwrap()).unwrap();
    applied.outputs.iter().map(|(name, object)| (name.clone(), matrix(object))).collect()
}

/// Bits of a column of the stored outputs.
pub fn stored_bits(project: &Project, expert: &str, output: &str) -> Vec<u32> {
    stored(project, expert)[output].data.iter().map(|value| value.to_bits()).collect()
}

/// Columns of a CSV file by name.
pub fn csv(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    let mut columns: BTreeMap<String, Vec<String>> =
        names.iter().map(|name| ((*name).to_owned(), Vec::new())).collect();
    for line in lines {
        for (name, cell) in names.iter().zip(line.split(',')) {
            columns.get_mut(*name).unwrap().push(cell.to_owned());
        }
    }
    columns
}

pub fn bits(cells: &[String]) -> Vec<u32> {
    cells.iter().map(|cell| (cell.parse::<f64>().unwrap() as f32).to_bits()).collect()
}

/// Writes rows, predicts from them, and reads the predictions.
#[track_caller]
fn predicted(
    project: &Project,
    rows: &str,
    args: &[&str],
) -> (BTreeMap<String, Vec<String>>, Said) {
    project.write("new.csv", rows);
    let all: Vec<&str> =
        ["predict", "-i", "new.csv", "-o", "out.csv"].iter().chain(args).copied().collect();
    let said = project.collegium(&all).ok();
    (csv(&project.read("out.csv")), said)
}

/// Predictions that must be refused, with no output file.
#[track_caller]
fn refused(project: &Project, rows: &str, code: i32, needles: &[&str]) -> Said {
    project.write("new.csv", rows);
    let said =
        project.collegium(&["predict", "-i", "new.csv", "-o", "out.csv"]).fails(code, needles);
    assert!(!project.path("out.csv").exists());
    let left: Vec<String> = project.files("").into_keys().filter(|f| f.contains(".part")).collect();
    assert_eq!(left, Vec::<String>::new());
    said
}

/// The first lines of the table.
fn head(project: &Project, count: usize) -> Vec<String> {
    project.read(ROWS).lines().take(count + 1).map(str::to_owned).collect()
}

/// Changes a column, given each line's cells.
fn without_column(text: &str, column: &str) -> String {
    let at = text.lines().next().unwrap().split(',').position(|name| name == column).unwrap();
    let keep = |line: &str| {
        let cells: Vec<&str> =
            line.split(',').enumerate().filter(|(i, _)| *i != at).map(|(_, cell)| cell).collect();
        cells.join(",")
    };
    text.lines().map(keep).collect::<Vec<_>>().join("\n") + "\n"
}

#[test]
fn the_rows_of_training_give_the_stored_outputs_to_the_last_bit() {
    let project = Project::ready();
    let (out, said) = predicted(&project, &rows(600), &[]);
    assert!(said.err.contains("5 columns of 600 rows written to out.csv"), "{}", said.err);
    let names: Vec<&str> = out.keys().map(String::as_str).collect();
    let all = ["final.label", "final.probability", "kind.label", "kind.probability", "size.value"];
    assert_eq!(names, all);
    assert_eq!(bits(&out["size.value"]), stored_bits(&project, "size", "value"));
    for expert in ["kind", "final"] {
        let probability = bits(&out[&format!("{expert}.probability")]);
        assert_eq!(probability, stored_bits(&project, expert, "probability"));
        let labels = &stored(&project, expert)["label"].data;
        let labels: Vec<String> = labels.iter().map(|&code| (code == 1.0).to_string()).collect();
        assert_eq!(out[&format!("{expert}.label")], labels);
    }
}

#[test]
fn order_company_and_number_of_rows_do_not_touch_a_rows_bits() {
    let project = Project::ready();
    let (all, _) = predicted(&project, &rows(600), &["--keep", "id"]);
    let text = rows(600);
    let lines: Vec<&str> = text.lines().collect();
    let rearranged: [Vec<usize>; 4] = [
        (0..600).rev().collect(),
        (0..600).filter(|row| row % 7 == 3).collect(),
        vec![411],
        // More than a chunk of 16,384 rows, so that rows stand at other places of other chunks.
        (0..17_000).map(|row| row * 31 % 600).collect(),
    ];
    for order in rearranged {
        let picked: Vec<&str> =
            [lines[0]].into_iter().chain(order.iter().map(|row| lines[row + 1])).collect();
        let (out, _) = predicted(&project, &(picked.join("\n") + "\n"), &["--keep", "id"]);
        for (name, cells) in &out {
            let expected: Vec<&String> = order.iter().map(|&row| &all[name][row]).collect();
            assert_eq!(cells.iter().collect::<Vec<_>>(), expected, "{name}");
        }
    }
}

#[test]
fn parquet_in_and_out_holds_the_same_bits() {
    let project = Project::ready();
    parquet(&project.path("new.parquet"), 600);
    project
        .collegium(&["predict", "-i", "new.parquet", "-o", "out.parquet", "--keep", "id,unread"])
        .ok();
    let mut out =
        read_rows(&project.path("out.parquet"), &[], &Default::default(), None, 10_000).unwrap();
    assert_eq!(out.header()[..3], ["id", "unread", "size.value"]);
    let table = out.next().unwrap().unwrap();
    for (column, expert, output) in [
        ("size.value", "size", "value"),
        ("kind.probability", "kind", "probability"),
        ("final.probability", "final", "probability"),
    ] {
        let Values::Number(values) = &table.column(column).unwrap().values else { panic!() };
        let found: Vec<u32> = values.iter().map(|&value| (value as f32).to_bits()).collect();
        assert_eq!(found, stored_bits(&project, expert, output));
    }
    let Values::Number(ids) = &table.column("id").unwrap().values else { panic!() };
    assert_eq!(ids[599], 599.0);
}

#[test]
fn named_experts_alone_are_written_and_only_what_they_need_is_asked_for() {
    let project = Project::ready();
    let (out, _) = predicted(&project, "b,c\n0.1,0.2\n", &["kind"]);
    assert_eq!(out.keys().collect::<Vec<_>>(), ["kind.label", "kind.probability"]);
    let (out, _) = predicted(&project, "a,b,c,d\n0.1,0.2,0.3,0.1\n", &["expert.final"]);
    assert_eq!(out.keys().collect::<Vec<_>>(), ["final.label", "final.probability"]);
}

#[test]
fn a_class_each_has_its_column_when_there_are_several() {
    let project = Project::new();
    project.edit_pipeline("\"rows.size\"", "\"rows.unread\"");
    project.edit_pipeline("size.value", "size.label");
    project.collegium(&["run", "--quiet"]).ok();
    let (out, _) = predicted(&project, &rows(600), &["size"]);
    let classes = ["blue", "green", "red"];
    let names: Vec<String> = classes.iter().map(|c| format!("size.probability.{c}")).collect();
    let mut expected = vec!["size.label".to_owned()];
    expected.extend(names.clone());
    assert_eq!(out.keys().cloned().collect::<Vec<_>>(), expected);
    let stored = &stored(&project, "size")["probability"];
    for (at, name) in names.iter().enumerate() {
        let column: Vec<u32> = (0..stored.rows).map(|row| stored.row(row)[at].to_bits()).collect();
        assert_eq!(bits(&out[name]), column);
    }
    let labels = (0..stored.rows).map(|row| {
        let best = stored.row(row).iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        classes[best.unwrap().0]
    });
    assert_eq!(out["size.label"], labels.collect::<Vec<_>>());
}

// Columns.

#[test]
fn a_missing_column_is_named_with_the_nearest_one() {
    let project = with_category();
    let text = rows(5).replacen("unread", "unraed", 1);
    refused(&project, &text, 3, &["the rows have no column `unread`", "did you mean `unraed`?"]);
    let text = without_column(&without_column(&rows(5), "c"), "d");
    refused(&project, &text, 3, &["the rows lack 2 columns: `c`, `d`"]);
}

#[test]
fn a_target_is_not_needed() {
    let project = Project::ready();
    let text = ["size", "kind", "final", "unread"]
        .iter()
        .fold(rows(600), |text, column| without_column(&text, column));
    let (out, said) = predicted(&project, &text, &[]);
    assert_eq!(bits(&out["size.value"]), stored_bits(&project, "size", "value"));
    assert!(said.err.contains("columns that nothing reads: `id`"), "{}", said.err);
}

#[test]
fn extra_columns_are_noted_and_change_nothing() {
    let project = Project::ready();
    let text: Vec<String> = rows(600).lines().map(|line| format!("extra,{line}")).collect();
    let text = text.join("\n").replacen("extra", "surplus", 1) + "\n";
    let (out, said) = predicted(&project, &text, &[]);
    assert!(said.err.contains("columns that nothing reads: `surplus`, `id`"), "{}", said.err);
    assert_eq!(bits(&out["size.value"]), stored_bits(&project, "size", "value"));
}

#[test]
fn columns_in_another_order_change_nothing() {
    let project = Project::ready();
    let turn = |line: &str| line.split(',').rev().collect::<Vec<_>>().join(",");
    let text: Vec<String> = rows(600).lines().map(turn).collect();
    let (out, _) = predicted(&project, &(text.join("\n") + "\n"), &[]);
    assert_eq!(bits(&out["size.value"]), stored_bits(&project, "size", "value"));
    let probability = bits(&out["final.probability"]);
    assert_eq!(probability, stored_bits(&project, "final", "probability"));
}

#[test]
fn kept_columns_come_first_and_unknown_ones_are_refused() {
    let project = Project::ready();
    project.write("new.csv", rows(3));
    let args = ["predict", "-i", "new.csv", "-o", "out.csv", "--keep"];
    project.collegium(&[&args[..], &["unread,id"]].concat()).ok();
    let out = project.read("out.csv");
    assert!(out.starts_with("unread,id,size.value,"), "{out}");
    project
        .collegium(&[&args[..], &["unraed"]].concat())
        .fails(2, &["no column `unraed`", "did you mean `unread`?"]);
}

// Values.

/// A project whose `kind` also reads the category `unread`.
fn with_category() -> Project {
    let project = Project::new();
    project.edit_pipeline("[\"rows.b\", \"rows.c\"]", "[\"rows.b\", \"rows.c\", \"rows.unread\"]");
    project.collegium(&["run", "--quiet"]).ok();
    project
}

#[test]
fn an_unseen_category_is_predicted_and_noted() {
    let project = with_category();
    let text =
        head(&project, 3).join("\n").replacen("red", "mauve", 1).replacen("green", "mauve", 1);
    let text = text.replacen("blue", "mauve", 1) + "\n";
    assert!(text.contains("mauve"));
    let (out, said) = predicted(&project, &text, &["kind"]);
    assert_eq!(out["kind.probability"].len(), 3);
    assert!(
        said.err.contains("2 rows hold categories of `rows.unread` that training never saw"),
        "{}",
        said.err
    );
}

#[test]
fn missing_values_are_predicted_and_noted() {
    let project = with_category();
    let (out, said) = predicted(&project, "b,c,unread\n,0.1,red\n0.2,,red\n0.3,0.4,\n", &["kind"]);
    assert_eq!(out["kind.probability"].len(), 3);
    assert!(bits(&out["kind.probability"]).iter().all(|&bits| f32::from_bits(bits).is_finite()));
    for column in ["rows.b", "rows.c", "rows.unread"] {
        assert!(said.err.contains(column), "{column} is not in:\n{}", said.err);
    }
}

#[test]
fn a_value_of_the_wrong_type_is_refused_with_file_line_and_column() {
    let project = Project::ready();
    for bad in ["twelve", "NaN", "inf", "1e999", "1,5"] {
        let mut lines = head(&project, 5);
        let cells: Vec<&str> = lines[3].splitn(3, ',').collect();
        lines[3] = format!("{},{bad},{}", cells[0], cells[2]);
        let needles: &[&str] = match bad {
            "1,5" => &["new.csv:4:", "fields"],
            _ => &["new.csv:4:2: column `a`", bad],
        };
        refused(&project, &(lines.join("\n") + "\n"), 3, needles);
    }
}

#[test]
fn a_bad_row_far_down_leaves_the_old_output_as_it_was() {
    let project = Project::ready();
    let text = rows(20_000) + "20000,x,0,0,0,red,0,true,true\n";
    project.write("new.csv", text);
    project.write("out.csv", "precious\n");
    project
        .collegium(&["predict", "-i", "new.csv", "-o", "out.csv"])
        .fails(3, &["new.csv:20002:2: column `a`: `x` is not a number"]);
    assert_eq!(project.read("out.csv"), "precious\n");
}

#[test]
fn a_file_of_no_rows_gives_its_columns() {
    let project = Project::ready();
    let (out, _) = predicted(&project, &rows(0), &["--keep", "id"]);
    assert_eq!(out.len(), 6);
    assert!(out.values().all(Vec::is_empty));
    project.collegium(&["predict", "-i", "new.csv", "-o", "out.parquet"]).ok();
    let out = read_rows(&project.path("out.parquet"), &[], &Default::default(), None, 10).unwrap();
    assert_eq!(out.header().len(), 5);
}

#[test]
fn files_that_cannot_be_read_or_written_are_named() {
    let project = Project::ready();
    refused(&project, "", 3, &["new.csv: the file is empty"]);
    let predict =
        |input: &str, output: &str| project.collegium(&["predict", "-i", input, "-o", output]);
    predict("nothing.csv", "out.csv").fails(3, &["nothing.csv"]);
    project.write("new.csv", rows(3));
    predict("new.csv", "out.xlsx").fails(3, &["out.xlsx", ".parquet"]);
    predict("new.csv", "nowhere/out.csv").fails(7, &["nowhere", "a folder that is not there"]);
}

// Models.

#[test]
fn what_was_never_fitted_is_not_predicted() {
    let project = Project::new();
    refused(&project, &rows(3), 2, &["expert.size has no fitted model", "collegium run size"]);
}

#[test]
fn a_stale_model_predicts_and_says_so() {
    let project = Project::ready();
    let (before, _) = predicted(&project, &rows(50), &[]);
    project.edit_pipeline("learning_rate = 0.01", "learning_rate = 0.02");
    let (after, said) = predicted(&project, &rows(50), &[]);
    assert_eq!(before, after);
    assert!(said.err.contains("the pipeline has changed since: expert.size"), "{}", said.err);
}

#[test]
fn a_model_of_other_inputs_is_not_predicted_with() {
    let project = Project::ready();
    project.edit_pipeline("[\"rows.a\", \"rows.b\"]", "[\"rows.a\"]");
    refused(
        &project,
        &rows(3),
        2,
        &["expert.size was fitted on other inputs", "collegium run size"],
    );
}

#[test]
fn a_derived_column_is_computed_for_new_rows() {
    let project = Project::new();
    project.edit_pipeline("split =", "derive = { ab = \"a * b\" }\nsplit =");
    project.edit_pipeline("[\"rows.a\", \"rows.b\"]", "[\"rows.a\", \"rows.ab\"]");
    project.collegium(&["run", "--quiet"]).ok();
    let (out, said) = predicted(&project, &rows(600), &[]);
    assert_eq!(bits(&out["size.value"]), stored_bits(&project, "size", "value"));
    assert!(said.err.contains("as the pipeline derives them: `ab`"), "{}", said.err);
}

#[test]
fn predictions_never_replace_what_is_read() {
    let project = Project::ready();
    project.write("new.csv", rows(20));
    for precious in ["new.csv", "pipelines/data/rows.csv", "pipelines/small.toml"] {
        let before = project.read(precious);
        project
            .collegium(&["predict", "-i", "new.csv", "-o", precious])
            .fails(2, &["the output would replace", precious, "choose another output"]);
        assert_eq!(project.read(precious), before);
    }
}

#[test]
fn rows_for_a_source_with_a_query_are_asked_for_as_the_query_gives_them() {
    let project = Project::new();
    project.to_data("query = \"SELECT *, a * 2 AS double FROM rows\"");
    project.edit_pipeline("\"rows.a\"", "\"rows.double\"");
    project.collegium(&["run", "--quiet"]).ok();
    project
        .collegium(&["predict", "-i", "pipelines/data/rows.csv", "-o", "out.csv"])
        .fails(3, &["`double`", "give rows as the query returns them"]);
}
