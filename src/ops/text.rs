//! Texts that people wrote. Of those that others decide by, nothing may hide, or be read in another order than it was written.

use std::borrow::Cow;

use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

/// A time (RFC 3339), in UTC. `None`: it is none, or its year has no four digits there, which the database's driver does not bear.
pub fn instant(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()?.checked_to_offset(UtcOffset::UTC).filter(|at| at.year() >= 0)
}

/// Whether a character is not seen, or changes the order in which others are read: controls, marks and overrides of writing
/// direction, what has no width, tags. No reason of an operator needs one.
pub fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether a text of somebody else is shown with this character made visible. Joiners are left: they make letters and emoji of
/// what stands beside them, and names have them.
pub fn is_shown_escaped(character: char) -> bool {
    is_deceptive(character) && !matches!(character, '\u{200c}' | '\u{200d}')
}

/// A text with everything that would deceive made visible, such as `\u{202e}`; breaks of lines and tabs stay.
pub fn visible(text: &str) -> Cow<'_, str> {
    let escaped = |c: char| is_shown_escaped(c) && !matches!(c, '\n' | '\r' | '\t');
    if !text.chars().any(escaped) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if escaped(character) {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_deceives_is_made_visible_and_nothing_else_is_touched() {
        for plain in ["Zoë O’Neill", "مریم", "נועה", "👩\u{200d}🚀 ❤\u{fe0f}", "a\tb\r\nc", "かな・漢字"]
        {
            assert!(matches!(visible(plain), Cow::Borrowed(text) if text == plain), "{plain}");
        }
        assert_eq!(visible("pa\u{202e}di\u{0}\u{1b}[8m"), "pa\\u{202e}di\\u{0}\\u{1b}[8m");
        assert!(is_deceptive('\u{200d}') && is_deceptive('\n') && !is_deceptive('é') && !is_deceptive(' '));
    }
}
