//! The long history of conversations in MongoDB. It knows messages by their conversation, their `seq` and the cursor of the
//! feed at which they were so; what is in them is text to it.
//!
//! - `layout`: which document a message is in, what bounds it, and which of two states of a message is the newer one. Pure.
//! - `owner`: whose history it is, so that a copy of an installation does not write into that of its original. Pure.
//! - `driver` (feature `driver`): the connection, the indexes, writes, reads and removals.
//!
//! Every write may be repeated, and may come late or out of order: a message is replaced by a newer state only.

#[cfg(feature = "driver")]
mod driver;
mod layout;
mod owner;

#[cfg(feature = "driver")]
pub use driver::{Fault, Forgotten, History, Settings};

pub use layout::{Entry, LARGE, SPAN, Version, bucket_of, is_large, key};
pub use owner::{Claim, KEPT, Owner, Standing};

/// Which messages of a conversation are read: those with a `seq` above `after` and below `before`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    pub after: i64,
    pub before: i64,
}

/// From which end of a range a page is filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Newest,
    Oldest,
}

/// A page by rising `seq`; `more`: the range has others beyond its far end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    pub bodies: Vec<(i64, String)>,
    pub more: bool,
}
