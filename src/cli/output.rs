//! How commands print: tables for people, JSON and ids for programs; color only on a terminal that wants it.

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap::ValueEnum;
use serde_json::Value;

use crate::config;
use crate::ops::{is_shown_escaped, visible};

/// What is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Table,
    /// For programs
    Json,
    /// One id on each line, to be given to another command
    Ids,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    Ok,
    Error,
    NotFound,
    Refused,
    PartlyDone,
}

impl Exit {
    /// How a command ends that did several things.
    pub(super) fn of(all: &[Self]) -> Self {
        match all {
            [] => Self::Ok,
            [first, rest @ ..] if rest.iter().all(|other| other == first) => *first,
            _ if all.contains(&Self::Ok) => Self::PartlyDone,
            _ => Self::Error,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Ok => 0,
            Exit::Error => 1,
            Exit::NotFound => 3,
            Exit::Refused => 4,
            Exit::PartlyDone => 5,
        })
    }
}

/// A color of the sixteen that every terminal knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Color {
    Plain,
    Green,
    Yellow,
    Red,
    Dim,
    Bold,
}

/// Standard output, as it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Screen {
    color: bool,
    /// Characters in a line; `None`: not a terminal, so nothing is cut.
    pub(super) width: Option<usize>,
}

impl Screen {
    /// Looks at standard output and the environment.
    pub(super) fn new() -> Self {
        let terminal = std::io::stdout().is_terminal();
        let unwanted = config::environment("NO_COLOR").is_some_and(|value| !value.is_empty())
            || config::environment("TERM").is_some_and(|term| term == "dumb");
        let given = config::environment("COLUMNS").and_then(|text| text.parse().ok());
        let width = given.or_else(|| {
            let (terminal_size::Width(width), _) = terminal_size::terminal_size().filter(|_| terminal)?;
            Some(usize::from(width))
        });
        Self { color: terminal && !unwanted, width: width.filter(|width| *width >= 20) }
    }

    /// The same, where nothing is to be cut.
    pub(super) fn unbounded(self) -> Self {
        Self { width: None, ..self }
    }

    /// Text in a color, where colors are shown.
    pub(super) fn paint(self, color: Color, text: &str) -> String {
        let code = match color {
            Color::Plain => return text.to_owned(),
            Color::Green => 32,
            Color::Yellow => 33,
            Color::Red => 31,
            Color::Dim => 2,
            Color::Bold => 1,
        };
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// The color of a status or an outcome.
pub(super) fn color_of(word: &str) -> Color {
    match word {
        "completed" | "succeeded" | "done" | "active" => Color::Green,
        "waiting" | "running" | "compensating" | "unknown" | "pending" | "retry" => Color::Yellow,
        "stuck" | "refused" | "failed" | "rejected" | "declined" | "not found" | "error" | "inactive"
        | "missing" => Color::Red,
        "cancelled" | "expired" | "skipped" => Color::Dim,
        _ => Color::Plain,
    }
}

/// What [`Screen::paint`] writes around a text.
const PAINT: [&str; 6] = ["\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m"];

/// A text for a terminal: whatever is in it, it hides nothing and reorders nothing.
fn for_terminal(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let paint = PAINT.into_iter().find(|paint| rest.starts_with(paint));
        let plain = rest.find('\x1b').filter(|at| *at > 0).unwrap_or(rest.len());
        // An escape of somebody else's is a text like any other.
        let plain = if rest.starts_with('\x1b') { 1 } else { plain };
        let (part, after) = rest.split_at(paint.map_or(plain, str::len));
        if paint.is_some() {
            shown.push_str(part);
        } else {
            shown.push_str(&visible(part));
        }
        rest = after;
    }
    shown
}

/// A document in which every character that would deceive is escaped as JSON escapes it; it says the same.
pub(super) fn escaped_json(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for character in json.chars() {
        if is_shown_escaped(character) && character != '\n' {
            let units = &mut [0; 2];
            escaped.extend(character.encode_utf16(units).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            escaped.push(character);
        }
    }
    escaped
}

/// Prints, and does not mind a reader that went away (`| head`).
pub(super) fn print(text: &str) {
    let text = for_terminal(text);
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    if !text.ends_with('\n') {
        let _ = out.write_all(b"\n");
    }
    let _ = out.flush();
}

/// Prints a document.
pub(super) fn print_json(value: &Value) {
    print(&escaped_json(&serde_json::to_string_pretty(value).unwrap_or_default()));
}

/// One document as it is, several as a list.
pub(super) fn one_or_many(mut values: Vec<Value>) -> Value {
    if values.len() == 1 { values.remove(0) } else { Value::Array(values) }
}

/// Progress on a terminal, on standard error so that the output stays clean.
pub(super) struct Progress {
    total: usize,
    shown: bool,
}

impl Progress {
    /// Of this many.
    pub(super) fn of(total: usize) -> Self {
        Self { total, shown: total > 1 && std::io::stderr().is_terminal() }
    }

    /// This many are done.
    pub(super) fn at(&self, done: usize) {
        if self.shown {
            eprint!("\r{done}/{} ", self.total);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            eprint!("\r{:width$}\r", "", width = 24);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colors_are_shown_and_nobody_else_commands_the_terminal() {
        let ours = "\x1b[31mstuck\x1b[0m a\nb";
        assert_eq!(for_terminal(ours), ours);
        assert_eq!(for_terminal("x\x1b[8mhidden\x1b]0;title\x07"), "x\\u{1b}[8mhidden\\u{1b}]0;title\\u{7}");
        assert_eq!(
            escaped_json("{\"a\": \"\u{202e}\u{e0041}é\"}\n"),
            "{\"a\": \"\\u202e\\udb40\\udc41é\"}\n"
        );
    }

    #[test]
    fn several_things_that_end_differently_are_partly_done() {
        for (all, expected) in [
            (&[][..], Exit::Ok),
            (&[Exit::Ok, Exit::Ok], Exit::Ok),
            (&[Exit::Refused], Exit::Refused),
            (&[Exit::NotFound, Exit::NotFound], Exit::NotFound),
            (&[Exit::Ok, Exit::Refused], Exit::PartlyDone),
            (&[Exit::NotFound, Exit::Refused], Exit::Error),
        ] {
            assert_eq!(Exit::of(all), expected, "{all:?}");
        }
    }
}
