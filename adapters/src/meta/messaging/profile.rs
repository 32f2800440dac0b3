//! Who a customer is. Meta tells it only of people who have written; its refusal is about the person, never the channel.

use super::{COMMENT, Network, USER_REF};
use crate::{Profile, SendError, bounds, json, meta::graph::Graph};

pub(crate) async fn profile(
    graph: &Graph<'_>,
    network: Network,
    contact: &str,
) -> Result<Option<Profile>, SendError> {
    if [USER_REF, COMMENT].iter().any(|prefix| contact.starts_with(prefix)) {
        return Ok(None);
    }
    let fields = match network {
        Network::Messenger => "name,first_name,last_name",
        Network::Instagram => "name,username",
    };
    let told = match graph.get(&[contact], &[("fields", fields)]).await.map_err(SendError::from) {
        Ok(told) => told,
        Err(error) if error.retryable => return Err(SendError { channel_down: false, ..error }),
        Err(_) => return Ok(None),
    };
    let text = |name| json::text(&told, name);
    let parts = [text("first_name"), text("last_name")].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let kept = |name: Option<String>| name.and_then(|name| bounds::name(&name));
    let profile = Profile { name: kept(text("name").or(Some(parts))), handle: kept(text("username")) };
    Ok((profile != Profile::default()).then_some(profile))
}
