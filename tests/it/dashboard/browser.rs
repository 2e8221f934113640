//! A real browser, driven over WebDriver. Where none is installed the tests that need it say so and do nothing.

use std::path::Path;
use std::process::Stdio;

use serde_json::json;
use thirtyfour::prelude::*;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

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
    pub(super) page: WebDriver,
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
        // The client of the driver needs it, although nothing is encrypted on the way there.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let page = WebDriver::new(format!("http://127.0.0.1:{port}"), capabilities(&chromium, window)).await;
        Some(Self { page: page.expect("chromium starts"), driver })
    }

    /// Ends it.
    pub(super) async fn close(mut self) {
        self.page.clone().quit().await.expect("the browser ends");
        self.driver.start_kill().expect("the driver ends");
        self.driver.wait().await.expect("the driver ends");
    }

    /// Signs in and is where it wanted to go.
    pub(super) async fn sign_in(&self, url: &str, wanted: &str, token: &str) {
        self.page.goto(format!("{url}{wanted}")).await.expect("a page");
        self.see("#token").await.send_keys(token).await.expect("a field");
        self.see("main button[type=submit]").await.click().await.expect("a button");
        self.see("nav[aria-label=Main]").await;
        let address = self.page.current_url().await.expect("an address");
        assert_eq!(address.path(), wanted);
    }

    /// Waits for an element.
    pub(super) async fn see(&self, css: &str) -> WebElement {
        let found =
            self.page.query(By::Css(css)).wait(PATIENCE, std::time::Duration::from_millis(50)).first().await;
        match found {
            Ok(element) => element,
            Err(error) => panic!("no {css}: {error}\n{}", self.text().await),
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
        self.ask("return document.body.innerText").await.as_str().unwrap_or_default().to_owned()
    }

    /// What a script answers, as the person at the keyboard could run it.
    pub(super) async fn ask(&self, script: &str) -> serde_json::Value {
        self.page.execute(script, Vec::new()).await.expect("an answer").json().clone()
    }

    /// Keeps a picture, where `SCREENSHOTS` names a folder.
    pub(super) async fn picture(&self, name: &str) {
        let Some(folder) = std::env::var_os("SCREENSHOTS") else { return };
        // The phone has its own size.
        let desk = self.ask("return window.innerWidth").await != 360;
        if desk {
            let _ = self.page.set_window_rect(0, 0, 1280, 900).await;
        }
        let height = self.ask("return document.documentElement.scrollHeight").await.as_u64().unwrap_or(900);
        let width = self.ask("return window.innerWidth").await.as_u64().unwrap_or(1280);
        let height = u32::try_from(height.clamp(600, 6000)).expect("a height");
        let width = u32::try_from(width).expect("a width");
        if desk {
            let _ = self.page.set_window_rect(0, 0, width, height + 150).await;
        }
        let path = Path::new(&folder).join(format!("{name}.png"));
        self.page.screenshot(&path).await.expect("a picture");
    }
}

fn capabilities(chromium: &Path, window: Window) -> thirtyfour::ChromeCapabilities {
    let mut wanted = DesiredCapabilities::chrome();
    wanted.set_binary(&chromium.display().to_string()).expect("a setting");
    // As root, and in a container without much shared memory.
    for argument in [
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--window-size=1280,900",
        "--hide-scrollbars",
    ] {
        wanted.add_arg(argument).expect("a setting");
    }
    match window {
        Window::Desk => {}
        Window::Dark => wanted.add_arg("--force-dark-mode").expect("a setting"),
        Window::Phone => {
            let phone =
                json!({"deviceMetrics": {"width": 360, "height": 740, "pixelRatio": 2.0, "touch": true}});
            wanted.add_experimental_option("mobileEmulation", phone).expect("a setting");
        }
    }
    wanted
}
