//! What the service reports about itself: logs (JSON lines, or a readable format), [`metrics`], and [`traces`]. No other
//! module uses the libraries behind them.
//!
//! Guarantees: fields are at the top level of the object, so that logs can be queried by them; a panic is logged with its location.
//! Never logged here: text that was formatted into a panic, because it may contain data from outside.

mod budgets;
mod labels;
pub mod metrics;
mod process;
pub mod traces;
mod vitals;

use std::{io::IsTerminal as _, panic::PanicHookInfo};

use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry, fmt};

pub use metrics::Metrics;
pub use process::OpenConnection;
pub use traces::Exporting;

use crate::config::{Errors, Mistake, setting};

/// How logs look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One object on each line.
    Json,
    /// For a person at a terminal.
    Pretty,
}

/// What is logged and how: `RUST_LOG` and `LOG_FORMAT`.
#[derive(Debug)]
pub struct Telemetry {
    filter: EnvFilter,
    format: Format,
}

impl Telemetry {
    /// Reads the variables that `get` answers.
    pub fn from_vars(get: impl Fn(&str) -> Option<String>) -> Result<Self, Errors> {
        let mut problems = Vec::new();
        let mut refuse =
            |name: &str, reason: String| problems.push(Mistake { name: name.to_owned(), reason });
        let value = |name: &str| {
            let set = get(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
            set.or_else(|| setting(name)?.default.map(str::to_owned)).unwrap_or_default()
        };
        let filter = EnvFilter::builder().parse(value("RUST_LOG")).map_err(|error| {
            refuse("RUST_LOG", format!("must be a level or directives such as info,sqlx=warn: {error}"));
        });
        let format = match value("LOG_FORMAT").as_str() {
            "json" => Some(Format::Json),
            "pretty" => Some(Format::Pretty),
            other => {
                refuse("LOG_FORMAT", format!("must be json or pretty, not {other:?}"));
                None
            }
        };
        match (filter, format) {
            (Ok(filter), Some(format)) => Ok(Self { filter, format }),
            _ => Err(Errors(problems)),
        }
    }

    /// Starts logging to standard output, and sending traces where there is somebody to send them to; logs panics from
    /// now on. A second call changes nothing. To be called inside of the runtime.
    pub fn install(self, otlp_endpoint: Option<&str>) -> Result<Exporting, Errors> {
        let refused = |error: &dyn std::fmt::Display| {
            let (name, reason) =
                ("OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(), format!("cannot be used: {error}"));
            Errors(vec![Mistake { name, reason }])
        };
        let sent =
            otlp_endpoint.map(traces::layer::<Registry>).transpose().map_err(|error| refused(&error))?;
        let (traces, exporting) = sent.map_or((None, Exporting::default()), |(layer, exporting)| {
            (Some(layer.with_filter(filter_fn(traces::is_sent))), exporting)
        });
        let logs = fmt::layer();
        let logs = match self.format {
            Format::Json => {
                logs.json().flatten_event(true).with_current_span(true).with_span_list(false).boxed()
            }
            Format::Pretty => logs.with_ansi(std::io::stdout().is_terminal()).boxed(),
        };
        let started = Registry::default().with(traces).with(logs.with_filter(self.filter)).try_init();
        if started.is_ok() {
            std::panic::set_hook(Box::new(log_panic));
        }
        Ok(exporting)
    }
}

fn log_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    // A literal was written by us; anything else was formatted and may repeat input.
    let message = panic.payload().downcast_ref::<&'static str>().copied().unwrap_or("(message withheld)");
    let thread = std::thread::current().name().unwrap_or("unnamed").to_owned();
    tracing::error!(panic.place = place, panic.message = message, panic.thread = thread, "a thread panicked");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &'static str, value: &'static str) -> Result<Telemetry, Errors> {
        Telemetry::from_vars(|asked| (asked == name).then(|| value.to_owned()))
    }

    #[test]
    fn the_defaults_are_info_as_json() {
        let telemetry = read("", "").expect("the defaults");
        assert_eq!((telemetry.format, telemetry.filter.to_string().as_str()), (Format::Json, "info"));
        assert_eq!(read("LOG_FORMAT", "pretty").expect("pretty").format, Format::Pretty);
    }

    #[test]
    fn wrong_values_are_refused_by_name() {
        assert!(
            read("LOG_FORMAT", "xml").expect_err("refused").to_string().contains("LOG_FORMAT: must be json")
        );
        assert!(read("RUST_LOG", "a=b=c").expect_err("refused").to_string().contains("RUST_LOG: must be"));
    }
}
