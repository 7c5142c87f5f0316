//! Prediction at the edges: copies, collisions, pipes, and rows unlike those of training.

use std::{
    fmt::Write as _,
    io::Write as _,
    process::{Command, Stdio},
};

use collegium_manifest::ReadOptions;

use crate::project::{Project, Said, rows};

/// A project with one expert that is fitted, over a table with a column that is empty.
fn fitted(data: &str, inputs: &str) -> Project {
    let project = Project::empty();
    let mut text = "id,x,y,c,blank,size\n".to_owned();
    for id in 0..200 {
        let (x, y) = ((id % 13) as f64 / 2.0 - 3.0, (id % 7) as f64);
        writeln!(text, "{id},{x},{y},{},,{}", ["a", "b", "c"][id % 3], x + y).unwrap();
    }
    project.write("pipelines/data/t.csv", text);
    project.write(
        "pipelines/p.toml",
        format!(
            "[data.t]\npath = \"data/t.csv\"\n{data}\n\
             split = {{ train = 0.6, valid = 0.2, test = 0.2, by = [\"id\"] }}\n\n\
             [expert.k]\ninputs = [{inputs}]\ntarget = \"t.size\"\ntask = \"regression\"\n\
             model = {{ hidden = [4] }}\ntrain = {{ epochs = 3 }}\n\n[evaluate]\nbaselines = []\n"
        ),
    );
    project.collegium(&["run", "-q"]).ok();
    project
}

fn plain() -> Project {
    fitted("", "\"t.x\", \"t.y\", \"t.c\", \"t.blank\"")
}

#[track_caller]
fn predict(project: &Project, new: impl AsRef<[u8]>, args: &[&str]) -> Said {
    project.write("new.csv", new);
    let all = ["predict", "-i", "new.csv", "-o", "out.csv"].iter().chain(args);
    project.collegium(&all.copied().collect::<Vec<_>>())
}

/// The binary with bytes on its standard input; its exit code, and what it wrote.
fn piped(project: &Project, input: &[u8], args: &[&str]) -> (i32, Vec<u8>, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_collegium"))
        .args(args)
        .current_dir(project.root())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let said = child.wait_with_output().unwrap();
    (said.status.code().unwrap(), said.stdout, String::from_utf8(said.stderr).unwrap())
}

#[test]
fn kept_cells_of_a_text_file_are_copied_byte_for_byte() {
    let project = plain();
    let new =
        b"code,x,y,c,blank\n 007 ,1,2,a,\nNA,1,2,b,\n\"say \"\"hi\"\", you\",1,2,c,\n,1,2,a,\n\
        1e5,1,2,a,\n9007199254740993,1,2,a,\ncaf\xe9,1,2,a,\n";
    predict(&project, new, &["--keep", "code,y"]).ok();
    let out = std::fs::read(project.path("out.csv")).unwrap();
    let cells: Vec<Vec<u8>> = out
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| {
            let mut end = line.len();
            // Behind the kept code stand `y` and one prediction.
            for _ in 0..2 {
                end = line[..end].iter().rposition(|byte| *byte == b',').unwrap();
            }
            line[..end].to_vec()
        })
        .collect();
    let expected: [&[u8]; 8] = [
        b"code",
        b" 007 ",
        b"NA",
        b"\"say \"\"hi\"\", you\"",
        b"",
        b"1e5",
        b"9007199254740993",
        b"caf\xe9",
    ];
    assert_eq!(cells, expected);
}

#[test]
fn kept_cells_do_not_depend_on_the_chunk_that_they_come_in() {
    let project = plain();
    let mut new = "code,x,y,c,blank\n".to_owned();
    for row in 0..20_000 {
        // The last ones look like nothing before them.
        let code = if row < 19_990 { row.to_string() } else { format!("late {row}, \"NaN\"") };
        writeln!(new, "\"{}\",1,2,a,", code.replace('"', "\"\"")).unwrap();
    }
    for out in ["out.csv", "out.parquet", "out.arrow"] {
        project.write("new.csv", &new);
        project.collegium(&["predict", "-q", "-i", "new.csv", "-o", out, "--keep", "code"]).ok();
        let again = project.collegium(&[
            "predict",
            "-q",
            "-i",
            "new.csv",
            "-o",
            "again.csv",
            "--keep",
            "code",
        ]);
        again.ok();
    }
    let read = |name: &str| {
        let mut rows = collegium_data::read_rows(
            &project.path(name),
            &[],
            &ReadOptions::default(),
            None,
            30_000,
        )
        .unwrap();
        let chunks: Vec<_> = rows.by_ref().collect::<Result<_, _>>().unwrap();
        let text = |row: usize| {
            let mut row = row;
            for chunk in &chunks {
                if row < chunk.rows {
                    return chunk.column("code").unwrap().text(row);
                }
                row -= chunk.rows;
            }
            None
        };
        (0..20_000).map(text).collect::<Vec<_>>()
    };
    let csv = read("out.csv");
    assert_eq!(csv[19_999].as_deref(), Some("late 19999, \"NaN\""));
    assert_eq!(csv, read("out.parquet"));
    assert_eq!(csv, read("out.arrow"));
}

#[test]
fn a_kept_name_that_collides_is_refused() {
    let project = plain();
    let new = "k.value,x,y,c,blank\n7,1,2,a,\n";
    predict(&project, new, &["--keep", "k.value"])
        .fails(2, &["`k.value` cannot be kept", "predictions have a column of that name"]);
    predict(&project, new, &["--keep", "x,y,x"]).fails(2, &["`--keep` names `x` twice"]);
    predict(&project, new, &["--keep", "xx"]).fails(2, &["no column `xx`"]);
    assert!(!project.path("out.csv").exists());
}

#[test]
fn a_derived_column_is_computed_although_the_rows_have_one_of_its_name() {
    let project = fitted("derive = { z = \"x * 2\" }", "\"t.z\", \"t.c\"");
    predict(&project, "x,c\n1,a\n-2,b\n", &[]).ok();
    let computed = project.read("out.csv");
    let said = predict(&project, "z,x,c\n-9,1,a\nnonsense,-2,b\n", &[]).ok();
    assert_eq!(project.read("out.csv"), computed);
    assert!(
        said.err.contains("the rows' own `z` is not read: the pipeline derives it"),
        "{}",
        said.err
    );
    predict(&project, "z,c\n-9,a\n", &[])
        .fails(3, &["no column `x`", "`z` is computed from other columns"]);
}

#[test]
fn an_input_that_was_empty_in_training_may_hold_anything() {
    let project = plain();
    predict(&project, "x,y,c,blank\n1,2,a,\n1,2,a,\n", &[]).ok();
    let empty = project.read("out.csv");
    let said = predict(&project, "x,y,c,blank\n1,2,a,what\n1,2,a,7\n", &[]).ok();
    assert_eq!(project.read("out.csv"), empty);
    let note = "2 rows hold a value of `t.blank`, which was empty in training";
    assert!(said.err.contains(note), "{}", said.err);
}

#[test]
fn values_outside_of_the_training_range_are_counted_and_said() {
    let project = plain();
    let new = "x,y,c,blank\n1e9,2,a,\n1e9,2,b,\n4,2,a,\n-3,2,a,\n,2,a,\n";
    let said = predict(&project, new, &[]).ok();
    for needle in [
        "3 rows hold `t.x` outside the training range -3 to 3, up to 1e9",
        "2 of them lie more than 8 deviations off and are clipped",
    ] {
        assert!(said.err.contains(needle), "{}", said.err);
    }
    let json = predict(&project, new, &["--json"]).ok().json();
    let surprises = json["surprises"].as_array().unwrap();
    let of_x = surprises.iter().find(|one| one["input"] == "t.x").unwrap();
    assert_eq!(of_x["node"], "expert.k");
    assert_eq!(of_x["outside"]["rows"], 3);
    assert_eq!(of_x["outside"]["clipped"], 2);
    assert_eq!(of_x["outside"]["low"], -3.0);
    assert_eq!(of_x["outside"]["most"], 1e9);
    assert_eq!(of_x["missing"], 1);
    let said = predict(&project, "x,y,c,blank\n-3,0,a,\n3,6,b,\n", &[]).ok();
    assert!(!said.err.contains("outside"), "{}", said.err);
}

#[test]
fn the_training_range_is_the_models_own() {
    let project = plain();
    // The table is another one now; the model is not.
    project
        .write("pipelines/data/t.csv", project.read("pipelines/data/t.csv") + "999,50,1,a,,51\n");
    let said = predict(&project, "x,y,c,blank\n40,2,a,\n", &[]).ok();
    assert!(
        said.err.contains("`t.x` outside the training range -3 to 3, up to 40"),
        "{}",
        said.err
    );
}

#[test]
fn rows_come_from_standard_input_and_go_to_standard_output() {
    let project = plain();
    let new = b"id,x,y,c,blank\n7,1,2,a,\n8,2,2,b,\n";
    predict(&project, new, &["--keep", "id", "-q"]).ok();
    let expected = project.read("out.csv");
    let args = ["predict", "-i", "-", "-o", "-", "--keep", "id"];
    let (code, out, err) = piped(&project, new, &args);
    assert_eq!((code, String::from_utf8(out).unwrap()), (0, expected.clone()), "{err}");
    assert!(err.contains("2 columns of 2 rows written to standard output"), "{err}");
    let (code, parquet, err) =
        piped(&project, b"", &["predict", "-i", "new.csv", "-o", "-", "--format", "parquet"]);
    assert_eq!((code, &parquet[..4]), (0, &b"PAR1"[..]), "{err}");
    let (code, out, _) = piped(&project, new, &["predict", "-i", "-", "-o", "new2.csv", "-q"]);
    assert_eq!((code, out.len()), (0, 0));
    let (code, out, err) = piped(&project, b"id,x,y,c,blank\n7,one,2,a,\n", &args);
    assert_eq!((code, out.len()), (3, 0), "nothing, and no half: {err}");
    assert!(err.contains("standard input:2:2: column `x`: `one` is not a number"), "{err}");
    let left: Vec<String> =
        project.files("").into_keys().filter(|f| f.ends_with(".part")).collect();
    assert_eq!(left, Vec::<String>::new());
    project
        .collegium(&["predict", "-i", "new.csv", "-o", "-", "--json"])
        .fails(2, &["both want standard output"]);
    project
        .collegium(&["predict", "-i", "new.csv", "-o", "out.csv", "--format", "csv"])
        .fails(2, &["`--format` is for `-i -` and `-o -`"]);
}

#[test]
fn cells_that_nothing_reads_stop_no_prediction() {
    let project = plain();
    let new = b"x,y,c,blank,unread\n1,2,a,,caf\xe9\n1,2,a,,99999999999999999999\n";
    predict(&project, new, &[]).ok();
}

#[test]
fn as_many_rows_are_written_as_were_read() {
    let project = plain();
    for count in [0, 1, 16_384, 16_385] {
        let new = "x,y,c,blank\n".to_owned() + &"1,2,a,\n".repeat(count);
        predict(&project, new, &["--keep", "x"]).ok();
        assert_eq!(project.read("out.csv").lines().count(), count + 1);
    }
}

#[test]
fn every_path_of_the_command_line_is_relative_to_the_folder_of_dash_c() {
    let above = Project::empty();
    let project = Project::below(above.root());
    project.collegium(&["run", "-q"]).ok();
    let name = project.root().file_name().unwrap().to_str().unwrap().to_owned();
    project.write("new.csv", rows(20));
    let run = |args: &[&str]| {
        let all: Vec<&str> = ["-C", &name].iter().chain(args).copied().collect();
        above.collegium(&all).ok()
    };
    run(&["predict", "pipelines/small.toml", "-i", "new.csv", "-o", "out.csv"]);
    run(&["predict", "-i", "pipelines/data/rows.csv", "-o", "pipelines/out.parquet"]);
    run(&["audit", "size", "-q", "-o", "report.html"]);
    run(&["check", "pipelines/small.toml"]);
    run(&["status", "--check"]);
    for file in ["out.csv", "pipelines/out.parquet", "report.html", "report.json"] {
        assert!(project.path(file).exists(), "{file}");
    }
    let beside: Vec<String> =
        above.files("").into_keys().filter(|file| !file.starts_with(&name)).collect();
    assert_eq!(beside, Vec::<String>::new(), "nothing is written elsewhere");
}

/// The inputs that `show` lists for an expert of [`fitted`]'s table.
fn inputs(project: &Project) -> String {
    let shown = project.collegium(&["show", "k"]).ok().out;
    shown.lines().find(|line| line.starts_with("inputs")).unwrap().to_owned()
}

#[test]
fn patterns_of_inputs_come_to_the_columns_that_match_them() {
    let project = fitted("", "\"t.*\", \"!t.blank\"");
    assert_eq!(inputs(&project), "inputs = [\"t.x\", \"t.y\", \"t.c\"]", "no target and no split");
    for (given, came) in [
        ("\"t.y\", \"t.*\", \"!t.b*\", \"!t.x\"", "[\"t.y\", \"t.c\"]"),
        ("\"t.*\", \"!t.*\", \"t.x\"", "[\"t.x\"]"),
        ("\"t.id\", \"t.x*\"", "[\"t.id\", \"t.x\"]"),
    ] {
        let project = fitted("", given);
        assert_eq!(inputs(&project), format!("inputs = {came}"), "{given}");
    }
}

#[test]
fn a_column_that_no_pattern_takes_refits_nothing_and_one_that_is_taken_does() {
    let project = fitted("", "\"t.*\", \"!t.blank*\"");
    let with = |name: &str| {
        let text = project.read("pipelines/data/t.csv");
        let lines = text.lines().enumerate();
        let cell = |(at, line): (usize, &str)| {
            format!("{line},{}\n", if at == 0 { name.to_owned() } else { (at % 4).to_string() })
        };
        project.write("pipelines/data/t.csv", lines.map(cell).collect::<String>());
        project.fitted()
    };
    assert_eq!(with("blank_too"), Vec::<String>::new());
    assert!(!with("more").is_empty());
    assert!(inputs(&project).contains("\"t.more\""), "{}", inputs(&project));
}

#[test]
fn patterns_that_match_nothing_are_errors_with_a_suggestion() {
    let project = fitted("", "\"t.*\"");
    let with = |inputs: &str| {
        let text = project.read("pipelines/p.toml");
        let line = |line: &str| match line.starts_with("inputs") {
            true => format!("inputs = [{inputs}]\n"),
            false => format!("{line}\n"),
        };
        project.write("pipelines/p.toml", text.lines().map(line).collect::<String>());
        project.collegium(&["check"])
    };
    with("\"t.*\", \"!t.blnk\"")
        .fails(3, &["no column of `t` matches `!t.blnk`", "did you mean `t.blank`?"]);
    with("\"t.*\", \"t.date_*\"")
        .fails(3, &["no column of `t` matches `t.date_*`", "its columns are"]);
    with("\"!t.x\"").fails(3, &["has no inputs", "only says what it is not given"]);
    with("\"t.*\", \"!t.*\"").fails(3, &["no column is left"]);
    with("\"u.*\"").fails(3, &["there is no data source or expert `u`"]);
}
