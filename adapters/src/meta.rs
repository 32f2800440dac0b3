//! What the providers of Meta share: the app through which channels are connected, calls of the Graph API and what its
//! errors mean.

mod app;
pub(crate) mod fault;
pub(crate) mod graph;
pub(crate) mod media;
mod notice;
pub(crate) mod pieces;
mod route;
pub(crate) mod token;

pub(crate) use app::MetaApp;
