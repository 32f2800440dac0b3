//! A whole world in one process.

pub mod telegram;
pub mod waha;
