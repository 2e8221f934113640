//! What stands between a shop and this service: browsers, proxies, and a BigCommerce that answers what a page must not use.

use bigcommerce_simulator::{Effect, Fault, Kind};
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::harness::{KEY, OPERATOR, Service, address, custom_cart, everything, run};

/// Says this to the service, and answers all that it says until it closes the connection.
async fn say(service: &Service, text: &str) -> String {
    let address = service.url().trim_start_matches("http://");
    let mut connection = tokio::net::TcpStream::connect(address).await.expect("it listens");
    connection.write_all(text.as_bytes()).await.expect("it is taken");
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.expect("an answer");
    answer
}

#[tokio::test]
async fn a_body_in_another_coding_and_a_request_without_one_host_are_refused() {
    run(async |_, service| {
        let post = format!(
            "POST /v1/checkouts HTTP/1.1\r\nauthorization: Bearer {KEY}\r\nidempotency-key: a\r\ncontent-type: application/json\r\n\
             connection: close\r\n"
        );
        let body = "2\r\n{}\r\n0\r\n\r\n";
        for (head, status, detail) in [
            ("host: a\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}".to_owned(), "415", "Content-Encoding"),
            (format!("host: a\r\ntransfer-encoding: gzip, chunked\r\n\r\n{body}"), "400", "Transfer-Encoding"),
            ("content-length: 2\r\n\r\n{}".to_owned(), "400", "exactly one Host"),
            ("host: a\r\nhost: b\r\ncontent-length: 2\r\n\r\n{}".to_owned(), "400", "exactly one Host"),
            // And what is said of the same body otherwise.
            (format!("host: a\r\ntransfer-encoding: chunked\r\n\r\n{body}"), "422", "line_items"),
            ("host: a\r\ncontent-encoding: identity\r\ncontent-length: 2\r\n\r\n{}".to_owned(), "422", "line_items"),
        ] {
            let answer = say(service, &format!("{post}{head}")).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{head}: {answer}");
            assert!(answer.contains(detail), "{head}: {answer}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_email_address_is_found_as_it_was_typed_and_in_any_case() {
    run(async |world, service| {
        let mut body = everything();
        body["billing_address"]["email"] = json!("Zoë.ÅNGSTRÖM+Shop@Example.com");
        let checkout = service.create(&body).await;
        let id = checkout.rsplit('/').next().expect("an id");
        let bearer = format!("Bearer {OPERATOR}");
        for email in [
            "Zo%C3%AB.%C3%85NGSTR%C3%96M%2BShop@Example.com",
            "zo%C3%AB.%C3%A5ngstr%C3%B6m%2Bshop@example.com",
            // A plus sign as it stands is a space to whoever reads forms.
            "ZO%C3%8B.%C3%85NGSTR%C3%96M+shop@example.com",
        ] {
            let path = format!("/ops/v1/checkouts?email={email}");
            let page =
                service.call(Method::GET, &path, &[("authorization", &bearer)], None).await.expect(200);
            assert_eq!(page.body["data"][0]["id"], id, "{email}: {}", page.text);
        }
        // What stands nowhere but in a document, too.
        let mut cart = custom_cart();
        cart["metadata"] = json!({"contact": "ZOË.Ångström+shop@example.com"});
        cart["billing_address"] = address();
        service.create(&cart).await;
        let erase = [
            "privacy",
            "erase",
            "--email",
            "zoë.ångström+shop@example.com",
            "--reason",
            "request 8",
            "--dry-run",
            "-o",
            "json",
        ];
        let found = world.run(&erase, "").await;
        assert_eq!(found.json().len(), 2, "{}", found.err);
    })
    .await;
}

#[tokio::test]
async fn no_page_is_sent_to_a_url_that_is_not_https() {
    run(async |world, service| {
        let good = "https://store.example.com/cart.php";
        for (cart_url, checkout_url, frame, shown) in [
            ("javascript:alert(1)", good, good, false),
            (good, "http://evil.example/phish", good, false),
            (good, "data:text/html,a", good, false),
            (good, good, "javascript:alert(1)", true),
            (good, "http://127.0.0.1:8000/checkout", good, true),
        ] {
            let path = service.create(&custom_cart()).await;
            let urls = json!({"data": {
                "cart_url": cart_url, "checkout_url": checkout_url, "embedded_checkout_url": frame
            }});
            let kind = Kind::Status {
                status: 201,
                effect: Effect::After,
                headers: std::collections::BTreeMap::default(),
                body: Some(urls),
            };
            let fault = Fault { fault: kind, ..Fault::on("create-redirect-urls") }.always();
            world.simulator.add_fault(fault);
            let answer = service.post(&format!("{path}/redirect-urls"), &json!({})).await;
            assert_eq!(
                answer.status.is_success() && answer.body["cart_url"].is_string(),
                shown,
                "{}",
                answer.text
            );
            for bad in ["javascript:", "evil.example", "data:"] {
                assert!(!answer.text.contains(bad), "{}", answer.text);
            }
            world.simulator.clear_faults();
        }
    })
    .await;
}

/// Storefronts' pages may call what storefronts call, and read neither metrics nor probes; other sites may not frame the reference.
#[tokio::test]
async fn only_what_storefronts_call_is_open_to_their_pages() {
    let mut world = crate::harness::World::new().await;
    world.set("CORS_ORIGINS", "https://shop.example");
    crate::harness::run_with(world, async |_, service| {
        for (path, open) in [
            ("/v1/checkouts", true),
            ("/metrics", false),
            ("/readyz", false),
            ("/openapi.yaml", false),
            ("/ops", false),
        ] {
            let headers = [("origin", "https://shop.example")];
            let answer = service.call(Method::GET, path, &headers, None).await;
            assert_eq!(answer.headers.contains_key("access-control-allow-origin"), open, "{path}");
        }
        for page in ["/docs/", "/docs/index.html"] {
            let answer = service.call(Method::GET, page, &[], None).await;
            let policy =
                answer.headers.get("content-security-policy").expect("a policy").to_str().expect("text");
            assert!(
                policy.contains("frame-ancestors 'none'") && policy.contains("script-src 'self';"),
                "{policy}"
            );
            assert_eq!(answer.headers["x-frame-options"], "DENY");
        }
    })
    .await;
}
