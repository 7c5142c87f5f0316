//! How far inputs moved, and what that does to an expert's raw output.

use super::project::Project;

#[test]
fn a_small_move_is_predicted_by_gradients_and_a_constant_input_by_none() {
    let project = Project::new();
    project.run();
    // `c` moves by half a per cent of its range, on every row.
    let text = std::fs::read_to_string(project.path("pipelines/t.csv")).unwrap();
    let moved: String = text
        .lines()
        .enumerate()
        .map(|(at, line)| match at {
            0 => format!("{line}\n"),
            _ => {
                let mut cells: Vec<String> = line.split(',').map(str::to_owned).collect();
                cells[3] = format!("{}", cells[3].parse::<f64>().unwrap() * 1.005 + 0.002);
                cells.join(",") + "\n"
            }
        })
        .collect();
    std::fs::write(project.path("pipelines/t.csv"), moved).unwrap();
    let why = collegium_engine::why(&project.session(), "second").unwrap();
    let change = why.output_change.unwrap_or_else(|| panic!("{why:?}"));
    assert!(change.measured > 0.0, "{change:?}");
    let factor = change.first_order / change.measured;
    assert!((0.9..1.1).contains(&factor), "gradients row by row: {change:?}");
    let factor = change.predicted / change.measured;
    assert!((0.5..2.0).contains(&factor), "its AGOP: {change:?}");
    let names: Vec<&str> = why.changes.iter().map(|c| c.ingredient.as_str()).collect();
    assert!(names.contains(&"inputs.t.c"), "{names:?}");
    assert!(!names.contains(&"inputs.first.value"), "{names:?}");
}

#[test]
fn where_nothing_moved_nothing_is_said() {
    let project = Project::new();
    project.run();
    let why = collegium_engine::why(&project.session(), "second").unwrap();
    assert!(why.changes.is_empty() && why.output_change.is_none(), "{why:?}");
    assert!(why.summary.starts_with("up to date"), "{}", why.summary);
}
