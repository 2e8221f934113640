//! Faults: which call, which occurrence, and what goes wrong.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Names a fault that was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct FaultId(pub u64);

/// Whether the request takes effect before the fault strikes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// The fault strikes first: nothing happens.
    #[default]
    Before,
    /// Everything happens, then the fault strikes.
    After,
}

/// Where a connection is reset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum At {
    /// Before anything is answered.
    #[default]
    Headers,
    /// In the middle of the body.
    Body,
}

/// Which answer of a doubled request is returned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    /// That of the first execution.
    First,
    /// That of the second execution.
    #[default]
    Second,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub enum Kind {
    /// Another status is answered.
    Status {
        /// The status.
        status: u16,
        /// Whether the request took effect.
        effect: Effect,
        /// Headers of the answer.
        headers: BTreeMap<String, String>,
        /// JSON body; a plain problem when absent.
        body: Option<Value>,
    },
    /// No answer; the connection is closed after `seconds` or when released.
    Hang {
        /// Whether the request took effect.
        effect: Effect,
        /// `None`: until released.
        seconds: Option<u64>,
    },
    /// Waits until released, then answers normally.
    Hold {
        /// Whether the request took effect before it waited.
        effect: Effect,
        /// With `Before`: take effect on release even when the client has gone, as a slow proxy would deliver.
        run_on_release: bool,
    },
    /// The TCP connection is reset.
    Reset {
        /// Whether the request took effect.
        effect: Effect,
        /// Before the answer or inside its body.
        at: At,
    },
    /// A good status with a body that is not JSON.
    Malformed {
        /// Whether the request took effect.
        effect: Effect,
    },
    /// A gateway's HTML page.
    Html {
        /// Such as 502 or 504.
        status: u16,
        /// Whether the request took effect.
        effect: Effect,
    },
    /// The answer comes late.
    Slow {
        /// Milliseconds.
        ms: u64,
        /// Whether it takes effect before (`After`) or after (`Before`) the delay.
        effect: Effect,
    },
    /// 429 without effect.
    RateLimit {
        /// With the quota layer's headers; without them it is the platform that is overloaded.
        headers: bool,
        /// Milliseconds that the headers tell the client to wait.
        retry_ms: u64,
    },
    /// The request is executed twice.
    Duplicate {
        /// Which answer is returned.
        answer: Which,
    },
}

impl Kind {
    /// The name in JSON and in the request log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Status { .. } => "status",
            Self::Hang { .. } => "hang",
            Self::Hold { .. } => "hold",
            Self::Reset { .. } => "reset",
            Self::Malformed { .. } => "malformed",
            Self::Html { .. } => "html",
            Self::Slow { .. } => "slow",
            Self::RateLimit { .. } => "rate_limit",
            Self::Duplicate { .. } => "duplicate",
        }
    }
}

/// The flat form on the wire.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    effect: Option<Effect>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    headers: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seconds: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    run_on_release: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<At>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<Which>,
}

impl TryFrom<Wire> for Kind {
    type Error = String;

    fn try_from(wire: Wire) -> Result<Self, String> {
        let effect = wire.effect.unwrap_or_default();
        let after = wire.effect.unwrap_or(Effect::After);
        let status = |default: Option<u16>| match wire.status.or(default) {
            Some(status) if (200..=599).contains(&status) => Ok(status),
            Some(status) => Err(format!("{status} is not a status between 200 and 599")),
            None => Err("`status` is required".to_owned()),
        };
        Ok(match wire.kind.as_str() {
            "status" => Self::Status {
                status: status(None)?,
                effect,
                headers: match &wire.headers {
                    None => BTreeMap::new(),
                    Some(Value::Object(map)) => {
                        map.iter().map(|(k, v)| (k.clone(), v.as_str().unwrap_or("").to_owned())).collect()
                    }
                    Some(_) => return Err("`headers` must be an object".to_owned()),
                },
                body: wire.body,
            },
            "hang" => Self::Hang { effect, seconds: wire.seconds },
            "hold" => Self::Hold { effect, run_on_release: wire.run_on_release.unwrap_or(false) },
            "reset" => Self::Reset { effect, at: wire.at.unwrap_or_default() },
            "malformed" => Self::Malformed { effect: after },
            "html" => Self::Html { status: status(Some(502))?, effect },
            "slow" => Self::Slow { ms: wire.ms.ok_or("`ms` is required")?, effect: after },
            "rate_limit" => Self::RateLimit {
                headers: !matches!(wire.headers, Some(Value::Bool(false))),
                retry_ms: wire.retry_ms.unwrap_or(1000),
            },
            "duplicate" => Self::Duplicate { answer: wire.answer.unwrap_or_default() },
            other => return Err(format!("`{other}` is not a kind of fault")),
        })
    }
}

impl From<Kind> for Wire {
    fn from(kind: Kind) -> Self {
        let mut wire = Self { kind: kind.name().to_owned(), ..Self::default() };
        match kind {
            Kind::Status { status, effect, headers, body } => {
                let headers: serde_json::Map<String, Value> =
                    headers.into_iter().map(|(name, value)| (name, value.into())).collect();
                (wire.status, wire.effect, wire.body) = (Some(status), Some(effect), body);
                wire.headers = Some(Value::Object(headers));
            }
            Kind::Hang { effect, seconds } => (wire.effect, wire.seconds) = (Some(effect), seconds),
            Kind::Hold { effect, run_on_release } => {
                (wire.effect, wire.run_on_release) = (Some(effect), Some(run_on_release));
            }
            Kind::Reset { effect, at } => (wire.effect, wire.at) = (Some(effect), Some(at)),
            Kind::Malformed { effect } => wire.effect = Some(effect),
            Kind::Html { status, effect } => (wire.status, wire.effect) = (Some(status), Some(effect)),
            Kind::Slow { ms, effect } => (wire.ms, wire.effect) = (Some(ms), Some(effect)),
            Kind::RateLimit { headers, retry_ms } => {
                (wire.headers, wire.retry_ms) = (Some(Value::Bool(headers)), Some(retry_ms));
            }
            Kind::Duplicate { answer } => wire.answer = Some(answer),
        }
        wire
    }
}

/// Narrows a fault to some requests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Match {
    /// Only requests with this `X-Correlation-Id`.
    pub correlation_id: Option<String>,
    /// Only requests whose path contains this.
    pub path_contains: Option<String>,
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
            Fault::on("a").reset_in_body().store("s"),
            Fault::on("a").malformed(),
            Fault::on("a").html_after(504),
            Fault::on("a").slow(20).probability(0.25, 7),
            Fault::on("a").rate_limit_without_headers(),
            Fault::on("a").duplicate_first(),
        ];
        for fault in all {
            let text = serde_json::to_string(&fault).expect("serialises");
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
            r#"{"call":"a","fault":{"kind":"html","status":9}}"#,
        ] {
            assert!(serde_json::from_str::<Fault>(text).is_err(), "{text}");
        }
    }
}
