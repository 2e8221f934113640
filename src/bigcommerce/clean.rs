//! Characters that JSON can contain and the service cannot store: NUL, which PostgreSQL refuses, and halves of surrogate
//! pairs, which are no text. A shopper who typed one must not stop a checkout, so they become U+FFFD where an answer comes in.

use bytes::Bytes;

/// The same JSON without `\u0000` and without halves of surrogate pairs. What is no JSON stays no JSON; numbers, names and
/// the order of everything stay as they are, and so does the length.
pub(super) fn clean(body: Bytes) -> Bytes {
    if !body.windows(2).any(|two| two == b"\\u") {
        return body;
    }
    let mut cleaned = body.to_vec();
    let mut at = 0;
    while at < cleaned.len() {
        if cleaned.get(at) != Some(&b'\\') {
            at += 1;
            continue;
        }
        let Some(unit) = unit(&cleaned, at) else {
            // Another escape, such as an escaped backslash.
            at += 2;
            continue;
        };
        let is_pair = (0xD800..0xDC00).contains(&unit)
            && self::unit(&cleaned, at + LENGTH).is_some_and(|low| (0xDC00..0xE000).contains(&low));
        if is_pair {
            at += 2 * LENGTH;
            continue;
        }
        if (unit == 0 || (0xD800..0xE000).contains(&unit))
            && let Some(digits) = cleaned.get_mut(at + 2..at + LENGTH)
        {
            digits.copy_from_slice(b"fffd");
        }
        at += LENGTH;
    }
    cleaned.into()
}

/// Of an escape: `\uXXXX`.
const LENGTH: usize = 6;

/// The code unit that is escaped here.
fn unit(json: &[u8], at: usize) -> Option<u16> {
    let digits = json.get(at..at + LENGTH)?.strip_prefix(b"\\u")?;
    let digits =
        std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn cleaned(text: &str) -> String {
        String::from_utf8(clean(Bytes::copy_from_slice(text.as_bytes())).to_vec()).expect("text")
    }

    #[test]
    fn nul_and_halves_of_pairs_are_replaced_and_nothing_else() {
        for (given, expected) in [
            (r#"{"a":"x\u0000y"}"#, r#"{"a":"x\ufffdy"}"#),
            (r#"{"\u0000":1.50}"#, r#"{"\ufffd":1.50}"#),
            (r#""\ud83d""#, r#""\ufffd""#),
            (r#""\uDE00x""#, r#""\ufffdx""#),
            (r#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (r#""\ude00\ud83d""#, r#""\ufffd\ufffd""#),
            (r#""\uD83D\uDE00 \u00e9""#, r#""\uD83D\uDE00 \u00e9""#),
            (r#""\\u0000""#, r#""\\u0000""#),
            (r#""\\\u0000""#, r#""\\\ufffd""#),
            (r#""\u00"#, r#""\u00"#),
            (r#""\u+000""#, r#""\u+000""#),
            ("\"plain\"", "\"plain\""),
            ("\\", "\\"),
        ] {
            assert_eq!(cleaned(given), expected, "{given}");
        }
    }

    proptest! {
        #![proptest_config(crate::seeded::seeded())]

        #[test]
        fn whatever_is_escaped_can_be_read_and_kept(units in proptest::collection::vec(any::<u16>(), 0..40)) {
            let escaped: Vec<String> = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
            let escaped = escaped.concat();
            let text = cleaned(&format!("{{\"text\":\"{escaped}\"}}"));
            let value: Value = serde_json::from_str(&text).expect("JSON");
            prop_assert!(!value["text"].as_str().expect("text").contains('\0'));
        }

        #[test]
        fn nothing_panics(text in any::<Vec<u8>>()) {
            prop_assert_eq!(clean(Bytes::from(text.clone())).len(), text.len());
        }
    }
}
