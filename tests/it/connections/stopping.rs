//! The end of a process: it says that it is not ready, serves for a while, and waits for no peer.

use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::time::Instant;

use super::{sent, to_the_end, world};
use crate::harness::{KEY, PATIENCE, everything};

#[tokio::test]
async fn a_process_that_stops_is_first_not_ready_and_serves_then_closes() {
    let world = world(&[("DRAIN_SECONDS", "4")]).await;
    let service = world.spawn().await;
    service.get("/readyz").await.expect(200);
    let began = Instant::now();
    service.signal(Signal::SIGTERM);
    let mut looks = tokio::time::interval(Duration::from_millis(10));
    loop {
        looks.tick().await;
        let readiness = service.get("/readyz").await;
        if readiness.status == 503 {
            assert_eq!(readiness.body["status"], "stopping");
            break;
        }
        assert!(began.elapsed() < PATIENCE, "it is never not ready");
    }
    // New connections, new work: a balancer may not know yet.
    let closed = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    assert!(to_the_end(sent(&service, closed).await).await.starts_with("HTTP/1.1 200"));
    service.create(&everything()).await;
    service.stop_signalled().await;
    assert!(began.elapsed() >= Duration::from_secs(4), "everything is served that long");
    world.finish().await;
}

#[tokio::test]
async fn nobody_who_keeps_a_connection_open_delays_the_end() {
    let world = world(&[("SHUTDOWN_SECONDS", "25")]).await;
    let service = world.spawn().await;
    let path = service.create(&everything()).await;
    let mut events = service.events(&path).await;
    events.next().await.expect("the checkout as it is");
    let bearer = format!("Host: x\r\nAuthorization: Bearer {KEY}\r\nContent-Type: application/json");
    let kept = [
        sent(&service, "").await,
        sent(&service, "GET /healthz HTTP/1.1\r\n").await,
        sent(&service, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await,
        sent(
            &service,
            &format!("PUT {path}/billing-address HTTP/1.1\r\n{bearer}\r\nContent-Length: 900\r\n\r\n{{"),
        )
        .await,
    ];
    service.get("/healthz").await.expect(200);
    let began = Instant::now();
    service.signal(Signal::SIGTERM);
    service.stop_signalled().await;
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    assert_eq!(events.next().await, None);
    drop(kept);
    world.finish().await;
}
