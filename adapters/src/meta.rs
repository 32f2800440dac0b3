//! What the providers of Meta share: the app through which channels are connected, calls of the Graph API and what its
//! errors mean, and the Messenger Platform.

mod app;
pub(crate) mod facebook;
pub(crate) mod fault;
pub(crate) mod graph;
pub(crate) mod media;
pub(crate) mod messaging;
mod notice;
mod route;
pub(crate) mod token;

pub(crate) use app::{INSTAGRAM, INSTAGRAM_DIALOG, INSTAGRAM_TOKEN, MetaApp};
