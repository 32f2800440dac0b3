//! The members of a room that other nodes have, as a value without locks or sockets. A node tells of its members again and
//! again; whom nobody tells of any more, because the node died or the way to it is broken, is gone after a time.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::{bus::Member, log::ClientInfo};

/// Further ones are not listed.
const MAX_REMOTE: usize = 10_000;

#[derive(Default)]
pub(super) struct RemoteMembers(HashMap<String, Known>);

struct Known {
    member: Member,
    told_at: Instant,
}

impl RemoteMembers {
    /// `true` if it is news.
    pub(super) fn add(&mut self, member: Member, now: Instant) -> bool {
        if let Some(known) = self.0.get_mut(&member.who.client) {
            known.told_at = now;
            return false;
        }
        if self.0.len() >= MAX_REMOTE {
            return false;
        }
        self.0.insert(member.who.client.clone(), Known { member, told_at: now });
        true
    }

    pub(super) fn remove(&mut self, client: &str) -> Option<Member> {
        let removed = self.0.remove(client);
        if self.0.is_empty() {
            self.0 = HashMap::new();
        }
        removed.map(|known| known.member)
    }

    /// Removes those that nobody told of for so long.
    pub(super) fn expire(&mut self, now: Instant, keep: Duration) -> Vec<Member> {
        let over: Vec<String> = self
            .0
            .iter()
            .filter(|(_, known)| now - known.told_at > keep)
            .map(|(client, _)| client.clone())
            .collect();
        over.iter().filter_map(|client| self.remove(client)).collect()
    }

    /// Those that presence lists.
    pub(super) fn listed(&self) -> impl Iterator<Item = &Arc<ClientInfo>> {
        self.0.values().filter(|known| known.member.listed).map(|known| &known.member.who)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(client: &str, listed: bool) -> Member {
        let who = ClientInfo { client: client.to_owned(), ..ClientInfo::default() };
        Member { who: Arc::new(who), listed, announced: true }
    }

    #[test]
    fn whom_nobody_tells_of_is_gone() {
        let (mut all, start, keep) = (RemoteMembers::default(), Instant::now(), Duration::from_secs(9));
        assert!(all.add(member("a", true), start));
        assert!(all.add(member("b", false), start));
        assert!(!all.add(member("a", true), start + keep), "known already");
        assert_eq!(all.listed().count(), 1);
        let gone = all.expire(start + keep + Duration::from_secs(1), keep);
        assert_eq!(gone.iter().map(|member| member.who.client.as_str()).collect::<Vec<_>>(), ["b"]);
        assert!(all.remove("a").is_some() && all.remove("a").is_none());
    }
}
