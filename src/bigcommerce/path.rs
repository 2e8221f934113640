//! Paths and queries.
//!
//! Guarantees: no id leaves its segment and no value leaves its parameter, whatever it holds. A segment that a server
//! could take for something else (empty, `.` or `..`) makes no path at all, so that `DELETE /v2/orders/` cannot be built.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but the unreserved characters (RFC 3986).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The same without what BigCommerce's own filters use (`email:in`, `sort=id:asc`).
const QUERY: &AsciiSet = &SEGMENT.remove(b':').remove(b',');

/// `/a/b/c` of these segments, each percent-encoded; `None` when one of them is no possible segment.
pub(super) fn path(segments: &[&str]) -> Option<String> {
    let mut path = String::with_capacity(segments.iter().map(|segment| segment.len() + 1).sum());
    for segment in segments {
        // URL parsers resolve dot segments even when they are percent-encoded.
        if matches!(*segment, "" | "." | "..") {
            return None;
        }
        path.push('/');
        path.extend(utf8_percent_encode(segment, SEGMENT));
    }
    (!path.is_empty()).then_some(path)
}

/// `?a=b&c=d`, or nothing.
pub(super) fn query(pairs: &[(&str, String)]) -> String {
    let mut query = String::new();
    for (key, value) in pairs {
        query.push(if query.is_empty() { '?' } else { '&' });
        query.extend(utf8_percent_encode(key, QUERY));
        query.push('=');
        query.extend(utf8_percent_encode(value, QUERY));
    }
    query
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
