//! Every log line of every service in this process, kept so that it can be searched for secrets.

use std::io;
use std::sync::{Mutex, OnceLock, PoisonError};

use tracing_subscriber::fmt::MakeWriter;

static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static INSTALLED: OnceLock<()> = OnceLock::new();

struct Keep;

impl io::Write for Keep {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
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
        tracing_subscriber::fmt().json().with_max_level(tracing::Level::DEBUG).with_writer(Everywhere).init();
    });
}

/// Whether any line holds this text.
pub(crate) fn contain(text: &str) -> bool {
    let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    lines.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Adds the output of a process.
pub(crate) fn add(output: &[u8]) {
    LINES.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(output);
}
