//! Rate limits, and which proxies are trusted about client addresses.

use std::net::IpAddr;

use super::reader::{Reader, number};

/// How much may be asked before `rate-limited` (429). 0 anywhere: no such limit.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// `TRUSTED_PROXIES`.
    pub trusted_proxies: Vec<Network>,
    /// `LIMIT_KEY_PER_MINUTE`: requests with one storefront key of either kind.
    pub key: u32,
    /// `LIMIT_PUBLISHABLE_KEY_PER_MINUTE`: requests with one publishable key.
    pub publishable_key: u32,
    /// `LIMIT_ADDRESS_PER_MINUTE`: requests of one client address, but for those with a server key.
    pub address: u32,
    /// `LIMIT_CREATIONS_PER_MINUTE`: checkouts that one client address creates with publishable keys.
    pub creations: u32,
    /// `LIMIT_CHECKOUT_PER_MINUTE`: requests about one checkout, but for reads with a server key.
    pub checkout: u32,
    /// `LIMIT_UNKNOWN_PER_MINUTE`: requests of one client address whose credential is not known.
    pub unknown: u32,
    /// `LIMIT_SIGN_IN_PER_MINUTE`: failed attempts of one client address to sign in to the dashboard.
    pub sign_in: u32,
    /// `LIMIT_PAYMENTS_CHECKOUT_PER_HOUR`: payments that are asked for on one checkout.
    pub payments_of_checkout: u32,
    /// `LIMIT_PAYMENTS_SHOPPER_PER_HOUR`: those of one shopper, with checkout tokens.
    pub payments_of_shopper: u32,
    /// `LIMIT_PAYMENTS_ADDRESS_PER_HOUR`: those of one client address, with checkout tokens.
    pub payments_of_address: u32,
    /// Declined payments.
    pub declines: Declines,
}

/// How many payments may be declined in a day before the next one has to wait.
#[derive(Debug, Clone, Copy, Default)]
pub struct Declines {
    /// `LIMIT_DECLINES_CHECKOUT_PER_DAY`: on one checkout.
    pub of_checkout: u32,
    /// `LIMIT_DECLINES_SHOPPER_PER_DAY`: of one shopper, with checkout tokens.
    pub of_shopper: u32,
    /// `LIMIT_DECLINES_ADDRESS_PER_DAY`: from one client address, with checkout tokens.
    pub of_address: u32,
    /// `LIMIT_DECLINES_KEY_PER_DAY`: on the checkouts of one storefront key.
    pub of_key: u32,
}

impl Limits {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        const MAX_LIMIT: u32 = 1_000_000;
        let mut limit = |name| reader.defaulted(name, number(0, MAX_LIMIT));
        Self {
            key: limit("LIMIT_KEY_PER_MINUTE"),
            publishable_key: limit("LIMIT_PUBLISHABLE_KEY_PER_MINUTE"),
            address: limit("LIMIT_ADDRESS_PER_MINUTE"),
            creations: limit("LIMIT_CREATIONS_PER_MINUTE"),
            checkout: limit("LIMIT_CHECKOUT_PER_MINUTE"),
            unknown: limit("LIMIT_UNKNOWN_PER_MINUTE"),
            sign_in: limit("LIMIT_SIGN_IN_PER_MINUTE"),
            payments_of_checkout: limit("LIMIT_PAYMENTS_CHECKOUT_PER_HOUR"),
            payments_of_shopper: limit("LIMIT_PAYMENTS_SHOPPER_PER_HOUR"),
            payments_of_address: limit("LIMIT_PAYMENTS_ADDRESS_PER_HOUR"),
            declines: Declines {
                of_checkout: limit("LIMIT_DECLINES_CHECKOUT_PER_DAY"),
                of_shopper: limit("LIMIT_DECLINES_SHOPPER_PER_DAY"),
                of_address: limit("LIMIT_DECLINES_ADDRESS_PER_DAY"),
                of_key: limit("LIMIT_DECLINES_KEY_PER_DAY"),
            },
            trusted_proxies: reader.optional("TRUSTED_PROXIES", networks).unwrap_or_default(),
        }
    }
}

/// Addresses with a common beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    /// Whether an address is in it. IPv4 within IPv6 is IPv4.
    pub fn holds(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let mask = u32::MAX.checked_shl(32 - self.bits).unwrap_or(0);
                own.to_bits() & mask == other.to_bits() & mask
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let mask = u128::MAX.checked_shl(128 - self.bits).unwrap_or(0);
                own.to_bits() & mask == other.to_bits() & mask
            }
            _ => false,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let (address, bits) =
            text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let digits = |bits: &&str| !bits.is_empty() && bits.bytes().all(|byte| byte.is_ascii_digit());
        let bits = match bits {
            None => most,
            Some(bits) => Some(bits).filter(digits)?.parse().ok().filter(|bits| *bits <= most)?,
        };
        // Written as IPv6, it would hold nothing: addresses are compared as what they are.
        (address.to_canonical() == address).then_some(Self { address, bits })
    }
}

/// Networks separated by commas.
fn networks(text: &str) -> Result<Vec<Network>, String> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let network = Network::parse(part).ok_or_else(|| {
                format!("must list networks such as 10.0.0.0/8 or 2001:db8::/32, not {part:?}")
            })?;
            if network.bits == 0 {
                return Err(format!(
                    "trusts every address ({part}), so that any client could claim any other one"
                ));
            }
            Ok(network)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_what_begins_like_it() {
        let holds = |network: &str, address: &str| {
            Network::parse(network).expect("a network").holds(address.parse().expect("an address"))
        };
        for (network, address, expected) in [
            ("10.0.0.0/8", "10.255.1.2", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.1.2.3", "10.1.2.3", true),
            ("10.1.2.3", "10.1.2.4", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "::1", false),
            ("10.0.0.0/8", "::ffff:10.0.0.1", true),
            ("2001:db8::/32", "2001:db8:1::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::/0", "2001:db9::1", true),
            ("::1", "::1", true),
        ] {
            assert_eq!(holds(network, address), expected, "{network} {address}");
        }
        for wrong in [
            "",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "10.0.0/8",
            "::1/129",
            "proxy",
            "::ffff:10.0.0.0/104",
        ] {
            assert_eq!(Network::parse(wrong), None, "{wrong}");
        }
        assert_eq!(networks("10.0.0.0/8, ::1").map(|list| list.len()), Ok(2));
        assert!(networks("10.0.0.0/8,proxy").is_err() && networks("0.0.0.0/0").is_err());
    }
}
