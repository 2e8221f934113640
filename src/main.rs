//! The program: parses the command line and hands over.

fn main() -> std::process::ExitCode {
    headless_checkout::cli::main()
}
