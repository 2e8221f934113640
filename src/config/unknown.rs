//! Finds variables that look like a setting and are none: a typing mistake must not be silent.

use std::ffi::OsString;

use super::{
    reader::Mistake,
    settings::{NEIGHBORS, SETTINGS, setting},
};

/// One problem for each name that starts like a setting or nearly spells one.
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
    let nearest = spellings.map(|known| (strsim::osa_distance(&upper, &known), known)).min();
    match nearest {
        Some((apart, known)) if apart <= if known.len() < 12 { 1 } else { 2 } => {
            Some(format!("is unknown; did you mean {known}?"))
        }
        _ if upper.starts_with("BIGCOMMERCE_") => Some("is not a setting of this service".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelling_mistakes_are_found_and_strangers_left_alone() {
        let refused = [
            ("BIGCOMMERCE_STORE", "is not a setting of this service"),
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
