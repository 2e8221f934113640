//! `dev`: see the library.

use std::process::ExitCode;

use clap::Parser as _;

#[tokio::main]
async fn main() -> ExitCode {
    devtools::run(devtools::Arguments::parse()).await.unwrap_or_else(|error| {
        eprintln!("dev: {error:#}");
        ExitCode::FAILURE
    })
}
