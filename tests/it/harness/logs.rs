//! Every log line of every service in this process, kept so that it can be searched for secrets.
//!
//! A search looks at what came since the last one for the same text: hundreds of tests search after each run.

use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use tracing::Level;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

static KEPT: Mutex<Option<Kept>> = Mutex::new(None);
static INSTALLED: OnceLock<()> = OnceLock::new();

#[derive(Default)]
struct Kept {
    lines: String,
    /// How far each text was searched for, and whether it was found.
    searched: HashMap<String, (usize, bool)>,
}

fn kept() -> MutexGuard<'static, Option<Kept>> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Keep;

impl io::Write for Keep {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        add(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Everywhere;

impl<'a> MakeWriter<'a> for Everywhere {
    type Writer = Keep;

    fn make_writer(&'a self) -> Keep {
        Keep
    }
}

/// Begins to keep log lines, once for the process.
pub(crate) fn capture() {
    INSTALLED.get_or_init(|| {
        // What libraries say below INFO costs much and is looked at where a process logs everything it can (`secrets`).
        let ours = Targets::new().with_default(Level::INFO).with_target("headless_checkout", Level::DEBUG);
        let lines = tracing_subscriber::fmt::layer().json().with_writer(Everywhere);
        tracing_subscriber::registry().with(lines.with_filter(ours)).init();
    });
}

/// Whether any line holds this text.
pub(crate) fn contain(text: &str) -> bool {
    let mut kept = kept();
    let Kept { lines, searched } = kept.get_or_insert_default();
    let (from, found) = searched.get(text).copied().unwrap_or_default();
    let found = found || lines.get(from..).is_some_and(|fresh| fresh.contains(text));
    // What is not finished yet is looked at again: a line may come in pieces.
    let until = lines.rfind('\n').map_or(0, |end| end + 1).max(from);
    searched.insert(text.to_owned(), (until, found));
    found
}

/// The lines that hold this text, at most so many.
pub(crate) fn lines_with(text: &str, most: usize) -> Vec<String> {
    let mut kept = kept();
    let Kept { lines, .. } = kept.get_or_insert_default();
    lines.lines().filter(|line| line.contains(text)).take(most).map(str::to_owned).collect()
}

/// Adds a line, or a part of one.
pub(crate) fn add(output: &[u8]) {
    kept().get_or_insert_default().lines.push_str(&String::from_utf8_lossy(output));
}

#[test]
fn a_text_is_found_however_often_and_late_it_is_looked_for() {
    let text = format!("needle-{}", uuid::Uuid::new_v4());
    assert!(!contain(&text));
    add(b"a line\n");
    assert!(!contain(&text));
    add(format!("before {text} after\n").as_bytes());
    assert!(contain(&text));
    add(b"more\n");
    assert!(contain(&text), "what was found once stays found");
    let late = format!("late-{text}");
    assert!(!contain(&late));
    // A line that has not ended yet.
    add(late.as_bytes());
    assert!(contain(&late));
}
