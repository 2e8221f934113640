//! The kinds of faults and their flat form in JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::actors::{Actor, Deed};

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
    /// A payment is delivered twice and the second delivery is answered first, that its token was used; the first copy is at
    /// the gateway and charges later: when released, after so many reads of the order, or after a time. Of another call, the
    /// second delivery is refused with the status, and the first takes effect when released, or after a time.
    Overtaken {
        /// Status of the answer, such as 401 or 422.
        status: u16,
        /// Its code, such as 10001 or 30102.
        code: u32,
        /// Reads of the order and its transactions until the first copy charges.
        reads: Option<u64>,
        /// Milliseconds until it charges.
        ms: Option<u64>,
    },
    /// Somebody else acts on the cart or the order of the request, just before or just after it takes effect; nobody comes
    /// between. The request itself goes on as if nothing was wrong, or as another fault of the same request says. Reached
    /// only when something was really changed.
    Meanwhile {
        /// What is done.
        does: Deed,
        /// Before the request takes effect, or after it; a request that never takes effect has no after.
        effect: Effect,
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
            Self::Overtaken { .. } => "overtaken",
            Self::Meanwhile { .. } => "meanwhile",
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
    code: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reads: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<Which>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    actor: Option<Actor>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    does: Option<Deed>,
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
            "overtaken" => Self::Overtaken {
                status: status(Some(401))?,
                code: wire.code.unwrap_or(10_001),
                reads: wire.reads,
                ms: wire.ms,
            },
            "meanwhile" => {
                let does = wire.does.ok_or("`does` is required")?;
                if wire.actor.is_some_and(|actor| actor != does.actor()) {
                    return Err(format!("that is done by {:?}", does.actor()));
                }
                Self::Meanwhile { does, effect }
            }
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
            Kind::Overtaken { status, code, reads, ms } => {
                (wire.status, wire.code, wire.reads, wire.ms) = (Some(status), Some(code), reads, ms);
            }
            Kind::Meanwhile { does, effect } => {
                (wire.actor, wire.does, wire.effect) = (Some(does.actor()), Some(does), Some(effect));
            }
            Kind::Duplicate { answer } => wire.answer = Some(answer),
        }
        wire
    }
}
