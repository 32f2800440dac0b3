//! The adapters from outside: fixture cases, signature vectors, hostile bytes, and sends against emulated providers.

mod cases;
mod robust;
mod server;
mod signatures;
mod telegram;
mod waha;
mod words;
