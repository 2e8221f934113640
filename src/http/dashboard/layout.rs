//! What all pages share: the way in for the keyboard, the navigation, the place for news.

use maud::{DOCTYPE, Markup, html};

use super::assets;
use super::session::Viewer;

/// What a page is.
pub(super) struct Page<'a> {
    /// Its name.
    pub(super) title: &'a str,
    /// Which entry of the navigation it belongs to.
    pub(super) here: &'a str,
    /// Where news of it comes from.
    pub(super) live: Option<&'a str>,
}

const NAVIGATION: &[(&str, &str)] = &[
    ("/ops", "Overview"),
    ("/ops/stuck", "Stuck"),
    ("/ops/checkouts", "Checkouts"),
    ("/ops/bulk", "Bulk"),
    ("/ops/events", "Events"),
    ("/ops/audit", "Audit"),
];

/// A page for an operator who is signed in.
pub(super) fn shell(page: &Page<'_>, viewer: &Viewer, main: &Markup) -> Markup {
    let name = &viewer.actor.name;
    let bar = html! {
        form.find method="get" action="/ops/find" role="search" aria-label="Find" {
            input type="search" name="q" aria-label="Checkout, cart, order or email" placeholder="Checkout, cart, order or email" required autocomplete="off" maxlength="254";
        }
        div.who {
            span.live hidden[true] id="live-state" data-state="off" { "Live" }
            span {
                (name) " · " span.muted { "role " (viewer.actor.role.as_str()) }
                @if let Some(store) = &viewer.actor.store { " · " span.muted { "store " (store) } }
            }
            form method="post" action="/ops/sign-out" {
                (csrf(viewer))
                button.link type="submit" { "Sign out" }
                button.link type="submit" name="everywhere" value="true" { "Sign out everywhere" }
            }
        }
        nav aria-label="Main" {
            ul {
                @for (path, label) in NAVIGATION {
                    li { a href=(path) aria-current=[(*path == page.here).then_some("page")] { (label) } }
                }
            }
        }
    };
    document(page, &bar, main)
}

/// A page for anybody.
pub(super) fn plain(page: &Page<'_>, main: &Markup) -> Markup {
    document(page, &html! {}, main)
}

/// What proves that a form is of this session.
pub(super) fn csrf(viewer: &Viewer) -> Markup {
    html! { input type="hidden" name="csrf" value=(viewer.csrf); }
}

fn document(page: &Page<'_>, bar: &Markup, main: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                title { (page.title) " · Checkout operations" }
                link rel="icon" type="image/svg+xml" href=(assets::url("icon.svg"));
                link rel="stylesheet" href=(assets::url("ops.css"));
                script src=(assets::url("ops.js")) defer {}
            }
            body data-events=[page.live] {
                a.skip href="#main" { "Skip to the content" }
                header.top {
                    a.brand href="/ops" { span.mark aria-hidden="true" {} "Checkout operations" }
                    (bar)
                }
                p.visually-hidden #news role="status" aria-live="polite" {}
                main #main tabindex="-1" { (main) }
                footer { "headless-checkout " (env!("CARGO_PKG_VERSION")) " · times are UTC" }
            }
        }
    }
}
