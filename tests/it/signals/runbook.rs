//! Whoever is woken by an alert finds what to do.

use std::collections::BTreeSet;

use serde_json::Value;

use super::file;

/// The anchor that a heading gets where Markdown is shown: what GitHub, GitLab and others make of it.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase().replace(' ', "-");
    kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect()
}

/// The anchors of a document. None may be there twice: the second would get another name.
fn anchors(path: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in file(path).lines().filter(|line| line.starts_with('#')) {
        let anchor = anchor(line.trim_start_matches('#').trim());
        assert!(found.insert(anchor.clone()), "{path} has two headings #{anchor}");
    }
    found
}

#[test]
fn every_alert_leads_to_its_entry_in_the_runbook() {
    let alerts: Value = serde_yaml_ng::from_str(&file("deploy/prometheus-alerts.yaml")).expect("YAML");
    let groups = alerts["groups"].as_array().expect("groups");
    let rules: Vec<&Value> =
        groups.iter().flat_map(|group| group["rules"].as_array().expect("rules")).collect();
    let mut left: BTreeSet<String> = anchors("docs/runbook.md");
    assert!(rules.len() >= 25, "only {} alerts were found", rules.len());
    for rule in rules {
        let name = rule["alert"].as_str().expect("a name");
        let url = rule["annotations"]["runbook_url"].as_str().unwrap_or_else(|| panic!("{name} has none"));
        let (path, entry) = url.split_once('#').expect("an entry");
        assert_eq!((path, entry), ("docs/runbook.md", &*anchor(name)), "{name}");
        assert!(left.remove(entry), "{name} leads to {url}, which is not there");
    }
    let of_no_alert: Vec<_> = left.iter().filter(|entry| entry.starts_with("headlesscheckout")).collect();
    assert!(of_no_alert.is_empty(), "there is no such alert: {of_no_alert:?}");
}

#[test]
fn every_link_within_the_runbook_leads_somewhere() {
    let (text, anchors) = (file("docs/runbook.md"), anchors("docs/runbook.md"));
    let links = text.split("](#").skip(1).filter_map(|rest| rest.split(')').next());
    let lost: Vec<&str> = links.filter(|link| !anchors.contains(*link)).collect();
    assert!(lost.is_empty(), "{lost:?}");
}
