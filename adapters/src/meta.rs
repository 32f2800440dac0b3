//! What the providers of Meta share: calls of the Graph API and what its errors mean. Knows none of the
//! providers.

pub(crate) mod fault;
pub(crate) mod graph;
pub(crate) mod messaging;
