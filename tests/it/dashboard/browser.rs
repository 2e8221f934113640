//! A real browser, driven over WebDriver. Where none is installed the tests that need it say so and do nothing.

use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use super::driver::{Driver, Element};
use crate::harness::PATIENCE;

/// How the window is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Window {
    /// 1280 by 900 pixels.
    Desk,
    /// The same, where the system is set to dark.
    Dark,
    /// 360 by 740 pixels, by touch.
    Phone,
}

/// A browser and its driver; both end with it.
pub(super) struct Browser {
    pub(super) page: Driver,
    driver: Child,
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Its end takes the browser along, also when a test failed half-way.
        if let Some(pid) = self.driver.id().and_then(|pid| i32::try_from(pid).ok()) {
            let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::SIGTERM);
        }
    }
}

fn installed(names: &[&str]) -> Option<std::path::PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&folders)
        .flat_map(|folder| names.iter().map(move |name| folder.join(name)).collect::<Vec<_>>());
    found.into_iter().find(|path| path.is_file())
}

/// Starts the driver and answers where it listens; `None`: it ended at once.
async fn start(program: &Path) -> Option<(Child, String)> {
    let mut driver = Command::new(program)
        .arg("--port=0")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("chromedriver can be run");
    let mut lines = BufReader::new(driver.stdout.take().expect("its output")).lines();
    let port = async {
        while let Ok(Some(line)) = lines.next_line().await {
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                return Some(port.trim_end_matches('.').to_owned());
            }
        }
        None
    };
    let port = tokio::time::timeout(PATIENCE, port).await.expect("chromedriver starts in time");
    port.map(|port| (driver, port))
}

impl Browser {
    /// Opens one; `None`: there is none on this machine.
    pub(super) async fn open(window: Window) -> Option<Self> {
        let programs =
            (installed(&["chromedriver"]), installed(&["chromium", "google-chrome", "chromium-browser"]));
        let (Some(driver), Some(chromium)) = programs else {
            assert!(std::env::var_os("CI").is_none(), "chromium and chromedriver have to be there in CI");
            eprintln!(
                "!!! SKIPPED: chromium and chromedriver are not installed, so no page was seen by a browser !!!"
            );
            return None;
        };
        // Two that start at the same moment may choose the same port; one of them gives up then.
        let mut started = None;
        for _ in 0..10 {
            started = start(&driver).await;
            if started.is_some() {
                break;
            }
        }
        let (driver, port) = started.expect("chromedriver starts");
        let page = Driver::open(&format!("http://127.0.0.1:{port}"), options(&chromium, window)).await;
        Some(Self { page, driver })
    }

    /// Ends it.
    pub(super) async fn close(mut self) {
        self.page.quit().await;
        self.driver.start_kill().expect("the driver ends");
        self.driver.wait().await.expect("the driver ends");
    }

    /// Signs in and is where it wanted to go.
    pub(super) async fn sign_in(&self, url: &str, wanted: &str, token: &str) {
        self.page.goto(&format!("{url}{wanted}")).await;
        self.see("#token").await.write(token).await;
        self.see("main button[type=submit]").await.click().await;
        self.see("nav[aria-label=Main]").await;
        assert_eq!(self.page.address().await, format!("{url}{wanted}"));
    }

    /// Waits for an element.
    pub(super) async fn see(&self, css: &str) -> Element<'_> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        let mut looks = tokio::time::interval(std::time::Duration::from_millis(50));
        loop {
            looks.tick().await;
            if let Some(found) = self.page.find(css).await {
                return found;
            }
            assert!(tokio::time::Instant::now() < deadline, "no {css} in:\n{}", self.text().await);
        }
    }

    /// Waits until a text is on the page.
    pub(super) async fn read(&self, wanted: &str) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        let mut looks = tokio::time::interval(std::time::Duration::from_millis(100));
        while !self.text().await.contains(wanted) {
            looks.tick().await;
            let now = tokio::time::Instant::now();
            assert!(now < deadline, "{wanted:?} is never to be read in:\n{}", self.text().await);
        }
    }

    /// All that can be read.
    pub(super) async fn text(&self) -> String {
        self.page.ask("return document.body.innerText").await.as_str().unwrap_or_default().to_owned()
    }

    /// Keeps a picture of the whole page, where `SCREENSHOTS` names a folder.
    pub(super) async fn picture(&self, name: &str) {
        let Some(folder) = std::env::var_os("SCREENSHOTS") else { return };
        // The phone has its own size.
        if self.page.ask("return window.innerWidth").await != 360 {
            self.page.resize(1280, 900).await;
            let height = self.page.ask("return document.documentElement.scrollHeight").await;
            self.page.resize(1280, height.as_u64().unwrap_or(900).clamp(600, 6000) + 150).await;
        }
        let picture = self.page.picture().await;
        std::fs::write(Path::new(&folder).join(format!("{name}.png")), picture).expect("a file");
    }
}

/// What Chromium is started with. As root, and in a container without much shared memory.
fn options(chromium: &Path, window: Window) -> Value {
    let mut arguments = vec![
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--window-size=1280,900",
        "--hide-scrollbars",
    ];
    if window == Window::Dark {
        arguments.push("--force-dark-mode");
    }
    let mut options = json!({"binary": chromium, "args": arguments});
    if window == Window::Phone {
        options["mobileEmulation"] =
            json!({"deviceMetrics": {"width": 360, "height": 740, "pixelRatio": 2.0, "touch": true}});
    }
    options
}
