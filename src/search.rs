//! Full-text search as pure functions: the normal form of text, the tokens of a document, the tokens of a query, and
//! highlighted excerpts. Index and query follow the same rules. The database's part is `store/search.rs`.

pub mod fold;
pub mod number;
pub mod phone;
mod query;
mod snippet;
mod tokens;

pub use query::{Query, Syntax};
pub use snippet::{Segment, excerpt};
pub use tokens::{Kind, Tokens, filter};
