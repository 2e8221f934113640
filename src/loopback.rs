//! Whether a URL leads to this machine. Pure.

use std::net::IpAddr;

use reqwest::Url;

/// Whether the host of the URL is this machine, by its name or address; nothing is looked up.
pub fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    })
}
