//! The adapters from outside: fixture cases, signature vectors, hostile bytes, and sends against emulated providers.

mod cases;
mod cost;
mod gmail;
mod google_app;
mod instagram;
mod messaging;
mod messenger;
mod meta_app;
mod outward;
mod robust;
mod server;
mod shared;
mod signatures;
mod telegram;
mod telegram_events;
mod waha;
mod waha_events;
mod whatsapp_cloud;
mod whatsapp_cloud_events;
mod words;
