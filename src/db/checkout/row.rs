//! From a checkout to its row and back.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::checkout::{
    Answer, Answered, Checkout, Document, Facts, Goal, InFlight, StepName, StepRecord, StepStatus, Stuck,
};
use crate::db::Error;

/// The version of what is stored of a checkout as documents: `record` and `input`.
///
/// It goes up with every release that writes something there which an earlier one does not know: a field, a step, a
/// status, a reason, an answer. Such a row is then left alone by processes of earlier releases, which would drop what they
/// do not know when they write. They claim nothing above their own version, and refuse to read it.
pub(crate) const RECORD_VERSION: i16 = 4;
/// Since this version, the service's own answers are words, and no title of BigCommerce's is taken for one of them.
const TOLD_BY_WORD: i16 = 4;

/// The columns of a checkout, with documents as text.
pub(crate) struct Row {
    pub(crate) checkout_id: Uuid,
    pub(crate) store: String,
    pub(crate) flow: String,
    pub(crate) status: String,
    pub(crate) version: i64,
    pub(crate) fence: i64,
    pub(crate) input: String,
    pub(crate) record: String,
    pub(crate) document: Option<String>,
    pub(crate) metadata: String,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) updated_at: OffsetDateTime,
    pub(crate) expires_at: OffsetDateTime,
    pub(crate) lost_leases: i32,
    pub(crate) record_version: i16,
}

/// The part of a checkout that is stored as one document.
#[derive(Serialize, Deserialize)]
struct Record<'a> {
    steps: Vec<Step>,
    #[serde(borrow = "'a")]
    facts: Cow<'a, Facts>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    goal: Cow<'a, Option<Goal>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    in_flight: Cow<'a, Option<InFlight>>,
    tries: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answered: Cow<'a, Option<Answered>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stuck: Cow<'a, Option<Stuck>>,
}

/// A step as it is stored. Every transition writes all of them, so they are kept short.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Step {
    /// Name, status, attempts, and when it last ended in microseconds since 1970.
    Short(StepName, StepStatus, u32, Option<i64>),
    /// As steps were stored before.
    Long(StepRecord),
}

impl From<&StepRecord> for Step {
    fn from(step: &StepRecord) -> Self {
        let micros = |at: OffsetDateTime| i64::try_from(at.unix_timestamp_nanos() / 1000).ok();
        Self::Short(step.name, step.status, step.attempts, step.finished_at.and_then(micros))
    }
}

impl From<Step> for StepRecord {
    fn from(step: Step) -> Self {
        let at = |micros| OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000).ok();
        match step {
            Step::Short(name, status, attempts, micros) => {
                Self { name, status, attempts, finished_at: micros.and_then(at) }
            }
            Step::Long(step) => step,
        }
    }
}

impl Row {
    pub(crate) fn into_checkout(self) -> Result<Checkout, Error> {
        let checkout_id = self.checkout_id;
        if self.record_version > RECORD_VERSION {
            return Err(Error::Newer { checkout_id, version: self.record_version });
        }
        self.parse().map_err(|reason| Error::Unreadable { checkout_id, reason })
    }

    fn parse(self) -> Result<Checkout, String> {
        // What an earlier version wrote may hold what is not kept any more. What this version wrote holds nothing that it
        // does not know: writing the row would drop it.
        let strict = self.record_version == RECORD_VERSION;
        let record: Record<'_> = read("record", &self.record, strict)?;
        let mut facts = record.facts.into_owned();
        let document = self.document.map(Document::stored).transpose();
        facts.document = document.map_err(|error| format!("document: {error}"))?;
        let (mut in_flight, mut answered) = (record.in_flight.into_owned(), record.answered.into_owned());
        if self.record_version < TOLD_BY_WORD {
            if let Some(attempt) = in_flight.as_mut() {
                attempt.doubted = attempt.doubted.take().map(Answer::of_earlier);
            }
            answered = answered.map(|one| Answered { answer: one.answer.of_earlier(), ..one });
        }
        Ok(Checkout {
            id: self.checkout_id.into(),
            store: self.store,
            flow: self.flow.parse().map_err(|_| format!("flow: {}", self.flow))?,
            version: self.version,
            fence: self.fence,
            status: self.status.parse().map_err(|_| format!("status: {}", self.status))?,
            steps: record.steps.into_iter().map(StepRecord::from).collect(),
            input: read("input", &self.input, strict)?,
            facts,
            goal: record.goal.into_owned(),
            in_flight,
            tries: record.tries,
            answered,
            stuck: record.stuck.into_owned(),
            metadata: read("metadata", &self.metadata, false)?,
            created_at: self.created_at,
            updated_at: self.updated_at,
            expires_at: self.expires_at,
            lost_leases: u32::try_from(self.lost_leases)
                .map_err(|_| format!("lost_leases: {}", self.lost_leases))?,
        })
    }
}

/// Reads a document. `strict`: a field that is not known is a reason not to.
fn read<'a, T: Deserialize<'a>>(column: &str, text: &'a str, strict: bool) -> Result<T, String> {
    let mut unknown = None;
    let mut json = serde_json::Deserializer::from_str(text);
    let value = serde_ignored::deserialize(&mut json, |path| {
        unknown.get_or_insert_with(|| path.to_string());
    });
    let value = value.and_then(|value| json.end().map(|()| value));
    match (value, unknown.filter(|_| strict)) {
        (Ok(_), Some(field)) => Err(format!("{column}: unknown field {field}")),
        (Ok(value), None) => Ok(value),
        (Err(error), _) => Err(format!("{column}: {}", harmless(&error))),
    }
}

/// What is wrong, without what stands there: that may be personal data.
fn harmless(error: &serde_json::Error) -> String {
    let said = error.to_string();
    let kept = said.split('"').next().unwrap_or_default().trim_end();
    format!("{kept} (line {} column {})", error.line(), error.column())
}

/// The record column of a checkout.
pub(crate) fn record_text(checkout: &Checkout) -> Result<String, Error> {
    to_text(
        checkout,
        &Record {
            steps: checkout.steps.iter().map(Step::from).collect(),
            facts: Cow::Borrowed(&checkout.facts),
            goal: Cow::Borrowed(&checkout.goal),
            in_flight: Cow::Borrowed(&checkout.in_flight),
            tries: checkout.tries,
            answered: Cow::Borrowed(&checkout.answered),
            stuck: Cow::Borrowed(&checkout.stuck),
        },
    )
}

/// Any part of a checkout as JSON text.
pub(crate) fn to_text(checkout: &Checkout, part: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(part)
        .map_err(|error| Error::Unreadable { checkout_id: checkout.id.uuid(), reason: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_stored_short_and_read_in_either_form() {
        let at = OffsetDateTime::from_unix_timestamp_nanos(1_763_724_000_123_456_000).expect("a time");
        let step = StepRecord {
            name: StepName::Cart,
            status: StepStatus::Succeeded,
            attempts: 2,
            finished_at: Some(at),
        };
        let short = serde_json::to_string(&Step::from(&step)).expect("json");
        assert_eq!(short, r#"["cart","succeeded",2,1763724000123456]"#);
        let long = serde_json::to_string(&step).expect("json");
        for text in [short, long] {
            let read: Step = serde_json::from_str(&text).expect("a step");
            assert_eq!(StepRecord::from(read), step, "{text}");
        }
    }

    fn row(record_version: i16, record: &str) -> Row {
        let now = OffsetDateTime::UNIX_EPOCH;
        Row {
            checkout_id: Uuid::nil(),
            store: "main".to_owned(),
            flow: "cart".to_owned(),
            status: "awaiting_input".to_owned(),
            version: 1,
            fence: 1,
            input: "{}".to_owned(),
            record: record.to_owned(),
            document: None,
            metadata: "{}".to_owned(),
            created_at: now,
            updated_at: now,
            expires_at: now,
            lost_leases: 0,
            record_version,
        }
    }

    #[test]
    fn what_is_not_known_is_neither_guessed_nor_dropped() {
        let known = r#"{"steps": [], "facts": {}, "tries": 0}"#;
        let more = r#"{"steps": [], "facts": {"tenders": [1]}, "tries": 0}"#;
        let step = r#"{"steps": [["gift-wrap", "pending", 0, null]], "facts": {}, "tries": 0}"#;
        for (version, record, expected) in [
            (RECORD_VERSION, known, "read"),
            (RECORD_VERSION - 1, known, "read"),
            // What an earlier version wrote may hold what is not kept any more.
            (RECORD_VERSION - 1, more, "read"),
            (RECORD_VERSION, more, "unreadable"),
            (RECORD_VERSION, step, "unreadable"),
            (RECORD_VERSION - 1, step, "unreadable"),
            (RECORD_VERSION, "{", "unreadable"),
            (RECORD_VERSION, "null", "unreadable"),
            (RECORD_VERSION + 1, known, "newer"),
            (RECORD_VERSION + 1, "{", "newer"),
        ] {
            let found = match row(version, record).into_checkout() {
                Ok(_) => "read",
                Err(Error::Newer { version, .. }) if version == RECORD_VERSION + 1 => "newer",
                Err(Error::Unreadable { .. }) => "unreadable",
                Err(error) => panic!("{error}"),
            };
            assert_eq!(found, expected, "{version} {record}");
        }
        let negative = Row { lost_leases: -1, ..row(RECORD_VERSION, known) };
        assert!(negative.into_checkout().is_err());
    }

    #[test]
    fn what_is_wrong_is_said_without_what_stands_there() {
        let wrong = r#"{"steps": [], "facts": {}, "tries": "jane@example.com"}"#;
        let error = row(RECORD_VERSION, wrong).into_checkout().expect_err("unreadable").to_string();
        assert!(error.contains("record: invalid type") && !error.contains("jane"), "{error}");
    }
}
