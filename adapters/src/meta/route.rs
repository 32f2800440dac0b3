//! Which of our accounts each part of a body concerns. One delivery may hold several numbers, pages and accounts of
//! several tenants: every one of them is given its own part, in the body's order, and nothing of the others'. A part that
//! tells more than can be read at once comes as several.

use std::collections::HashMap;

use bytes::Bytes;
use serde_json::{Value, value::RawValue};

use super::pieces::{self, Piece, member, members};
use crate::{NotJson, Routed, json};

const WHATSAPP: &str = "whatsapp-cloud";

/// Things that one part tells.
const MOST: usize = 100;

/// Fields of WhatsApp that tell of one number, and have to name it.
const OF_A_NUMBER: &[&str] = &[
    "messages",
    "smb_message_echoes",
    "history",
    "standby",
    "messaging_handovers",
    "user_preferences",
    "calls",
    "smb_app_state_sync",
];

pub(super) fn route(body: &[u8]) -> Result<Vec<Routed>, NotJson> {
    let pieces::Pieces { object, all, is_cut } = pieces::pieces(body)?;
    let (provider, kind) = match object.as_str() {
        "page" => ("messenger", Some("page")),
        "instagram" => ("instagram", Some("account")),
        _ => (WHATSAPP, None),
    };
    let whole = |claim| vec![Routed { provider, claim, body: Bytes::copy_from_slice(body) }];
    let is_ours = kind.is_some() || object == "whatsapp_business_account";
    let Some(all) = all.filter(|all| is_ours && !all.is_empty()) else { return Ok(whole(None)) };
    let mut parts: Vec<(Option<String>, Vec<&Piece<'_>>)> = Vec::new();
    let mut places = HashMap::new();
    for piece in &all {
        let claim = match kind {
            Some(kind) => piece.id.and_then(id).map(|id| format!("{kind}:{id}")),
            None => claim(piece),
        };
        let at = *places.entry(claim.clone()).or_insert(parts.len());
        if at == parts.len() {
            parts.push((claim, Vec::new()));
        }
        parts[at].1.push(piece);
    }
    let size: usize = all.iter().map(|piece| piece.size).sum();
    if parts.len() == 1 && size <= MOST {
        return Ok(whole(parts.remove(0).0));
    }
    let mut routed = Vec::new();
    for (claim, pieces) in parts {
        for some in portions(&pieces) {
            let body = pieces::body(&object, some.iter().copied()).into();
            routed.push(Routed { provider, claim: claim.clone(), body });
        }
    }
    // Of endless lists only the beginning was looked at: the rest is kept as it came.
    if is_cut {
        routed.extend(whole(None));
    }
    Ok(routed)
}

/// As many pieces at a time as can be read at once.
fn portions<'a, 'b>(pieces: &'a [&'b Piece<'b>]) -> impl Iterator<Item = &'a [&'b Piece<'b>]> {
    let mut rest = pieces;
    std::iter::from_fn(move || {
        let mut size = 0;
        let fits = |piece: &&&Piece<'_>| {
            size += piece.size;
            size <= MOST
        };
        let count = rest.iter().take_while(fits).count().max(1).min(rest.len());
        let (some, more) = rest.split_at(count);
        rest = more;
        (!some.is_empty()).then_some(some)
    })
}

fn claim(piece: &Piece<'_>) -> Option<String> {
    piece.list.filter(|list| *list == "changes")?;
    let change: &RawValue = serde_json::from_str(&piece.text).ok()?;
    let change = members(change);
    let field: String = serde_json::from_str(member(&change, "field")?.get()).ok()?;
    let value = member(&change, "value").filter(|value| value.get().starts_with('{'))?;
    let metadata = member(&members(value), "metadata").map(members).unwrap_or_default();
    if let Some(number) = member(&metadata, "phone_number_id") {
        return id(number).map(|id| format!("number:{id}"));
    }
    let is_of_account = !OF_A_NUMBER.contains(&field.as_str());
    piece.id.filter(|_| is_of_account).and_then(id).map(|account| format!("waba:{account}"))
}

/// An id that names an account of Meta's. Anything else could make one claim look like another.
fn id(raw: &RawValue) -> Option<String> {
    let value: Value = serde_json::from_str(raw.get()).ok().filter(|_| raw.get().len() <= 64)?;
    json::id(&value).filter(|id| id.bytes().all(|b| b.is_ascii_alphanumeric()))
}
