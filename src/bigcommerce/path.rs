//! Paths and queries.
//!
//! Guarantees: no id leaves its segment and no value leaves its parameter, whatever it holds. A segment that a server
//! could take for something else (empty, `.` or `..`) makes no path at all, so that `DELETE /v2/orders/` cannot be built.

/// `/a/b/c` of these segments, each percent-encoded; `None` when one of them is no possible segment.
pub(super) fn path(segments: &[&str]) -> Option<String> {
    let mut path = String::with_capacity(segments.iter().map(|segment| segment.len() + 1).sum());
    for segment in segments {
        // URL parsers resolve dot segments even when they are percent-encoded.
        if matches!(*segment, "" | "." | "..") {
            return None;
        }
        path.push('/');
        encode(segment, b"", &mut path);
    }
    (!path.is_empty()).then_some(path)
}

/// `?a=b&c=d`, or nothing. Keeps `:` and `,`, which BigCommerce's own filters use (`email:in`, `sort=id:asc`).
pub(super) fn query(pairs: &[(&str, String)]) -> String {
    let mut query = String::new();
    for (key, value) in pairs {
        query.push(if query.is_empty() { '?' } else { '&' });
        encode(key, b":,", &mut query);
        query.push('=');
        encode(value, b":,", &mut query);
    }
    query
}

fn encode(text: &str, keep: &[u8], into: &mut String) {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || keep.contains(&byte) {
            into.push(char::from(byte));
        } else {
            into.push('%');
            into.push(HEX[usize::from(byte >> 4)]);
            into.push(HEX[usize::from(byte & 15)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_id_stays_in_its_segment() {
        for (id, expected) in [
            ("b2f0-1", Some("/v3/carts/b2f0-1")),
            ("a/../../v2/orders", Some("/v3/carts/a%2F..%2F..%2Fv2%2Forders")),
            ("x?y=1#z", Some("/v3/carts/x%3Fy%3D1%23z")),
            ("50% off", Some("/v3/carts/50%25%20off")),
            ("é", Some("/v3/carts/%C3%A9")),
            ("", None),
            (".", None),
            ("..", None),
        ] {
            assert_eq!(path(&["v3", "carts", id]).as_deref(), expected, "{id:?}");
        }
    }

    #[test]
    fn queries_keep_colons_and_commas_and_encode_the_rest() {
        let pairs = [("email:in", "a+b@c.de".to_owned()), ("sort", "id:asc".to_owned())];
        assert_eq!(query(&pairs), "?email:in=a%2Bb%40c.de&sort=id:asc");
        assert_eq!(query(&[]), "");
    }

    proptest! {
        #![proptest_config(crate::seeded::seeded())]

        #[test]
        fn a_parser_sees_the_segments_that_went_in(id in "[^\u{0}]{1,20}", value in ".{0,20}") {
            prop_assume!(id != "." && id != "..");
            let built = path(&["v2", "orders", &id]).expect("a possible segment");
            let url = format!("http://h{built}{}", query(&[("q", value.clone())]));
            let url = reqwest::Url::parse(&url).expect("a URL");
            prop_assert_eq!(url.path_segments().map(Iterator::count), Some(3));
            prop_assert_eq!(url.query_pairs().count(), 1);
            prop_assert_eq!(url.query_pairs().next().map(|(_, seen)| seen.into_owned()), Some(value));
            prop_assert_eq!(url.fragment(), None);
        }
    }
}
