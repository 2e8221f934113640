//! The operators' pages: who gets in, what a browser makes of them, and that they do what they say.

mod axe;
mod browser;
pub(crate) mod doors;
mod driver;
mod events;
mod forms;
mod pages;

use reqwest::Method;

use crate::harness::{Answer, Service};

/// A person's browser without a window: it keeps the cookies and reads the hidden fields.
pub(crate) struct Visitor<'a> {
    service: &'a Service,
    pub(crate) cookies: Vec<(String, String)>,
}

impl<'a> Visitor<'a> {
    /// Nobody yet.
    pub(crate) fn new(service: &'a Service) -> Self {
        Self { service, cookies: Vec::new() }
    }

    /// Signed in.
    pub(crate) async fn with(service: &'a Service, token: &str) -> Self {
        let mut visitor = Self::new(service);
        let form = visitor.get("/ops/sign-in").await.expect(200);
        let csrf = hidden(&form, "csrf");
        visitor.post("/ops/sign-in", &[("csrf", &csrf), ("token", token)]).await.expect(303);
        visitor
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], None).await
    }

    pub(crate) async fn get_with(&mut self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(Method::GET, path, headers, None).await
    }

    /// Its cookies, as a header.
    pub(crate) fn cookie(&self) -> String {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        cookies.join("; ")
    }

    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_with(path, fields, &[]).await
    }

    pub(crate) async fn post_with(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Answer {
        let body: Vec<String> =
            fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let mut all = vec![("content-type", "application/x-www-form-urlencoded")];
        all.extend_from_slice(headers);
        self.send(Method::POST, path, &all, Some(body.join("&").into_bytes())).await
    }

    async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> Answer {
        let cookies = self.cookie();
        let mut all = vec![("accept", "text/html,application/xhtml+xml")];
        if !cookies.is_empty() {
            all.push(("cookie", &cookies));
        }
        all.extend_from_slice(headers);
        let answer = self.service.call(method, path, &all, body).await;
        for given in answer.headers.get_all("set-cookie") {
            let text = given.to_str().expect("text");
            let (name, value) =
                text.split(';').next().and_then(|pair| pair.split_once('=')).expect("a cookie");
            self.cookies.retain(|(known, _)| known != name);
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        answer
    }
}

/// The value of a hidden field of a page.
#[track_caller]
pub(crate) fn hidden(page: &Answer, name: &str) -> String {
    let mark = format!("name=\"{name}\" value=\"");
    let at = page.text.find(&mark).unwrap_or_else(|| panic!("no field {name}: {}", page.text));
    page.text[at + mark.len()..].split('"').next().expect("a value").to_owned()
}

fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
