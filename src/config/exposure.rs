//! What is refused as soon as money is real: credentials that stand in this repository or can be guessed, and a connection that
//! everybody on the way can read.

use reqwest::Url;

use super::{Config, reader::Reader};
use crate::loopback;
use crate::secret::Secret;

/// What the files and the programs for developers use, and everybody can read there.
const PUBLISHED: [&str; 6] = [
    "dev-storefront-key",
    "dev-publishable-key",
    "dev-operator-read",
    "dev-operator-act",
    "dev-operator-money",
    "dev-webhook-secret",
];
/// Fewer different characters are a pattern and no random text.
const LEAST_DIFFERENT: usize = 8;
/// What the simulator is called in docker-compose.yml.
const SIMULATOR: &str = "simulator";

/// Whether the URL leads to this machine.
pub fn is_loopback(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| loopback::is_loopback(&url))
}

/// Whether BigCommerce is played there.
fn is_played(url: &str) -> bool {
    let named = || Url::parse(url).is_ok_and(|url| url.host_str() == Some(SIMULATOR));
    is_loopback(url) || named()
}

/// Whether everybody on the way can read and change what is sent there.
fn is_in_the_clear(url: &str) -> bool {
    url.starts_with("http://") && !is_played(url)
}

/// Why a secret protects nothing, if so.
fn guessed(secret: &Secret) -> Option<&'static str> {
    let text = secret.expose();
    let different: std::collections::BTreeSet<char> = text.chars().collect();
    if PUBLISHED.contains(&text) {
        Some("is published in the repository of this program")
    } else if different.len() < LEAST_DIFFERENT {
        Some("has fewer than 8 different characters")
    } else {
        None
    }
}

impl Config {
    /// Refuses what may only be used with the simulator.
    pub(super) fn check_exposure(&self, reader: &mut Reader<'_>) {
        let variable = |own| if self.from_file { "STORES_FILE" } else { own };
        for store in &self.stores {
            let name = &store.name;
            let played = [is_played(&store.api_url), is_played(&store.payments_url)];
            if played[0] != played[1] {
                let which = if played[0] { "BIGCOMMERCE_PAYMENTS_URL" } else { "BIGCOMMERCE_API_URL" };
                let reason =
                    format!("one host of store {name:?} is a simulator and the other is not: set both");
                reader.refuse(which, reason);
            }
            for (own, url) in
                [("BIGCOMMERCE_API_URL", &store.api_url), ("BIGCOMMERCE_PAYMENTS_URL", &store.payments_url)]
            {
                if is_in_the_clear(url) && !self.allow_insecure_upstream {
                    let reason = format!(
                        "of store {name:?} is http: tokens and cards could be read on the way; use https, or set \
                         ALLOW_INSECURE_UPSTREAM=true"
                    );
                    reader.refuse(own, reason);
                }
            }
            if played == [true, true] {
                continue;
            }
            for key in &store.storefront_keys {
                if let Some(why) = guessed(&key.key) {
                    let reason = format!("the key {:?} of store {name:?} {why}; {HOW}", key.name);
                    reader.refuse(variable("STOREFRONT_KEYS"), reason);
                }
            }
            if let Some(why) = store.webhook_secret.as_ref().and_then(guessed) {
                let reason = format!("the webhook secret of store {name:?} {why}; {HOW}");
                reader.refuse(variable("BIGCOMMERCE_WEBHOOK_SECRET"), reason);
            }
        }
        for operator in &self.operators {
            let acts_on =
                |store: &&super::Store| operator.store.as_ref().is_none_or(|own| *own == store.name);
            let mut stores = self.stores.iter().filter(acts_on);
            let real = stores.any(|store| !(is_played(&store.api_url) && is_played(&store.payments_url)));
            if let Some(why) = guessed(&operator.token).filter(|_| real) {
                let own = if operator.store.is_some() { "STORES_FILE" } else { "OPERATOR_TOKENS" };
                reader.refuse(own, format!("the token of {:?} {why}; {HOW}", operator.name));
            }
        }
    }

    /// What starts and should be known: one sentence each.
    pub fn warnings(&self) -> Vec<String> {
        let stores = self.stores.iter().flat_map(|store| {
            let urls = [&store.api_url, &store.payments_url].into_iter().filter(|url| is_in_the_clear(url));
            urls.map(|url| {
                format!("{url} is http (ALLOW_INSECURE_UPSTREAM): tokens and cards can be read on the way")
            })
        });
        let events = self.events.destinations.iter().filter(|one| is_in_the_clear(one.url.as_str()));
        let events = events.map(|one| {
            format!(
                "the event destination {:?} is http: names of orders and shoppers can be read on the way",
                one.name
            )
        });
        stores.chain(events).collect()
    }
}

const HOW: &str = "make one with `headless-checkout settings --new-token`";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::config::new_token;
    use crate::config::tests::{read, refusals};

    #[test]
    fn every_credential_of_the_files_for_developers_is_known_as_published() {
        for file in [
            include_str!("../../.env.example"),
            include_str!("../../docker-compose.yml"),
            include_str!("../../devtools/src/up.rs"),
        ] {
            let words = file.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
            let credentials = words.filter(|word| word.starts_with("dev-") && word.len() >= 16);
            for word in credentials {
                assert!(PUBLISHED.contains(&word), "{word}");
            }
        }
    }

    #[test]
    fn the_simulator_is_on_this_machine_or_has_its_name() {
        for (url, loopback, played) in [
            ("http://127.0.0.1:4200", true, true),
            ("http://[::1]:4200", true, true),
            ("http://localhost", true, true),
            ("http://simulator:4200", false, true),
            ("http://simulator.example", false, false),
            ("http://localhost.example", false, false),
            ("https://api.bigcommerce.com", false, false),
            ("http://169.254.169.254", false, false),
        ] {
            assert_eq!((is_loopback(url), is_played(url)), (loopback, played), "{url}");
        }
    }

    /// The settings that contradict each other only together.
    #[test]
    fn pairs_that_cannot_be_meant_are_refused() {
        const TOKEN: &str = "0123456789abcdeX";
        let clear = ("BIGCOMMERCE_API_URL", "http://bigcommerce.internal");
        let clear_too = ("BIGCOMMERCE_PAYMENTS_URL", "http://bigcommerce.internal");
        let played = ("BIGCOMMERCE_API_URL", "http://127.0.0.1:4200");
        let played_too = ("BIGCOMMERCE_PAYMENTS_URL", "http://simulator:4200");
        let published = ("OPERATOR_TOKENS", "ann:money=dev-operator-money");
        let allowed = ("ALLOW_INSECURE_UPSTREAM", "true");
        let table: &[(&[(&str, &str)], &str)] = &[
            (&[("BIGCOMMERCE_API_URL", "http://api.bigcommerce.com")], "could be read on the way"),
            (&[("BIGCOMMERCE_PAYMENTS_URL", "http://169.254.169.254")], "could be read on the way"),
            (&[("STOREFRONT_KEYS", "web=dev-storefront-key")], "is published"),
            (&[("STOREFRONT_KEYS", "web=abababababababab")], "fewer than 8"),
            (&[("OPERATOR_TOKENS", "ann:money=dev-operator-money")], "is published"),
            (&[("OPERATOR_TOKENS", "ann:money=0000000000000000")], "fewer than 8"),
            (&[("BIGCOMMERCE_WEBHOOK_SECRET", "1111111111111111")], "fewer than 8"),
            (&[("TRUSTED_PROXIES", "10.0.0.0/8,0.0.0.0/0")], "trusts every address"),
            (
                &[("LISTEN_ADDR", "0.0.0.0:8080"), ("METRICS_ADDR", "127.0.0.1:8080")],
                "METRICS_ADDR: is the same",
            ),
            (
                &[("LISTEN_ADDR", "127.0.0.1:8080"), ("METRICS_ADDR", "[::]:8080")],
                "METRICS_ADDR: is the same",
            ),
            (&[("LISTEN_ADDR", "0.0.0.0:8080"), ("OPS_ADDR", "127.0.0.1:8080")], "OPS_ADDR: is the same"),
            (
                &[("OPS_ADDR", "127.0.0.1:9"), ("METRICS_ADDR", "127.0.0.1:9")],
                "METRICS_ADDR: is the same as OPS",
            ),
            (&[("LISTEN_ADDR", "127.0.0.1:0"), ("METRICS_ADDR", "127.0.0.1:0")], ""),
            (
                &[("BIGCOMMERCE_WEBHOOK_SECRET", TOKEN), ("STOREFRONT_KEYS", "web=0123456789abcdeX")],
                "STOREFRONT_KEYS: ",
            ),
            (
                &[("BIGCOMMERCE_CLIENT_SECRET", TOKEN), ("OPERATOR_TOKENS", "ann:read=0123456789abcdeX")],
                "OPERATOR_TOKENS: ",
            ),
            (
                &[("BIGCOMMERCE_ACCESS_TOKEN", TOKEN), ("OPERATOR_TOKENS", "ann:read=0123456789abcdeX")],
                "OPERATOR_TOKENS: ",
            ),
            (&[played, ("OPERATOR_TOKENS", "")], "BIGCOMMERCE_PAYMENTS_URL: one host of store"),
            (&[played_too], "BIGCOMMERCE_API_URL: one host of store"),
            (&[clear, clear_too], "BIGCOMMERCE_API_URL: of store"),
            (&[clear, clear_too, allowed], ""),
            (&[clear, clear_too, allowed, published], "OPERATOR_TOKENS: the token of \"ann\" is published"),
            (&[played, played_too, published], ""),
        ];
        for (settings, reason) in table {
            let said = refusals(settings);
            assert!(said.contains(reason) && (said.is_empty() == reason.is_empty()), "{settings:?}: {said}");
            assert!(
                !said.contains(TOKEN) && !said.contains("dev-operator-money"),
                "a secret is shown: {said}"
            );
        }
        // What starts although others can read along is said.
        let config =
            read(&[clear, clear_too, allowed]).map_err(|errors| errors.to_string()).expect("it starts");
        assert_eq!(config.warnings().len(), 2);
        let secret = "QUJD".repeat(8);
        let events = format!(
            "a=whsec_{secret}@http://shop.example,b=whsec_{secret}@https://shop.example,c=whsec_{secret}@http://[::1]/"
        );
        let config =
            read(&[("EVENT_DESTINATIONS", &events)]).map_err(|errors| errors.to_string()).expect("it starts");
        let [warning] = config.warnings().try_into().expect("one warning");
        assert!(warning.contains("\"a\"") && !warning.contains("whsec_"), "{warning}");
    }

    #[test]
    fn a_new_token_is_one_that_is_accepted() {
        let tokens: BTreeSet<String> = (0..50).map(|_| new_token()).collect();
        assert_eq!(tokens.len(), 50);
        for token in tokens {
            assert_eq!(refusals(&[("OPERATOR_TOKENS", &format!("ann:money={token}"))]), "");
        }
    }
}
