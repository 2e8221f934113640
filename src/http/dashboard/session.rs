//! Who is signed in: a signed cookie, or an operator's token as for `/ops/v1`.
//!
//! Guarantees: the cookie is not the token and does not lead to it; it is signed with a key that is made from the token,
//! so that every replica accepts it, it ends when the token is rotated or its operator signs out, in every process, and the role and
//! the store are always the configured ones.

use std::time::Duration;

use axum::extract::{FromRequestParts, Request};
use axum::http::header::{ACCEPT, AUTHORIZATION, COOKIE, HOST, HeaderMap, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use time::OffsetDateTime;

use super::answer::see_other;
use super::words::encode;
use crate::config::{Config, is_loopback};
use crate::http::AppState;
use crate::http::problem::Problem;
use crate::http::problem::catalog::Slug;
use crate::http::request::auth::{Operator, operator_of};
use crate::ops::{Actor, DbError};

/// The cookie of a session.
pub(super) const COOKIE_NAME: &str = "ops_session";
/// The cookie of a sign-in form.
pub(super) const SIGN_IN_COOKIE: &str = "ops_sign_in";
/// How long a session lasts, in seconds.
pub(super) const LASTS: i64 = 8 * 60 * 60;

const LASTING: time::Duration = time::Duration::seconds(LASTS);
/// A browser takes a cookie of that name from this host alone, and over https alone.
const OWN: &str = "__Host-";
/// How often a stream asks whether its session was ended.
const LOOK_EVERY: Duration = Duration::from_secs(3);
/// Nobody sends more cookies of one name than this by accident.
const COOKIES_TRIED: usize = 10;

type Key = [u8; 32];

/// Whose sessions are accepted.
pub(in crate::http) struct Sessions {
    operators: Vec<(Actor, Key)>,
}

/// Who looks, and the token that its forms have to carry.
#[derive(Debug, Clone)]
pub(super) struct Viewer {
    /// Who.
    pub(super) actor: Actor,
    /// What every form of this session carries.
    pub(super) csrf: String,
    /// `None`: a token in a header. A browser sends its cookie by itself, so that forms have to prove where they come from.
    session: Option<Session>,
}

/// A session that was begun.
#[derive(Debug, Clone)]
struct Session {
    id: String,
    expires: OffsetDateTime,
}

impl Sessions {
    /// Those of the configured operators.
    pub(in crate::http) fn of(config: &Config) -> Self {
        let operators = config.operators.iter().map(|operator| {
            let key = sign(operator.token.expose().as_bytes(), "the dashboard of headless-checkout");
            (operator_of(operator), key)
        });
        Self { operators: operators.collect() }
    }

    /// A fresh session; the value of its cookie.
    pub(super) fn begin(&self, actor: &Actor, now: OffsetDateTime) -> Option<String> {
        let (_, key) = self.operators.iter().find(|(known, _)| known == actor)?;
        let nonce = BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 16]>());
        let claim = format!("{}.{}.{nonce}", actor.name, now.unix_timestamp() + LASTS);
        let signature = BASE64_URL_SAFE_NO_PAD.encode(sign(key, &format!("session {claim}")));
        Some(format!("{claim}.{signature}"))
    }

    /// Who a cookie belongs to; `None`: to nobody, or not any more.
    fn viewer(&self, cookie: &str, now: OffsetDateTime) -> Option<Viewer> {
        let (claim, signature) = cookie.rsplit_once('.')?;
        let [name, expires, nonce] = claim.split('.').collect::<Vec<_>>().try_into().ok()?;
        let (actor, key) = self.operators.iter().find(|(actor, _)| actor.name == name)?;
        let expected = BASE64_URL_SAFE_NO_PAD.encode(sign(key, &format!("session {claim}")));
        let genuine = bool::from(expected.as_bytes().ct_eq(signature.as_bytes()));
        let expires = OffsetDateTime::from_unix_timestamp(expires.parse().ok()?).ok()?;
        let csrf = BASE64_URL_SAFE_NO_PAD.encode(sign(key, &format!("form {claim}")));
        let session = Some(Session { id: nonce.to_owned(), expires });
        (genuine && now < expires).then(|| Viewer { actor: actor.clone(), csrf, session })
    }
}

fn sign(key: &[u8], text: &str) -> Key {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Key::default() };
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().into()
}

/// What a sign-in form carries beside its cookie.
pub(super) fn sign_in_token(cookie: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(sign(cookie.as_bytes(), "the sign-in form"))
}

impl Viewer {
    /// Whether a form of this session was sent by one of its pages.
    pub(super) fn sent(&self, headers: &HeaderMap, csrf: &str) -> bool {
        self.session.is_none() || (is_same_origin(headers) && equal(&self.csrf, csrf))
    }

    /// Ends the session in every process, or with `everywhere` every session of this operator.
    pub(super) async fn sign_out(&self, state: &AppState, everywhere: bool) -> Result<(), DbError> {
        let ops = state.ops(&self.actor);
        if everywhere {
            return ops.end_sessions_of(&self.actor, OffsetDateTime::now_utc() + LASTING).await;
        }
        match &self.session {
            Some(session) => ops.end_session(&session.id, session.expires).await,
            None => Ok(()),
        }
    }

    /// Whether the session was ended before its time.
    async fn signed_out(&self, state: &AppState) -> Result<bool, DbError> {
        match &self.session {
            Some(Session { id, expires }) => {
                state.ops(&self.actor).session_has_ended(id, &self.actor, *expires - LASTING).await
            }
            None => Ok(false),
        }
    }

    /// Waits until nothing more may be shown: the session was ended or is over, or nobody can tell.
    pub(super) async fn over(self, state: AppState) {
        let Some(expires) = self.session.as_ref().map(|session| session.expires) else {
            return std::future::pending().await;
        };
        while !self.signed_out(&state).await.unwrap_or(true) {
            let left = Duration::try_from(expires - OffsetDateTime::now_utc()).unwrap_or_default();
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left.min(LOOK_EVERY)).await;
        }
    }
}

/// Compares in constant time.
pub(super) fn equal(one: &str, other: &str) -> bool {
    bool::from(one.as_bytes().ct_eq(other.as_bytes()))
}

/// Whether nothing says that another site sent it.
pub(super) fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let site = text("sec-fetch-site").is_none_or(|site| matches!(site, "same-origin" | "none"));
    let host = text(HOST.as_str()).unwrap_or_default();
    let from =
        |origin: &str| origin.split_once("://").is_some_and(|(_, from)| from.eq_ignore_ascii_case(host));
    site && text(ORIGIN.as_str()).is_none_or(from)
}

/// Every cookie of that name in the request: another page of the same site may have put one in front.
pub(super) fn cookies<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    let (prefixed, plain) = (format!("{OWN}{name}"), (!is_secure(headers)).then(|| name.to_owned()));
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|all| all.split(';'))
        .filter_map(move |pair| {
            let (known, value) = pair.trim().split_once('=')?;
            (known == prefixed || Some(known) == plain.as_deref()).then_some(value)
        })
        .take(COOKIES_TRIED)
}

/// A cookie that only these pages get, and no script.
pub(super) fn set_cookie(headers: &HeaderMap, name: &str, value: &str, seconds: i64) -> Option<HeaderValue> {
    let (prefix, place) = if is_secure(headers) { (OWN, "/; Secure") } else { ("", "/ops") };
    let text = format!("{prefix}{name}={value}; Path={place}; HttpOnly; SameSite=Strict; Max-Age={seconds}");
    HeaderValue::try_from(text).ok()
}

/// Whether a cookie may travel over https only: everywhere but on this machine.
fn is_secure(headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    is_https(headers) || !is_loopback(&format!("http://{host}"))
}

/// Whether the browser speaks https to the proxy in front. Whoever forges that harms only their own cookie.
fn is_https(headers: &HeaderMap) -> bool {
    let forwarded = headers.get("x-forwarded-proto").and_then(|value| value.to_str().ok());
    forwarded
        .and_then(|all| all.split(',').next())
        .is_some_and(|first| first.trim().eq_ignore_ascii_case("https"))
}

impl FromRequestParts<AppState> for Viewer {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        if parts.headers.contains_key(AUTHORIZATION) {
            let operator = Operator::from_request_parts(parts, state).await;
            let Operator(actor) = operator.map_err(IntoResponse::into_response)?;
            return Ok(Self { actor, csrf: String::new(), session: None });
        }
        let now = OffsetDateTime::now_utc();
        for cookie in cookies(&parts.headers, COOKIE_NAME) {
            let Some(viewer) = state.sessions().viewer(cookie, now) else { continue };
            let ended = viewer.signed_out(state).await;
            if !ended.map_err(|error| Problem::from(error).into_response())? {
                return Ok(viewer);
            }
        }
        Err(unknown(parts))
    }
}

/// A browser is sent to the sign-in; a program gets a problem.
fn unknown(parts: &Parts) -> Response {
    let reads = parts.method == Method::GET;
    let person = parts
        .headers
        .get_all(ACCEPT)
        .iter()
        .any(|kinds| kinds.to_str().is_ok_and(|kinds| kinds.contains("text/html")));
    if reads && person {
        let wanted = parts.uri.path_and_query().map_or("/ops", |wanted| wanted.as_str());
        return see_other(&format!("/ops/sign-in?next={}", encode(wanted)));
    }
    if person {
        return super::answer::Failed::signed_out().into_response();
    }
    Problem::of(Slug::Unauthorized).into_response()
}

/// Who sent a request whose body is still to be read.
pub(super) async fn viewer_of(request: Request, state: &AppState) -> Result<(Viewer, Request), Response> {
    let (mut parts, body) = request.into_parts();
    let viewer = Viewer::from_request_parts(&mut parts, state).await?;
    Ok((viewer, Request::from_parts(parts, body)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::role::Role;

    fn sessions(token: &str) -> Sessions {
        let actor = Actor { name: "olga".to_owned(), role: Role::Act, store: None };
        Sessions { operators: vec![(actor, sign(token.as_bytes(), "test"))] }
    }

    #[test]
    fn a_session_ends_with_its_time_and_with_its_token() {
        let (ours, now) = (sessions("a-token"), OffsetDateTime::UNIX_EPOCH);
        let olga = ours.operators[0].0.clone();
        let cookie = ours.begin(&olga, now).expect("a session");
        let later = |seconds| now + time::Duration::seconds(seconds);
        assert_eq!(ours.viewer(&cookie, later(LASTS - 1)).map(|viewer| viewer.actor), Some(olga.clone()));
        assert!(ours.viewer(&cookie, later(LASTS)).is_none());
        // Another replica with the same token accepts it; after the token was rotated nobody does.
        assert!(sessions("a-token").viewer(&cookie, now).is_some());
        assert!(sessions("another-token").viewer(&cookie, now).is_none());
        let eve = Actor { name: "eve".to_owned(), role: Role::Money, store: None };
        assert!(ours.begin(&eve, now).is_none());
        let mut forged: Vec<String> = vec![cookie.replace("olga", "eve"), format!("{cookie}A")];
        forged.push(cookie.replacen(&LASTS.to_string(), "99999999", 1));
        forged.extend(["", "olga", "olga.1.2", "....", "olga.99999999.a."].map(str::to_owned));
        for wrong in forged {
            assert!(ours.viewer(&wrong, now).is_none(), "{wrong}");
        }
        let other = ours.begin(&olga, now).expect("a session");
        let [one, other] = [cookie, other].map(|cookie| ours.viewer(&cookie, now).expect("genuine").csrf);
        assert_ne!(one, other, "a form of one session is none of another");
    }

    #[test]
    fn a_form_of_another_site_is_seen() {
        let headers = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, HeaderValue::from_static(value));
            }
            headers
        };
        let host = ("host", "ops.example:8080");
        for (own, others) in [
            (true, vec![]),
            (true, vec![("origin", "https://ops.example:8080"), ("sec-fetch-site", "same-origin")]),
            (false, vec![("origin", "https://evil.example")]),
            (false, vec![("origin", "null")]),
            (false, vec![("sec-fetch-site", "cross-site")]),
            (false, vec![("sec-fetch-site", "same-site")]),
        ] {
            let mut all = vec![host];
            all.extend(others.clone());
            assert_eq!(is_same_origin(&headers(&all)), own, "{others:?}");
        }
        assert!(is_https(&headers(&[("x-forwarded-proto", "https, http")])));
        assert!(!is_https(&headers(&[("x-forwarded-proto", "http")])));
        let here = ("host", "127.0.0.1:8080");
        let all = |name, pairs: &[(&'static str, &'static str)]| -> Vec<String> {
            cookies(&headers(pairs), name).map(str::to_owned).collect()
        };
        let both = ("cookie", "a=1; ops_session=x.y; b=2; ops_session=z");
        assert_eq!(all(COOKIE_NAME, &[here, both]), ["x.y", "z"]);
        assert!(all("ops", &[here, both]).is_empty());
        // Over https, and wherever it should be, only a cookie that this host alone can have set.
        assert!(all(COOKIE_NAME, &[host, both]).is_empty());
        let own = ("cookie", "ops_session=x; __Host-ops_session=y");
        assert_eq!(all(COOKIE_NAME, &[host, own]), ["y"]);
        let secure = "__Host-ops_session=v; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=9";
        for (pairs, expected) in [
            (vec![here], "ops_session=v; Path=/ops; HttpOnly; SameSite=Strict; Max-Age=9"),
            (vec![host], secure),
            (vec![here, ("x-forwarded-proto", "https")], secure),
        ] {
            let given = set_cookie(&headers(&pairs), COOKIE_NAME, "v", 9).expect("a cookie");
            assert_eq!(given.to_str().expect("text"), expected);
        }
    }
}
