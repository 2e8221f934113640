//! The program: parses the command line and hands over.

/// Most of what is allocated is small and lives for one request.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    headless_checkout::cli::main()
}
