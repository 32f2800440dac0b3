//! What a provider holds that may not have been delivered.

/// What a provider holds that may not have been delivered to us.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct News {
    /// Oldest first.
    pub items: Vec<NewsItem>,
    /// Ask again with it for the rest.
    pub page: Option<String>,
    /// Of the last page only: where the next asking begins, to be stored with the items.
    pub cursor: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewsItem {
    /// [`Fields::message_key`](crate::Fields::message_key) of the message.
    pub key: String,
    /// For [`Provider::parse`](crate::Provider::parse); nothing: it is asked for with [`Provider::item`](crate::Provider::item).
    pub body: Option<Vec<u8>>,
}

/// From where on news are asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Since<'a> {
    /// From the last [`News`]; nothing: everything since `at_ms`.
    pub cursor: Option<&'a str>,
    pub page: Option<&'a str>,
    /// The time of the newest message that we have, or of the connecting, Unix milliseconds.
    pub at_ms: i64,
}

/// The code of a [`SendError`](crate::SendError) of [`Provider::news`](crate::Provider::news): ask again without a cursor.
pub const CURSOR_EXPIRED: &str = "cursor_expired";
