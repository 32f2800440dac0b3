//! The binary: everything is in the library, so that tests start the same server.

use std::process::ExitCode;

/// The system's allocator keeps what bursts of large frames took; this one gives it back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    hubbub::cli::main()
}
