//! The binary: everything is in the library, so that tests start the same server.

use std::process::ExitCode;

/// jemalloc returns freed memory to the system, with a background thread also while the server is idle; the system's
/// allocator keeps it.
#[cfg(all(feature = "jemalloc", not(target_env = "msvc")))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    hubbub::cli::main()
}
