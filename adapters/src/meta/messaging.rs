//! The Messenger Platform as its two networks have it: pages and Instagram accounts. Webhooks, sends and files are the same
//! but for a few words, which are those of [`Network`]. Knows neither how people sign in nor where a channel's settings
//! come from.

mod action;
mod attachment;
mod cdn;
mod change;
mod errors;
mod media;
mod message;
mod parse;
mod profile;
mod send;
mod subscription;
mod wire;

use crate::{Context, json};

pub(crate) use errors::table;
pub(crate) use media::fetch;
pub(crate) use parse::parse;
pub(crate) use profile::profile;
pub(crate) use send::{react, seen, send, typing};
pub(crate) use subscription::{PAGE, Subscription, of_page};

/// Which of the two a webhook or a call is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Network {
    Messenger,
    Instagram,
}

impl Network {
    /// The `object` of its webhooks.
    fn object(self) -> &'static str {
        match self {
            Self::Messenger => "page",
            Self::Instagram => "instagram",
        }
    }

    /// Our account, as far as the hub knows it.
    fn account(self, context: &Context) -> Option<String> {
        let account = match self {
            Self::Messenger => &context.page_id,
            Self::Instagram => &context.ig_account_id,
        };
        account.as_ref().and_then(json::id)
    }
}

/// A person who ticked a box on a website and has not written: known by the website's reference only.
const USER_REF: &str = "user_ref:";
/// Whoever wrote a comment, and may be answered once in private.
const COMMENT: &str = "comment:";
