//! Honest shoppers while others hold connections: idle ones, heads that never end, answers that nobody reads.
//!
//! Guarantees: so many connections and no more, and for as long as the shoppers are measured, twice. Whoever is cut off comes again.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

use super::cell::{self, Watched};
use super::figures::{Figures, megabytes, ms, real};
use super::place::{self, Place};
use super::program::Running;
use super::report::{Limit, Target, progress};
use super::shopper::Path;

/// For so long the program serves after it was asked to stop.
const DRAIN: Duration = Duration::from_secs(1);
/// What it may take to cut everything off after that.
const CLOSING: Duration = Duration::from_secs(4);
/// Before whoever was cut off comes again.
const AGAIN: Duration = Duration::from_millis(100);

/// How a connection is held.
#[derive(Debug, Clone, Copy)]
enum Hold {
    /// One answer was read, and nothing more is said.
    Idle,
    /// 30 KB of a head that never ends.
    HalfSent,
    /// Many answers that are asked for and not read.
    Unread,
}

/// Measures, and prints.
pub(crate) async fn run(place: &Place) -> anyhow::Result<()> {
    let shoppers = place.options.size(32, 4);
    let besiegers = [
        (Hold::Idle, place.options.size(500, 20)),
        (Hold::HalfSent, place.options.size(500, 20)),
        (Hold::Unread, place.options.size(100, 5)),
    ];
    let database = place.database().await?;
    let drain = DRAIN.as_secs().to_string();
    let program = place.start(&database, place.options.stores, &[("DRAIN_SECONDS", &drain)]).await?;
    let shop = place::shop(&program, place.options.stores)?;
    let watched = Watched { upstream: &place.upstream, database: Some(&database), program: Some(&program) };
    let measure = || cell::run(Path::OneCall, &shop, shoppers, place.options.seconds, &watched);
    progress(&format!("{shoppers} shoppers alone"));
    let alone = measure().await?;
    let (held, cut) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let mut siege = JoinSet::new();
    for (hold, count) in besiegers {
        for _ in 0..count {
            siege.spawn(besiege(program.addr, hold, held.clone(), cut.clone()));
        }
    }
    let all: u64 = besiegers.iter().map(|(_, count)| u64::try_from(*count).unwrap_or(u64::MAX)).sum();
    let began = Instant::now();
    while held.load(Ordering::Relaxed) < all {
        anyhow::ensure!(began.elapsed() < Duration::from_mins(1), "not all connections could be opened");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    progress(&format!("{shoppers} shoppers beside {all} held connections"));
    let beside = measure().await?;
    let peak = Running::peak(&program);
    let cut = cut.load(Ordering::Relaxed);
    let asked = Instant::now();
    program.stop().await?;
    let stopped = asked.elapsed();
    siege.shutdown().await;
    database.drop().await?;
    print(place, &alone, &beside, peak, stopped, cut)
}

fn print(
    place: &Place,
    alone: &Figures,
    beside: &Figures,
    peak: Option<u64>,
    stopped: Duration,
    cut: u64,
) -> anyhow::Result<()> {
    let mut figures = Figures::new();
    for (name, of) in [("alone", alone), ("beside", beside)] {
        for figure in ["checkouts_per_s", "checkout_p50_ms", "checkout_p99_ms"] {
            figures.extend(of.get(figure).map(|value| (format!("{name}_{figure}"), *value)));
        }
    }
    figures.extend(peak.map(|bytes| ("memory_at_most_mb".to_owned(), megabytes(bytes))));
    figures.insert("connections_cut_off_meanwhile".to_owned(), real(cut));
    figures.insert("stopped_after_ms".to_owned(), ms(stopped));
    place.report.figures("honest shoppers beside connections that others hold", &figures);
    let p99 = |of: &Figures| of.get("checkout_p99_ms").copied();
    let slower = p99(beside).zip(p99(alone)).map(|(beside, alone)| beside / alone);
    let latest = DRAIN + CLOSING;
    place.report.targets(&[
        Target::new("p99 of a checkout over that without them", Limit::AtMost(3.0), slower),
        Target::new("resident memory, at most, MB", Limit::AtMost(200.0), peak.map(megabytes)),
        Target::new("stopped after SIGTERM, ms", Limit::AtMost(ms(latest)), Some(ms(stopped))),
    ]);
    // Neither depends on how busy the machine is.
    anyhow::ensure!(stopped <= latest, "the program took {stopped:.1?} to stop");
    anyhow::ensure!(peak.map(megabytes).is_none_or(|peak| peak <= 200.0), "the program took too much memory");
    Ok(())
}

/// Holds a connection, again and again.
async fn besiege(addr: SocketAddr, hold: Hold, holding: Arc<AtomicU64>, cut: Arc<AtomicU64>) {
    let mut counted = false;
    loop {
        if let Ok(stream) = opened(addr, hold).await {
            if !counted {
                holding.fetch_add(1, Ordering::Relaxed);
                counted = true;
            }
            cut_off(stream, hold).await;
            cut.fetch_add(1, Ordering::Relaxed);
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn opened(addr: SocketAddr, hold: Hold) -> anyhow::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    if let Hold::Unread = hold {
        socket.set_recv_buffer_size(4096)?;
    }
    let mut stream = socket.connect(addr).await.context("it does not listen")?;
    match hold {
        Hold::Idle => {
            stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await?;
            anyhow::ensure!(stream.read(&mut [0; 1024]).await? > 0, "no answer");
        }
        Hold::HalfSent => {
            let head = format!("POST /v1/checkouts HTTP/1.1\r\nHost: x\r\nX: {}", "a".repeat(30_000));
            stream.write_all(head.as_bytes()).await?;
        }
        Hold::Unread => {
            stream.write_all("GET /openapi.yaml HTTP/1.1\r\nHost: x\r\n\r\n".repeat(20).as_bytes()).await?;
        }
    }
    Ok(stream)
}

/// Until the program ends the connection.
async fn cut_off(mut stream: TcpStream, hold: Hold) {
    if let Hold::Unread = hold {
        // Reading would be what the program waits for. Whether it has ended the connection shows when more is said.
        while stream.write_all(b"\r\n").await.is_ok() {
            tokio::time::sleep(AGAIN).await;
        }
        return;
    }
    while stream.read(&mut [0; 1024]).await.is_ok_and(|read| read > 0) {}
}
