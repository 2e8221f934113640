//! The page of metrics, read as Prometheus reads it.

use std::collections::{BTreeMap, BTreeSet};

use crate::harness::{PATIENCE, Service};

/// A sample: its name, its labels, its value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: f64,
}

/// The samples of one scrape.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub(crate) text: String,
    pub(crate) samples: Vec<Sample>,
}

/// `a="b",c="d"`. No value of ours holds a quote or a comma.
pub(crate) fn labels(text: &str) -> BTreeMap<String, String> {
    let pairs = text.split("\",").filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once("=\"").unwrap_or_else(|| panic!("{text} are no labels")))
        .map(|(name, value)| (name.to_owned(), value.trim_end_matches('"').to_owned()))
        .collect()
}

impl Page {
    pub(crate) fn read(text: &str) -> Self {
        assert!(text.ends_with("# EOF\n"), "the page is whole");
        let sample = |line: &str| {
            let (what, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line} is no sample"));
            let (name, inner) = what.split_once('{').unwrap_or((what, "}"));
            let inner = inner.strip_suffix('}').unwrap_or_else(|| panic!("{line} does not end"));
            let value = value.parse().unwrap_or_else(|_| panic!("{line} has no number"));
            Sample { name: name.to_owned(), labels: labels(inner), value }
        };
        let samples = text.lines().filter(|line| !line.starts_with('#')).map(sample).collect();
        Self { text: text.to_owned(), samples }
    }

    /// Scrapes a service on its main listener.
    pub(crate) async fn of(service: &Service) -> Self {
        let answer = service.call(reqwest::Method::GET, "/metrics", &[], None).await.expect(200);
        assert_eq!(answer.header("content-type"), Some(headless_checkout::telemetry::metrics::MEDIA_TYPE));
        Self::read(&answer.text)
    }

    /// Scrapes until the page is as wanted: what comes from the database is some seconds old.
    pub(crate) async fn until(service: &Service, what: &str, wanted: impl Fn(&Self) -> bool) -> Self {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        let mut looks = tokio::time::interval(std::time::Duration::from_millis(250));
        loop {
            looks.tick().await;
            let page = Self::of(service).await;
            if wanted(&page) {
                return page;
            }
            assert!(tokio::time::Instant::now() < deadline, "{what} is never seen:\n{}", page.text);
        }
    }

    pub(crate) fn names(&self) -> BTreeSet<&str> {
        self.samples.iter().map(|sample| sample.name.as_str()).collect()
    }

    /// The sum of the samples of this name that carry these labels; 0 when there is none.
    pub(crate) fn sum(&self, name: &str, wanted: &[(&str, &str)]) -> f64 {
        let name = format!("headless_checkout_{name}");
        let carries = |sample: &&Sample| {
            wanted.iter().all(|(label, value)| sample.labels.get(*label).is_some_and(|known| known == value))
        };
        self.samples
            .iter()
            .filter(|sample| sample.name == name)
            .filter(carries)
            .map(|sample| sample.value)
            .sum()
    }
}

impl Page {
    /// Whether that sum is this number.
    pub(crate) fn is(&self, name: &str, wanted: &[(&str, &str)], number: u32) -> bool {
        (self.sum(name, wanted) - f64::from(number)).abs() < 0.001
    }
}

#[test]
fn a_page_is_read_as_it_is_written() {
    let page = Page::read(
        "# TYPE a gauge\nheadless_checkout_a{b=\"c\",d=\"e f\"} 2\nheadless_checkout_a NaN\n# EOF\n",
    );
    assert!(page.is("a", &[("b", "c"), ("d", "e f")], 2));
    assert!(page.is("a", &[("b", "x")], 0));
    assert_eq!(page.samples.len(), 2);
    assert!(page.samples[1].value.is_nan() && page.samples[1].labels.is_empty());
}
