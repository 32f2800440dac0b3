//! The adapters from outside: fixture cases, signature vectors, hostile bytes, and sends against emulated providers.

mod cases;
mod gmail;
mod google_app;
mod outward;
mod robust;
mod server;
mod shared;
mod signatures;
mod telegram;
mod telegram_events;
mod waha;
mod waha_events;
mod words;
