//! Connections: whatever waits for a peer ends, and their number is limited. Over real sockets.

mod begun_anew;
mod stopping;

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::harness::{PATIENCE, Service, World, logs, run_with};
use crate::signals::page::Page;

async fn world(settings: &[(&str, &str)]) -> World {
    let mut world = World::new().await;
    for (name, value) in settings {
        world.set(name, value);
    }
    world
}

fn address(service: &Service) -> std::net::SocketAddr {
    service.url().trim_start_matches("http://").parse().expect("an address")
}

/// A connection on which this was sent.
async fn sent(service: &Service, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address(service)).await.expect("it listens");
    // It may be refused half-way.
    let _ = stream.write_all(text.as_bytes()).await;
    stream
}

/// Everything that comes until the service ends the connection.
async fn to_the_end(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    // Reset is an end, too: the service closed while something of ours was unread.
    let _ = read.expect("the service ends the connection");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_head_that_does_not_come_in_time_ends_its_connection() {
    let world = world(&[("HEADER_TIMEOUT_SECONDS", "0.3"), ("IDLE_TIMEOUT_SECONDS", "600")]).await;
    run_with(world, async |_, service| {
        let silent = sent(service, "").await;
        let begun = sent(service, "GET /healthz HTTP/1.1\r\nHost: x\r\nX: ").await;
        // The second request on a kept connection, begun and never ended.
        let kept = sent(service, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await;
        let mut kept = kept;
        let mut first = [0; 15];
        kept.read_exact(&mut first).await.expect("an answer");
        assert_eq!(&first, b"HTTP/1.1 200 OK");
        kept.write_all(b"GET /healthz HTTP/1.1\r\n").await.expect("it is taken");
        for stream in [silent, begun] {
            assert_eq!(to_the_end(stream).await, "");
        }
        assert!(!to_the_end(kept).await.contains("HTTP/1.1"), "one answer, and the end");
        let page = Page::of(service).await;
        assert!(page.is("timed_out_connections_total", &[("phase", "header")], 3), "{}", page.text);
        // Whoever keeps to the limits is served.
        assert_eq!(service.get("/healthz").await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn an_idle_connection_ends() {
    let world = world(&[("IDLE_TIMEOUT_SECONDS", "0.3"), ("HEADER_TIMEOUT_SECONDS", "200")]).await;
    run_with(world, async |_, service| {
        let twice = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n".repeat(2);
        let answers = to_the_end(sent(service, &twice).await).await;
        assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 2, "{answers}");
        let page = Page::of(service).await;
        assert!(page.sum("timed_out_connections_total", &[("phase", "idle")]) >= 1.0, "{}", page.text);
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_nobody_reads_ends_its_connection() {
    let world = world(&[("WRITE_TIMEOUT_SECONDS", "0.3")]).await;
    run_with(world, async |_, service| {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4096).expect("a size");
        let mut stream = socket.connect(address(service)).await.expect("it listens");
        let many = "GET /openapi.yaml HTTP/1.1\r\nHost: x\r\n\r\n".repeat(200);
        stream.write_all(many.as_bytes()).await.expect("it is taken");
        let gone = |page: &Page| page.is("timed_out_connections_total", &[("phase", "write")], 1);
        Page::until(service, "the end of what is not read", gone).await;
        drop(stream);
    })
    .await;
}

#[tokio::test]
async fn http_2_is_not_spoken_without_tls() {
    let world = world(&[]).await;
    run_with(world, async |_, service| {
        let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u{4}\0\0\0\0\0";
        let answer = to_the_end(sent(service, preface).await).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 "), "{answer:?}");
        assert!(!answer.contains("200"), "{answer:?}");
    })
    .await;
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let world = world(&[]).await;
    run_with(world, async |_, service| {
        let head = format!("GET /healthz HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "a".repeat(380_000));
        let answer = to_the_end(sent(service, &head).await).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer:?}");
        let head = format!(
            "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: {}\r\n\r\n",
            "a".repeat(30_000)
        );
        let answer = to_the_end(sent(service, &head).await).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer:?}");
    })
    .await;
}

#[tokio::test]
async fn connections_are_limited_and_some_are_kept_for_probes_and_operators() {
    let world = world(&[("MAX_CONNECTIONS", "6"), ("RESERVED_CONNECTIONS", "2")]).await;
    run_with(world, async |_, service| {
        let mut held = Vec::new();
        for _ in 0..4 {
            let mut stream = sent(service, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await;
            // Answered: it was accepted.
            stream.read_exact(&mut [0; 15]).await.expect("an answer");
            held.push(stream);
        }
        let ask = async |path: &str| {
            let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
            to_the_end(sent(service, &request).await).await
        };
        for path in ["/healthz", "/readyz", "/metrics", "/ops/v1/summary"] {
            let answer = ask(path).await;
            let status = if path.starts_with("/ops") { "401" } else { "200" };
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{path}: {answer}");
            assert!(answer.to_lowercase().contains("connection: close"), "one request each: {answer}");
        }
        for path in ["/v1/checkouts/0199f0c4-0000-7000-8000-000000000000", "/openapi.yaml", "/docs/"] {
            let answer = ask(path).await;
            assert!(answer.starts_with("HTTP/1.1 503"), "{path}: {answer}");
            assert!(answer.contains("service-unavailable") && answer.to_lowercase().contains("retry-after"));
        }
        // The reserve does not wait long for a request, and then serves again.
        let begun = [sent(service, "GET /he").await, sent(service, "GET /he").await];
        assert_eq!(ask("/healthz").await, "", "there is no room at all");
        for stream in begun {
            assert_eq!(to_the_end(stream).await, "");
        }
        let answer = ask("/metrics").await;
        let (_, page) = answer.split_once("\r\n\r\n").expect("a body");
        assert!(page.contains("refused_connections_total{listener=\"public\"} 4"), "{page}");
        assert!(page.contains("headless_checkout_connections{listener=\"public\"} 5"), "{page}");
        drop(held);
        let deadline = tokio::time::Instant::now() + PATIENCE;
        let mut looks = tokio::time::interval(Duration::from_millis(20));
        let once = "GET /openapi.yaml HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        while !to_the_end(sent(service, once).await).await.starts_with("HTTP/1.1 200") {
            assert!(tokio::time::Instant::now() < deadline, "what was let go can be used again");
            looks.tick().await;
        }
    })
    .await;
}

#[tokio::test]
async fn who_presents_an_unknown_credential_is_counted_and_can_be_found() {
    let world = world(&[("TRUSTED_PROXIES", "127.0.0.1")]).await;
    run_with(world, async |_, service| {
        for (path, client) in [("/v1/checkouts/x", "203.0.113.71"), ("/ops/v1/summary", "203.0.113.72")] {
            let headers = [("authorization", "Bearer nobody-knows-this-one"), ("x-forwarded-for", client)];
            service.call(reqwest::Method::GET, path, &headers, None).await.expect(401);
            assert!(logs::contain(&format!("\"client\":\"{client}\"")), "{client}");
        }
        let page = Page::of(service).await;
        for (kind, count) in [("storefront", 1), ("operator", 1), ("sign-in", 0), ("webhook", 0)] {
            assert!(page.is("refused_credentials_total", &[("kind", kind)], count), "{kind}: {}", page.text);
        }
    })
    .await;
}
