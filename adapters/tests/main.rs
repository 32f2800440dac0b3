//! The adapters from outside: fixture cases, signature vectors, hostile bytes, and sends against emulated providers.

mod signatures;
