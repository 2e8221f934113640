//! Asks an HTTP server for a status, over one plain connection.
//!
//! It reads nothing but the status line, follows nothing, and gives up after [`PATIENCE`].

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use anyhow::{Context as _, bail};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(4);

/// Where a process that listens on that address says whether it is ready.
pub fn readiness_url(listen_addr: SocketAddr) -> String {
    format!("http://{}/readyz", reachable(listen_addr))
}

/// The address at which this machine reaches a listener: a wildcard is no address to connect to.
pub fn reachable(listen_addr: SocketAddr) -> SocketAddr {
    let ip = match listen_addr.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen_addr.port())
}

/// The status with which the server answers a GET of that `http://host:port/path`.
pub async fn status(url: &str) -> anyhow::Result<u16> {
    tokio::time::timeout(PATIENCE, ask(url))
        .await
        .unwrap_or_else(|_| bail!("{url} did not answer within {} s", PATIENCE.as_secs()))
}

async fn ask(url: &str) -> anyhow::Result<u16> {
    let rest = url.strip_prefix("http://").with_context(|| format!("{url} is no http:// URL"))?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let target = if authority.contains(':') { authority.to_owned() } else { format!("{authority}:80") };
    let mut stream =
        TcpStream::connect(&target).await.with_context(|| format!("{target} does not accept connections"))?;
    let request = format!("GET /{path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    // The status line is the first few bytes: "HTTP/1.1 200".
    while answer.len() < 12 && stream.read_buf(&mut answer).await? > 0 {}
    let status = answer.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
    match status {
        Some(status) if answer.starts_with(b"HTTP/1.") => Ok(status),
        _ => bail!("{target} does not speak HTTP"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_status_is_read_and_strangers_are_refused() {
        for (answer, expected) in [
            ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", Some(200)),
            ("HTTP/1.0 503 Service Unavailable\r\n\r\n", Some(503)),
            ("SSH-2.0-OpenSSH_9.2\r\n", None),
            ("", None),
        ] {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            let url = readiness_url(listener.local_addr().expect("its address"));
            let server = async {
                let (mut stream, _) = listener.accept().await.expect("a connection");
                let mut request = [0; 256];
                let _ = stream.read(&mut request).await;
                stream.write_all(answer.as_bytes()).await.expect("the answer is sent");
            };
            let (status, ()) = tokio::join!(status(&url), server);
            assert_eq!(status.ok(), expected, "{answer:?}");
        }
    }

    #[test]
    fn a_wildcard_is_reached_over_loopback() {
        for (listen, reach) in
            [("0.0.0.0:8080", "127.0.0.1:8080"), ("[::]:1", "[::1]:1"), ("10.0.0.1:5", "10.0.0.1:5")]
        {
            assert_eq!(reachable(listen.parse().expect("an address")).to_string(), reach);
        }
    }
}
