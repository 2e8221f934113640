//! Every log line of every service in this process, kept so that it can be searched for secrets.
//!
//! A search looks at what came since the last one for the same text: hundreds of tests search after each run.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

static KEPT: Mutex<Option<Kept>> = Mutex::new(None);
static INSTALLED: OnceLock<()> = OnceLock::new();
/// Whole lines of about this size are put aside, so that a search holds up nobody who logs.
const BLOCK: usize = 256 * 1024;

#[derive(Default)]
struct Kept {
    blocks: Vec<Arc<str>>,
    latest: String,
    /// How many blocks were searched for each text, and whether it was found.
    searched: HashMap<String, (usize, bool)>,
}

impl Kept {
    fn add(&mut self, text: &str) {
        self.latest.push_str(text);
        if self.latest.len() > BLOCK
            && let Some(end) = self.latest.rfind('\n')
        {
            let rest = self.latest.split_off(end + 1);
            self.blocks.push(std::mem::replace(&mut self.latest, rest).into());
        }
    }

    /// The blocks from this one on, and what is not in a block yet.
    fn since(&self, block: usize) -> (Vec<Arc<str>>, String) {
        (self.blocks.get(block..).unwrap_or_default().to_vec(), self.latest.clone())
    }
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
        let ours = EnvFilter::new("info,headless_checkout=debug");
        tracing_subscriber::fmt().json().with_env_filter(ours).with_writer(Everywhere).init();
    });
}

/// Whether any line holds this text.
pub(crate) fn contain(text: &str) -> bool {
    let (searched, (blocks, latest)) = {
        let mut kept = kept();
        let kept = kept.get_or_insert_default();
        let (searched, found) = kept.searched.get(text).copied().unwrap_or_default();
        if found {
            return true;
        }
        (searched, kept.since(searched))
    };
    // Without the lock: whoever logs meanwhile would wait, and what is measured in seconds would fail.
    let found = latest.contains(text) || blocks.iter().any(|block| block.contains(text));
    let mut kept = kept();
    let known = kept.get_or_insert_default().searched.entry(text.to_owned()).or_default();
    *known = (known.0.max(searched + blocks.len()), known.1 || found);
    known.1
}

/// The lines that hold this text, at most so many.
pub(crate) fn lines_with(text: &str, most: usize) -> Vec<String> {
    let (blocks, latest) = kept().get_or_insert_default().since(0);
    let lines = blocks.iter().flat_map(|block| block.lines()).chain(latest.lines());
    lines.filter(|line| line.contains(text)).take(most).map(str::to_owned).collect()
}

/// Adds a line, or a part of one.
pub(crate) fn add(output: &[u8]) {
    kept().get_or_insert_default().add(&String::from_utf8_lossy(output));
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
