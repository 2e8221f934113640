//! Finds variables that look like settings of ours and are none: a typing mistake must not be silent.

use std::ffi::OsString;

use super::{
    reader::Mistake,
    settings::{NEIGHBORS, SETTINGS, setting},
};

/// One problem for each name that starts like ours or nearly spells one of ours.
pub(super) fn find(names: impl Iterator<Item = OsString>) -> Vec<Mistake> {
    let mut names: Vec<String> = names.filter_map(|name| name.into_string().ok()).collect();
    names.sort();
    names.into_iter().filter_map(|name| judge(&name).map(|reason| Mistake { name, reason })).collect()
}

/// Why the name is refused, if it is.
fn judge(name: &str) -> Option<String> {
    if setting(name).is_some() || NEIGHBORS.contains(&name) {
        return None;
    }
    if let Some(known) = name.strip_suffix("_FILE").and_then(setting) {
        let reason = format!("{} is no secret and cannot be given as a file", known.name);
        return (!known.secret).then_some(reason);
    }
    // Names that many programs share: a neighbor of theirs says nothing about us.
    let ours =
        SETTINGS.iter().filter(|setting| !["RUST_LOG", "OTEL_"].iter().any(|p| setting.name.starts_with(p)));
    let upper = name.to_ascii_uppercase();
    let spellings = ours.flat_map(|setting| {
        let file = setting.secret.then(|| format!("{}_FILE", setting.name));
        [Some(setting.name.to_owned()), file].into_iter().flatten()
    });
    let nearest = spellings.map(|known| (distance(&upper, &known), known)).min();
    match nearest {
        Some((apart, known)) if apart <= if known.len() < 12 { 1 } else { 2 } => {
            Some(format!("is unknown; did you mean {known}?"))
        }
        _ if upper.starts_with("BIGCOMMERCE_") => Some("is unknown, although it starts like ours".to_owned()),
        _ => None,
    }
}

/// How many letters must be inserted, removed, replaced or swapped with their neighbor to get from one to the other.
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    if from.len().abs_diff(to.len()) > 2 {
        return usize::MAX;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for i in 1..=from.len() {
        let mut next = vec![i];
        for j in 1..=to.len() {
            let same = from[i - 1] == to[j - 1];
            let mut best = (row[j - 1] + usize::from(!same)).min(row[j] + 1).min(next[j - 1] + 1);
            if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut row, next);
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelling_mistakes_are_found_and_strangers_left_alone() {
        let refused = [
            ("BIGCOMMERCE_STORE", "is unknown, although it starts like ours"),
            ("BIGCOMMERCE_ACESS_TOKEN", "did you mean BIGCOMMERCE_ACCESS_TOKEN?"),
            ("LEASE_SECOND", "did you mean LEASE_SECONDS?"),
            ("LAESE_SECONDS", "did you mean LEASE_SECONDS?"),
            ("lease_seconds", "did you mean LEASE_SECONDS?"),
            ("OPERATORS_TOKENS", "did you mean OPERATOR_TOKENS?"),
            ("STOREFRONT_KEYS_FIEL", "did you mean STOREFRONT_KEYS_FILE?"),
            ("LISTEN_ADDR_FILE", "is no secret"),
        ];
        for (name, reason) in refused {
            let found = judge(name);
            assert!(found.as_deref().is_some_and(|found| found.contains(reason)), "{name}: {found:?}");
        }
        let strangers = [
            "PATH",
            "HOME",
            "DATABASE_URL_FILE",
            "OPERATOR_TOKEN",
            "RUSTC_LOG",
            "RUST_LOG_STYLE",
            "RUST_BACKTRACE",
            "HOSTNAME",
            "OTEL_SERVICE_NAME",
            "SIMULATOR_ADDR",
            "TEST_DATABASE_URL",
            "KUBERNETES_PORT",
            "LOG_LEVEL_FORMAT",
        ];
        for name in strangers {
            assert_eq!(judge(name), None, "{name}");
        }
    }
}
