//! The audit: what it prints, the page, its JSON.

use serde_json::Value;

use crate::project::Project;

#[test]
fn an_audit_says_what_it_found_and_where_the_report_is() {
    let project = Project::ready();
    let said = project.collegium(&["audit"]).ok();
    assert!(said.out.contains("report: .collegium/reports/small.html"), "{}", said.out);
    let page = project.read(".collegium/reports/small.html");
    assert!(page.starts_with("<!DOCTYPE html>"), "{}", &page[..200.min(page.len())]);
    for alien in ["<script src", "http://", "https://", "<link "] {
        let found = page.match_indices(alien).filter(|(at, _)| {
            // Namespaces are names, not addresses that are loaded.
            !page[..*at].ends_with("xmlns=\"")
        });
        assert_eq!(found.count(), 0, "{alien} in the page");
    }
    project.collegium(&["audit", "size", "-o", "size.html"]).ok();
    assert!(project.path("size.html").is_file() && project.path("size.json").is_file());
}

#[test]
fn an_audit_of_what_is_not_up_to_date_says_what_to_do() {
    Project::new()
        .collegium(&["audit"])
        .fails(2, &["not up to date: expert.size", "collegium run"]);
}

#[test]
fn the_json_of_an_audit_keeps_its_contract() {
    let project = Project::new();
    project.edit_pipeline("baselines = []", "baselines = [\"majority\", \"linear\"]");
    project.collegium(&["run", "-q"]).ok();
    let audit = project.collegium(&["audit", "--json", "-q"]).ok().json();
    assert_eq!(audit["format_version"], 1);
    for node in audit["nodes"].as_array().unwrap() {
        let classifies = node["name"] != "expert.size";
        let task = if classifies { "classification" } else { "regression" };
        assert_eq!(node["task"], task);
        assert!(node["metrics"]["test"].is_object(), "{node}");
        assert_eq!(node["confusion"].is_null(), !classifies, "{node}");
        let skill = &node["skill"];
        assert!(skill["metric"].is_string() && skill["value"].is_number(), "{skill}");
        assert!(skill["baseline"].is_number() && skill["beats_baseline"].is_boolean(), "{skill}");
        let agop = &node["agop"];
        assert_eq!(agop["output"], if classifies { "logit" } else { "value" });
        assert!(agop["rows"].is_u64() && agop["eigenvalues"].is_array(), "{agop}");
        assert!(agop["effective_rank"].is_number() && agop["noise_floor"].is_object(), "{agop}");
        let importance = agop["importance"].as_array().unwrap();
        let shares: Vec<f64> = importance.iter().map(|i| i["share"].as_f64().unwrap()).collect();
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{shares:?}");
        assert!(shares.windows(2).all(|pair| pair[0] >= pair[1]), "{shares:?}");
        for one in importance {
            assert!(one["input"].is_string() && one["low"].as_f64() <= one["high"].as_f64());
        }
    }
}

#[test]
fn an_audit_of_what_did_not_change_is_byte_for_byte_the_same() {
    let (one, two) = (Project::ready(), Project::ready());
    let audit = |project: &Project| {
        let mut audit = project.collegium(&["audit", "--json", "-q"]).ok().json();
        audit["created"] = Value::Null;
        audit
    };
    let first = audit(&one);
    assert_eq!(first, audit(&two));
    assert_eq!(first, audit(&one));
}
