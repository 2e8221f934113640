//! The address of a client: that of its connection, unless that is one of the configured proxies. A proxy is believed about the
//! client that connected to it, and about no other; an entry that cannot be read is not believed.

use std::net::{IpAddr, Ipv6Addr};

use axum::http::{HeaderMap, HeaderName, header};

use crate::config::Network;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// How an entry of a header names an address.
type Read = fn(&str) -> Option<IpAddr>;

/// A client as it is counted: an IPv4 address, or the /64 of an IPv6 one, the smallest block that is assigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Client(IpAddr);

impl Client {
    /// The client of a request: from the nearest to the farthest, the first that is not a configured proxy. Where the way cannot
    /// be read any further, it is the last that could be.
    pub(crate) fn of(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> Self {
        let is_ours = |address: IpAddr| trusted.iter().any(|network| network.holds(address));
        let mut client = peer;
        if is_ours(peer) {
            for hop in way(headers) {
                let Some(hop) = hop else { break };
                client = hop;
                if !is_ours(hop) {
                    break;
                }
            }
        }
        Self::counted(client)
    }

    fn counted(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => {
                let network = address.to_bits() & (u128::MAX << 64);
                Ipv6Addr::from_bits(network).into()
            }
            v4 @ IpAddr::V4(_) => v4,
        })
    }

    /// As text.
    pub(crate) fn text(self) -> String {
        self.0.to_string()
    }
}

/// Whether a request says for whom it was forwarded.
pub(crate) fn is_forwarded(headers: &HeaderMap) -> bool {
    headers.contains_key(X_FORWARDED_FOR) || headers.contains_key(header::FORWARDED)
}

/// Who came to whom, the nearest first, read as far as it is looked at. `None`: an entry that says no address.
fn way(headers: &HeaderMap) -> impl Iterator<Item = Option<IpAddr>> {
    let read: Option<(HeaderName, Read)> =
        match (headers.contains_key(X_FORWARDED_FOR), headers.contains_key(header::FORWARDED)) {
            (true, false) => Some((X_FORWARDED_FOR, address)),
            (false, true) => Some((header::FORWARDED, forwarded)),
            // One of the two is not from our proxy, and nobody can tell which.
            _ => None,
        };
    read.into_iter().flat_map(|(name, read)| {
        let values = headers.get_all(name).iter().rev();
        // What is no text has no entry that could be read.
        values.flat_map(move |value| {
            let text = value.to_str().unwrap_or_default();
            text.rsplit(',').map(move |entry| read(entry.trim()))
        })
    })
}

/// RFC 7239: `for=192.0.2.60;proto=http`, `for="[2001:db8::1]:4711"`.
fn forwarded(entry: &str) -> Option<IpAddr> {
    let mut found = None;
    for pair in entry.split(';') {
        let (name, value) = pair.split_once('=')?;
        if name.trim().eq_ignore_ascii_case("for") && found.replace(value.trim()).is_some() {
            return None;
        }
    }
    let value = found?;
    address(value.strip_prefix('"').map_or(Some(value), |value| value.strip_suffix('"'))?)
}

/// An address, with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    if let Some(rest) = text.strip_prefix('[') {
        let (inside, port) = rest.split_once(']')?;
        let port = port.strip_prefix(':').map_or(port.is_empty(), |port| port.parse::<u16>().is_ok());
        return inside.parse::<Ipv6Addr>().ok().filter(|_| port).map(IpAddr::V6);
    }
    let bare = text.parse().ok();
    bare.or_else(|| text.parse::<std::net::SocketAddrV4>().ok().map(|socket| IpAddr::V4(*socket.ip())))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;
    use crate::config::Config;

    fn trusted() -> Vec<Network> {
        let vars = [
            ("DATABASE_URL", "postgres://u@localhost/d"),
            ("BIGCOMMERCE_STORE_HASH", "abc"),
            ("BIGCOMMERCE_ACCESS_TOKEN", "an-access-token-of-a-test"),
            ("STOREFRONT_KEYS", "web=a-storefront-key-of-a-test"),
            ("TRUSTED_PROXIES", "10.0.0.0/8,::1"),
        ];
        let get =
            |name: &str| vars.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let config = Config::from_vars(get);
        config.map(|config| config.limits.trusted_proxies).map_err(|_| "refused").expect("a configuration")
    }

    fn client(peer: &str, given: &[(&'static str, &str)]) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            let value = HeaderValue::from_bytes(value.as_bytes()).expect("a value");
            headers.append(HeaderName::from_static(name), value);
        }
        Client::of(peer.parse().expect("an address"), &headers, &trusted()).text()
    }

    #[test]
    fn only_a_proxy_of_ours_is_believed_and_only_about_who_came_to_it() {
        let xff = |text: &'static str| [("x-forwarded-for", text)];
        for (peer, given, expected) in [
            ("203.0.113.9", &xff("198.51.100.1")[..], "203.0.113.9"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &xff("198.51.100.1"), "198.51.100.1"),
            // What the client says itself stands on the left.
            ("10.0.0.1", &xff("1.1.1.1, 198.51.100.1"), "198.51.100.1"),
            ("10.0.0.1", &xff("1.1.1.1, 198.51.100.1, 10.2.3.4"), "198.51.100.1"),
            (
                "10.0.0.1",
                &[("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "198.51.100.1")],
                "198.51.100.1",
            ),
            ("10.0.0.1", &xff("10.9.9.9, 10.2.3.4"), "10.9.9.9"),
            ("10.0.0.1", &xff("198.51.100.1:4711"), "198.51.100.1"),
            ("::1", &xff("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::"),
            ("::1", &xff("[2001:db8:1:2:3:4:5:6]:443"), "2001:db8:1:2::"),
            ("::ffff:10.0.0.1", &xff("::ffff:198.51.100.1"), "198.51.100.1"),
            // What cannot be read is nobody's word: the last that could be read counts.
            ("10.0.0.1", &xff("198.51.100.1, unknown"), "10.0.0.1"),
            ("10.0.0.1", &xff("198.51.100.1, "), "10.0.0.1"),
            ("10.0.0.1", &xff("198.51.100.1, nonsense, 10.2.3.4"), "10.2.3.4"),
            ("10.0.0.1", &xff("999.1.1.1"), "10.0.0.1"),
            ("10.0.0.1", &xff("198.51.100.1, \u{e9}"), "10.0.0.1"),
            // Two ways: one of them is the client's own.
            ("10.0.0.1", &[("x-forwarded-for", "198.51.100.1"), ("forwarded", "for=1.1.1.1")], "10.0.0.1"),
            ("10.0.0.1", &[("forwarded", "for=1.1.1.1, for=198.51.100.1;proto=https")], "198.51.100.1"),
            ("10.0.0.1", &[("forwarded", "proto=https;For=\"[2001:db8::7]:99\"")], "2001:db8::"),
            ("10.0.0.1", &[("forwarded", "for=_hidden")], "10.0.0.1"),
            ("10.0.0.1", &[("forwarded", "for=\"198.51.100.1")], "10.0.0.1"),
            ("10.0.0.1", &[("forwarded", "for=198.51.100.1;for=198.51.100.2")], "10.0.0.1"),
            ("2001:db8:1:2:3:4:5:6", &[], "2001:db8:1:2::"),
        ] {
            assert_eq!(client(peer, given), expected, "{peer} {given:?}");
        }
    }
}
