//! How things are written on the pages: times, amounts, statuses, addresses. Pure.

use std::fmt::Write as _;

use maud::{Markup, html};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Duration, OffsetDateTime};

use crate::checkout::Money;
use crate::ops::ActionError;
use crate::role::Role;

/// A time, as a person reads it and as a program does.
pub(super) fn instant(at: OffsetDateTime) -> Markup {
    let exact = at.replace_nanosecond(0).unwrap_or(at).format(&Rfc3339).unwrap_or_default();
    let short = format_description!("[day padding:none] [month repr:short] [hour]:[minute]:[second]");
    html! { time datetime=(exact) title=(exact) { (at.format(&short).unwrap_or_default()) } }
}

/// How long ago it was.
pub(super) fn ago(at: OffsetDateTime, now: OffsetDateTime) -> Markup {
    let exact = at.replace_nanosecond(0).unwrap_or(at).format(&Rfc3339).unwrap_or_default();
    let text = if now - at < Duration::seconds(2) { "just now".to_owned() } else { span(now - at) + " ago" };
    html! { time datetime=(exact) title=(exact) { (text) } }
}

/// A length of time with as many digits as matter.
pub(super) fn span(length: Duration) -> String {
    let seconds = length.whole_seconds().max(0);
    match seconds {
        0..10 => {
            let tenths = length.whole_milliseconds().max(0) / 100;
            if tenths < 10 {
                format!("{} ms", length.whole_milliseconds().max(0))
            } else {
                format!("{}.{} s", tenths / 10, tenths % 10)
            }
        }
        10..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// An amount with its currency.
pub(super) fn money(amount: Money, currency: &str) -> String {
    format!("{} {currency}", grouped(&amount.shown(currency))).trim_end().to_owned()
}

/// A number of things.
pub(super) fn count(number: i64) -> String {
    grouped(&number.to_string())
}

/// With narrow spaces between thousands.
fn grouped(number: &str) -> String {
    let (whole, rest) = number.split_at(number.find('.').unwrap_or(number.len()));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut text = sign.to_owned();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text + rest
}

/// Where something stands.
pub(super) fn badge(status: &str) -> Markup {
    html! { span class={ "badge " (status) } { (status.replace(['_', '-'], " ")) } }
}

/// A button that copies a text. It is shown where there are scripts.
pub(super) fn copied(text: &str) -> Markup {
    html! { " " button.copy type="button" data-copy=(text) aria-label={ "Copy " (text) } { "Copy" } }
}

/// The end of an id, which tells checkouts apart: they begin with the time.
pub(super) fn short(id: &str) -> &str {
    id.get(id.len().saturating_sub(8)..).unwrap_or(id)
}

/// Everything but the unreserved characters (RFC 3986) and `/`.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// Percent-encodes a value of a query.
pub(super) fn encode(text: &str) -> String {
    utf8_percent_encode(text, QUERY).to_string()
}

/// A path with a query; what is empty is left out.
pub(super) fn address<'a>(path: &str, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    pairs.into_iter().filter(|(_, value)| !value.is_empty()).fold(
        path.to_owned(),
        |mut address, (name, value)| {
            let sign = if address.contains('?') { '&' } else { '?' };
            let _ = write!(address, "{sign}{}={}", encode(name), encode(value));
            address
        },
    )
}

/// Why a role may not do it, in the words of `ops`; `None`: it may.
pub(super) fn missing_role(has: Role, needs: Role) -> Option<String> {
    let refused = ActionError::Forbidden { needs };
    (has < needs).then(|| format!("Not permitted: {refused}; your role is {}.", has.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_numbers_are_written_for_people() {
        for (milliseconds, text) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (1_500, "1.5 s"),
            (59_000, "59 s"),
            (119_000, "119 s"),
            (120_000, "2 min"),
            (3 * 3_600_000, "3 h"),
            (72 * 3_600_000, "3 d"),
            (-5, "0 ms"),
        ] {
            assert_eq!(span(Duration::milliseconds(milliseconds)), text);
        }
        for (number, text) in [
            ("0", "0"),
            ("999", "999"),
            ("1000", "1\u{202f}000"),
            ("-1234567.80", "-1\u{202f}234\u{202f}567.80"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn addresses_carry_any_text() {
        assert_eq!(
            address("/ops", [("a", ""), ("b", "x&y=z"), ("c", "é +")]),
            "/ops?b=x%26y%3Dz&c=%C3%A9%20%2B"
        );
    }
}
