//! Which master of a cluster has which slot, as the answer to `CLUSTER SLOTS` says.

use std::{collections::HashMap, sync::Arc};

use redis::Value;

/// Of the cluster specification.
pub(super) const SLOTS: u16 = 16_384;
/// Names that are tried for a probe of each master; one with very few slots may stay without.
const MAX_TRIED: u32 = 200_000;
/// No place in `masters`.
const NOBODY: u16 = u16::MAX;

/// `host:port`, as in a URL.
pub(super) type Address = Arc<str>;

pub(super) struct Slots {
    /// For each slot the place of its master.
    owners: Vec<u16>,
    masters: Vec<Address>,
    /// Masters and replicas.
    nodes: Vec<Address>,
}

impl Slots {
    /// `asked`: the address of the node that answered, for an answer may leave the host out. `None`: it is no such answer.
    pub(super) fn read(answer: &Value, asked: &str) -> Option<Slots> {
        let mut slots =
            Slots { owners: vec![NOBODY; usize::from(SLOTS)], masters: Vec::new(), nodes: Vec::new() };
        for range in list(answer)? {
            let [first, last, nodes @ ..] = list(range)? else { return None };
            let (first, last) = (number(first)?, number(last)?);
            let owned = slots.owners.get_mut(usize::from(first)..=usize::from(last))?;
            let mut addresses = nodes.iter().map(|node| address(node, asked));
            let master = addresses.next()??;
            let place = slots.masters.iter().position(|known| *known == master).unwrap_or_else(|| {
                slots.masters.push(Arc::clone(&master));
                slots.masters.len() - 1
            });
            owned.fill(place as u16);
            for node in std::iter::once(master).chain(addresses.flatten()) {
                if !slots.nodes.contains(&node) {
                    slots.nodes.push(node);
                }
            }
        }
        (!slots.masters.is_empty()).then_some(slots)
    }

    pub(super) fn master_of(&self, channel: &str) -> Option<&Address> {
        self.owner(slot_of(channel))
    }

    fn owner(&self, slot: u16) -> Option<&Address> {
        self.masters.get(usize::from(self.owners[usize::from(slot)]))
    }

    pub(super) fn nodes(&self) -> &[Address] {
        &self.nodes
    }

    /// Slots that some master has.
    pub(super) fn covered(&self) -> usize {
        self.owners.iter().filter(|owner| **owner != NOBODY).count()
    }

    /// For each master a number that, as the hash tag of a channel, is in one of its slots.
    pub(super) fn tags(&self) -> Vec<(&Address, u32)> {
        let mut found: HashMap<&Address, u32> = HashMap::new();
        for tag in 0..MAX_TRIED {
            if found.len() == self.masters.len() {
                break;
            }
            if let Some(master) = self.owner(crc16(tag.to_string().as_bytes()) % SLOTS) {
                found.entry(master).or_insert(tag);
            }
        }
        found.into_iter().collect()
    }
}

fn list(value: &Value) -> Option<&[Value]> {
    match value {
        Value::Array(values) => Some(values),
        _ => None,
    }
}

fn number(value: &Value) -> Option<u16> {
    match value {
        Value::Int(number) => u16::try_from(*number).ok(),
        _ => None,
    }
}

/// Host and port; the host is left out by a node that does not know how it is reached.
fn address(node: &Value, asked: &str) -> Option<Address> {
    let [host, port, ..] = list(node)? else { return None };
    let port = number(port)?;
    let host = match host {
        Value::BulkString(host) => std::str::from_utf8(host).ok()?,
        Value::SimpleString(host) => host,
        _ => "",
    };
    match host {
        "" | "?" => {
            let (own, _) = asked.rsplit_once(':')?;
            Some(format!("{own}:{port}").into())
        }
        host if host.contains(':') => Some(format!("[{host}]:{port}").into()),
        host => Some(format!("{host}:{port}").into()),
    }
}

/// What is between the first `{` and the next `}` decides, if there is anything.
fn slot_of(channel: &str) -> u16 {
    let tag = channel.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map(|(tag, _)| tag);
    let hashed = tag.filter(|tag| !tag.is_empty()).unwrap_or(channel);
    crc16(hashed.as_bytes()) % SLOTS
}

/// CRC-16/XMODEM.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc: u16, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_specification() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
        assert_eq!(slot_of("foo"), 12182);
        assert_eq!(slot_of("{user1000}.following"), slot_of("{user1000}.followers"));
        assert_eq!(slot_of("bar{}"), crc16(b"bar{}") % SLOTS);
        assert_eq!(slot_of("x{{bar}}zap"), crc16(b"{bar") % SLOTS);
    }

    fn node(host: Option<&str>, port: i64) -> Value {
        let host = host.map_or(Value::Nil, |host| Value::BulkString(host.into()));
        Value::Array(vec![host, Value::Int(port), Value::BulkString(b"id".to_vec()), Value::Array(vec![])])
    }

    fn range(first: i64, last: i64, nodes: Vec<Value>) -> Value {
        Value::Array([vec![Value::Int(first), Value::Int(last)], nodes].concat())
    }

    #[test]
    fn an_answer_is_read_and_each_master_gets_a_probe() {
        let answer = Value::Array(vec![
            range(0, 5460, vec![node(Some("10.0.0.1"), 6379), node(Some("10.0.0.4"), 6379)]),
            range(5461, 10922, vec![node(None, 6380)]),
            range(10923, 16383, vec![node(Some("fd00::3"), 6379)]),
        ]);
        let slots = Slots::read(&answer, "cache.example.com:7000").unwrap();
        let masters: Vec<&str> = slots.masters.iter().map(|master| &**master).collect();
        assert_eq!(masters, ["10.0.0.1:6379", "cache.example.com:6380", "[fd00::3]:6379"]);
        assert_eq!((slots.nodes().len(), slots.covered()), (4, 16_384));
        assert_eq!(&**slots.master_of("foo").unwrap(), "[fd00::3]:6379");
        let tags = slots.tags();
        assert_eq!(tags.len(), 3);
        for (master, tag) in tags {
            assert_eq!(slots.master_of(&format!("hub:node:a:{{{tag}}}")), Some(master));
        }
    }

    #[test]
    fn slots_without_a_master_are_found_out() {
        let answer = Value::Array(vec![range(0, 99, vec![node(Some("10.0.0.1"), 6379)])]);
        let slots = Slots::read(&answer, "10.0.0.1:6379").unwrap();
        assert_eq!(slots.covered(), 100);
        assert_eq!(slots.master_of("foo"), None);
        assert!(Slots::read(&Value::Array(vec![]), "10.0.0.1:6379").is_none());
        assert!(Slots::read(&Value::Okay, "10.0.0.1:6379").is_none());
        let beyond = Value::Array(vec![range(0, 16_384, vec![node(Some("10.0.0.1"), 6379)])]);
        assert!(Slots::read(&beyond, "10.0.0.1:6379").is_none());
    }
}
