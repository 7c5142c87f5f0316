//! SQL over one row, from the command line: `derive`, `where`, the rules of gates.

use std::fmt::Write as _;

use crate::{
    predict::csv,
    project::{PIPELINE, Project, rows},
};

/// The pipeline of [`Project`] with a derived column that `size` reads.
fn derived(sql: &str) -> Project {
    let project = Project::new();
    project.to_data(&format!("derive = {{ z = {sql:?} }}"));
    project.edit_pipeline("[\"rows.a\", \"rows.b\"]", "[\"rows.z\", \"rows.b\"]");
    project
}

/// The pipeline of [`Project`] with a `where` on `kind`.
fn filtered(sql: &str) -> Project {
    let project = Project::new();
    project.to_kind(&format!("where = {sql:?}"));
    project
}

/// A gate over two experts by rules.
fn ruled(sql: &str) -> Project {
    let project = Project::new();
    let text = PIPELINE.replace(
        "[evaluate]",
        &format!(
            "[expert.other]\ninputs = [\"rows.c\"]\ntarget = \"rows.kind\"\n\
             model = {{ type = \"mlp\", hidden = [4] }}\ntrain = {{ epochs = 2 }}\n\n\
             [gate.choice]\nexperts = [\"kind\", \"other\"]\ntarget = \"rows.kind\"\ntype = \"rules\"\n\
             rules = {{ kind = {sql:?}, other = \"1\" }}\n\n[evaluate]"
        ),
    );
    project.write("pipelines/small.toml", text);
    project
}

#[test]
fn check_refuses_a_look_at_other_rows_wherever_a_row_is_judged() {
    for (sql, caret, what) in [
        ("a - AVG(a) OVER ()", "^^^^", "a window function looks at other rows"),
        ("a > avg(a)", "^^^", "the aggregate `avg` looks at other rows"),
        ("a > [max](a)", "^^^", "the aggregate `max` looks at other rows"),
        ("a > (SELECT 0)", "^^^^^^", "a subquery looks at other rows"),
        ("rowid % 2", "^^^^^", "`rowid` is the number of the row"),
        ("random() > 0", "^^^^^^", "does not give the same result every time"),
        ("date('n' || 'ow') > '2013'", "", "reads the clock"),
    ] {
        for project in [derived(sql), filtered(sql), ruled(sql)] {
            let said = project.collegium(&["check"]).fails(3, &[what, "pipelines/small.toml:"]);
            assert!(said.err.contains(caret), "{sql}:\n{}", said.err);
        }
    }
}

#[test]
fn a_pipeline_with_sound_expressions_passes_check_wherever_they_stand() {
    for sql in
        ["rows.a / 2 > 0", "sqrt(abs(a)) > 0.3", "\"a\" IN (0, b) OR id % 2", "max(a, b) > 0"]
    {
        for project in [derived(sql), filtered(sql), ruled(sql)] {
            project.collegium(&["check"]).ok();
        }
    }
}

#[test]
fn the_same_row_gets_the_same_prediction_whatever_stands_beside_it() {
    let project = derived("ln(1 + abs(a)) + id / 7 % 2 + (a > b)");
    project.collegium(&["run", "-q"]).ok();
    let text = rows(60);
    let lines: Vec<&str> = text.lines().collect();
    let predicted = |chosen: &[usize]| {
        let mut new = format!("{}\n", lines[0]);
        for &row in chosen {
            writeln!(new, "{}", lines[row + 1]).unwrap();
        }
        project.write("new.csv", new);
        project.collegium(&["predict", "size", "-q", "-i", "new.csv", "-o", "out.csv"]).ok();
        csv(&project.read("out.csv"))["size.value"].clone()
    };
    let all = predicted(&(0..60).collect::<Vec<_>>());
    for chosen in [vec![7], vec![59, 7, 0], (0..60).rev().collect()] {
        let found = predicted(&chosen);
        for (place, &row) in chosen.iter().enumerate() {
            assert_eq!(found[place], all[row], "row {row}");
        }
    }
}

/// A table with a date and a number for every id.
fn dated(more: &str) -> Project {
    let project = Project::empty();
    let mut text = "id,x,day,n,y\n".to_owned();
    for id in 0..120 {
        writeln!(text, "{id},{},2024-01-{:02},{},{}", id % 9, id % 28 + 1, id % 5, id % 7).unwrap();
    }
    project.write("pipelines/t.csv", text + more);
    project.write(
        "pipelines/p.toml",
        "[data.t]\npath = \"t.csv\"\nsplit = { train = 0.6, valid = 0.2, test = 0.2, by = [\"id\"] }\n\n\
         [expert.k]\ninputs = [\"t.x\", \"t.n\"]\ntarget = \"t.y\"\ntask = \"regression\"\n\
         where = \"t.day <= '2024-01-15'\"\nmodel = { hidden = [4] }\ntrain = { epochs = 2 }\n\n\
         [evaluate]\nbaselines = []\n",
    );
    project
}

#[test]
fn one_time_of_day_moves_no_other_row_in_or_out_of_a_where() {
    let admitted = |project: &Project| {
        project.collegium(&["run", "-q"]).ok();
        let report = project.collegium(&["audit", "--json", "-q"]).ok().json();
        report["nodes"][0]["rows"].as_u64().unwrap()
    };
    let before = admitted(&dated(""));
    for more in ["500,1,2024-02-20 08:30,2,3\n", "500,1,2024-02-20T00:00:00,2,3\n"] {
        assert_eq!(admitted(&dated(more)), before, "{more}");
    }
    let project = dated("500,1,2024-02-20 08:30,2,3\n");
    for sql in ["t.day = '2024-01-15'", "t.day = '2024-01-15 00:00:00'", "t.day > '2024-02-20'"] {
        project.write(
            "pipelines/p.toml",
            project
                .read("pipelines/p.toml")
                .lines()
                .map(|line| {
                    if line.starts_with("where") {
                        format!("where = {sql:?}\n")
                    } else {
                        format!("{line}\n")
                    }
                })
                .collect::<String>(),
        );
        project.collegium(&["check"]).ok();
    }
}

#[test]
fn columns_that_no_sql_names_are_no_obstacle_to_sql() {
    let project = Project::empty();
    let extra: Vec<String> = (0..2100).map(|at| format!("w{at}")).collect();
    let mut text = format!("id,x,X,c,y,{}\n", extra.join(","));
    for id in 0..60 {
        let cells = vec![(id % 3).to_string(); 2100].join(",");
        writeln!(text, "{id},{},{},{},{},{cells}", id % 7, id % 5, ["a", "b"][id % 2], id % 4)
            .unwrap();
    }
    project.write("pipelines/t.csv", text);
    let with = |line: &str, filter: &str| {
        project.write(
            "pipelines/p.toml",
            format!(
                "[data.t]\npath = \"t.csv\"\n{line}\n\n[expert.k]\ninputs = [\"t.x\"]\ntarget = \"t.y\"\n\
                 task = \"regression\"\n{filter}\nmodel = {{ hidden = [4] }}\n"
            ),
        );
        project.collegium(&["check"])
    };
    with("", "where = \"t.c <> 'b'\"").ok();
    with("", "where = \"t.X > 2\"").ok();
    with("derive = { z = \"w2099 + x\" }", "").ok();
    with("query = \"SELECT x, y, c, w7 FROM t\"", "").ok();
    with("", "where = \"t.X > t.x\"")
        .fails(3, &["columns `x` and `X`, which SQL does not tell apart", "^"]);
    with("query = \"SELECT * FROM t\"", "").fails(3, &["which SQL does not tell apart"]);
}

#[test]
fn mathematical_functions_are_at_hand_everywhere() {
    derived("ln(2 + a) + exp(b) + sqrt(abs(c)) + pow(a, 2) + sin(d) + floor(a * 10) + pi()")
        .collegium(&["run", "-q"])
        .ok();
    filtered("ceil(a * 3) >= 0 AND log10(2 + a) > 0").collegium(&["check"]).ok();
    let project = Project::new();
    project.to_data("query = \"SELECT *, log(2, 3 + a) AS l, atan2(a, b) AS t FROM rows\"");
    project.collegium(&["check"]).ok();
}
