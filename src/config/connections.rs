//! How many connections there may be, and how long each may wait for its peer.

use std::time::Duration;

use super::reader::{Reader, number, seconds};

/// The limits of each listener.
#[derive(Debug, Clone)]
pub struct Connections {
    /// `MAX_CONNECTIONS`.
    pub most: usize,
    /// `RESERVED_CONNECTIONS`: how many of them only probes and operators may use; fewer than `most`.
    pub reserved: usize,
    /// `HEADER_TIMEOUT_SECONDS`.
    pub header_timeout: Duration,
    /// `IDLE_TIMEOUT_SECONDS`.
    pub idle_timeout: Duration,
    /// `WRITE_TIMEOUT_SECONDS`.
    pub write_timeout: Duration,
    /// `MAX_EVENT_STREAMS`.
    pub streams: usize,
    /// `EVENT_STREAM_SECONDS`.
    pub stream_age: Duration,
}

impl Connections {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        let most = reader.defaulted("MAX_CONNECTIONS", number(2, 1_000_000));
        let reserved = reader.defaulted("RESERVED_CONNECTIONS", number(1, 1_000_000));
        if reserved >= most {
            reader.refuse("RESERVED_CONNECTIONS", format!("must be smaller than MAX_CONNECTIONS ({most})"));
        }
        Self {
            most: count(most),
            reserved: count(reserved),
            header_timeout: reader.defaulted("HEADER_TIMEOUT_SECONDS", seconds(300)),
            idle_timeout: reader.defaulted("IDLE_TIMEOUT_SECONDS", seconds(3600)),
            write_timeout: reader.defaulted("WRITE_TIMEOUT_SECONDS", seconds(3600)),
            streams: count(reader.defaulted("MAX_EVENT_STREAMS", number(1, 1_000_000))),
            stream_age: reader.defaulted("EVENT_STREAM_SECONDS", seconds(86_400)),
        }
    }
}
