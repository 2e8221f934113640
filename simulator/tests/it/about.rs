//! The table of settings: each has a mark, stands in the README with that mark, and is served.

use std::collections::BTreeSet;

use bigcommerce_simulator::{ABOUT, Settings};

use crate::harness::Shop;

#[tokio::test]
async fn every_setting_says_whether_it_is_documented_or_open() {
    let shop = Shop::open().await;
    let settings = serde_json::to_value(Settings::default()).expect("settings");
    let known: BTreeSet<&str> = settings.as_object().expect("members").keys().map(String::as_str).collect();
    let told: BTreeSet<&str> = ABOUT.iter().map(|(name, _, _)| *name).collect();
    assert_eq!(known, told);
    assert_eq!(ABOUT.len(), told.len(), "each once");
    let served = shop.client.get("/simulator/settings/about").await.body;
    assert_eq!(served.as_array().map(Vec::len), Some(ABOUT.len()));
    let readme = include_str!("../../README.md");
    for (name, mark, _) in ABOUT {
        let row = readme.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
        let row = row.unwrap_or_else(|| panic!("{name} is not in the README"));
        let said = row.split('|').nth(3).map_or("", str::trim);
        assert!(said == mark.word(), "the README says {said:?} of {name}, the table {:?}", mark.word());
    }
}
