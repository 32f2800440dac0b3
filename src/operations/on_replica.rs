//! The reads that a replica may answer: searches, lists and reports, which decide nothing and on which no feed goes on.
//! What is not here cannot be given to [`Store::read_anywhere`](crate::store::Store::read_anywhere).

use super::channel_health::LoadHistory;
use super::integration_log::ListEntries;
use crate::growth::lead::ListLeads;
use crate::growth::link::{ListLinks, VisitsOfLink};
use crate::growth::touch::TouchesOf;
use crate::inbox::look::{FindContacts, Messages};
use crate::inbox::search::Search;
use crate::store::OnReplica;
use crate::work::ListDead;

impl OnReplica for Search {}
impl OnReplica for FindContacts {}
/// The pages before those that a live page begins with.
impl OnReplica for Messages {}
impl OnReplica for ListLinks {}
impl OnReplica for VisitsOfLink {}
impl OnReplica for ListLeads {}
impl OnReplica for TouchesOf {}
impl OnReplica for ListEntries {}
impl OnReplica for ListDead {}
impl OnReplica for LoadHistory {}

#[cfg(test)]
mod tests {
    use std::path::Path;

    /// What a replica may answer is decided here, verb by verb.
    const LET_IN: &[&str] = &[
        "FindContacts",
        "ListDead",
        "ListEntries",
        "ListLeads",
        "ListLinks",
        "LoadHistory",
        "Messages",
        "Search",
        "TouchesOf",
        "VisitsOfLink",
    ];

    fn visit(folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                visit(&path, found);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let given = text.lines().filter(|line| line.trim_start().starts_with("impl"));
            let named =
                given.filter_map(|line| line.split_once("OnReplica for ")?.1.split_whitespace().next());
            found.extend(named.map(str::to_owned));
        }
    }

    #[test]
    fn only_what_is_named_here_is_read_on_a_replica() {
        let mut found = Vec::new();
        visit(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
        found.sort_unstable();
        assert_eq!(found, LET_IN);
    }
}
