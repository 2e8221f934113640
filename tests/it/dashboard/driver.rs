//! WebDriver (W3C), as far as the tests need it: one function, one command. A client library would turn on features of
//! `serde_json` for the whole build, and the tests would see another program than the one that is shipped.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::Method;
use serde_json::{Value, json};

/// The member that names an element (WebDriver: web element identifier).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// The tabulator among the keys of WebDriver.
pub(super) const TAB: &str = "\u{E004}";

/// One session of a browser.
pub(super) struct Driver {
    http: reqwest::Client,
    session: String,
}

/// An element of the page that is shown.
pub(super) struct Element<'a> {
    driver: &'a Driver,
    id: String,
}

#[expect(clippy::disallowed_methods, reason = "a test is not the upstream client")]
async fn send(
    http: &reqwest::Client,
    method: Method,
    url: &str,
    body: Option<&Value>,
) -> Result<Value, String> {
    let mut request = http.request(method, url).timeout(Duration::from_mins(1));
    if let Some(body) = body {
        request = request.header("content-type", "application/json").body(body.to_string());
    }
    let response = request.send().await.map_err(|error| format!("{error:?}"))?;
    let (good, text) = (response.status().is_success(), response.text().await.unwrap_or_default());
    let answer: Value = serde_json::from_str(&text).map_err(|error| format!("{error}: {text}"))?;
    if good { Ok(answer["value"].clone()) } else { Err(answer["value"]["message"].to_string()) }
}

impl Driver {
    /// Opens a browser with these options of Chromium's.
    pub(super) async fn open(url: &str, options: Value) -> Self {
        let http = headless_checkout::bigcommerce::http_client(Duration::from_secs(5)).expect("a client");
        let wanted = json!({"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}});
        let opened = send(&http, Method::POST, &format!("{url}/session"), Some(&wanted)).await;
        let opened = opened.expect("the browser starts");
        let session = format!("{url}/session/{}", opened["sessionId"].as_str().expect("a session"));
        Self { http, session }
    }

    async fn tell(&self, command: &str, body: &Value) -> Result<Value, String> {
        send(&self.http, Method::POST, &format!("{}/{command}", self.session), Some(body)).await
    }

    async fn get(&self, command: &str) -> Value {
        let answer = send(&self.http, Method::GET, &format!("{}/{command}", self.session), None).await;
        answer.unwrap_or_else(|why| panic!("{command}: {why}"))
    }

    /// Opens a page.
    pub(super) async fn goto(&self, url: &str) {
        self.tell("url", &json!({"url": url})).await.expect("a page");
    }

    /// Where it is.
    pub(super) async fn address(&self) -> String {
        self.get("url").await.as_str().expect("an address").to_owned()
    }

    /// An element, if it is there.
    pub(super) async fn find(&self, css: &str) -> Option<Element<'_>> {
        let found = self.tell("element", &json!({"using": "css selector", "value": css})).await.ok()?;
        Some(Element { driver: self, id: found[ELEMENT].as_str()?.to_owned() })
    }

    /// The element that the keyboard speaks to.
    pub(super) async fn active(&self) -> Element<'_> {
        let found = self.get("element/active").await;
        Element { driver: self, id: found[ELEMENT].as_str().expect("an element").to_owned() }
    }

    /// What a script answers.
    pub(super) async fn ask(&self, script: &str) -> Value {
        self.tell("execute/sync", &json!({"script": script, "args": []})).await.expect("an answer")
    }

    /// Resizes the window.
    pub(super) async fn resize(&self, width: u64, height: u64) {
        let size = json!({"x": 0, "y": 0, "width": width, "height": height});
        self.tell("window/rect", &size).await.expect("a size");
    }

    /// The page as a PNG.
    pub(super) async fn picture(&self) -> Vec<u8> {
        let answer = self.get("screenshot").await;
        BASE64_STANDARD.decode(answer.as_str().expect("a picture")).expect("base64")
    }

    /// Ends the browser.
    pub(super) async fn quit(&self) {
        send(&self.http, Method::DELETE, &self.session, None).await.expect("it ends");
    }
}

impl Element<'_> {
    pub(super) async fn click(&self) {
        self.driver.tell(&format!("element/{}/click", self.id), &json!({})).await.expect("a click");
    }

    pub(super) async fn write(&self, text: &str) {
        let text = json!({"text": text});
        self.driver.tell(&format!("element/{}/value", self.id), &text).await.expect("a field");
    }

    pub(super) async fn text(&self) -> String {
        let text = self.driver.get(&format!("element/{}/text", self.id)).await;
        text.as_str().expect("a text").to_owned()
    }

    pub(super) async fn attribute(&self, name: &str) -> Option<String> {
        let value = self.driver.get(&format!("element/{}/attribute/{name}", self.id)).await;
        value.as_str().map(str::to_owned)
    }

    pub(super) async fn is_enabled(&self) -> bool {
        self.driver.get(&format!("element/{}/enabled", self.id)).await == Value::Bool(true)
    }
}
