//! What a person sees and does in a real browser.

use bigcommerce_simulator::Fault;
use serde_json::json;

use super::browser::{Browser, Window};
use super::driver::TAB;
use crate::harness::{
    OPERATOR, READER, Service, World, agreed, custom_cart, everything, good_card, run_with,
};
use crate::operators::{id, stuck, world};

/// A checkout that does not know whether its order was made.
async fn stuck_on_its_order(world: &World, service: &Service) -> String {
    let path = service.create(&everything()).await;
    world.simulator.add_fault(Fault::on("create-order").status_after(500));
    world.simulator.add_fault(Fault::on("list-orders").status_before(500).always());
    service.post(&format!("{path}/order"), &json!({})).await;
    stuck(service, &path, "order-unknown").await;
    world.simulator.clear_faults();
    path
}

/// Something of everything, so that the pages have something to show.
pub(super) async fn busy(world: &World, service: &Service) -> String {
    for _ in 0..3 {
        let paid = service.create(&everything()).await;
        service.post(&format!("{paid}/complete"), &agreed(json!({"payment": good_card()}))).await.expect(200);
        service.create(&custom_cart()).await;
    }
    stuck_on_its_order(world, service).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stuck_checkout_is_found_understood_restarted_and_seen_to_complete() {
    let Some(browser) = Browser::open(Window::Desk).await else { return };
    run_with(world().await, async |world, service| {
        let path = busy(world, service).await;
        let id = id(&path).to_string();
        browser.page.goto(&format!("{}/ops", service.url())).await;
        browser.see("#token").await.write("this-is-not-her-token").await;
        browser.picture("sign-in").await;
        browser.see("main button[type=submit]").await.click().await;
        browser.read("not an operator token").await;
        browser.sign_in(service.url(), "/ops", OPERATOR).await;
        browser.read("Stuck, by reason").await;
        browser.see("#live-state[data-state=on]").await;
        browser.picture("overview").await;

        browser.see("nav a[href='/ops/stuck']").await.click().await;
        browser.read("It is not known whether an order was created").await;
        browser.picture("stuck").await;
        browser.see(&format!("a[href='/ops/checkouts/{id}']")).await.click().await;
        browser.read("Nothing was paid: no payment starts before the order is known.").await;
        browser.see("svg.timeline .attempt.unknown").await;
        browser.see("#live-state[data-state=on]").await;
        browser.picture("case").await;

        browser.see("#restart-reason").await.write("BigCommerce answers again").await;
        browser.see("#action-restart button").await.click().await;
        browser.read("Nothing was done yet").await;
        browser.picture("preview").await;
        browser.see("#confirm").await.click().await;
        browser.read("Done: restart").await;
        // The order is found, the shopper pays, and the page tells both by itself.
        browser.see("header.case .badge.awaiting_input").await;
        service.post(&format!("{path}/payment"), &agreed(good_card())).await.expect(200);
        browser.see("header.case .badge.completed").await;
        browser.read("BigCommerce answers again").await;
        let news = browser.page.ask("return document.getElementById('news').textContent").await;
        assert_eq!(news, "The checkout is completed now");
        browser.picture("completed").await;
        for (page, name) in [
            ("/ops/checkouts", "list"),
            ("/ops/bulk", "bulk"),
            ("/ops/events", "events"),
            ("/ops/audit?verify=yes", "audit"),
        ] {
            browser.page.goto(&format!("{}{page}", service.url())).await;
            browser.picture(name).await;
        }
        browser.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_only_look_is_told_so_at_every_button() {
    let Some(browser) = Browser::open(Window::Dark).await else { return };
    run_with(world().await, async |world, service| {
        let path = busy(world, service).await;
        let page = format!("/ops/checkouts/{}", id(&path));
        browser.sign_in(service.url(), &page, READER).await;
        let button = browser.see("#action-restart button").await;
        assert!(!button.is_enabled().await);
        let told = button.attribute("aria-describedby").await.expect("a reason");
        let reason = browser.see(&format!("#{told}")).await.text().await;
        assert_eq!(reason, "Not permitted: this needs the role act; your role is read.");
        assert_eq!(
            browser.page.ask("return document.querySelectorAll('#actions button:not(:disabled)').length").await,
            0
        );
        // The system is set to dark, and so is the page.
        let light = "return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number).reduce((a, b) => a + b)";
        let light = browser.page.ask(light).await.as_u64().expect("a color");
        assert!(light < 3 * 64, "the ground is not dark: {light}");
        browser.picture("dark-case").await;
        browser.page.goto(&format!("{}/ops", service.url())).await;
        browser.picture("dark-overview").await;
        // The keyboard comes to the content at once.
        browser.page.active().await.write(TAB).await;
        assert_eq!(browser.page.ask("return document.activeElement.className").await, "skip");
        browser.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_page_is_wider_than_a_phone() {
    let Some(browser) = Browser::open(Window::Phone).await else { return };
    run_with(world().await, async |world, service| {
        let path = busy(world, service).await;
        let case = format!("/ops/checkouts/{}", id(&path));
        browser.sign_in(service.url(), "/ops", OPERATOR).await;
        for (page, name) in [
            ("/ops", "phone-overview"),
            ("/ops/stuck", "phone-stuck"),
            ("/ops/checkouts", "phone-list"),
            (&*case, "phone-case"),
            ("/ops/bulk", "phone-bulk"),
            ("/ops/events", "phone-events"),
            ("/ops/audit", "phone-audit"),
        ] {
            browser.page.goto(&format!("{}{page}", service.url())).await;
            let widths = "return [document.documentElement.scrollWidth, window.innerWidth]";
            assert_eq!(browser.page.ask(widths).await, json!([360, 360]), "{page}");
            browser.picture(name).await;
        }
        browser.close().await;
    })
    .await;
}
