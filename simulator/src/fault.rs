//! Faults: which call, which occurrence, and what goes wrong.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::actors::Deed;
use crate::fault_kind::{At, Effect, Kind, Which};

/// Names a fault that was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct FaultId(pub u64);

/// Narrows a fault to some requests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Match {
    /// Only requests with this `X-Correlation-Id`.
    pub correlation_id: Option<String>,
    /// Only requests whose path contains this.
    pub path_contains: Option<String>,
    /// Only requests whose body contains this.
    pub body_contains: Option<String>,
}

/// A scripted fault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Name of the call, or `*` for every call.
    pub call: String,
    /// Only this store.
    #[serde(default)]
    pub store: Option<String>,
    /// The first matching request that is hit, counted from 1 since the fault was added.
    #[serde(default = "one")]
    pub nth: u64,
    /// How many requests are hit; absent: 1, or without end when `probability` is given; 0: without end.
    #[serde(default)]
    pub times: Option<u64>,
    /// Each matching request from the nth on is hit with this probability.
    #[serde(default)]
    pub probability: Option<f64>,
    /// Seed of the draws.
    #[serde(default)]
    pub seed: u64,
    /// Narrows it further.
    #[serde(default, rename = "match")]
    pub matching: Match,
    /// What goes wrong.
    pub fault: Kind,
}

fn one() -> u64 {
    1
}

impl Fault {
    /// A fault on the first request of a call (`*`: any call): 503 without effect, unless a kind is chosen.
    pub fn on(call: &str) -> Self {
        Self {
            call: call.to_owned(),
            store: None,
            nth: 1,
            times: None,
            probability: None,
            seed: 0,
            matching: Match::default(),
            fault: Kind::Status { status: 503, effect: Effect::Before, headers: BTreeMap::new(), body: None },
        }
    }

    /// From the nth matching request on, counted from 1.
    #[must_use]
    pub fn nth(self, nth: u64) -> Self {
        Self { nth, ..self }
    }

    /// This many requests.
    #[must_use]
    pub fn times(self, times: u64) -> Self {
        Self { times: Some(times), ..self }
    }

    /// Every matching request.
    #[must_use]
    pub fn always(self) -> Self {
        self.times(0)
    }

    /// Each matching request with this probability, drawn from `seed`.
    #[must_use]
    pub fn probability(self, probability: f64, seed: u64) -> Self {
        Self { probability: Some(probability), seed, ..self }
    }

    /// Only this store.
    #[must_use]
    pub fn store(self, hash: &str) -> Self {
        Self { store: Some(hash.to_owned()), ..self }
    }

    /// Only requests with this `X-Correlation-Id`.
    #[must_use]
    pub fn correlation_id(mut self, id: &str) -> Self {
        self.matching.correlation_id = Some(id.to_owned());
        self
    }

    /// Only requests whose path contains this.
    #[must_use]
    pub fn path_contains(mut self, part: &str) -> Self {
        self.matching.path_contains = Some(part.to_owned());
        self
    }

    /// Only requests whose body contains this.
    #[must_use]
    pub fn body_contains(mut self, part: &str) -> Self {
        self.matching.body_contains = Some(part.to_owned());
        self
    }

    /// Chooses what goes wrong.
    #[must_use]
    pub fn kind(self, fault: Kind) -> Self {
        Self { fault, ..self }
    }

    /// A status without effect.
    #[must_use]
    pub fn status_before(self, status: u16) -> Self {
        self.kind(Kind::Status { status, effect: Effect::Before, headers: BTreeMap::new(), body: None })
    }

    /// A status although it took effect.
    #[must_use]
    pub fn status_after(self, status: u16) -> Self {
        self.kind(Kind::Status { status, effect: Effect::After, headers: BTreeMap::new(), body: None })
    }

    /// Never answered, without effect.
    #[must_use]
    pub fn hang_before(self) -> Self {
        self.kind(Kind::Hang { effect: Effect::Before, seconds: None })
    }

    /// Never answered although it took effect.
    #[must_use]
    pub fn hang_after(self) -> Self {
        self.kind(Kind::Hang { effect: Effect::After, seconds: None })
    }

    /// Waits for its release before it takes effect; without effect when the client has gone by then.
    #[must_use]
    pub fn hold_before(self) -> Self {
        self.kind(Kind::Hold { effect: Effect::Before, run_on_release: false })
    }

    /// Waits for its release before it takes effect, even when the client has gone: delivered late.
    #[must_use]
    pub fn deliver_late(self) -> Self {
        self.kind(Kind::Hold { effect: Effect::Before, run_on_release: true })
    }

    /// Takes effect, then waits for its release before it answers.
    #[must_use]
    pub fn hold_after(self) -> Self {
        self.kind(Kind::Hold { effect: Effect::After, run_on_release: false })
    }

    /// The connection is reset without effect.
    #[must_use]
    pub fn reset_before(self) -> Self {
        self.kind(Kind::Reset { effect: Effect::Before, at: At::Headers })
    }

    /// The connection is reset although it took effect.
    #[must_use]
    pub fn reset_after(self) -> Self {
        self.kind(Kind::Reset { effect: Effect::After, at: At::Headers })
    }

    /// Took effect; the connection is reset in the middle of the answer's body.
    #[must_use]
    pub fn reset_in_body(self) -> Self {
        self.kind(Kind::Reset { effect: Effect::After, at: At::Body })
    }

    /// Took effect; the body of the good answer is not JSON.
    #[must_use]
    pub fn malformed(self) -> Self {
        self.kind(Kind::Malformed { effect: Effect::After })
    }

    /// A gateway's HTML page without effect.
    #[must_use]
    pub fn html_before(self, status: u16) -> Self {
        self.kind(Kind::Html { status, effect: Effect::Before })
    }

    /// A gateway's HTML page although it took effect.
    #[must_use]
    pub fn html_after(self, status: u16) -> Self {
        self.kind(Kind::Html { status, effect: Effect::After })
    }

    /// Took effect; the answer comes late.
    #[must_use]
    pub fn slow(self, ms: u64) -> Self {
        self.kind(Kind::Slow { ms, effect: Effect::After })
    }

    /// A payment is told that its token was used (status and code), while its first copy is at the gateway and charges when
    /// the fault is released. Reached once when it is told, and again when the first copy has come to its end.
    #[must_use]
    pub fn overtaken(self, status: u16, code: u32) -> Self {
        self.kind(Kind::Overtaken { status, code, reads: None, ms: None })
    }

    /// The same; the first copy charges by itself after so many reads of the order.
    #[must_use]
    pub fn overtaken_for_reads(self, status: u16, code: u32, reads: u64) -> Self {
        self.kind(Kind::Overtaken { status, code, reads: Some(reads), ms: None })
    }

    /// The same of any call; the first copy takes effect by itself after so many milliseconds.
    #[must_use]
    pub fn overtaken_for(self, status: u16, ms: u64) -> Self {
        self.kind(Kind::Overtaken { status, code: 10_001, reads: None, ms: Some(ms) })
    }

    /// Somebody else does this just before the request takes effect.
    #[must_use]
    pub fn meanwhile_before(self, does: Deed) -> Self {
        self.kind(Kind::Meanwhile { does, effect: Effect::Before })
    }

    /// Somebody else does this just after the request took effect, before it is answered.
    #[must_use]
    pub fn meanwhile_after(self, does: Deed) -> Self {
        self.kind(Kind::Meanwhile { does, effect: Effect::After })
    }

    /// 429 with the quota layer's headers.
    #[must_use]
    pub fn rate_limit(self, retry_ms: u64) -> Self {
        self.kind(Kind::RateLimit { headers: true, retry_ms })
    }

    /// 429 without headers.
    #[must_use]
    pub fn rate_limit_without_headers(self) -> Self {
        self.kind(Kind::RateLimit { headers: false, retry_ms: 0 })
    }

    /// Executed twice; the second answer is returned.
    #[must_use]
    pub fn duplicate(self) -> Self {
        self.kind(Kind::Duplicate { answer: Which::Second })
    }

    /// Executed twice; the first answer is returned.
    #[must_use]
    pub fn duplicate_first(self) -> Self {
        self.kind(Kind::Duplicate { answer: Which::First })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_survive_the_wire() {
        let all = [
            Fault::on("a").status_after(500),
            Fault::on("a").hang_before().nth(2).times(3),
            Fault::on("a").deliver_late().correlation_id("c"),
            Fault::on("a").reset_in_body().store("s").body_contains("b"),
            Fault::on("a").malformed(),
            Fault::on("a").html_after(504),
            Fault::on("a").slow(20).probability(0.25, 7),
            Fault::on("a").rate_limit_without_headers(),
            Fault::on("a").duplicate_first(),
            Fault::on("a").meanwhile_after(Deed::TotalUp),
        ];
        for fault in all {
            let text = serde_json::to_string(&fault).expect("serializes");
            let back: Fault = serde_json::from_str(&text).expect(&text);
            assert_eq!(back, fault, "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused_with_a_reason() {
        for text in [
            r#"{"call":"a","fault":{"kind":"explode"}}"#,
            r#"{"call":"a","fault":{"kind":"status"}}"#,
            r#"{"call":"a","fault":{"kind":"slow"}}"#,
            r#"{"call":"a","fault":{"kind":"meanwhile"}}"#,
            r#"{"call":"a","fault":{"kind":"meanwhile","actor":"app","does":"total_up"}}"#,
            r#"{"call":"a","fault":{"kind":"html","status":9}}"#,
        ] {
            assert!(serde_json::from_str::<Fault>(text).is_err(), "{text}");
        }
    }
}
