use collegium_records::RunReport;

use crate::fresh;

pub(crate) fn report(pipeline: &str) -> RunReport {
    serde_json::from_value(serde_json::json!({
        "format_version": 1, "pipeline": pipeline, "seconds": 0.1, "peak_bytes": 1,
        "nodes": [], "requirements": [], "notes": [],
    }))
    .unwrap()
}

#[test]
fn runs_come_back_newest_last_with_their_time() {
    let (_folder, store) = fresh();
    let names = ["first", "second", "third"];
    for name in names {
        store.log_run(&report(name)).unwrap();
    }
    let runs = store.runs().unwrap();
    assert_eq!(runs.iter().map(|(_, r)| r.pipeline.as_str()).collect::<Vec<_>>(), names);
    assert!(runs.is_sorted_by(|a, b| a.0 < b.0), "{runs:?}");
    assert!(runs[0].0.starts_with("20") && runs[0].0.ends_with('Z'), "{}", runs[0].0);
}
