//! Event streams: a browser's way in, how many there may be, and how long they last.

use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::harness::{Answer, KEY, OPERATOR, PATIENCE, Service, World, address, custom_cart, logs, run_with};
use crate::signals::page::Page;

/// An open stream.
pub(crate) struct Stream(reqwest::Response);

impl Stream {
    /// Opens what this path leads to, with this credential.
    pub(crate) async fn open(service: &Service, path: &str, bearer: Option<&str>) -> Self {
        let bearer = bearer.map(|bearer| ("authorization", format!("Bearer {bearer}")));
        Self::open_with(service, path, bearer.as_slice()).await
    }

    /// Opens what this path leads to, with these headers.
    #[expect(clippy::disallowed_methods, reason = "a test is not the upstream client")]
    pub(crate) async fn open_with(service: &Service, path: &str, headers: &[(&str, String)]) -> Self {
        let mut request = reqwest::Client::new().get(format!("{}{path}", service.url()));
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        Self(request.send().await.expect("an answer"))
    }

    pub(crate) fn status(&self) -> u16 {
        self.0.status().as_u16()
    }

    /// What comes until it contains this.
    pub(crate) async fn until(&mut self, wanted: &str) -> String {
        let mut all = String::new();
        let read = async {
            while !all.contains(wanted) {
                let Some(chunk) = self.0.chunk().await.expect("the stream goes on") else {
                    panic!("it ended without {wanted:?}: {all}")
                };
                all.push_str(&String::from_utf8_lossy(&chunk));
            }
        };
        timeout(PATIENCE, read).await.expect("it comes");
        all
    }

    pub(crate) async fn rest(self) -> String {
        timeout(PATIENCE, self.0.text()).await.expect("it ends").expect("text")
    }
}

async fn world(settings: &[(&str, &str)]) -> World {
    let mut world = World::new().await;
    for (name, value) in settings {
        world.set(name, value);
    }
    world
}

async fn ticket(service: &Service, path: &str, bearer: &str) -> Answer {
    let bearer = format!("Bearer {bearer}");
    service.call(Method::POST, &format!("{path}/event-tickets"), &[("authorization", &bearer)], None).await
}

fn token(created: &Answer) -> String {
    created.body["checkout_token"].as_str().expect("a token").to_owned()
}

#[tokio::test]
async fn a_browser_follows_its_checkout_with_a_ticket_that_opens_nothing_else() {
    run_with(world(&[]).await, async |_, service| {
        let created = service.post("/v1/checkouts", &custom_cart()).await.expect(201);
        let other = service.create(&custom_cart()).await;
        let path = format!("/v1/checkouts/{}", created.id());
        for bearer in [KEY, &token(&created)] {
            let given = ticket(service, &path, bearer).await.expect(201);
            let url = given.body["url"].as_str().expect("a URL").to_owned();
            let ticket = given.body["ticket"].as_str().expect("a ticket").to_owned();
            assert_eq!(url, format!("{path}/events?ticket={ticket}"));
            assert!(!given.text.contains(&token(&created)), "the token itself stays out of URLs");

            let mut stream = Stream::open(service, &url, None).await;
            assert_eq!(stream.status(), 200);
            stream.until("event: checkout").await;
            service.put(&format!("{path}/billing-address"), &address()).await.expect(200);
            stream.until("event: checkout").await;

            for refused in [
                format!("{other}/events?ticket={ticket}"),
                format!("{path}/events?ticket={ticket}&ticket={ticket}"),
                format!("{path}/events?ticket={}", &ticket[..ticket.len() - 2]),
                format!("{path}/events?ticket="),
                format!("{path}?ticket={ticket}"),
                format!("{path}/order?ticket={ticket}"),
            ] {
                let answer = service.call(Method::GET, &refused, &[], None).await;
                assert_eq!(answer.status, 401, "{refused}: {}", answer.text);
            }
            let as_bearer = format!("Bearer {ticket}");
            let answer = service.call(Method::GET, &path, &[("authorization", &as_bearer)], None).await;
            assert_eq!(answer.status, 401, "{}", answer.text);
            assert!(!logs::contain(&ticket), "a ticket is in no log");
        }
        let foreign = ticket(service, &other, &token(&created)).await;
        assert_eq!(foreign.status, 404, "{}", foreign.text);
    })
    .await;
}

#[tokio::test]
async fn streams_are_limited_for_each_checkout_key_and_process_and_make_room_when_they_end() {
    run_with(world(&[("MAX_EVENT_STREAMS", "12")]).await, async |_, service| {
        let one = service.create(&custom_cart()).await;
        let another = service.create(&custom_cart()).await;
        let events = |path: &str| format!("{path}/events");
        let mut open = Vec::new();
        for _ in 0..8 {
            let stream = Stream::open(service, &events(&one), Some(KEY)).await;
            assert_eq!(stream.status(), 200);
            open.push(stream);
        }
        let refused = async |path: &str, bearer: &str, why: &str| {
            let bearer = format!("Bearer {bearer}");
            let answer =
                service.call(Method::GET, path, &[("authorization", &bearer)], None).await.expect(429);
            assert_eq!(answer.problem(), "rate-limited");
            assert!(answer.headers.contains_key("retry-after"), "{:?}", answer.headers);
            assert!(answer.text.contains(why), "{why}: {}", answer.text);
        };
        refused(&events(&one), KEY, "this checkout has too many").await;
        // Three quarters of 12 are the most of one key.
        open.push(Stream::open(service, &events(&another), Some(KEY)).await);
        refused(&events(&another), KEY, "this key has too many").await;
        // Somebody else's goes on until the process is full.
        for _ in 0..3 {
            let third = service.post("/v1/checkouts", &custom_cart()).await.expect(201);
            let path = format!("/v1/checkouts/{}/events", third.id());
            let stream = Stream::open(service, &path, Some(&token(&third))).await;
            assert_eq!(stream.status(), 200);
            open.push(stream);
        }
        let last = service.post("/v1/checkouts", &custom_cart()).await.expect(201);
        let path = format!("/v1/checkouts/{}/events", last.id());
        refused(&path, &token(&last), "too many event streams are open").await;
        let page = Page::of(service).await;
        assert!(page.is("event_streams", &[], 12), "{}", page.text);
        // Everything else is served as ever.
        service.get(&one).await.expect(200);
        open.clear();
        Page::until(service, "the streams are gone", |page| page.is("event_streams", &[], 0)).await;
        let mut stream = Stream::open(service, &path, Some(&token(&last))).await;
        stream.until("event: checkout").await;
    })
    .await;
}

#[tokio::test]
async fn a_stream_ends_after_its_time_and_goes_on_where_it_was() {
    run_with(world(&[("EVENT_STREAM_SECONDS", "0.2")]).await, async |_, service| {
        let path = service.create(&custom_cart()).await;
        let first = Stream::open(service, &format!("{path}/events"), Some(KEY)).await.rest().await;
        let version = first.lines().find_map(|line| line.strip_prefix("id:")).expect("a version").trim();
        let bearer = format!("Bearer {KEY}");
        let headers = [("authorization", &*bearer), ("last-event-id", version)];
        let again = service.call(Method::GET, &format!("{path}/events"), &headers, None).await.expect(200);
        assert!(!again.text.contains("event: checkout"), "nothing has changed: {}", again.text);
    })
    .await;
}

/// Many look at one checkout, and it is read once for all of them.
#[tokio::test]
async fn all_who_follow_a_checkout_see_every_change() {
    run_with(world(&[]).await, async |_, service| {
        let path = service.create(&custom_cart()).await;
        let mut open = Vec::new();
        for _ in 0..8 {
            let mut stream = Stream::open(service, &format!("{path}/events"), Some(KEY)).await;
            stream.until("event: checkout").await;
            open.push(stream);
        }
        service.put(&format!("{path}/billing-address"), &address()).await.expect(200);
        let changed: Value = service.get(&path).await.expect(200).body;
        for stream in &mut open {
            stream.until(&format!("id: {}", changed["version"])).await;
        }
        service.delete(&path).await.expect(200);
        for stream in open {
            let rest = stream.rest().await;
            assert!(rest.contains("\"cancelled\""), "{rest}");
        }
    })
    .await;
}

#[tokio::test]
async fn without_a_token_there_is_no_ticket_and_the_checkout_is_not_called_ended() {
    run_with(world(&[]).await, async |_, service| {
        let path = service.create(&custom_cart()).await;
        let revoke = format!("{}/revoke-tokens", path.replace("/v1/", "/ops/v1/"));
        let reason = json!({"reason": "it stood in a log"});
        service.operate(Method::POST, &revoke, OPERATOR, Some(&reason)).await.expect(200);
        let refused = ticket(service, &path, KEY).await.expect(403);
        assert_eq!(refused.problem(), "forbidden");
        assert!(refused.text.contains("revoked"), "{}", refused.text);
    })
    .await;
}
